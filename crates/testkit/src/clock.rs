use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use identkit_core::{BoxFuture, Clock, Instant, WorkGuard};

/// A clock that moves only when a test advances it.
#[derive(Clone, Debug, Default)]
pub struct TestClock(Arc<Mutex<Duration>>);

impl TestClock {
    /// Advances the clock.
    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for TestClock {
    fn wall(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }

    fn now(&self) -> Instant {
        Instant(*self.0.lock().unwrap())
    }

    fn sleep_until(&self, at: Instant) -> BoxFuture<'static, WorkGuard> {
        let clock = self.clone();
        Box::pin(poll_fn(move |_| if clock.now() >= at { Poll::Ready(WorkGuard::idle()) } else { Poll::Pending }))
    }

    fn hold(&self) -> WorkGuard {
        WorkGuard::idle()
    }
}
