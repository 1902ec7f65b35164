//! Reading a response: whole, or as a stream that is known to be whole at its end.

use std::time::Duration;

use ::http::header::{HeaderMap, RETRY_AFTER, TRANSFER_ENCODING};
use ::http::response;
use bytes::{Bytes, BytesMut};
use identkit_core::{Clock, Content, Error, Kind, RawResponse};
use identkit_wire::{BodyMode, Meta, Received, RetrySafety, refusal};
use jiff::fmt::rfc2822::DateTimeParser;

/// How many bytes are looked at to tell a binary from JSON, if there are so many.
const SNIFF: usize = 16;

/// The most that is read of an error's body, in bytes.
const ERROR_BODY: usize = 64 * 1024;

/// A response while it is read. It stays with the attempt, so that what was read survives a timeout.
pub(super) struct Incoming {
    meta: &'static Meta,
    pub(super) head: response::Parts,
    pub(super) content: Content,
    buffer: Bytes,
    /// Whether the buffer holds the whole body.
    complete: bool,
}

impl Incoming {
    pub(super) fn new(meta: &'static Meta, response: ::http::Response<Content>) -> Self {
        let (head, content) = response.into_parts();
        Self { meta, head, content, buffer: Bytes::new(), complete: false }
    }

    /// Whether the caller must be able to get at the raw response: the vendor will not give it a second time.
    fn is_unrepeatable(&self) -> bool {
        matches!(self.meta.safety, RetrySafety::Creating | RetrySafety::DestructiveRead | RetrySafety::SideEffect)
    }

    /// The error of a refusal by the beginning of its body, which explains and is cut rather than lost; and whether it
    /// came without a break.
    pub(super) async fn refusal(&mut self) -> (Error, bool) {
        let mut broken = false;
        while self.buffer.len() < ERROR_BODY && !self.complete && !broken {
            match self.content.next().await {
                Some(Ok(chunk)) => {
                    let room = ERROR_BODY.saturating_sub(self.buffer.len());
                    append(&mut self.buffer, chunk.slice(..room.min(chunk.len())));
                }
                Some(Err(_)) => broken = true,
                None => self.complete = true,
            }
        }
        (refusal(self.meta, self.head.status, &self.buffer), !broken)
    }

    pub(super) async fn body(&mut self) -> Result<Received, Error> {
        let (cap, sniff) = match self.meta.body_mode {
            BodyMode::Whole { cap } => return self.whole(cap).await,
            BodyMode::Stream { cap } => (cap, None),
            BodyMode::Sniff { cap, stream } => (cap, Some(stream)),
        };
        if self.content.len().is_some_and(|len| len > cap) {
            return Err(Error::new(Kind::Protocol, format!("the answer is longer than the {cap} bytes allowed")));
        }
        let enough = if sniff.is_some() { SNIFF } else { 1 };
        while self.buffer.len() < enough {
            let Some(more) = self.content.next().await.transpose()? else { break };
            append(&mut self.buffer, more);
        }
        if sniff.is_some_and(|streams| !streams(&self.head.headers, &self.buffer)) {
            return self.whole(cap).await;
        }
        // A connection that merely closes looks like an end: without a length nobody can tell whether it is whole.
        if self.content.len().is_none() && !is_chunked(&self.head.headers) {
            let detail = "the answer has no length, so that nothing shows whether it is whole";
            return Err(Error::new(Kind::Integrity, detail));
        }
        let rest = std::mem::replace(&mut self.content, Content::empty());
        Ok(Received::Stream { head: self.take(), rest })
    }

    /// The whole body, at most `cap` bytes.
    async fn whole(&mut self, cap: u64) -> Result<Received, Error> {
        let too_long = || Error::new(Kind::Protocol, format!("the body is longer than the {cap} bytes allowed"));
        if self.content.len().is_some_and(|len| len > cap) {
            return Err(too_long());
        }
        while let Some(more) = self.content.next().await.transpose()? {
            append(&mut self.buffer, more);
            if self.buffer.len() as u64 > cap {
                return Err(too_long());
            }
        }
        self.complete = true;
        Ok(Received::Whole(self.take()))
    }

    /// The bytes read so far. The buffer retains them if the raw response may be asked for.
    fn take(&mut self) -> Bytes {
        if self.is_unrepeatable() { self.buffer.clone() } else { std::mem::take(&mut self.buffer) }
    }

    /// The response as it was received, if the vendor will not give it a second time.
    pub(super) fn into_raw(self) -> Option<RawResponse> {
        let raw = self.is_unrepeatable();
        raw.then(|| RawResponse::new(self.head.status, self.head.headers, self.buffer, self.complete))
    }
}

/// Appends a piece. The usual body is one piece and is not copied.
fn append(body: &mut Bytes, piece: Bytes) {
    if body.is_empty() {
        *body = piece;
        return;
    }
    let mut joined = BytesMut::from(std::mem::take(body));
    joined.extend_from_slice(&piece);
    *body = joined.freeze();
}

/// Whether the head says where the body ends: by chunks, since a length is known to the content already.
fn is_chunked(headers: &HeaderMap) -> bool {
    let last = headers.get_all(TRANSFER_ENCODING).iter().next_back().and_then(|value| value.to_str().ok());
    last.and_then(|value| value.rsplit(',').next()).is_some_and(|coding| coding.trim().eq_ignore_ascii_case("chunked"))
}

/// How long `Retry-After` asks to wait, in seconds or until a date. A date that is over, by a clock that may be wrong, and
/// what is neither are left to the back-off.
pub(super) fn retry_after(headers: &HeaderMap, clock: &dyn Clock) -> Option<Duration> {
    let told = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !told.is_empty() && told.bytes().all(|byte| byte.is_ascii_digit()) {
        // More than can be counted is longer than anybody waits.
        return Some(told.parse().map_or(Duration::MAX, Duration::from_secs));
    }
    let until = DateTimeParser::new().parse_timestamp(told).ok()?;
    Duration::try_from(until.duration_since(clock.wall())).ok().filter(|wait| !wait.is_zero())
}
