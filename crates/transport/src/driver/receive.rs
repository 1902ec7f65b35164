//! Reads a response: whole, or as a stream that fails if it ends too early.

use std::time::Duration;

use ::http::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER, TRANSFER_ENCODING};
use ::http::response;
use bytes::{Bytes, BytesMut};
use identkit_core::{Clock, Content, Error, FoundId, Kind, Pii, RawResponse};
use identkit_wire::{
    BodyMode, Meta, Received, UnknownEnd, body_text, error_text, general_refusal, is_empty_or_json, is_json_object,
    refusal, states_failure, trim_body,
};
use jiff::fmt::rfc2822::DateTimeParser;

use super::coding::{is_decoded, unsupported};
use super::outcome::{Shown, is_refusal};

/// Number of bytes that distinguish a binary from JSON: a PDF can begin with other bytes (AT-96). A shorter body is
/// checked whole.
const SNIFF: usize = 1024;

/// Number of bytes after which a body that looks like a stream is handed out.
const SNIFF_AT_LEAST: usize = 16;

/// Maximum number of bytes that are read of an error's body.
const ERROR_BODY: usize = 1024 * 1024;

/// A response that is being read. The attempt owns it, so what was read survives a timeout.
pub(super) struct ArrivingResponse {
    pub(super) meta: &'static Meta,
    pub(super) head: response::Parts,
    pub(super) content: Content,
    buffer: Bytes,
    /// Whether the buffer holds the whole body.
    complete: bool,
}

impl ArrivingResponse {
    pub(super) fn new(meta: &'static Meta, response: ::http::Response<Content>) -> Self {
        let (head, content) = response.into_parts();
        Self { meta, head, content, buffer: Bytes::new(), complete: false }
    }

    /// Reads the beginning of the body. Returns whether it did not break off.
    pub(super) async fn fill(&mut self) -> bool {
        while self.buffer.len() < ERROR_BODY && !self.complete {
            match self.content.next().await {
                Some(Ok(chunk)) => {
                    let room = ERROR_BODY.saturating_sub(self.buffer.len());
                    let fits = chunk.len() <= room;
                    append(&mut self.buffer, chunk.slice(..room.min(chunk.len())));
                    self.complete = fits && self.content.len() == Some(self.buffer.len() as u64);
                }
                Some(Err(_)) => return false,
                None => self.complete = true,
            }
        }
        true
    }

    /// Reads the error of a refusal from the beginning of its body. Returns it, and whether the response counts as
    /// complete. For a call that must not be repeated, this means that nothing can be missing: the rest of a body could
    /// show a success (AI-31, AT-97).
    pub(super) async fn refusal(&mut self) -> (Error, bool) {
        let mut complete = self.fill().await;
        if self.meta.safety.forbids_repeat() {
            complete &= self.complete && (self.has_end() || is_empty_or_json(&self.buffer));
        }
        let meaning = if self.shows_gateway() { general_refusal } else { refusal };
        (meaning(self.meta, self.head.status, &self.buffer), complete)
    }

    /// Whether a gateway sent a refusal that would say something about the case, so that the vendor's meaning of the status
    /// does not count: the body is a page.
    pub(super) fn shows_gateway(&self) -> bool {
        let status = self.head.status.as_u16();
        let documented = self.meta.refusals.iter().find(|refusal| refusal.status == status);
        documented.is_some_and(|refusal| !is_refusal(refusal.kind)) && self.shown() == Shown::Html
    }

    /// Whether a broken connection differs from the end of the body.
    fn has_end(&self) -> bool {
        self.content.len().is_some() || is_chunked(&self.head.headers) || is_decoded(&self.head)
    }

    pub(super) async fn body(&mut self) -> Result<Received, Error> {
        let (cap, sniff) = match self.meta.body_mode {
            BodyMode::Whole { cap } => return self.whole(cap).await,
            BodyMode::Stream { cap } => (cap, None),
            BodyMode::Sniff { cap, stream } => (cap, Some(stream)),
        };
        if self.content.len().is_some_and(|len| len > cap) {
            // The error retains the beginning.
            self.fill().await;
            return Err(Error::new(Kind::Protocol, format!("the response is longer than the {cap} bytes allowed")));
        }
        let decided = |headers: &HeaderMap, buffer: &Bytes| match sniff {
            None => !buffer.is_empty(),
            Some(streams) => buffer.len() >= SNIFF || (buffer.len() >= SNIFF_AT_LEAST && streams(headers, buffer)),
        };
        while !decided(&self.head.headers, &self.buffer) {
            let Some(more) = self.content.next().await.transpose()? else {
                self.complete = true;
                break;
            };
            append(&mut self.buffer, more);
        }
        self.complete |= self.content.len() == Some(self.buffer.len() as u64);
        if sniff.is_some_and(|streams| !streams(&self.head.headers, &self.buffer)) {
            return self.whole(cap).await;
        }
        if !self.has_end() {
            self.fill().await;
            self.complete = false;
            let detail = "the response has no length, so a truncated one could not be detected";
            return Err(Error::new(Kind::Integrity, detail));
        }
        let rest = std::mem::replace(&mut self.content, Content::empty());
        Ok(Received::Stream { head: self.take(), rest })
    }

