//! Calls of a vendor with their stored bodies, and delivery attempts of webhooks.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use identkit_core::Violation;
use jiff::Timestamp;
use serde_json::Value;

use crate::VendorFacts;
use crate::webhooks::{Cause, Delivery};

/// A call of a vendor, with its response.
#[derive(Clone)]
#[non_exhaustive]
pub struct Call {
    /// Name of the vendor; `None` if no vendor has this path.
    pub vendor: Option<&'static str>,
    /// The operation by the clients' name; `None` if no operation has this path.
    pub operation: Option<&'static str>,
    /// Id of the case, if the request or the response contains it.
    pub case: Option<String>,
    pub(crate) facts: Option<&'static VendorFacts>,
    /// Method of the request.
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// Headers of the request.
    pub headers: Headers,
    /// Body of the request.
    pub body: StoredBody,
    /// Status of the response; `None` if none was sent. Because of a fault, it may not have arrived.
    pub status: Option<u16>,
    /// Headers of the response.
    pub answer_headers: Headers,
    /// Body of the response.
    pub answer: StoredBody,
    /// The injected fault that affected the call.
    pub fault: Option<&'static str>,
    /// The violations for which the call was rejected.
    pub refused: Vec<Violation>,
    /// What is probably a mistake in the request, although it does not break a rule.
    pub warnings: Vec<Violation>,
}

impl Call {
    /// Returns path and query, without the host.
    pub fn path(&self) -> &str {
        self.uri.path_and_query().map_or("/", |path| path.as_str())
    }

    /// Shares equal parts with an earlier call, so that repeated calls take little memory.
    pub(crate) fn share(&mut self, earlier: &Self) {
        let share = |part: &mut Bytes, earlier: &Bytes| {
            if part == earlier {
                part.clone_from(earlier);
            }
        };
        share(&mut self.headers.0, &earlier.headers.0);
        share(&mut self.body.bytes, &earlier.body.bytes);
        share(&mut self.answer_headers.0, &earlier.answer_headers.0);
        share(&mut self.answer.bytes, &earlier.answer.bytes);
        if self.uri == earlier.uri {
            self.uri.clone_from(&earlier.uri);
        }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Path, headers and bodies contain ids, credentials and personal data.
        f.debug_struct("Call").field("operation", &self.operation).field("status", &self.status).finish_non_exhaustive()
    }
}

/// A delivery attempt of a webhook.
#[derive(Clone)]
#[non_exhaustive]
pub struct DeliveryAttempt {
    /// Id of the delivery.
    pub delivery: u64,
    /// Name of the vendor.
    pub vendor: &'static str,
    /// Id of the case.
    pub case: String,
    /// Name of the event that the webhook reports.
    pub event: String,
    /// Number of the attempt, from 1.
    pub number: usize,
    /// The receiver's status, if one arrived.
    pub status: Option<u16>,
    /// Whether the vendor counts the webhook as delivered.
    pub delivered: bool,
    /// Cause of the attempt.
    pub by: Cause,
    /// Why no status arrived.
    pub error: Option<Cow<'static, str>>,
    /// Time of the next attempt.
    pub next: Option<Timestamp>,
    /// The receiver's answer, if one arrived.
    pub answer: Option<Answer>,
    /// Says that calls about the case arrived during the attempt; see [`Delivery::finding`].
    pub finding: Option<String>,
}

/// The answer of a receiver of webhooks.
#[derive(Clone)]
#[non_exhaustive]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: Headers,
    /// Body, as far as it arrived together with the head.
    pub body: StoredBody,
}

impl Answer {
    pub(crate) fn new(status: u16, headers: &HeaderMap) -> Self {
        Self { status, headers: headers.into(), body: StoredBody::default() }
    }

    /// Adds a piece of the body. Everything beyond the limit of a stored body is counted only.
    pub(crate) fn add(&mut self, piece: &Bytes) {
        let room = BODY.saturating_sub(self.body.bytes.len());
        let part = piece.get(..room).unwrap_or(piece);
        if part.len() < piece.len() {
            self.body.form = Form::Beginning;
        }
        self.body.bytes = [&self.body.bytes[..], part].concat().into();
        self.body.len = self.body.len.saturating_add(piece.len() as u64);
    }

    /// Whether no more of the body is stored.
    pub(crate) fn is_full(&self) -> bool {
        self.body.bytes.len() >= BODY
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers and body can contain personal data.
        f.debug_struct("Answer").field("status", &self.status).finish_non_exhaustive()
    }
}

impl DeliveryAttempt {
    /// Returns the last attempt of a delivery, with its answer.
    pub(crate) fn last_of(delivery: &Delivery, answer: Option<Answer>) -> Option<Self> {
        let attempt = delivery.attempts.last()?;
        Some(Self {
            delivery: delivery.id,
            vendor: delivery.facts.name,
            case: delivery.case.clone(),
            event: delivery.event.name.to_string(),
            number: delivery.attempts.len(),
            status: attempt.status,
            delivered: attempt.delivered,
            by: attempt.by,
            error: attempt.error.clone(),
            next: delivery.next.filter(|_| attempt.again),
            answer,
            finding: delivery.finding(attempt),
        })
    }
}

impl fmt::Debug for DeliveryAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeliveryAttempt")
            .field("event", &self.event)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// Header fields in order, each as `name:value` and a line feed, which neither can contain. They are a copy, because
/// each value of a received [`HeaderMap`] is a slice that would keep the connection's buffer in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(pub(super) Bytes);

