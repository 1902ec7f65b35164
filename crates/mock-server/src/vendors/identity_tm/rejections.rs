//! Rejections: how they are written, and those of several calls.

use std::borrow::Cow;

use http::header::{HeaderValue, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use identkit_core::{Content, Location, Violation};
use identkit_wire::json;
use serde_json::{Value, json};

use super::facts::FACTS;
use super::rules;
use crate::journal::pointer_of;
use crate::rejection::Rejection;
use crate::rules::Rule;

/// An error as the sandbox writes it: a text under `Error`, and what it is made of (AT-53).
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

/// A rejection because of the order that the path names.
pub(super) fn of_order(
    status: u16,
    message: impl Into<Cow<'static, str>>,
    rule: &Rule,
    section: &'static str,
) -> Rejection {
    rule.reject(status, "OrderID", message, section).at(Location::Path)
}

pub(super) fn unknown_order() -> Rejection {
    of_order(404, "the sandbox has no such order", &rules::T_060, "[T] 3.2.5")
}

pub(super) fn deleted_order() -> Rejection {
    of_order(404, "the data of this order is deleted", &rules::AT_09, "[T] 3.10")
}

pub(super) fn not_enabled(what: &'static str) -> Rejection {
    rules::T_006.reject(400, what, "is not enabled for this account: support would have to", "[T] 3.1.1")
}
