//! Reading an answer: whole, or as a stream that is known to be whole at its end.

use std::time::Duration;

use ::http::header::{HeaderMap, RETRY_AFTER, TRANSFER_ENCODING};
use ::http::response;
use bytes::Bytes;
use identkit_core::{Clock, Content, Error, Kind};
use identkit_wire::{BodyMode, Meta, Received};
use jiff::fmt::rfc2822::DateTimeParser;

/// How many bytes are looked at to tell a binary from JSON, if there are so many.
const SNIFF: usize = 16;

/// The most that is read of an error's body, in bytes.
const ERROR_BODY: usize = 64 * 1024;

pub(super) async fn body_of(meta: &Meta, head: &response::Parts, mut content: Content) -> Result<Received, Error> {
    let (cap, sniff) = match meta.body_mode {
        BodyMode::Whole { cap } => return content.collect(cap).await.map(Received::Whole),
        BodyMode::Stream { cap } => (cap, None),
        BodyMode::Sniff { cap, stream } => (cap, Some(stream)),
    };
    if content.len().is_some_and(|len| len > cap) {
        return Err(Error::new(Kind::Protocol, format!("the answer is longer than the {cap} bytes allowed")));
    }
    let mut first = content.next().await.transpose()?.unwrap_or_default();
    while sniff.is_some() && first.len() < SNIFF {
        let Some(more) = content.next().await.transpose()? else { break };
        first = Bytes::from([first, more].concat());
    }
    if sniff.is_some_and(|streams| !streams(&head.headers, &first)) {
        let rest = content.collect(cap).await?;
        return Ok(Received::Whole(if rest.is_empty() { first } else { Bytes::from([first, rest].concat()) }));
    }
    // A connection that merely closes looks like an end: without a length nobody can tell whether it is whole.
    if content.len().is_none() && !is_chunked(&head.headers) {
        return Err(Error::new(Kind::Integrity, "the answer has no length, so that nothing shows whether it is whole"));
    }
    Ok(Received::Stream { head: first, rest: content })
}

/// The beginning of an error's body, which explains and is cut rather than lost; and whether it came without a break.
pub(super) async fn beginning(mut content: Content) -> (Vec<u8>, bool) {
    let mut read = Vec::new();
    while read.len() < ERROR_BODY {
        match content.next().await {
            Some(Ok(chunk)) => {
                let room = ERROR_BODY.saturating_sub(read.len());
                read.extend(chunk.iter().take(room));
            }
            Some(Err(_)) => return (read, false),
            None => break,
        }
    }
    (read, true)
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
