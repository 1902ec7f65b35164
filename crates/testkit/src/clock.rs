use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

use identkit_core::{BoxFuture, Clock, Instant, WorkGuard};

/// A clock that moves only when a test advances it.
#[derive(Clone, Debug, Default)]
pub struct TestClock(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    now: Duration,
    sleepers: Vec<Waker>,
}

impl TestClock {
    /// Advances the clock, and wakes what waits for it.
    pub fn advance(&self, by: Duration) {
        let mut inner = self.0.lock().unwrap();
        inner.now += by;
        let sleepers = std::mem::take(&mut inner.sleepers);
        drop(inner);
        sleepers.into_iter().for_each(Waker::wake);
    }
}

impl Clock for TestClock {
    fn wall(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }

    fn now(&self) -> Instant {
        Instant(self.0.lock().unwrap().now)
    }

    fn sleep_until(&self, at: Instant) -> BoxFuture<'static, WorkGuard> {
        let clock = self.clone();
        Box::pin(poll_fn(move |cx| {
            let mut inner = clock.0.lock().unwrap();
            if Instant(inner.now) >= at {
                return Poll::Ready(WorkGuard::idle());
            }
            if !inner.sleepers.iter().any(|sleeper| sleeper.will_wake(cx.waker())) {
                inner.sleepers.push(cx.waker().clone());
            }
            Poll::Pending
        }))
    }

    fn hold(&self) -> WorkGuard {
        WorkGuard::idle()
    }
}
