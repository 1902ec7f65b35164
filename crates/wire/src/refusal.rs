//! Errors of responses whose status the operation does not expect.

use http::StatusCode;
use identkit_core::{Delivery, Error, Kind, Pii};
use serde_json::Value;

use crate::{Meta, RetrySafety};

/// Maximum length of the retained vendor text, in characters.
const TEXT: usize = 2_000;

/// Keys under which vendors state the reason.
const REASON_KEYS: [&str; 6] = ["Error", "error", "message", "Message", "messages", "detail"];

/// Returns the error of a status: from the operation's table if it lists the status, otherwise by the general meaning
/// of the code. The vendor's text is in [`Error::vendor_text`], which is never printed.
pub fn refusal(meta: &Meta, status: StatusCode, body: &[u8]) -> Error {
    let code = status.as_u16();
    let documented = meta.refusals.iter().find(|refusal| refusal.status == code);
    let error = match documented {
        Some(refusal) => Error::new(refusal.kind, refusal.meaning).with_advice(refusal.advice),
        None => general(code),
    };
    let error = error.with_operation(meta.name).with_status(code).with_delivery(Delivery::Answered);
    // If a creating call fails at the vendor, its response can be the only copy of an id.
    let whole =
        if meta.safety == RetrySafety::Creating && error.kind() == Kind::Unavailable { object(body) } else { None };
    match whole.or_else(|| vendor_text(body)) {
        Some(text) => error.with_vendor_text(text),
        None => error,
    }
}

/// The complete JSON object, if it contains more than a reason.
fn object(body: &[u8]) -> Option<Pii<String>> {
    let text = std::str::from_utf8(body).ok()?;
    let Ok(Value::Object(object)) = serde_json::from_str(text) else { return None };
    let is_more =
        |key: &str, value: &Value| !REASON_KEYS.contains(&key) && matches!(value, Value::String(_) | Value::Object(_));
    object.iter().any(|(key, value)| is_more(key, value)).then(|| printable(text))
}

fn printable(text: &str) -> Pii<String> {
    Pii::new(text.chars().filter(|c| !c.is_control()).take(TEXT).collect())
}

fn general(code: u16) -> Error {
    let (kind, detail) = match code {
        401 => (Kind::Authentication, "the vendor does not accept the credentials"),
        403 => (Kind::Forbidden, "the account lacks the permission for this call"),
        404 => (Kind::NotFound, "the vendor does not know the resource"),
        // Often sent by a proxy for an idle connection, not by the vendor for this request.
        408 => (Kind::Unavailable, "the server did not receive the request in time"),
        409 => (Kind::Conflict, "the request conflicts with another one"),
        429 => (Kind::RateLimited, "too many requests"),
        300..=399 => {
            (Kind::Protocol, "the vendor redirects the request, but redirects are not followed with credentials")
        }
        400..=499 => (Kind::Rejected, "the vendor refused the request"),
        500..=599 => (Kind::Unavailable, "the vendor cannot serve the request now"),
        _ => (Kind::Protocol, "the vendor responded with an unexpected status"),
    };
    Error::new(kind, detail)
}

/// The vendor's text about an error (AT-53): the value of a known key of a JSON object, otherwise the body itself.
fn vendor_text(body: &[u8]) -> Option<Pii<String>> {
    let text = std::str::from_utf8(body).ok()?.trim();
    let reason = match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(object)) => REASON_KEYS.iter().find_map(|key| object.get(*key).and_then(reason_in)),
        Ok(value) => reason_in(&value),
        Err(_) => Some(text.to_owned()),
    }?;
    let reason = reason.trim();
    (!reason.is_empty()).then(|| printable(reason))
}

fn reason_in(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(many) => Some(many.iter().filter_map(reason_in).collect::<Vec<_>>().join("; ")),
        Value::Object(object) => {
            ["message", "Message", "text"].iter().find_map(|key| object.get(*key).and_then(reason_in))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AmbiguityPolicy, Refusal};
    use identkit_core::Advice;

    static META: Meta = meta(RetrySafety::SideEffect);

    const fn meta(safety: RetrySafety) -> Meta {
        const MANY: &[Refusal] = &[Refusal::new(429, Kind::SigningCanceled, "too many wrong TANs", Advice::DoNotRetry)];
        Meta::new("test", "confirmSign", http::Method::POST, "/", safety, AmbiguityPolicy::Never).refusals(MANY)
    }

    fn text_of(body: &str) -> Option<String> {
        refusal(&META, StatusCode::BAD_REQUEST, body.as_bytes()).vendor_text().map(|text| text.expose().clone())
    }

    #[test]
    fn the_operations_table_wins_over_the_general_meaning() {
        assert_eq!(refusal(&META, StatusCode::TOO_MANY_REQUESTS, b"").kind(), Kind::SigningCanceled);
        assert_eq!(refusal(&META, StatusCode::CONFLICT, b"").kind(), Kind::Conflict);
        assert_eq!(refusal(&META, StatusCode::FOUND, b"").kind(), Kind::Protocol);
    }

    #[test]
    fn at_53_vendor_text_is_read_in_every_shape_and_not_printed() {
        for (body, text) in [
            (r#"{"Error":"Mustermann"}"#, Some("Mustermann")),
            (r#"{"messages":["a","b"]}"#, Some("a; b")),
            (r#"{"messages":[{"message":"a"}]}"#, Some("a")),
            (r#"{"messages":"a"}"#, Some("a")),
            ("  plain words \n", Some("plain words")),
            (r#""quoted""#, Some("quoted")),
            ("", None),
            ("{}", None),
            (r#"{"Error":null}"#, None),
        ] {
            assert_eq!(text_of(body).as_deref(), text, "{body}");
        }
        let error = refusal(&META, StatusCode::BAD_REQUEST, br#"{"Error":"Mustermann"}"#);
        assert!(!format!("{error} {error:?}").contains("Mustermann"));
        assert_eq!(text_of(&"x".repeat(10_000)).unwrap().len(), TEXT);
        assert!(refusal(&META, StatusCode::BAD_REQUEST, &[0xff, 0xfe]).vendor_text().is_none());
    }

    #[test]
    fn a_failed_creating_call_retains_the_whole_response_unprinted() {
        static CREATE: Meta = meta(RetrySafety::Creating);
        let text = |meta: &Meta, status: u16, body: &str| {
            let error = refusal(meta, StatusCode::from_u16(status).unwrap(), body.as_bytes());
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
            error.vendor_text().map(|text| text.expose().clone())
        };
        for body in [r#"{"ident_id":"s3cret","messages":["a"]}"#, r#"{"data":{"id":"s3cret"},"messages":[]}"#] {
            assert_eq!(text(&CREATE, 500, body).as_deref(), Some(body));
            assert_ne!(text(&META, 500, body).as_deref(), Some(body), "a call that creates nothing");
            assert_ne!(text(&CREATE, 409, body).as_deref(), Some(body), "a rejection");
        }
        let plain = r#"{"result":false,"messages":["a"],"response_status":500}"#;
        assert_eq!(text(&CREATE, 500, plain).as_deref(), Some("a"));
    }
}
