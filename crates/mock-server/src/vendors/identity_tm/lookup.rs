//! Finds the order of a call, and creates rejections.

use std::borrow::Cow;

use http::header::{HeaderValue, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use identkit_core::{Content, Location, Violation};
use identkit_identity_tm::{OrderId, StatusKind};
use identkit_wire::json;
use serde_json::{Value, json};

use super::{FACTS, Order, Orders, rules};
use crate::journal::pointer_of;
use crate::rules::Rule;
use crate::{Rejection, World};

/// Finds an order. An OrderID that is too long is a bad request.
pub(super) fn find<'a>(world: &'a mut World, id: &OrderId) -> Result<&'a mut Order, Rejection> {
    if world.enforces(&rules::AT_22_LENGTH) && id.expose().chars().count() > 20 {
        return Err(of_order(400, "must have at most 20 characters", &rules::AT_22_LENGTH));
    }
    let order = world.state::<Orders>().by_id.get_mut(id.expose()).filter(|order| !order.gone);
    order.map(|order| &mut **order).ok_or_else(unknown_order)
}

/// Finds an order whose data can be read: final and not deleted ([T 3.3.1]; AT-62).
pub(super) fn find_final<'a>(world: &'a mut World, id: &OrderId) -> Result<&'a mut Order, Rejection> {
    let (early, rules) = (world.state::<Orders>().settings.early_data_status, world.rules.clone());
    let order = find(world, id)?;
    if order.deleted {
        return Err(deleted_order());
    }
    let finality = order.finality();
    if rules.enforce(&rules::AT_62) && !finality.is_final() {
        return Err(of_order(early, "the order must be final: wait for OnFinal", &rules::AT_62));
    }
    if rules.enforce(&rules::T_022) && finality.is_final() && !finality.data_expected() {
        let message = "the order has no data: it ended neither positive (6) nor with suspicion of fraud (89)";
        return Err(of_order(404, message, &rules::T_022));
    }
    Ok(order)
}

/// Whether the person of an order has a sign-me account from another order, and whether it is verified.
pub(super) fn account_of(world: &mut World, id: &str) -> (bool, bool) {
    let order = world.state::<Orders>().by_id.get(id);
    let email = order.and_then(|order| order.request.email.as_ref()).map(|email| email.expose().trim().to_owned());
    email.map_or((false, false), |email| account(world, &email, Some(id)))
}

pub(super) fn account(world: &mut World, email: &str, except: Option<&str>) -> (bool, bool) {
    let (mut exists, mut verified) = (false, false);
    for (id, order) in world.state::<Orders>().by_id.iter().filter(|(_, order)| order.literal_data.is_none()) {
        let same = order.request.email.as_ref().is_some_and(|known| known.expose().trim().eq_ignore_ascii_case(email));
        if !same || except == Some(id.as_str()) {
            continue;
        }
        verified |= order.has(StatusKind::ACCOUNT_VERIFIED) || order.has_verified_account();
        exists |= verified || order.has(StatusKind::ACCOUNT_CREATED) || order.has(StatusKind::ACCOUNT_EXISTS);
    }
    (exists, verified)
}

/// Returns an error in the sandbox's format: a text in `Error`, and its parts in `Faults` (AT-53).
pub(super) fn respond(rejection: &Rejection) -> Response<Content> {
    let rejection = rejection.bounded();
    let fault = |violation: &Violation| {
        let Violation { field, message, rule, section, .. } = violation;
        let mut fault = json!({ "field": field, "message": message, "rule": rule, "section": section });
        if let (Value::Object(fault), Some(pointer)) = (&mut fault, pointer_of(violation, FACTS.maps)) {
            fault.insert("pointer".to_owned(), pointer.into());
        }
        fault
    };
    let faults: Vec<Value> = rejection.violations.iter().map(fault).collect();
    let body = json!({ "Error": rejection.text(), "Faults": faults });
    let mut response = json::response(rejection.status, &body).unwrap_or_else(|_| Response::new(Content::empty()));
    if rejection.status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Basic realm=\"identity.TM\", charset=\"UTF-8\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    // For the journal.
    response.extensions_mut().insert(rejection);
    response
}

pub(super) fn of_order(status: u16, message: impl Into<Cow<'static, str>>, rule: &Rule) -> Rejection {
    rule.reject(status, "OrderID", message, rule.section).at(Location::Path)
}

pub(super) fn unknown_order() -> Rejection {
    of_order(404, "the sandbox has no such order", &rules::T_060)
}

pub(super) fn deleted_order() -> Rejection {
    of_order(404, "the data of this order is deleted", &rules::AT_09)
}

pub(super) fn not_enabled(what: &'static str) -> Rejection {
    rules::T_006.reject(400, what, "is not enabled for this account; the vendor's support enables it", "[T] 3.1.1")
}
