//! Runs a future until a deadline.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};

use identkit_core::{BoxFuture, Clock, Delivery, Error, Instant, Kind, WorkGuard};

use crate::AttemptContext;

/// A deadline for several futures, one after another. They share one timer, which is set when the first must wait.
pub(super) struct Deadline<'a> {
    clock: &'a dyn Clock,
    at: Instant,
    timer: Option<BoxFuture<'static, WorkGuard>>,
    /// The attempt that the deadline ends.
    attempt: Option<&'a AttemptContext>,
    /// After the deadline: ends when what has arrived before it is read.
    settling: Option<BoxFuture<'static, ()>>,
}

impl<'a> Deadline<'a> {
    pub(super) fn new(clock: &'a dyn Clock, at: Instant) -> Self {
        Self { clock, at, timer: None, attempt: None, settling: None }
    }

    /// The deadline of an attempt. When it expires, what has already arrived is still read.
    pub(super) fn of_attempt(clock: &'a dyn Clock, attempt: &'a AttemptContext) -> Self {
        Self { attempt: Some(attempt), ..Self::new(clock, attempt.deadline()) }
    }

    /// Runs `work`, or fails with [`too_late`] when the deadline expires first.
    pub(super) async fn run<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Error> {
        let mut work = pin!(work);
        poll_fn(|cx| {
            if let Poll::Ready(done) = work.as_mut().poll(cx) {
                return Poll::Ready(Ok(done));
            }
            if self.settling.is_none() {
                std::task::ready!(self.poll_timer(cx));
                self.settling = Some(self.expire());
                // It may wait for more only because the deadline had not expired.
                if let Poll::Ready(done) = work.as_mut().poll(cx) {
                    return Poll::Ready(Ok(done));
                }
            }
            let settling = self.settling.as_mut().map_or(Poll::Ready(()), |settling| settling.as_mut().poll(cx));
            std::task::ready!(settling);
            // A completed future must not be polled again.
            self.settling = Some(Box::pin(std::future::ready(())));
            match work.as_mut().poll(cx) {
                Poll::Ready(done) => Poll::Ready(Ok(done)),
                Poll::Pending => Poll::Ready(Err(too_late())),
            }
        })
        .await
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| self.clock.sleep_until(self.at));
        let _guard = std::task::ready!(timer.as_mut().poll(cx));
        // A completed future must not be polled again.
        self.timer = None;
        Poll::Ready(())
    }

    fn expire(&self) -> BoxFuture<'static, ()> {
        let settling = self.attempt.and_then(|attempt| {
            attempt.expire();
            attempt.settling()
        });
        settling.unwrap_or_else(|| Box::pin(std::future::ready(())))
    }
}

pub(super) fn too_late() -> Error {
    Error::new(Kind::Timeout, "no response within the timeout").with_delivery(Delivery::NotSent)
}
