//! Time that goes on by itself: a task that wakes sleepers when real time has come to them.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use identkit_core::{Clock as _, Instant};
use identkit_transport::SystemClock;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::{Mode, VirtualClock, lock};

/// What makes time go on; it stands still when this is dropped.
pub(super) struct Going {
    real: SystemClock,
    earlier: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Going {
    /// Lets the time of this clock go on from now.
    pub(super) fn start(clock: &VirtualClock) -> Self {
        let earlier = Arc::new(Notify::new());
        let (inner, settled, moving) =
            (Arc::downgrade(&clock.inner), Arc::clone(&clock.settled), Arc::clone(&clock.moving));
        let start = clock.start;
        let clock = move || {
            Some(VirtualClock {
                start,
                inner: inner.upgrade()?,
                settled: Arc::clone(&settled),
                moving: Arc::clone(&moving),
            })
        };
        let task = tokio::spawn(wake(clock, Arc::clone(&earlier)));
        Self { real: SystemClock::new(), earlier, task }
    }

    /// How far time has gone on.
    pub(super) fn gone(&self, mode: Mode) -> Duration {
        scaled(self.real.now().0, mode.factor())
    }

    /// Time goes on from here.
    pub(super) fn begin(&mut self) {
        self.real = SystemClock::new();
    }

    /// Somebody waits for an earlier time than anybody before.
    pub(super) fn look_again(&self) {
        self.earlier.notify_one();
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Without the overflow that a float of seconds would panic on.
fn scaled(time: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(time.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

/// Wakes who is due; ends with the last handle of its clock.
async fn wake(clock: impl Fn() -> Option<VirtualClock> + Send, earlier: Arc<Notify>) {
    loop {
        let Some(clock) = clock() else { return };
        let wait = {
            let mut inner = lock(&clock.inner);
            let (now, factor) = (inner.now(), inner.mode.factor());
            match clock.wake_next(&mut inner, now) {
                Some(waking) => {
                    drop(inner);
                    waking();
                    continue;
                }
                None => inner.sleepers.first_key_value().map(|((at, _), _)| {
                    // Rounded up: too early would mean to look twice.
                    scaled(at.0.saturating_sub(now), factor.recip()).saturating_add(Duration::from_nanos(1))
                }),
            }
        };
        // Held only while it looks, so that the clock can end in the meantime.
        drop(clock);
        match wait {
            None => earlier.notified().await,
            Some(wait) => {
                let sleep = SystemClock::new().sleep_until(Instant(wait));
                match select(std::pin::pin!(earlier.notified()), sleep).await {
                    Either::Left(((), _)) | Either::Right((_, _)) => {}
                }
            }
        }
    }
}
