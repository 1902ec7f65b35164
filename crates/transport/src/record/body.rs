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

/// Maximum number of bytes of a body that are examined.
pub(super) const EXAMINED: usize = 4 * 1024 * 1024;

/// Number of bytes of a PDF, an MP4 or a JPEG that are recorded: its signature.
const SIGNATURE: usize = 8;

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

/// The shape of a request body. Of a source on disk only the length is recorded.
pub(super) fn request_shape(body: &Body, redaction: &Redaction) -> BodyShape {
    let readable = body.in_memory() && body.len() <= EXAMINED as u64;
    match readable.then(|| body.read().collect::<Result<Vec<_>, _>>()) {
        Some(Ok(chunks)) => shape(&chunks.concat(), body.len(), redaction),
        _ => BodyShape::Binary { binary: body.len(), starts: String::new() },
    }
}

/// The shape of a body. `start` is its beginning, or the whole body.
pub(super) fn shape(start: &[u8], len: u64, redaction: &Redaction) -> BodyShape {
    if len == 0 {
        return BodyShape::Empty;
    }
    let whole = start.len() as u64 == len;
    if whole && let Ok(value) = serde_json::from_slice(start) {
        return BodyShape::Json(redaction.apply(value));
    }
    if whole && !start.starts_with(b"%PDF-") && std::str::from_utf8(start).is_ok() {
        return BodyShape::Text(len);
    }
    let known = start.starts_with(b"%PDF-") || start.get(4..8) == Some(b"ftyp") || start.starts_with(b"\xff\xd8\xff");
    // The beginning of any other body could be personal data.
    let starts = start.iter().take(if known { SIGNATURE } else { 0 }).map(|byte| format!("{byte:02x}")).collect();
    BodyShape::Binary { binary: len, starts }
}

impl BodyShape {
    /// The shape as JSON, for comparison.
    pub(super) fn to_value(&self) -> Value {
        // Cannot fail: the shape consists of texts, numbers and JSON.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// A body of this shape. `None` if the shape is not valid in version 1.
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
        let remaining = len.checked_sub(head.len() as u64)?;
        // The length of a cut body is one more than its bytes, so that reading it fails.
        let claimed = if cut { len.saturating_add(1) } else { len };
        let filled = FilledBody { remaining, block: Bytes::from(vec![fill; 64 * 1024]) };
        Some(Content::new(Some(claimed), filled).preceded_by(head))
    }
}

fn unhex(text: &str) -> Option<Bytes> {
    let pairs = (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok());
    pairs.collect::<Option<Vec<_>>>().map(Bytes::from)
}

struct FilledBody {
    remaining: u64,
    block: Bytes,
}

impl http_body::Body for FilledBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.remaining == 0 {
            return Poll::Ready(None);
        }
        let mut block = self.block.clone();
        block.truncate(usize::try_from(self.remaining).unwrap_or(usize::MAX));
        self.remaining -= block.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(block))))
    }
}
