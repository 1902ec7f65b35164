//! Racing what is awaited against the end of an attempt.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use identkit_core::{BoxFuture, Clock, Delivery, Error, Instant, Kind, WorkGuard};

/// The end of an attempt, with one timer for all its parts, set by the first that has to wait.
pub(super) struct Deadline<'a> {
    clock: &'a dyn Clock,
    at: Instant,
    timer: Option<BoxFuture<'static, WorkGuard>>,
}

impl<'a> Deadline<'a> {
    pub(super) fn new(clock: &'a dyn Clock, at: Instant) -> Self {
        Self { clock, at, timer: None }
    }

    pub(super) async fn over<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Error> {
        let mut work = pin!(work);
        poll_fn(|cx| {
            if let Poll::Ready(done) = work.as_mut().poll(cx) {
                return Poll::Ready(Ok(done));
            }
            let timer = self.timer.get_or_insert_with(|| self.clock.sleep_until(self.at));
            let struck = timer.as_mut().poll(cx).is_ready();
            if struck {
                // Must not be polled again.
                self.timer = None;
                return Poll::Ready(Err(too_late()));
            }
            Poll::Pending
        })
        .await
    }
}

pub(super) fn too_late() -> Error {
    Error::new(Kind::Timeout, "no answer came in the time given").with_delivery(Delivery::NotSent)
}
