//! How an answer is written that HTTP would write otherwise.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{Response, StatusCode};
use http_body::{Body, Frame};
use identkit_core::{Content, Delivery, Error, Kind};
use identkit_transport::Failure;

use super::pace::Pace;

/// How an answer is written. Kept in the extensions of the response, for the door that it leaves by.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Wire {
    /// Not at all: the connection is reset.
    Reset,
    /// To the middle of its head; then the connection is reset.
    CutHead,
    /// To the middle of its body; then the connection is closed. An answer without one says that it has one.
    Truncated,
    /// Without a length; the connection is closed at the end of the body.
    NoLength,
    /// With a length that is wrong by so much.
    WrongLength(i64),
    /// In pieces with pauses.
    Drip(Pace),
    /// After so many interim answers.
    Interim(u32),
}

/// An interim answer.
pub(crate) const INTERIM: &[u8] = b"HTTP/1.1 103 Early Hints\r\nLink: </>; rel=preload\r\n\r\n";

/// The most that a client of ours reads before the head of an answer.
const BEFORE_HEAD: usize = 256 * 1024;

impl Wire {
    /// An answer that is not given at all.
    pub(crate) fn reset() -> Response<Content> {
        let mut response = Response::new(Content::empty());
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        Self::Reset.mark(&mut response);
        response
    }

    pub(super) fn mark(self, response: &mut Response<Content>) {
        response.extensions_mut().insert(self);
    }

    /// How this answer is to be written.
    pub fn of(response: &Response<Content>) -> Option<&Self> {
        response.extensions().get()
    }

    /// Whether nothing of the answer is to arrive.
    pub(crate) fn is_reset(response: &Response<Content>) -> bool {
        Self::of(response) == Some(&Self::Reset)
    }
}

/// Whether answers of this status never have a body.
pub(crate) fn bodiless(status: StatusCode) -> bool {
    status.is_informational() || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// What a transport would make of an answer that is written so.
///
/// # Errors
/// What it would report in place of an answer.
pub(crate) async fn as_received(mut response: Response<Content>) -> Result<Response<Content>, Failure> {
    let Some(wire) = response.extensions_mut().remove::<Wire>() else { return Ok(response) };
    let maybe = |kind, detail| Err(Failure::new(Delivery::MaybeSent, kind, detail));
    let broken = "the connection broke before a complete answer came";
    match wire {
        Wire::Reset | Wire::CutHead => return maybe(Kind::Unreachable, broken),
        Wire::Truncated if bodiless(response.status()) => return maybe(Kind::Unreachable, broken),
        Wire::Interim(count) if INTERIM.len() * count as usize > BEFORE_HEAD => {
            return maybe(Kind::Protocol, "the server sends without end and does not answer");
        }
        Wire::Interim(_) => return Ok(response),
        _ if bodiless(response.status()) => return Ok(response),
        _ => {}
    }
    let (head, content) = response.into_parts();
    let Ok(bytes) = content.collect(u64::MAX).await else { return maybe(Kind::Unreachable, broken) };
    let whole = bytes.len() as u64;
    let content = match wire {
        Wire::Truncated => Content::new(Some(whole.max(MISSING)), Cut(bytes.slice(..bytes.len() / 2))),
        Wire::NoLength => Content::new(None, Whole(bytes)),
        Wire::WrongLength(by) => {
            let told = claimed_length(whole, by);
            match told > whole {
                true => Content::new(Some(told), Cut(bytes)),
                false => Content::from_bytes(bytes.slice(..usize::try_from(told).unwrap_or(usize::MAX))),
            }
        }
        Wire::Drip(pace) => pace.slow(bytes),
        Wire::Reset | Wire::CutHead | Wire::Interim(_) => Content::from_bytes(bytes),
    };
    let mut response = Response::from_parts(head, content);
    response.headers_mut().remove(CONTENT_LENGTH);
    Ok(response)
}

/// The length that an answer without a body says it has, when it is to be cut.
pub(crate) const MISSING: u64 = 16;

/// The wrong length of a body.
pub(crate) fn claimed_length(whole: u64, by: i64) -> u64 {
    whole.saturating_add_signed(by)
}

/// Bytes whose number nobody knew.
struct Whole(Bytes);

impl Body for Whole {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let bytes = std::mem::take(&mut self.0);
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }
}

/// Bytes after which the connection breaks.
struct Cut(Bytes);

impl Body for Cut {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let bytes = std::mem::take(&mut self.0);
        Poll::Ready(Some(match bytes.is_empty() {
            true => Err(Error::new(Kind::Unreachable, "the connection broke before the whole answer came")),
            false => Ok(Frame::data(bytes)),
        }))
    }
}
