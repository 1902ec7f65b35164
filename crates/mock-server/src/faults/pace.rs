//! Answers that come slowly.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::select;
use http_body::{Body, Frame};
use identkit_core::{BoxFuture, Clock as _, Content, Error, Instant};
use identkit_transport::SystemClock;

use crate::clock::VirtualClock;

/// Waits until so much time has passed, in the world or in reality, whichever comes first: time that stands still holds
/// nobody for ever, and who advances it needs not wait.
pub(crate) async fn pass(clock: &VirtualClock, time: Duration) {
    let world = clock.sleep_until(clock.now().plus(time));
    let real = SystemClock::new().sleep_until(Instant(time));
    select(world, real).await;
}

/// How an answer is slowed down.
#[derive(Clone, Debug)]
pub struct Pace {
    pub(super) clock: VirtualClock,
    /// The size of a piece.
    pub(super) bytes: usize,
    /// The pause after each but the last.
    pub(super) pause: Duration,
}

impl PartialEq for Pace {
    fn eq(&self, other: &Self) -> bool {
        (self.bytes, self.pause) == (other.bytes, other.pause)
    }
}

impl Pace {
    /// The rate of so many bytes a second, in pieces that come often enough to look even.
    pub(super) fn of_rate(clock: &VirtualClock, bytes_per_second: u64) -> Self {
        let bytes = (bytes_per_second / 20).clamp(1, 64 * 1024);
        let pause = Duration::from_secs_f64(bytes as f64 / bytes_per_second.max(1) as f64);
        Self { clock: clock.clone(), bytes: usize::try_from(bytes).unwrap_or(1), pause }
    }

    /// The pieces of these bytes.
    #[cfg(feature = "server")]
    pub(crate) fn pieces<'a>(&self, bytes: &'a [u8]) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        bytes.chunks(self.bytes.max(1))
    }

    /// Waits for the next piece.
    #[cfg(feature = "server")]
    pub(crate) async fn pause(&self) {
        pass(&self.clock, self.pause).await;
    }

    /// The same content, slowly.
    pub(super) fn slow(self, bytes: Bytes) -> Content {
        let len = Some(bytes.len() as u64);
        Content::new(len, Slow { pace: self, rest: bytes, waiting: None })
    }
}

/// A body in pieces with pauses.
struct Slow {
    pace: Pace,
    rest: Bytes,
    waiting: Option<BoxFuture<'static, ()>>,
}

impl Body for Slow {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        if this.rest.is_empty() {
            return Poll::Ready(None);
        }
        if let Some(waiting) = &mut this.waiting {
            std::task::ready!(waiting.as_mut().poll(cx));
        }
        let (clock, pause) = (this.pace.clock.clone(), this.pace.pause);
        this.waiting = Some(Box::pin(async move { pass(&clock, pause).await }));
        let piece = this.rest.split_to(this.pace.bytes.clamp(1, this.rest.len()));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }
}
