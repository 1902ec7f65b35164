//! Errors from answers whose status is not one that an operation reads.

use http::StatusCode;
use identkit_core::{Delivery, Error, Kind, Pii};
use serde_json::Value;

use crate::Meta;

/// The most of a vendor's text that is kept, in characters.
const TEXT: usize = 2_000;

/// The error for this status: by the operation's own table first, else by the general meaning of the code.
/// What the vendor wrote is kept apart and never printed.
pub fn refusal(meta: &Meta, status: StatusCode, body: &[u8]) -> Error {
    let code = status.as_u16();
    let documented = meta.refusals.iter().find(|refusal| refusal.status == code);
    let mut error = match documented {
        Some(refusal) => Error::new(refusal.kind, refusal.meaning).with_advice(refusal.advice),
        None => {
            let (kind, detail) = general(code);
            Error::new(kind, detail)
        }
    };
    error = error.with_operation(meta.name).with_status(code).with_delivery(Delivery::Answered);
    match vendor_text(body) {
        Some(text) => error.with_vendor_text(text),
        None => error,
    }
}

fn general(code: u16) -> (Kind, &'static str) {
    match code {
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
    }
}

/// What a vendor wrote about an error (AT-53): one of the usual keys of a JSON object, else the text itself.
fn vendor_text(body: &[u8]) -> Option<Pii<String>> {
    let text = std::str::from_utf8(body).ok()?.trim();
    let told = match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(object)) => ["Error", "error", "message", "Message", "messages", "detail"]
            .iter()
            .find_map(|key| object.get(*key).and_then(words)),
        Ok(value) => words(&value),
        Err(_) => Some(text.to_owned()),
    }?;
    let told = told.trim();
    (!told.is_empty()).then(|| Pii::new(told.chars().filter(|c| !c.is_control()).take(TEXT).collect()))
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
    use crate::{OnAmbiguous, Refusal, Reply, Safety};
    use identkit_core::Advice;

    static META: Meta = Meta {
        name: "confirmSign",
        provider: "test",
        method: http::Method::POST,
        path: "/confirmSign/{OrderID}",
        section: "",
        safety: Safety::SideEffect,
        on_ambiguous: OnAmbiguous::Never,
        expect: &[202],
        reply: Reply::Whole { cap: 1 },
        refusals: &[Refusal {
            status: 429,
            kind: Kind::SigningCancelled,
            meaning: "too many wrong TANs: the vendor has cancelled the order",
            advice: Advice::DoNotRetry,
        }],
    };

    fn text_of(body: &str) -> Option<String> {
        refusal(&META, StatusCode::BAD_REQUEST, body.as_bytes()).vendor_text().map(|text| text.expose().clone())
    }

    #[test]
    fn the_operations_own_meaning_wins() {
        assert_eq!(refusal(&META, StatusCode::TOO_MANY_REQUESTS, b"").kind(), Kind::SigningCancelled);
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
}
