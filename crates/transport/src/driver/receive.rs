//! Reads a response: whole, or as a stream that fails if it ends too early.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use ::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, RETRY_AFTER, TRANSFER_ENCODING};
use ::http::{StatusCode, response};
use bytes::{Bytes, BytesMut};
use identkit_core::{Clock, Content, Error, FoundId, Kind, Pii, RawResponse};
use identkit_wire::{
    BodyMode, Meta, Received, UndescribedBody, UnknownEnd, body_text, error_text, general_refusal, is_empty_or_json,
    refusal, trim_body,
};
use jiff::fmt::rfc2822::DateTimeParser;

use super::coding::{self, unsupported};
use super::outcome::{Shown, is_refusal};
use crate::Trailers;

/// Number of bytes that distinguish a binary from JSON: a PDF can begin with other bytes (AT-96). A shorter body is
/// checked whole.
const SNIFF: usize = 1024;

/// Number of bytes after which a body that looks like a stream is handed out.
const SNIFF_AT_LEAST: usize = 16;

/// Maximum number of bytes that are read of an error's body.
const ERROR_BODY: usize = RawResponse::LIMIT;

/// Maximum number of bytes that are read of any response that the vendor does not give a second time (AT-79): a watcher, e.g.
/// the one that records it, must get all of it.
const UNREPEATABLE_BODY: usize = 256 * 1024 * 1024;

/// Number of pieces after which the reader pauses. Otherwise, the deadline would never be checked if there is always another
/// piece.
const PIECES: u32 = 16;

/// A response that is being read. The attempt owns it, so what was read survives a timeout.
pub(super) struct ArrivingResponse {
    pub(super) meta: &'static Meta,
    pub(super) head: response::Parts,
    pub(super) content: Content,
    buffer: Bytes,
    /// Number of pieces that were read.
    pieces: u32,
    /// Whether the buffer holds the whole body.
    complete: bool,
    /// Whether it arrived before the whole request was sent.
    pub(super) early: bool,
}

impl ArrivingResponse {
    pub(super) fn new(meta: &'static Meta, response: ::http::Response<Content>) -> Self {
        let (head, content) = response.into_parts();
        Self { meta, head, content, buffer: Bytes::new(), pieces: 0, complete: false, early: false }
    }

    /// Sets whether the response arrived before the whole request was sent.
    pub(super) fn early(mut self, early: bool) -> Self {
        self.early = early;
        self
    }

