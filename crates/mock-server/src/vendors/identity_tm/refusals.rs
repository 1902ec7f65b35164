//! How it is said that something is refused, and what is refused in several places.

use http::header::{HeaderValue, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use identkit_core::{Content, Violation};
use identkit_wire::json;
use serde_json::{Value, json};

use crate::vendor::Refused;

/// An error as the sandbox writes it: a text under `Error`, and what it is made of (AT-53).
pub(super) fn refuse(refused: &Refused) -> Response<Content> {
    let refused = refused.bounded();
    let faults: Vec<Value> = refused
        .violations
        .iter()
        .map(|fault| {
            let mut told = json!({
                "field": fault.field, "message": fault.message, "rule": fault.rule, "section": fault.section,
            });
            if let (Some(told), Some(pointer)) = (told.as_object_mut(), Refused::pointer(fault)) {
                told.insert("pointer".to_owned(), pointer.into());
            }
            told
        })
        .collect();
    let body = json!({ "Error": refused.text(), "Faults": faults });
    let mut response = json::response(refused.status, &body).unwrap_or_else(|_| Response::new(Content::empty()));
    // For the journal.
    let status = refused.status;
    response.extensions_mut().insert(refused);
    if status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Basic realm=\"identity.TM\", charset=\"UTF-8\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

pub(super) fn unknown_order() -> Refused {
    Refused::new(404, Violation::new("OrderID", "the sandbox has no such order", "T-060", "[T] 3.2.5"))
}

pub(super) fn deleted() -> Refused {
    Refused::new(404, Violation::new("OrderID", "the data of this order is deleted", "AT-09", "[T] 3.10"))
}

pub(super) fn not_enabled(what: &'static str) -> Refused {
    Refused::new(
        400,
        Violation::new(what, "is not enabled for this account: support would have to", "T-006", "[T] 3.1.1"),
    )
}
