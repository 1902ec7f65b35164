//! Bodies in a recording.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Frame;
use identkit_core::{Content, Error};
use identkit_wire::Body;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Redaction;

/// The most that is kept of a body to look at it, in bytes.
pub(super) const LOOK: usize = 4 * 1024 * 1024;

/// How many bytes of a PDF, an MP4 or a JPEG are kept: they say that it is one.
const STARTS: usize = 8;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum BodyShape {
    Empty,
    Json(Value),
    Text(u64),
    #[serde(untagged)]
    Binary {
        binary: u64,
        starts: String,
    },
}

/// What is told of a request's body. Sources that may wait for a disk are told by their length only.
pub(super) fn of_request(body: &Body, redaction: &Redaction) -> BodyShape {
    let readable = body.in_memory() && body.len() <= LOOK as u64;
    match readable.then(|| body.read().collect::<Result<Vec<_>, _>>()) {
        Some(Ok(chunks)) => of_bytes(&chunks.concat(), body.len(), redaction),
        _ => BodyShape::Binary { binary: body.len(), starts: String::new() },
    }
}

/// What is told of a body: `seen` is its beginning, or the whole.
pub(super) fn of_bytes(seen: &[u8], len: u64, redaction: &Redaction) -> BodyShape {
    if len == 0 {
        return BodyShape::Empty;
    }
    let whole = seen.len() as u64 == len;
    if whole && let Ok(value) = serde_json::from_slice(seen) {
        return BodyShape::Json(redaction.apply(value));
    }
    if whole && !seen.starts_with(b"%PDF-") && std::str::from_utf8(seen).is_ok() {
        return BodyShape::Text(len);
    }
    let known = seen.starts_with(b"%PDF-") || seen.get(4..8) == Some(b"ftyp") || seen.starts_with(b"\xff\xd8\xff");
    // The beginning of anything else may be a name in some other encoding.
    let starts = seen.iter().take(if known { STARTS } else { 0 }).map(|byte| format!("{byte:02x}")).collect();
    BodyShape::Binary { binary: len, starts }
}

impl BodyShape {
    /// As JSON, to be compared by names.
    pub(super) fn to_value(&self) -> Value {
        // Nothing of it can fail: texts, numbers, and what is JSON already.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// A body to play back; `None` when it is none of version 1.
    pub(super) fn to_content(&self, cut: bool) -> Option<Content> {
        let (head, len, fill) = match self {
            Self::Empty => (Bytes::new(), 0, 0),
            Self::Json(value) => {
                let text = Bytes::from(value.to_string());
                let len = text.len() as u64;
                (text, len, 0)
            }
            Self::Text(len) => (Bytes::new(), *len, b' '),
            Self::Binary { binary, starts } => (unhex(starts)?, *binary, 0),
        };
        let left = len.checked_sub(head.len() as u64)?;
        // One byte more than comes: whoever reads it learns that it broke off.
        let told = if cut { len.saturating_add(1) } else { len };
        let filled = Filled { left, block: Bytes::from(vec![fill; 64 * 1024]) };
        Some(Content::new(Some(told), filled).preceded_by(head))
    }
}

fn unhex(text: &str) -> Option<Bytes> {
    let pairs = (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok());
    pairs.collect::<Option<Vec<_>>>().map(Bytes::from)
}

struct Filled {
    left: u64,
    block: Bytes,
}

impl http_body::Body for Filled {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let mut block = self.block.clone();
        block.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= block.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(block))))
    }
}
