//! Checks of requests that both vendors make in the profile `strict`.

use bytes::Bytes;
use http::Request;
use http::header::CONTENT_TYPE;
use identkit_core::Location;
use serde_json::{Map, Value};

use crate::rules::Rule;
use crate::{Rejection, nesting};

/// Checks that the media type is `application/json`.
pub(super) fn check_media_type(request: &Request<Bytes>, rule: &Rule, message: &'static str) -> Result<(), Rejection> {
    let given = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    match essence.eq_ignore_ascii_case("application/json") {
        true => Ok(()),
        false => Err(rule.reject(400, "Content-Type", message, rule.section).at(Location::Header)),
    }
}

/// Checks that no object of the body has a name twice (AT-95). The reader of the message reports a body that is not
/// JSON.
pub(super) fn check_names(body: &[u8], rule: &Rule) -> Result<(), Rejection> {
    let members: Map<String, Value> = match serde_json::from_slice(body) {
        Ok(members) if !nesting::is_too_deep(body) => members,
        _ => return Ok(()),
    };
    match nesting::has_duplicate_name(body, &members) {
        false => Ok(()),
        true => Err(rule.reject(400, "body", "must not have a name twice in one object", rule.section)),
    }
}