    /// Reads the next piece of the body.
    async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        self.pieces = self.pieces.wrapping_add(1);
        if self.pieces.is_multiple_of(PIECES) {
            let mut yielded = false;
            poll_fn(|cx| {
                if std::mem::replace(&mut yielded, true) {
                    return Poll::Ready(());
                }
                cx.waker().wake_by_ref();
                Poll::Pending
            })
            .await;
        }
        self.content.next().await
    }

    /// Reads the beginning of the body. Returns whether it did not break off.
    pub(super) async fn fill(&mut self) -> bool {
        let limit = if self.meta.safety.forbids_repeat() { UNREPEATABLE_BODY } else { ERROR_BODY };
        while self.buffer.len() < limit && !self.complete {
            match self.next().await {
                Some(Ok(chunk)) => {
                    let room = limit.saturating_sub(self.buffer.len());
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
        let meaning = if self.shows_gateway() { general_refusal } else { refusal };
        let error = meaning(self.meta, self.head.status, &self.buffer);
        if self.meta.safety.forbids_repeat() {
            // After these the engine can send the call again, so the body must have an end of its own.
            let repeats = matches!(error.kind(), Kind::Authentication | Kind::RateLimited);
            complete &= self.complete && (self.has_end() || (!repeats && is_empty_or_json(&self.buffer)));
        }
        (error, complete)
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
        // The transport checks a length. It does not pass it on if bytes can follow the end.
        let has_length = self.content.len().is_some()
            || self.head.headers.contains_key(CONTENT_LENGTH)
            || matches!(self.head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        has_length || is_chunked(&self.head.headers) || coding::has_end(&self.head)
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
            let Some(more) = self.next().await.transpose()? else {
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
        while let Some(more) = self.next().await.transpose()? {
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
        let media_type = self.head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_html = media_type.trim_start().to_ascii_lowercase().starts_with("text/html");
        match UndescribedBody::read(&self.buffer) {
            UndescribedBody::Empty => Shown::Empty,
            UndescribedBody::Failure => Shown::Error,
            _ if self.error_text().is_some() => Shown::Error,
            _ if is_html || trim_body(&self.buffer).starts_with(b"<") => Shown::Html,
            UndescribedBody::Object => Shown::Result,
            UndescribedBody::Json => Shown::Text,
            UndescribedBody::Text if self.has_end() => Shown::Text,
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
        self.meta.contradicts.is_some_and(|contradicts| contradicts(self.head.status, &self.headers(), body))
    }

    /// The headers, and the trailers as far as the response was read.
    fn headers(&self) -> HeaderMap {
        let mut headers = self.head.headers.clone();
        for (name, value) in &Trailers::of(&self.head.extensions) {
            headers.append(name, value.clone());
        }
        headers
    }

    /// The beginning of the body as text.
    pub(super) fn text(&self) -> Pii<String> {
        body_text(&self.buffer)
    }

    fn raw(&self) -> RawResponse {
        let (status, headers) = (self.head.status, self.headers());
        let raw = RawResponse::new(status, headers, self.buffer.clone(), self.complete)
            .with_id_names(self.meta.ids)
            .with_id_urls(self.meta.id_urls);
        // Its body is cut.
        if self.buffer.len() > RawResponse::LIMIT { raw.with_ids_in(&self.buffer, self.complete) } else { raw }
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

#[cfg(test)]
mod tests {
    use ::http::{HeaderValue, Method, Response};
    use futures_util::{FutureExt as _, StreamExt as _, stream};
    use http_body::Frame;
    use http_body_util::StreamBody;
    use identkit_core::Advice;
    use identkit_wire::{AmbiguityPolicy, Refusal, RetrySafety};

    use super::*;
    use crate::SystemClock;

    const fn meta(safety: RetrySafety) -> Meta {
        Meta::new("test", "test", Method::PUT, "/", safety, AmbiguityPolicy::Never).error_member("error")
    }

    static READ: Meta = meta(RetrySafety::Safe);
    static CREATE: Meta = meta(RetrySafety::Creating);
    static SNIFF_PDF: Meta = meta(RetrySafety::Safe)
        .body_mode(BodyMode::Sniff { cap: 3000, stream: |_, body| body.windows(5).any(|part| part == b"%PDF-") });

    /// A response whose body has these pieces and then ends, or never continues.
    fn arriving(
        meta: &'static Meta,
        len: Option<u64>,
        header: Option<(&'static str, &'static str)>,
        pieces: &[&str],
        ends: bool,
    ) -> ArrivingResponse {
        let pieces: Vec<_> =
            pieces.iter().map(|piece| Ok(Frame::data(Bytes::copy_from_slice(piece.as_bytes())))).collect();
        let rest = if ends { stream::empty().left_stream() } else { stream::pending().right_stream() };
        let mut response = Response::new(Content::new(len, StreamBody::new(stream::iter(pieces).chain(rest))));
        *response.status_mut() = StatusCode::BAD_REQUEST;
        if let Some((name, value)) = header {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        ArrivingResponse::new(meta, response)
    }

    impl ArrivingResponse {
        fn into_response(self) -> Response<Content> {
            Response::from_parts(self.head, self.content)
        }
    }

    #[tokio::test]
    async fn at_89_a_body_is_classified_by_its_content() {
        for (media_type, body, expected) in [
            ("text/html", "", Shown::Empty),
            ("", " \r\n", Shown::Empty),
            ("", "\u{feff}", Shown::Empty),
            ("", "{\"a\": 1}", Shown::Result),
            ("", "[]", Shown::Text),
            ("", "{\"a\": ", Shown::Other),
            // It could be truncated.
            ("text/plain", "a text", Shown::Other),
            ("", "<html>", Shown::Html),
            (" TEXT/HTML; charset=utf-8", "a text", Shown::Html),
            ("text/html", "{}", Shown::Html),
            ("text/html", "{\"error\": \"because\"}", Shown::Error),
            ("", "false", Shown::Error),
        ] {
            let mut arriving = arriving(&READ, None, Some(("content-type", media_type)), &[body], true);
            assert!(arriving.fill().await);
            assert_eq!(arriving.shown(), expected, "{media_type} {body}");
        }
        let mut arriving = arriving(&READ, Some(8), None, &["accepted"], true);
        assert!(arriving.fill().await);
        assert_eq!(arriving.shown(), Shown::Text);
    }

    #[tokio::test]
    async fn ai_31_a_refusal_without_a_length_is_not_sent_again() {
        let (chunked, gzip) = (Some(("transfer-encoding", "chunked")), Some(("content-encoding", "gzip")));
        for (len, header, create) in [
            (Some(2), None, true),
            (None, chunked, true),
            (None, None, false),
            (None, gzip, false),
            (Some(2), gzip, true),
        ] {
            for (meta, expected) in [(&READ, true), (&CREATE, create)] {
                for status in [StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS] {
                    let mut response = arriving(meta, len, header, &["{}"], true).into_response();
                    *response.status_mut() = status;
                    let (_, complete) = ArrivingResponse::new(meta, coding::decode(response)).refusal().await;
                    assert_eq!(complete, expected, "{:?} {status} {len:?} {header:?}", meta.safety);
                }
            }
        }
    }

    #[tokio::test]
    async fn at_97_a_refusal_is_complete_if_nothing_can_be_missing() {
        let chunked = Some(("transfer-encoding", "chunked"));
        let long = "x".repeat(ERROR_BODY + 1);
        for (len, header, body, read, create) in [
            (Some(7), None, "because", true, true),
            (Some(8), None, "because", false, false),
            (None, chunked, "because", true, true),
            (None, None, "because", true, false),
            (None, None, "{}", true, true),
            (None, None, "", true, true),
            (Some(long.len() as u64), None, &long, true, true),
        ] {
            for (meta, expected) in [(&READ, read), (&CREATE, create)] {
                let (_, complete) = arriving(meta, len, header, &[body], true).refusal().await;
                assert_eq!(complete, expected, "{:?} {len:?} {header:?}", meta.safety);
            }
        }
    }

    #[test]
    fn an_error_body_is_not_awaited_beyond_its_length_or_the_limit() {
        let longest = "x".repeat(ERROR_BODY);
        for (len, pieces, complete) in
            [(Some(7), &["bec", "ause"][..], true), (None, &[longest.as_str()], false), (None, &["x", &longest], false)]
        {
            let mut arriving = arriving(&READ, len, None, pieces, false);
            assert_eq!(arriving.fill().now_or_never(), Some(true), "{len:?}");
            let raw = arriving.into_raw();
            assert_eq!((raw.body().len(), raw.is_complete()), (pieces.concat().len().min(ERROR_BODY), complete));
        }
    }

    #[tokio::test]
    async fn a_whole_body_without_an_end_of_its_own_is_marked() {
        for (len, header, marked) in
            [(Some(2), None, false), (None, Some(("transfer-encoding", "chunked")), false), (None, None, true)]
        {
            let mut arriving = arriving(&READ, len, header, &["{}"], true);
            assert!(matches!(arriving.body().await, Ok(Received::Whole(body)) if body == "{}"));
            assert_eq!(arriving.head.extensions.get::<UnknownEnd>().is_some(), marked, "{len:?} {header:?}");
            assert!(arriving.into_raw().is_complete());
        }
    }

    #[test]
    fn at_96_a_body_is_a_stream_as_soon_as_it_looks_like_one() {
        let junk = "x".repeat(SNIFF - 1);
        for (len, pieces, ends, expected) in [
            (Some(3000), &["%PDF-", "1.7 and mo", "re"][..], false, "stream of 17"),
            (Some(17), &["%PDF-", "1.7 and more"], true, "stream of 17, complete"),
            (Some(3000), &["%PDF-", "1.7 and mo"], false, "waits"),
            (Some(15), &["%PDF-", "1.7 and mo"], true, "stream of 15, complete"),
            (Some(3000), &[&junk, "%PDF-"], false, "stream of 1028"),
            (Some(3000), &[&junk], false, "waits"),
            (Some(1029), &[&junk, "x", "%PDF-"], true, "whole 1029, complete"),
            (Some(7), &["{\"a\":1}"], true, "whole 7, complete"),
            (Some(3001), &["%PDF-1.7 and more"], true, "Protocol"),
            (None, &["%PDF-1.7 and more"], true, "Integrity"),
        ] {
            let mut arriving = arriving(&SNIFF_PDF, len, None, pieces, ends);
            let mut shown = match arriving.body().now_or_never() {
                None => "waits".to_owned(),
                Some(Ok(Received::Stream { head, .. })) => format!("stream of {}", head.len()),
                Some(Ok(Received::Whole(body))) => format!("whole {}", body.len()),
                Some(Err(error)) => format!("{:?}", error.kind()),
            };
            if arriving.into_raw().is_complete() {
                shown += ", complete";
            }
            assert_eq!(shown, expected, "{len:?} {:?}", pieces.last());
        }
    }

    #[test]
    fn retry_after_is_a_number_of_seconds_or_a_future_date() {
        let seconds = |value| Some(Duration::from_secs(value));
        for (value, wait) in [
            ("0", seconds(0)),
            (" 7 ", seconds(7)),
            ("99999999999999999999999", Some(Duration::MAX)),
            ("Thu, 01 Jan 1970 00:00:01 GMT", None),
            ("", None),
            ("7.5", None),
            ("soon", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))]);
            assert_eq!(retry_after(&headers, &SystemClock::new()), wait, "{value}");
        }
    }

    #[test]
    fn only_a_page_in_place_of_a_result_is_from_a_gateway() {
        static KINDS: Meta = meta(RetrySafety::Safe).refusals(&[
            Refusal::new(400, Kind::InvalidState, "documented", Advice::DoNotRetry),
            Refusal::new(404, Kind::NotFound, "documented", Advice::DoNotRetry),
        ]);
        for (status, body, expected) in
            [(400, "<p>", true), (400, "{}", false), (404, "<p>", false), (410, "<p>", false)]
        {
            let mut arriving = arriving(&KINDS, None, None, &[body], true);
            arriving.head.status = StatusCode::from_u16(status).unwrap();
            arriving.fill().now_or_never();
            assert_eq!(arriving.shows_gateway(), expected, "{status} {body}");
        }
    }
}
