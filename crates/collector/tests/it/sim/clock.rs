//! Virtual time: that of tokio's paused clock.

use std::time::Duration;

use identkit_core::{BoxFuture, Clock, Instant, WorkGuard};
use jiff::Timestamp;

/// A clock that moves when all tasks wait.
#[derive(Clone, Debug)]
pub(crate) struct SimClock {
    start: tokio::time::Instant,
}

impl SimClock {
    pub(crate) fn new() -> Self {
        Self { start: tokio::time::Instant::now() }
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

impl Clock for SimClock {
    fn wall(&self) -> Timestamp {
        "2026-11-30T09:00:00Z".parse::<Timestamp>().unwrap() + self.elapsed()
    }

    fn now(&self) -> Instant {
        Instant(self.elapsed())
    }

    fn sleep_until(&self, at: Instant) -> BoxFuture<'static, WorkGuard> {
        let sleep = tokio::time::sleep_until(self.start + at.0);
        Box::pin(async move {
            sleep.await;
            WorkGuard::idle()
        })
    }

    fn hold(&self) -> WorkGuard {
        WorkGuard::idle()
    }
}
