//! Calls of a vendor with their bodies, as far as they are kept, and tries to deliver webhooks.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use identkit_core::Violation;
use jiff::Timestamp;
use serde_json::Value;

use crate::VendorFacts;
use crate::webhooks::{Cause, Delivery};

/// A call of a vendor and its answer.
#[derive(Clone)]
#[non_exhaustive]
pub struct Call {
    /// Name of the vendor; `None` when the path belongs to none.
    pub vendor: Option<&'static str>,
    /// The operation as the client names it; `None` when no operation has this path.
    pub operation: Option<&'static str>,
    /// The case it is about, when the request or the answer tells it.
    pub case: Option<String>,
    pub(crate) facts: Option<&'static VendorFacts>,
    /// The request's method.
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// The request's headers.
    pub headers: Headers,
    /// The request's body.
    pub body: StoredBody,
    /// The answer's status; `None` when none was given. A fault may have kept it from arriving.
    pub status: Option<u16>,
    /// The answer's headers.
    pub answer_headers: Headers,
    /// The answer's body.
    pub answer: StoredBody,
    /// The fault that was injected, if one was.
    pub fault: Option<&'static str>,
    /// Why it was refused, when it was.
    pub refused: Vec<Violation>,
}

impl Call {
    /// Path and query, without a host.
    pub fn path(&self) -> &str {
        self.uri.path_and_query().map_or("/", |path| path.as_str())
    }

    /// Shares equal parts with an earlier call, so that a client that repeats a call takes little memory.
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
        // Path, headers and bodies hold ids, credentials and persons' data.
        f.debug_struct("Call").field("operation", &self.operation).field("status", &self.status).finish_non_exhaustive()
    }
}

/// A try to deliver a webhook.
#[derive(Clone)]
#[non_exhaustive]
pub struct DeliveryAttempt {
    /// The delivery.
    pub delivery: u64,
    /// Name of the vendor.
    pub vendor: &'static str,
    /// The case it is about.
    pub case: String,
    /// What it says.
    pub event: String,
    /// Which try it was, from 1.
    pub number: usize,
    /// The receiver's status, if it gave one.
    pub status: Option<u16>,
    /// Whether the vendor counts it as delivered.
    pub delivered: bool,
    /// What made the vendor, or somebody else, send it.
    pub by: Cause,
    /// Why there is no answer.
    pub error: Option<Cow<'static, str>>,
    /// When it is tried next.
    pub next: Option<Timestamp>,
}

impl DeliveryAttempt {
    /// The last try of a delivery, if there was one.
    pub(crate) fn last_of(delivery: &Delivery) -> Option<Self> {
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

/// Header fields in their order, each as `name:value` and a line feed, which neither can contain. A copy: each value of a
/// received [`HeaderMap`] is a slice of the connection's buffer and would keep all of it in memory.
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
    /// Names, in lower case, and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.split(|byte| *byte == b'\n').filter_map(|line| {
            let (name, value) = line.split_at_checked(line.iter().position(|byte| *byte == b':')?)?;
            Some((std::str::from_utf8(name).ok()?, value.get(1..)?))
        })
    }

    /// The values of the header of this name in any case.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

pub(super) const BODY: usize = 64 * 1024;

/// Up to which length a body is read to keep its outline: reading takes time, in which the world waits.
const READ: usize = 8 * 1024 * 1024;

/// From how many characters on a text is shortened in an outline.
const LONG: usize = 1_024;

/// How much of a long text an outline keeps, in characters.
const BEGINNING: usize = 64;

/// What is kept of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// All of it.
    #[default]
    Whole,
    /// JSON that was too long, with its long texts (documents in Base64, above all) shortened.
    Outline,
    /// Its first bytes.
    Beginning,
}

/// A body, as far as it is kept.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredBody {
    /// What is kept of it: 64 KiB at most.
    pub bytes: Bytes,
    /// How many bytes it had.
    pub len: u64,
    /// What that is.
    pub form: Form,
}

impl StoredBody {
    /// What is kept of a body.
    pub fn of(body: &Bytes) -> Self {
        let len = body.len() as u64;
        if body.len() <= BODY {
            return Self { bytes: body.clone(), len, form: Form::Whole };
        }
        if let Some(outline) = outline(body) {
            return Self { bytes: outline, len, form: Form::Outline };
        }
        // A copy, so that the rest of a large body does not stay in memory with it.
        let bytes = Bytes::copy_from_slice(body.get(..BODY).unwrap_or_default());
        Self { bytes, len, form: Form::Beginning }
    }

    /// A body that was not looked at.
    pub fn unseen(len: Option<u64>) -> Self {
        Self { bytes: Bytes::new(), len: len.unwrap_or(0), form: Form::Beginning }
    }

    /// It, read as JSON; of an outline what it holds.
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

/// JSON without its long texts; `None` for what is no JSON or stays too long.
fn outline(body: &Bytes) -> Option<Bytes> {
    if body.len() > READ {
        return None;
    }
    let mut value: Value = serde_json::from_slice(body).ok()?;
    shorten(&mut value);
    let outline = serde_json::to_vec(&value).ok()?;
    (outline.len() <= BODY).then(|| outline.into())
}

fn shorten(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > LONG => {
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
    fn of_long_json_everything_is_kept_but_its_long_texts() {
        let document = "A".repeat(BODY);
        let body = format!(r#"{{"Product":15,"eSignPDF":[{{"Data":"{document}","Filename":"contract.pdf"}}]}}"#);
        let kept = StoredBody::of(&body.clone().into());
        assert_eq!((kept.form, kept.len), (Form::Outline, body.len() as u64));
        let told = kept.json().unwrap();
        assert_eq!((&told["Product"], &told["eSignPDF"][0]["Filename"]), (&15.into(), &"contract.pdf".into()));
        let data = told["eSignPDF"][0]["Data"].as_str().unwrap();
        assert_eq!(data, format!("{}… (65536 characters)", "A".repeat(64)));
    }

    #[test]
    fn of_long_bodies_that_are_no_json_or_have_many_elements_the_beginning_is_kept() {
        let many = serde_json::to_vec(&vec!["Erika Mustermann"; 10_000]).unwrap();
        for body in [vec![b'%'; BODY + 1], many] {
            let kept = StoredBody::of(&body.clone().into());
            assert_eq!((kept.form, kept.bytes.len(), kept.len), (Form::Beginning, BODY, body.len() as u64));
            assert_eq!((&kept.bytes[..], kept.json()), (&body[..BODY], None));
        }
        assert_eq!(StoredBody::of(&vec![b'%'; BODY].into()).form, Form::Whole);
    }
}
