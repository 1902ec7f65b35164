//! Errors from answers whose status is not one that an operation reads.

use http::StatusCode;
use identkit_core::{Delivery, Error, Kind, Pii};
use serde_json::Value;

use crate::{Meta, RetrySafety};

/// The most of a vendor's text that is kept, in characters.
const TEXT: usize = 2_000;

/// The keys under which vendors say why.
const WORDS: [&str; 6] = ["Error", "error", "message", "Message", "messages", "detail"];

/// The error for this status: by the operation's own table first, else by the general meaning of the code.
/// What the vendor wrote is kept apart and never printed.
pub fn refusal(meta: &Meta, status: StatusCode, body: &[u8]) -> Error {
    let code = status.as_u16();
    let documented = meta.refusals.iter().find(|refusal| refusal.status == code);
    let error = match documented {
        Some(refusal) => Error::new(refusal.kind, refusal.meaning).with_advice(refusal.advice),
        None => general(code),
    };
    let error = error.with_operation(meta.name).with_status(code).with_delivery(Delivery::Answered);
    // What a vendor in trouble says of something that it may have made can be the only copy of its id.
    let whole =
        if meta.safety == RetrySafety::Creating && error.kind() == Kind::Unavailable { more(body) } else { None };
    match whole.or_else(|| vendor_text(body)) {
        Some(text) => error.with_vendor_text(text),
        None => error,
    }
}

/// The whole of a JSON object that says more than why something went wrong.
fn more(body: &[u8]) -> Option<Pii<String>> {
    let text = std::str::from_utf8(body).ok()?;
    let Ok(Value::Object(object)) = serde_json::from_str(text) else { return None };
    let said = |key: &str, value: &Value| !WORDS.contains(&key) && matches!(value, Value::String(_) | Value::Object(_));
    object.iter().any(|(key, value)| said(key, value)).then(|| kept(text))
}

fn kept(text: &str) -> Pii<String> {
    Pii::new(text.chars().filter(|c| !c.is_control()).take(TEXT).collect())
}

fn general(code: u16) -> Error {
    let (kind, detail) = match code {
        401 => (Kind::Authentication, "the vendor does not accept the credentials"),
        403 => (Kind::Forbidden, "the account lacks the permission for this call"),
        404 => (Kind::NotFound, "the vendor does not know it"),
        // Often a proxy's word for a connection that idled, not the vendor's for this request.
        408 => (Kind::Unavailable, "the server did not receive the request in time"),
        409 => (Kind::Conflict, "the request conflicts with another one"),
        429 => (Kind::RateLimited, "too many requests"),
        300..=399 => (Kind::Protocol, "the vendor redirects, which is never followed with credentials"),
        400..=499 => (Kind::Rejected, "the vendor refused the request"),
        500..=599 => (Kind::Unavailable, "the vendor is not able to serve the request now"),
        _ => (Kind::Protocol, "the vendor answered with an unexpected status"),
    };
    Error::new(kind, detail)
}

/// What a vendor wrote about an error (AT-53): one of the usual keys of a JSON object, else the text itself.
fn vendor_text(body: &[u8]) -> Option<Pii<String>> {
    let text = std::str::from_utf8(body).ok()?.trim();
    let told = match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(object)) => WORDS.iter().find_map(|key| object.get(*key).and_then(words)),
        Ok(value) => words(&value),
        Err(_) => Some(text.to_owned()),
    }?;
    let told = told.trim();
    (!told.is_empty()).then(|| kept(told))
}

fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(many) => Some(many.iter().filter_map(words).collect::<Vec<_>>().join("; ")),
        Value::Object(object) => ["message", "Message", "text"].iter().find_map(|key| object.get(*key).and_then(words)),
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
    fn the_operations_own_meaning_wins() {
        assert_eq!(refusal(&META, StatusCode::TOO_MANY_REQUESTS, b"").kind(), Kind::SigningCanceled);
        assert_eq!(refusal(&META, StatusCode::CONFLICT, b"").kind(), Kind::Conflict);
        assert_eq!(refusal(&META, StatusCode::FOUND, b"").kind(), Kind::Protocol);
    }

    #[test]
    fn at_53_the_vendors_words_are_found_in_every_shape_and_never_printed() {
        for (body, told) in [
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
            assert_eq!(text_of(body).as_deref(), told, "{body}");
        }
        let error = refusal(&META, StatusCode::BAD_REQUEST, br#"{"Error":"Mustermann"}"#);
        assert!(!format!("{error} {error:?}").contains("Mustermann"));
        assert_eq!(text_of(&"x".repeat(10_000)).unwrap().len(), TEXT);
        assert!(refusal(&META, StatusCode::BAD_REQUEST, &[0xff, 0xfe]).vendor_text().is_none());
    }

    #[test]
    fn what_a_vendor_in_trouble_says_of_something_that_it_may_have_made_is_kept_whole_and_unprinted() {
        static CREATE: Meta = meta(RetrySafety::Creating);
        let of = |meta: &Meta, status: u16, body: &str| {
            let error = refusal(meta, StatusCode::from_u16(status).unwrap(), body.as_bytes());
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
            error.vendor_text().map(|text| text.expose().clone())
        };
        for body in [r#"{"ident_id":"s3cret","messages":["a"]}"#, r#"{"data":{"id":"s3cret"},"messages":[]}"#] {
            assert_eq!(of(&CREATE, 500, body).as_deref(), Some(body));
            assert_ne!(of(&META, 500, body).as_deref(), Some(body), "a call that makes nothing");
            assert_ne!(of(&CREATE, 409, body).as_deref(), Some(body), "a refusal");
        }
        let plain = r#"{"result":false,"messages":["a"],"response_status":500}"#;
        assert_eq!(of(&CREATE, 500, plain).as_deref(), Some("a"));
    }
}
