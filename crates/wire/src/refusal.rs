//! Errors of responses whose status the operation does not expect.

use std::fmt;

use http::StatusCode;
use identkit_core::{Advice, Delivery, Error, Kind, Pii};
use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use crate::Meta;
use crate::failure::reasons;

/// Maximum length of the retained vendor text, in characters.
const TEXT: usize = 2_000;

/// Returns the error of a status: from the operation's table if it lists the status, otherwise by the general meaning
/// of the code. The vendor's text is in [`Error::vendor_text`], which is never printed.
pub fn refusal(meta: &Meta, status: StatusCode, body: &[u8]) -> Error {
    let documented = meta.refusals.iter().find(|refusal| refusal.status == status.as_u16());
    match documented {
        Some(refusal) => {
            let error = Error::new(refusal.kind, refusal.meaning).with_advice(refusal.advice);
            answered(error, meta, status, body)
        }
        None => general_refusal(meta, status, body),
    }
}

/// Like [`refusal`], by the general meaning of the code only, e.g. because a gateway sent the response.
pub fn general_refusal(meta: &Meta, status: StatusCode, body: &[u8]) -> Error {
    answered(general(status.as_u16()), meta, status, body)
}

fn answered(error: Error, meta: &Meta, status: StatusCode, body: &[u8]) -> Error {
    let error = error.with_operation(meta.name).with_status(status.as_u16()).with_delivery(Delivery::Answered);
    match vendor_text(body) {
        Some(text) => error.with_vendor_text(text),
        None => error,
    }
}

/// Returns the text of an error element in a JSON object; `None` if it is absent, `null` or empty (AT-94). If it is
/// repeated, any value that is not empty counts (AT-95). Text that can contain personal data.
pub fn error_text(body: &[u8], name: &str) -> Option<Pii<String>> {
    let mut deserializer = serde_json::Deserializer::from_slice(trim_body(body));
    let values = deserializer.deserialize_map(All(name)).ok()?;
    deserializer.end().ok()?;
    values.iter().find_map(|value| {
        let text = match value {
            Value::Null => return None,
            value => reason_in(value).unwrap_or_else(|| match value {
                Value::Object(members) if members.is_empty() => String::new(),
                other => other.to_string(),
            }),
        };
        (!text.trim().is_empty()).then(|| printable(text.trim()))
    })
}

/// Reads all values of a name in an object.
struct All<'a>(&'a str);

impl<'de> Visitor<'de> for All<'_> {
    type Value = Vec<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            if key == self.0 {
                values.push(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(values)
    }
}

/// Returns a body without blanks at its ends and without a byte order mark, which is not part of the text.
pub fn trim_body(body: &[u8]) -> &[u8] {
    let body = body.trim_ascii();
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start()
}

/// Whether a body is a JSON object, with or without a byte order mark.
pub fn is_json_object(body: &[u8]) -> bool {
    let body = trim_body(body);
    body.starts_with(b"{") && is_json(body)
}

/// Whether a body is JSON.
fn is_json(body: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(body).is_ok()
}

/// Whether a body is empty or JSON, with or without a byte order mark: not a page of another server.
pub fn is_empty_or_json(body: &[u8]) -> bool {
    let body = trim_body(body);
    body.is_empty() || is_json(body)
}

/// Returns the error of a read. A 404 with a body that is neither empty nor JSON, e.g. an HTML page, becomes
/// [`Kind::Protocol`]: it may come from another server, so it does not prove that the vendor lacks the resource.
#[must_use]
pub fn doubt_not_found(error: Error) -> Error {
    let proves = error.answer().is_none_or(|answer| is_empty_or_json(answer.body()));
    if error.kind() != Kind::NotFound || proves {
        return error;
    }
    let detail = "the response with status 404 may come from another server: its body is neither empty nor JSON; check \
                  the base URL";
    error.with_kind(Kind::Protocol, detail).with_advice(Advice::CheckConnection)
}

/// Returns the beginning of a body as text, without control characters. It can contain personal data.
pub fn body_text(body: &[u8]) -> Pii<String> {
    printable(&String::from_utf8_lossy(body))
}

fn printable(text: &str) -> Pii<String> {
    Pii::new(text.chars().filter(|c| !c.is_control()).take(TEXT).collect())
}

fn general(code: u16) -> Error {
    let (kind, detail) = match code {
        401 => (Kind::Authentication, "the vendor does not accept the credentials"),
        403 => (
            Kind::Forbidden,
            "the vendor, or a gateway before it, forbids this call: the account may lack the permission",
        ),
        404 => (Kind::NotFound, "the vendor does not know the resource"),
        // 408 is often sent by a proxy for an idle connection, not by the vendor for this request.
        408 | 425 => (Kind::Unavailable, "the server did not receive the request in time"),
        409 => (Kind::Conflict, "the request conflicts with another one"),
        429 => (Kind::RateLimited, "too many requests"),
        206 => (Kind::Protocol, "the response is partial: it has only a part of the content"),
        200..=299 => (Kind::Protocol, "the document lists no result for this success status"),
        304 => (
            Kind::Protocol,
            "the vendor reports that nothing has changed, although the request did not ask for changes",
        ),
        300..=399 => {
            (Kind::Protocol, "the vendor redirects the request, but redirects are not followed with credentials")
        }
        400..=499 => (Kind::Rejected, "the vendor refused the request"),
        500..=599 => (Kind::Unavailable, "the vendor cannot serve the request now"),
        _ => (Kind::Protocol, "the vendor responded with an unexpected status"),
    };
    Error::new(kind, detail)
}

