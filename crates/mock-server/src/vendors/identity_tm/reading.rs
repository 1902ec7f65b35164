//! What is read of an order, and its deletion: status, data, report and signed documents, [T 3.2] to [T 3.5], [T 3.10].

use http::Response;
use identkit_core::{Content, Violation};
use identkit_identity_tm::messages::OrderStatus;
use identkit_identity_tm::{DelIdentData, GetESignPdf, GetIdentDataPdf, OrderId, SignedPdfs, StatusKind};
use identkit_wire::OneOrMany;

use super::documents::{self, IdentVariant};
use super::lookup::{find, finished};
use super::orders::Orders;
use super::refusals::deleted;
use super::results;
use super::settings::Service;
use crate::World;
use crate::vendor::{NoAnswer, Refused, written};

pub(super) fn status(world: &mut World, id: &OrderId, extended: bool) -> Result<OrderStatus, Refused> {
    find(world, id)?;
    let general_only = !extended && world.enforces("AT-13");
    let Orders { settings, by_id, .. } = world.part::<Orders>();
    let general = general_only.then_some(&settings.general);
    let told = by_id.get(id.expose()).filter(|order| order.status_is_told(settings));
    told.map(|order| order.status_answer(general)).ok_or_else(deleted)
}

pub(super) fn server_status(world: &mut World) -> Result<Response<Content>, Refused> {
    let service = world.part::<Orders>().settings.service;
    match service {
        Service::Silent => Ok(NoAnswer::response()),
        Service::Down if world.enforces("AT-80") => {
            Err(Refused::new(500, Violation::new("serverStatus", "the service is down", "AT-80", "[T] 7.1")))
        }
        _ => Ok(Response::new(Content::empty())),
    }
}

pub(super) fn ident_data(world: &mut World, id: &OrderId, variant: IdentVariant) -> Result<Response<Content>, Refused> {
    let (images, rules) = (world.part::<Orders>().settings.images, world.rules.clone());
    let order = finished(world, id)?;
    let mut answer = order.ident_data(variant, &rules);
    if images {
        let pictures = order.pictures().map_err(documents::not_made)?;
        let checked = answer.ident_data.iter_mut().flat_map(OneOrMany::as_mut_slice).find(|data| data.kind != Some(2));
        if let Some(data) = checked {
            data.images = Some(pictures);
        }
    }
    written(results::respond(answer, &world.part::<Orders>().settings), "[T] 3.3")
}

pub(super) fn report(world: &mut World, op: GetIdentDataPdf) -> Result<Content, Refused> {
    let (now, rules) = (world.now, world.rules.clone());
    let bytes = finished(world, &op.order_id)?.report(now, &rules).map_err(documents::not_made)?;
    Ok(Content::from_bytes(bytes))
}

pub(super) fn signed_pdfs(world: &mut World, op: GetESignPdf) -> Result<SignedPdfs, Refused> {
    let only_signed = world.enforces("T-060/pdf");
    let order = find(world, &op.order_id)?;
    if order.deleted {
        return Err(deleted());
    }
    if only_signed && (order.pdfs().next().is_none() || !order.has(StatusKind::SIGNED)) {
        let message = "the order is not signed: it needs eSignPDF, or a master order with it, and status 84";
        let fault = Violation::new("OrderID", message, "T-060", "[T] 3.5.1");
        return Err(Refused::new(400, fault));
    }
    order.signed_pdfs().map_err(documents::not_made)
}

pub(super) fn delete(world: &mut World, op: DelIdentData) -> Result<(), Refused> {
    let rules = world.rules.clone();
    let order = find(world, &op.order_id)?;
    if rules.enforce("AT-09/twice") && order.deleted {
        return Err(deleted());
    }
    if rules.enforce("T-025/delete") && !order.finality().is_final() {
        let fault = Violation::new("OrderID", "the order is not final: cancel it instead", "T-025", "[T] 3.10");
        return Err(Refused::new(406, fault));
    }
    order.delete_data();
    Ok(())
}