    /// Reads the whole body, at most `cap` bytes.
    async fn whole(&mut self, cap: u64) -> Result<Received, Error> {
        let too_long = || Error::new(Kind::Protocol, format!("the body is longer than the {cap} bytes allowed"));
        if self.content.len().is_some_and(|len| len > cap) {
            // The error retains the beginning.
            self.fill().await;
            return Err(too_long());
        }
        while let Some(more) = self.content.next().await.transpose()? {
            append(&mut self.buffer, more);
            if self.buffer.len() as u64 > cap {
                return Err(too_long());
            }
        }
        self.complete = true;
        if !self.has_end() {
            self.head.extensions.insert(UnknownEnd);
        }
        Ok(Received::Whole(self.take()))
    }

    /// Takes the bytes read so far. The buffer keeps them for the raw response, without a copy.
    fn take(&mut self) -> Bytes {
        self.buffer.clone()
    }

    /// What the body of an operation without a documented body shows.
    pub(super) fn shown(&self) -> Shown {
        let body = trim_body(&self.buffer);
        let media_type = self.head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match body {
            [] => Shown::Empty,
            _ if self.error_text().is_some() || states_failure(body) => Shown::Error,
            [b'<', ..] => Shown::Html,
            _ if media_type.trim_start().to_ascii_lowercase().starts_with("text/html") => Shown::Html,
            _ if is_json_object(body) => Shown::Result,
            _ => Shown::Other,
        }
    }

    /// The text of the operation's error element, if the body has one.
    pub(super) fn error_text(&self) -> Option<Pii<String>> {
        error_text(&self.buffer, self.meta.error_member?)
    }

    /// The ids that show that the call created or took something.
    pub(super) fn find_ids(&self) -> Vec<FoundId> {
        if self.meta.ids.is_empty() { Vec::new() } else { self.raw().ids() }
    }

    /// Whether the body of a refusal contradicts it, or cannot be checked.
    pub(super) fn contradicts(&self) -> bool {
        let is_coded =
            self.meta.safety.forbids_repeat() && !self.buffer.is_empty() && unsupported(&self.head.headers).is_some();
        is_coded || self.contradicts_with(&self.buffer)
    }

    /// Whether the headers of a refusal contradict it.
    pub(super) fn contradicts_by_headers(&self) -> bool {
        self.contradicts_with(&[])
    }

    fn contradicts_with(&self, body: &[u8]) -> bool {
        self.meta.contradicts.is_some_and(|contradicts| contradicts(self.head.status, &self.head.headers, body))
    }

    /// The beginning of the body as text.
    pub(super) fn text(&self) -> Pii<String> {
        body_text(&self.buffer)
    }

    fn raw(&self) -> RawResponse {
        let (status, headers) = (self.head.status, self.head.headers.clone());
        RawResponse::new(status, headers, self.buffer.clone(), self.complete)
            .with_id_names(self.meta.ids)
            .with_id_urls(self.meta.id_urls)
    }

    /// The response as received.
    pub(super) fn into_raw(self) -> RawResponse {
        self.raw()
    }

    /// The response as received, if the vendor will not give it a second time.
    pub(super) fn into_unrepeatable(self) -> Option<RawResponse> {
        self.meta.safety.forbids_repeat().then(|| self.raw())
    }
}

/// Appends a piece. A body of one piece is not copied.
fn append(body: &mut Bytes, piece: Bytes) {
    if body.is_empty() {
        *body = piece;
        return;
    }
    let mut joined = BytesMut::from(std::mem::take(body));
    joined.extend_from_slice(&piece);
    *body = joined.freeze();
}

/// Whether the body is chunked, i.e. has an end without having a length.
fn is_chunked(headers: &HeaderMap) -> bool {
    let last = headers.get_all(TRANSFER_ENCODING).iter().next_back().and_then(|value| value.to_str().ok());
    last.and_then(|value| value.rsplit(',').next()).is_some_and(|coding| coding.trim().eq_ignore_ascii_case("chunked"))
}

/// Reads the wait from `Retry-After`: seconds or a date. `None` if the date has passed (one of the clocks may be wrong) or
/// if the value is invalid.
pub(super) fn retry_after(headers: &HeaderMap, clock: &dyn Clock) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that does not fit exceeds any cap.
        return Some(value.parse().map_or(Duration::MAX, Duration::from_secs));
    }
    let until = DateTimeParser::new().parse_timestamp(value).ok()?;
    Duration::try_from(until.duration_since(clock.wall())).ok().filter(|wait| !wait.is_zero())
}
