//! Reads status, data, report and signed documents, and deletes data, [T 3.2] to [T 3.5], [T 3.10].

use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use identkit_core::{Content, Error, Location};
use identkit_identity_tm::messages::{IdentDataAnswer, OrderStatus};
use identkit_identity_tm::{DelIdentData, GetESignPdf, GetIdentDataPdf, OrderId, SignedPdfs, StatusKind};
use identkit_wire::{OneOrMany, json};
use serde_json::Value;

use super::documents::{self, IdentVariant};
use super::{FACTS, Orders, Service, Settings, deleted_order, find, find_final, of_order, rules};
use crate::{NoAnswer, Rejection, World};

pub(super) fn status(world: &mut World, id: &OrderId, extended: bool) -> Result<OrderStatus, Rejection> {
    find(world, id)?;
    let general_only = !extended && world.enforces(&rules::AT_13);
    let Orders { settings, by_id, .. } = world.state::<Orders>();
    let general = general_only.then_some(&settings.general);
    let order = by_id.get(id.expose()).filter(|order| order.has_readable_status(settings));
    order.map(|order| order.status_answer(general, settings)).ok_or_else(deleted_order)
}

pub(super) fn server_status(world: &mut World) -> Result<Response<Content>, Rejection> {
    let service = world.state::<Orders>().settings.service;
    match service {
        Service::Silent => Ok(NoAnswer::response()),
        Service::Down if world.enforces(&rules::AT_80) => {
            Err(rules::AT_80.reject(500, "serverStatus", "the service is down", "[T] 7.1").at(Location::Account))
        }
        _ => Ok(Response::new(Content::empty())),
    }
}

pub(super) fn ident_data(
    world: &mut World,
    id: &OrderId,
    variant: IdentVariant,
) -> Result<Response<Content>, Rejection> {
    let (settings, rules) = (world.state::<Orders>().settings.clone(), world.rules.clone());
    let order = find_final(world, id)?;
    let mut answer = order.ident_data(variant, &settings, &rules);
    if settings.images || order.has_captured_images() {
        let pictures = order.pictures().map_err(documents::artifact_failure)?;
        let checked = answer.ident_data.iter_mut().flat_map(OneOrMany::as_mut_slice).find(|data| data.kind != Some(2));
        if let Some(data) = checked {
            data.images = Some(pictures);
        }
    }
    FACTS.or_reject(respond(answer, &settings), "[T] 3.3")
}

pub(super) fn report(world: &mut World, op: GetIdentDataPdf) -> Result<Content, Rejection> {
    let (now, settings, rules) = (world.now, world.state::<Orders>().settings.clone(), world.rules.clone());
    let bytes = find_final(world, &op.order_id)?.report(now, &settings, &rules).map_err(documents::artifact_failure)?;
    Ok(Content::from_bytes(bytes))
}

pub(super) fn signed_pdfs(world: &mut World, op: GetESignPdf) -> Result<SignedPdfs, Rejection> {
    let only_signed = world.enforces(&rules::T_060_PDF);
    let order = find(world, &op.order_id)?;
    if order.deleted {
        return Err(deleted_order());
    }
    if only_signed && (order.pdfs().next().is_none() || !order.has(StatusKind::SIGNED)) {
        let message = "the order must be signed: it needs eSignPDF, or a master order with it, and status 84";
        return Err(of_order(400, message, &rules::T_060_PDF));
    }
    let order = order.clone();
    let signed = world.without_lock(move || order.signed_pdfs())?;
    signed.map(documents::answer_of).map_err(documents::artifact_failure)
}

pub(super) fn delete(world: &mut World, op: DelIdentData) -> Result<(), Rejection> {
    let rules = world.rules.clone();
    let order = find(world, &op.order_id)?;
    if rules.enforce(&rules::AT_09_TWICE) && order.deleted {
        return Err(deleted_order());
    }
    if rules.enforce(&rules::T_025_DELETE) && !order.finality().is_final() {
        return Err(of_order(
            406,
            "the order must be final: wait for its end, or cancel it instead",
            &rules::T_025_DELETE,
        ));
    }
    order.delete_by_call();
    Ok(())
}

/// Prefix of an encrypted result.
const SEAL: &[u8] = b"identkit sandbox, sealed: ";
/// The bytes are XORed with this value. It is not a secret: it only prevents that they are read as JSON.
const MASK: u8 = 0x5a;

/// Decrypts a result of an account with [`Settings::encrypted_results`] to its JSON, for tests of decryptors. The vendor's
/// format is not described (AT-70); this one is the sandbox's and protects nothing. Returns `None` for other bytes.
pub fn unseal(bytes: &[u8]) -> Option<Vec<u8>> {
    bytes.strip_prefix(SEAL).map(|rest| rest.iter().map(|byte| byte ^ MASK).collect())
}

/// Creates the response according to the account's settings.
pub(super) fn respond(mut answer: IdentDataAnswer, settings: &Settings) -> Result<Response<Content>, Error> {
    if settings.user_ip {
        answer.user_ip = Some("192.0.2.1".into());
    }
    if settings.identified_key != "Identified"
        && let Some(identified) = answer.identified.take()
    {
        let identified = Value::String(identified.as_str().to_owned());
        answer.extra.insert(settings.identified_key.clone(), identified);
    }
    if !settings.encrypted_results {
        return json::response(200, &answer);
    }
    let mut sealed = SEAL.to_vec();
    sealed.extend(json::write(&answer)?.into_iter().map(|byte| byte ^ MASK));
    let mut response = Response::new(Content::from_bytes(sealed));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    Ok(response)
}