/// The vendor's text about an error (AT-53): the value of a usual element of a JSON object, otherwise the body itself.
fn vendor_text(body: &[u8]) -> Option<Pii<String>> {
    let text = std::str::from_utf8(trim_body(body)).ok()?.trim();
    let reason = match serde_json::from_str::<Value>(text) {
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
            reasons(object).filter_map(reason_in).find_map(|text| (!text.trim().is_empty()).then_some(text))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AmbiguityPolicy, Refusal, RetrySafety};
    use identkit_core::Advice;

    static META: Meta = {
        const MANY: &[Refusal] = &[Refusal::new(429, Kind::SigningCanceled, "too many wrong TANs", Advice::DoNotRetry)];
        Meta::new("test", "confirmSign", http::Method::POST, "/", RetrySafety::SideEffect, AmbiguityPolicy::Never)
            .refusals(MANY)
    };

    fn text_of(body: &str) -> Option<String> {
        refusal(&META, StatusCode::BAD_REQUEST, body.as_bytes()).vendor_text().map(|text| text.expose().clone())
    }

    #[test]
    fn the_operations_table_wins_over_the_general_meaning() {
        assert_eq!(refusal(&META, StatusCode::TOO_MANY_REQUESTS, b"").kind(), Kind::SigningCanceled);
        assert_eq!(refusal(&META, StatusCode::CONFLICT, b"").kind(), Kind::Conflict);
    }

    #[test]
    fn each_status_has_a_general_meaning() {
        for (status, kind, detail) in [
            (206, Kind::Protocol, "partial"),
            (205, Kind::Protocol, "no result"),
            (302, Kind::Protocol, "redirects"),
            (304, Kind::Protocol, "nothing has changed"),
            (400, Kind::Rejected, "refused"),
            (401, Kind::Authentication, "credentials"),
            (403, Kind::Forbidden, "permission"),
            (404, Kind::NotFound, "does not know"),
            (408, Kind::Unavailable, "in time"),
            (409, Kind::Conflict, "conflicts"),
            (425, Kind::Unavailable, "in time"),
            (429, Kind::RateLimited, "too many"),
            (499, Kind::Rejected, "refused"),
            (500, Kind::Unavailable, "cannot serve"),
            (599, Kind::Unavailable, "cannot serve"),
            (600, Kind::Protocol, "unexpected"),
        ] {
            let error = general(status);
            assert!(error.kind() == kind && error.detail().contains(detail), "{status} {error:?}");
        }
    }

    #[test]
    fn an_empty_body_and_json_are_not_a_page() {
        for (body, object, empty_or_json) in [
            ("\u{feff} {\"a\": 1} ", true, true),
            ("[1]", false, true),
            ("", false, true),
            ("{\"a\": ", false, false),
            ("<p>", false, false),
        ] {
            let body = body.as_bytes();
            assert_eq!((is_json_object(body), is_empty_or_json(body)), (object, empty_or_json));
        }
    }

    #[test]
    fn at_53_vendor_text_is_read_in_every_shape_and_not_printed() {
        for (body, text) in [
            (r#"{"Error":"Mustermann"}"#, Some("Mustermann")),
            (r#"{"messages":["a","b"]}"#, Some("a; b")),
            (r#"{"messages":[{"message":"a"}]}"#, Some("a")),
            (r#"{"messages":"a"}"#, Some("a")),
            (r#"{"ErrorMessage":"a","title":"b"}"#, Some("a")),
            (r#"{"Error":"","message":"a"}"#, Some("a")),
            (r#"{"error_code":7,"detail":"a"}"#, Some("a")),
            ("  plain words \n", Some("plain words")),
            ("\u{feff}{\"Error\":\"a\"}", Some("a")),
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
    fn at_94_an_error_that_is_absent_null_or_empty_is_none() {
        for (body, text) in [
            (r#"{"Error":"Mustermann"}"#, Some("Mustermann")),
            (r#" {"Error":["a","b"]}"#, Some("a; b")),
            ("\u{feff}{\"Error\":\"a\"}", Some("a")),
            ("\r\n\u{feff} {\"Error\":\"a\"}", Some("a")),
            (r#"{"Error":{"message":"a"}}"#, Some("a")),
            (r#"{"Error":{"Code":7}}"#, Some(r#"{"Code":7}"#)),
            (r#"{"Error":7}"#, Some("7")),
            (r#"{"Error":null}"#, None),
            (r#"{"Error":" "}"#, None),
            (r#"{"Error":[]}"#, None),
            (r#"{"Error":{}}"#, None),
            (r#"{"error":"x"}"#, None),
            (r#"{"Error":"a","Error":null}"#, Some("a")),
            (r#"{"Error":"","Error":"a","Error":{}}"#, Some("a")),
            (r#"{"Error":null,"Error":""}"#, None),
            (r#"{"Error":"a"} x"#, None),
            (r#"[{"Error":"x"}]"#, None),
            ("{\"Error\":\"x\"", None),
            ("", None),
        ] {
            assert_eq!(
                error_text(body.as_bytes(), "Error").map(|text| text.expose().clone()).as_deref(),
                text,
                "{body}"
            );
        }
    }
}
