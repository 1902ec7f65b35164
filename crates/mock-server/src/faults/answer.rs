//! How a fault changes or replaces a response.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER};
use http::{Response, StatusCode};
use identkit_core::Content;
use identkit_wire::json;
use serde_json::json;

use super::shapes::rewrite;
use super::shapes::{Shape, reshaped};
use super::wire::Pace;
use super::wire::{Wire, bodiless};
use super::{Fault, Faults};
use crate::VirtualClock;

impl Fault {
    /// Returns the response that replaces the vendor's; `None` if the vendor handles the call.
    pub(crate) fn instead(&self) -> Option<Response<Content>> {
        if self.commits() {
            return None;
        }
        Some(match self {
            Self::Status { status, retry_after, .. } => refusal(*status, *retry_after),
            Self::RateLimit { retry_after } => refusal(429, *retry_after),
            Self::Redirect { status, location } => {
                let mut response = refusal(*status, None);
                if let Ok(location) = HeaderValue::from_str(location) {
                    response.headers_mut().insert(LOCATION, location);
                }
                response
            }
            Self::ResultFalse => {
                let body = json!({ "result": false, "messages": ["a fault of the sandbox: result-false"] });
                json::response(200, &body).unwrap_or_else(|_| Wire::reset())
            }
            _ => Wire::reset(),
        })
    }

    /// Changes the content of the vendor's response, and returns whether the fault applies to it.
    pub(crate) fn reshape(
        &self,
        response: &mut Response<Content>,
        shapes: &[Shape],
        operation: Option<&str>,
        faults: &mut Faults,
    ) -> bool {
        if bodiless(response.status()) {
            return !matches!(self, Self::InvalidJson | Self::DuplicateKeys | Self::ShapeVariant { .. });
        }
        match self {
            Self::WrongContentType { content_type } => HeaderValue::from_str(content_type)
                .map(|value| response.headers_mut().insert(CONTENT_TYPE, value))
                .is_ok(),
            Self::InvalidJson => rewrite(response, broken),
            Self::DuplicateKeys => rewrite(response, doubled),
            Self::ShapeVariant { variant } => {
                reshaped(response, shapes, operation, variant.as_deref(), |of| faults.choose(of))
            }
            _ => true,
        }
    }

    /// Marks or slows down the vendor's response, or replaces it with a status.
    pub(crate) fn finish(&self, mut response: Response<Content>, clock: &VirtualClock) -> Response<Content> {
        let wire = match self {
            Self::Status { status, retry_after, committed: true } => return refusal(*status, *retry_after),
            Self::Bandwidth { bytes_per_second } => {
                let pace = Pace::of_rate(clock, *bytes_per_second);
                return match response.body().as_bytes().cloned() {
                    Some(bytes) => response.map(|_| pace.slow(bytes)),
                    None => response,
                };
            }
            Self::ResetAfterCommit => Wire::Reset,
            Self::ResetInCommit { .. } => Wire::CutHead,
            Self::TruncatedBody => Wire::Truncated,
            Self::MissingLength => Wire::NoLength,
            Self::WrongLength { by } => Wire::WrongLength(*by),
            Self::SlowDrip { bytes, pause } => {
                let bytes = usize::try_from(*bytes).unwrap_or(usize::MAX).max(1);
                Wire::Drip(Pace { clock: clock.clone(), bytes, pause: *pause })
            }
            Self::InformationalFlood { count } => Wire::Interim(*count),
            _ => return response,
        };
        wire.mark(&mut response);
        response
    }
}

/// Creates an error response like that of a gateway, which does not know the vendor's format.
fn refusal(status: u16, retry_after: Option<u64>) -> Response<Content> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let text = format!("<html><body><h1>{status}</h1><p>a fault of the sandbox</p></body></html>\n");
    let mut response = Response::new(if bodiless(status) { Content::empty() } else { Content::from_bytes(text) });
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

/// Cuts off the end of JSON. Returns `None` for other bodies.
fn broken(body: &Bytes) -> Option<Bytes> {
    matches!(body.first(), Some(b'{' | b'[')).then(|| body.slice(..body.len().saturating_sub(1)))
}

/// Duplicates the first member of the first object, with the first copy as `null`.
fn doubled(body: &Bytes) -> Option<Bytes> {
    if !matches!(body.first(), Some(b'{' | b'[')) {
        return None;
    }
    let text = std::str::from_utf8(body).ok()?;
    let (before, rest) = text.split_once('{')?;
    let key = rest.trim_start().strip_prefix('"')?;
    let end = key.char_indices().scan(false, |escaped, (at, char)| {
        let ends = char == '"' && !*escaped;
        *escaped = char == '\\' && !*escaped;
        Some((at, ends))
    });
    let (end, _) = end.into_iter().find(|(_, ends)| *ends)?;
    let key = key.get(..end)?;
    Some(format!("{before}{{\"{key}\":null,{rest}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicate_keys_leave_valid_json() {
        for (body, after) in [
            (r#"{"a":1,"b":2}"#, Some(r#"{"a":null,"a":1,"b":2}"#)),
            (r#"[{"a\"b":1}]"#, Some(r#"[{"a\"b":null,"a\"b":1}]"#)),
            ("{}", None),
            ("[1]", None),
            ("%PDF-", None),
            ("", None),
        ] {
            let doubled = doubled(&Bytes::from_static(body.as_bytes()));
            assert_eq!(doubled.as_deref(), after.map(str::as_bytes), "{body}");
        }
    }

    #[test]
    fn broken_json_is_invalid_and_other_bodies_are_unchanged() {
        for body in [r#"{"a":1}"#, "[]", "[1,2]", "{"] {
            let broken = broken(&Bytes::from_static(body.as_bytes())).unwrap();
            assert!(serde_json::from_slice::<serde_json::Value>(&broken).is_err(), "{body}");
        }
        for body in ["", "%PDF-", "text"] {
            assert_eq!(broken(&Bytes::from_static(body.as_bytes())), None, "{body}");
        }
    }
}
