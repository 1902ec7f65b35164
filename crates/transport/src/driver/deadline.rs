//! Runs a future until a deadline.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use identkit_core::{BoxFuture, Clock, Delivery, Error, Instant, Kind, WorkGuard};

/// A deadline for several futures, one after another. They share one timer, which is set when the first must wait.
pub(super) struct Deadline<'a> {
    clock: &'a dyn Clock,
    at: Instant,
    timer: Option<BoxFuture<'static, WorkGuard>>,
}

impl<'a> Deadline<'a> {
    pub(super) fn new(clock: &'a dyn Clock, at: Instant) -> Self {
        Self { clock, at, timer: None }
    }

    /// Runs `work`, or fails with [`too_late`] when the deadline expires first.
    pub(super) async fn run<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Error> {
        let mut work = pin!(work);
        poll_fn(|cx| {
            if let Poll::Ready(done) = work.as_mut().poll(cx) {
                return Poll::Ready(Ok(done));
            }
            let timer = self.timer.get_or_insert_with(|| self.clock.sleep_until(self.at));
            if timer.as_mut().poll(cx).is_ready() {
                // A completed future must not be polled again.
                self.timer = None;
                return Poll::Ready(Err(too_late()));
            }
            Poll::Pending
        })
        .await
    }
}

pub(super) fn too_late() -> Error {
    Error::new(Kind::Timeout, "no response within the timeout").with_delivery(Delivery::NotSent)
}
