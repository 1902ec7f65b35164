//! Responses that violate HTTP or are sent slowly.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::select;
use futures_util::stream;
use http::header::CONTENT_LENGTH;
use http::{Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::StreamBody;
use identkit_core::{Clock as _, Content, Delivery, Error, Instant, Kind};
use identkit_transport::{Failure, SystemClock};

use crate::VirtualClock;

/// How a response is sent. Stored in the extensions of the response, for the listener or transport that sends it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Wire {
    /// No response: the connection is reset.
    Reset,
    /// The connection is reset in the middle of the head.
    CutHead,
    /// The connection is closed in the middle of the body. A response without a body claims to have one.
    Truncated,
    /// No `Content-Length`; the connection is closed at the end of the body.
    NoLength,
    /// A `Content-Length` that is wrong by this number of bytes.
    WrongLength(i64),
    /// The response is sent in pieces with pauses.
    Drip(Pace),
    /// This number of interim responses (`103`) precedes the response.
    Interim(u32),
}

pub(crate) const INTERIM: &[u8] = b"HTTP/1.1 103 Early Hints\r\nLink: </>; rel=preload\r\n\r\n";

/// Maximum number of bytes that identkit's clients read before the head of a response.
const BEFORE_HEAD: usize = 256 * 1024;

impl Wire {
    pub(crate) fn reset() -> Response<Content> {
        let mut response = Response::new(Content::empty());
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        Self::Reset.mark(&mut response);
        response
    }

    pub(super) fn mark(self, response: &mut Response<Content>) {
        response.extensions_mut().insert(self);
    }

    /// Returns how a response is to be sent.
    pub fn of(response: &Response<Content>) -> Option<&Self> {
        response.extensions().get()
    }

    pub(crate) fn is_reset(response: &Response<Content>) -> bool {
        Self::of(response) == Some(&Self::Reset)
    }
}

/// Whether responses with this status never have a body.
pub(crate) fn bodiless(status: StatusCode) -> bool {
    status.is_informational() || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// Returns what a transport would return or report if the response were sent over a socket.
pub(crate) async fn as_received(mut response: Response<Content>) -> Result<Response<Content>, Failure> {
    let Some(wire) = response.extensions_mut().remove::<Wire>() else { return Ok(response) };
    let maybe = |kind, detail| Err(Failure::new(Delivery::MaybeSent, kind, detail));
    let broken = "the connection broke before the response";
    match wire {
        Wire::Reset | Wire::CutHead => return maybe(Kind::Unreachable, broken),
        Wire::Truncated if bodiless(response.status()) => return maybe(Kind::Unreachable, broken),
        Wire::Interim(count) if INTERIM.len() * count as usize > BEFORE_HEAD => {
            return maybe(Kind::Protocol, "the server sends endless data without a response");
        }
        Wire::Interim(_) => return Ok(response),
        _ if bodiless(response.status()) => return Ok(response),
        _ => {}
    }
    let (head, content) = response.into_parts();
    let Ok(bytes) = content.collect(u64::MAX).await else { return maybe(Kind::Unreachable, broken) };
    let whole = bytes.len() as u64;
    let content = match wire {
        Wire::Truncated => Content::new(Some(whole.max(MISSING)), body(bytes.slice(..bytes.len() / 2), true)),
        Wire::NoLength => Content::new(None, body(bytes, false)),
        Wire::WrongLength(by) => {
            let claimed = claimed_length(whole, by);
            match claimed > whole {
                true => Content::new(Some(claimed), body(bytes, true)),
                false => Content::from_bytes(bytes.slice(..usize::try_from(claimed).unwrap_or(usize::MAX))),
            }
        }
        Wire::Drip(pace) => pace.slow(bytes),
        Wire::Reset | Wire::CutHead | Wire::Interim(_) => Content::from_bytes(bytes),
    };
    let mut response = Response::from_parts(head, content);
    response.headers_mut().remove(CONTENT_LENGTH);
    Ok(response)
}

/// The length that a truncated response without a body claims.
pub(crate) const MISSING: u64 = 16;

pub(crate) fn claimed_length(whole: u64, by: i64) -> u64 {
    whole.saturating_add_signed(by)
}

/// Creates a body of these bytes, after which the connection may break.
fn body(bytes: Bytes, breaks: bool) -> impl Body<Data = Bytes, Error = Error> + Send {
    let broken = || Error::new(Kind::Unreachable, "the connection broke before the end of the response");
    let data = (!bytes.is_empty()).then(|| Ok(Frame::data(bytes)));
    StreamBody::new(stream::iter(data.into_iter().chain(breaks.then(|| Err(broken())))))
}

/// Waits until this time has passed in the world or in reality, whichever comes first. So a stopped clock does not block
/// a call for ever, and a test that advances the clock does not wait.
pub(crate) async fn pass(clock: &VirtualClock, time: Duration) {
    let world = clock.sleep_until(clock.now().plus(time));
    let real = SystemClock::new().sleep_until(Instant(time));
    select(world, real).await;
}

/// How a response is slowed down.
#[derive(Clone, Debug)]
pub struct Pace {
    pub(super) clock: VirtualClock,
    pub(super) bytes: usize,
    /// The pause after each piece except the last.
    pub(super) pause: Duration,
}

impl PartialEq for Pace {
    fn eq(&self, other: &Self) -> bool {
        (self.bytes, self.pause) == (other.bytes, other.pause)
    }
}

impl Pace {
    /// Creates a pace of this rate, with 20 pieces a second.
    pub(super) fn of_rate(clock: &VirtualClock, bytes_per_second: u64) -> Self {
        let bytes = (bytes_per_second / 20).clamp(1, 64 * 1024);
        let pause = Duration::from_secs_f64(bytes as f64 / bytes_per_second.max(1) as f64);
        Self { clock: clock.clone(), bytes: usize::try_from(bytes).unwrap_or(1), pause }
    }

    #[cfg(feature = "server")]
    pub(crate) fn pieces<'a>(&self, bytes: &'a [u8]) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        bytes.chunks(self.bytes.max(1))
    }

    pub(crate) async fn pause(&self) {
        pass(&self.clock, self.pause).await;
    }

    pub(super) fn slow(self, bytes: Bytes) -> Content {
        let len = Some(bytes.len() as u64);
        let pieces = stream::unfold((self, bytes, true), async |(pace, mut rest, is_first)| {
            if rest.is_empty() {
                return None;
            }
            if !is_first {
                pace.pause().await;
            }
            let piece = rest.split_to(pace.bytes.clamp(1, rest.len()));
            Some((Ok(Frame::data(piece)), (pace, rest, false)))
        });
        Content::new(len, StreamBody::new(pieces))
    }
}