impl From<&HeaderMap> for Headers {
    fn from(map: &HeaderMap) -> Self {
        let mut block = Vec::with_capacity(map.iter().map(|(name, value)| name.as_str().len() + value.len() + 2).sum());
        for (name, value) in map {
            block.extend_from_slice(name.as_str().as_bytes());
            block.push(b':');
            block.extend_from_slice(value.as_bytes());
            block.push(b'\n');
        }
        Self(block.into())
    }
}

impl Headers {
    /// Iterates over names, in lower case, and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.split(|byte| *byte == b'\n').filter_map(|line| {
            let (name, value) = line.split_at_checked(line.iter().position(|byte| *byte == b':')?)?;
            Some((std::str::from_utf8(name).ok()?, value.get(1..)?))
        })
    }

    /// Iterates over the values of the header with this name, ignoring case.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// Maximum size of a stored body, in bytes.
pub(super) const BODY: usize = 64 * 1024;

/// Maximum size of a body that is parsed for an outline, in bytes. The world is locked while it is parsed.
const MAX_PARSED: usize = 8 * 1024 * 1024;

/// Maximum length of a string that an outline does not shorten, in bytes.
const MAX_STRING: usize = 1_024;

/// Length of a shortened string in an outline, in characters.
const BEGINNING: usize = 64;

/// The stored part of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// The whole body.
    #[default]
    Whole,
    /// Long JSON with shortened strings, e.g. documents in Base64.
    Outline,
    /// The first bytes.
    Beginning,
}

/// A stored body.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredBody {
    /// Stored bytes, at most 64 KiB.
    pub bytes: Bytes,
    /// Size of the original body in bytes.
    pub len: u64,
    /// Which part of the body is stored.
    pub form: Form,
}

impl StoredBody {
    /// Stores a body, shortened if it is longer than 64 KiB.
    pub fn new(body: &Bytes) -> Self {
        let len = body.len() as u64;
        if body.len() <= BODY {
            return Self { bytes: body.clone(), len, form: Form::Whole };
        }
        if let Some(outline) = outline(body) {
            return Self { bytes: outline, len, form: Form::Outline };
        }
        // A slice would keep the whole body in memory.
        let bytes = Bytes::copy_from_slice(body.get(..BODY).unwrap_or_default());
        Self { bytes, len, form: Form::Beginning }
    }

    /// Creates a body of which only the size is known, e.g. that of a stream.
    pub fn without_bytes(len: Option<u64>) -> Self {
        Self { bytes: Bytes::new(), len: len.unwrap_or(0), form: Form::Beginning }
    }

    /// Parses the stored body as JSON. `None` if it is not JSON, or only its beginning is stored.
    pub fn json(&self) -> Option<Value> {
        if self.form == Form::Beginning || self.bytes.is_empty() {
            return None;
        }
        serde_json::from_slice(&self.bytes).ok()
    }
}

impl fmt::Debug for StoredBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len)
    }
}

/// Shortens the strings of JSON. `None` if the body is not JSON, or remains too long.
fn outline(body: &Bytes) -> Option<Bytes> {
    if body.len() > MAX_PARSED {
        return None;
    }
    let mut value: Value = serde_json::from_slice(body).ok()?;
    shorten(&mut value);
    let outline = serde_json::to_vec(&value).ok()?;
    (outline.len() <= BODY).then(|| outline.into())
}

fn shorten(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > MAX_STRING => {
            let all = text.chars().count();
            *text = text.chars().take(BEGINNING).collect();
            text.push_str(&format!("… ({all} characters)"));
        }
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Object(members) => members.values_mut().for_each(shorten),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_back_with_repeats_and_any_bytes() {
        let mut map = HeaderMap::new();
        for (name, value) in [("x-a", &b"1: 2"[..]), ("x-b", b""), ("x-a", b"\xe4\t")] {
            map.append(name, http::HeaderValue::from_bytes(value).unwrap());
        }
        let headers = Headers::from(&map);
        let read: Vec<_> = headers.iter().collect();
        assert_eq!(read, [("x-a", &b"1: 2"[..]), ("x-a", b"\xe4\t"), ("x-b", b"")]);
        assert_eq!((headers.get_all("X-A").count(), headers.get_all("x").count()), (2, 0));
        assert_eq!(Headers::default().iter().count(), 0);
    }

    #[test]
    fn long_json_is_stored_with_shortened_strings() {
        let document = "A".repeat(BODY);
        let body = format!(r#"{{"Product":15,"eSignPDF":[{{"Data":"{document}","Filename":"contract.pdf"}}]}}"#);
        let stored = StoredBody::new(&body.clone().into());
        assert_eq!((stored.form, stored.len), (Form::Outline, body.len() as u64));
        let outline = stored.json().unwrap();
        assert_eq!((&outline["Product"], &outline["eSignPDF"][0]["Filename"]), (&15.into(), &"contract.pdf".into()));
        let data = outline["eSignPDF"][0]["Data"].as_str().unwrap();
        assert_eq!(data, format!("{}… (65536 characters)", "A".repeat(64)));
    }

    #[test]
    fn the_beginning_of_other_long_bodies_is_stored() {
        let many = serde_json::to_vec(&vec!["Erika Mustermann"; 10_000]).unwrap();
        for body in [vec![b'%'; BODY + 1], many] {
            let stored = StoredBody::new(&body.clone().into());
            assert_eq!((stored.form, stored.bytes.len(), stored.len), (Form::Beginning, BODY, body.len() as u64));
            assert_eq!((&stored.bytes[..], stored.json()), (&body[..BODY], None));
        }
        assert_eq!(StoredBody::new(&vec![b'%'; BODY].into()).form, Form::Whole);
    }
}
