//! Bodies in a recording.

use std::fmt::Write;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Frame;
use identkit_core::{Content, Error};
use identkit_wire::Body;
use serde_json::{Value, json};

use super::Redaction;

/// The most that is kept of a body to look at it, in bytes.
pub(super) const LOOK: usize = 4 * 1024 * 1024;

/// How many bytes of a PDF, an MP4 or a JPEG are kept: they say that it is one.
const STARTS: usize = 8;

/// What is told of a request's body. Sources that may wait for a disk are told by their length only.
pub(super) fn of_request(body: &Body, redaction: &Redaction) -> Value {
    if body.is_empty() {
        return "empty".into();
    }
    let readable = body.in_memory() && body.len() <= LOOK as u64;
    match readable.then(|| body.read().collect::<Result<Vec<_>, _>>()) {
        Some(Ok(chunks)) => of_bytes(&chunks.concat(), body.len(), redaction),
        _ => json!({ "binary": body.len(), "starts": "" }),
    }
}

/// What is told of a body: `seen` is its beginning, or the whole.
pub(super) fn of_bytes(seen: &[u8], len: u64, redaction: &Redaction) -> Value {
    if len == 0 {
        return "empty".into();
    }
    let whole = seen.len() as u64 == len;
    if whole && let Ok(value) = serde_json::from_slice::<Value>(seen) {
        return json!({ "json": redaction.apply(value) });
    }
    if whole && !seen.starts_with(b"%PDF-") && std::str::from_utf8(seen).is_ok() {
        return json!({ "text": len });
    }
    let mut starts = String::new();
    let known = seen.starts_with(b"%PDF-") || seen.get(4..8) == Some(b"ftyp") || seen.starts_with(b"\xff\xd8\xff");
    // The beginning of anything else may be a name in some other encoding.
    for byte in seen.iter().take(if known { STARTS } else { 0 }) {
        // Writing into a String does not fail.
        let _ = write!(starts, "{byte:02x}");
    }
    json!({ "binary": len, "starts": starts })
}

/// A body to play back; `None` when it is none of version 1.
pub(super) fn to_content(told: &Value, cut: bool) -> Option<Content> {
    let (head, len) = if told == "empty" {
        (Bytes::new(), 0)
    } else if let Some(value) = told.get("json") {
        let text = Bytes::from(value.to_string());
        let len = text.len() as u64;
        (text, len)
    } else if let Some(len) = told.get("text") {
        (Bytes::new(), len.as_u64()?)
    } else {
        (unhex(told.get("starts")?.as_str()?)?, told.get("binary")?.as_u64()?)
    };
    let fill = if told.get("text").is_some() { b' ' } else { 0 };
    let left = len.checked_sub(head.len() as u64)?;
    // One byte more than comes: whoever reads it learns that it broke off.
    let told = if cut { len.saturating_add(1) } else { len };
    Some(Content::new(Some(told), Filled { head, left, block: Bytes::from(vec![fill; 64 * 1024]) }))
}

fn unhex(text: &str) -> Option<Bytes> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let pairs = text.as_bytes().chunks(2);
    let bytes = pairs.map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()));
    bytes.collect::<Option<Vec<_>>>().map(Bytes::from)
}

/// Some bytes, and then one byte again and again.
struct Filled {
    head: Bytes,
    left: u64,
    block: Bytes,
}

impl http_body::Body for Filled {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if !self.head.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.head)))));
        }
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let mut block = self.block.clone();
        block.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= block.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(block))))
    }
}
