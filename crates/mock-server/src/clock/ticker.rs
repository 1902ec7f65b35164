//! The real time by which a clock goes on, and the task that wakes its sleepers.

use std::sync::Arc;
use std::time::Duration;

use identkit_core::Clock as _;
use identkit_transport::SystemClock;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::mode::Mode;

/// Lets time go on until it is dropped.
pub(super) struct Ticker {
    real: SystemClock,
    earlier: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Ticker {
    /// Lets time go on from now. The task wakes sleepers, and looks again when it is notified.
    pub(super) fn new(task: JoinHandle<()>, earlier: Arc<Notify>) -> Self {
        Self { real: SystemClock::new(), earlier, task }
    }

    /// How far time has gone on.
    pub(super) fn elapsed(&self, mode: Mode) -> Duration {
        scaled(self.real.now().0, mode.factor())
    }

    /// Lets time go on from here.
    pub(super) fn restart(&mut self) {
        self.real = SystemClock::new();
    }

    /// Tells the task that a sleeper is due before all others.
    pub(super) fn notify(&self) {
        self.earlier.notify_one();
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Without the overflow that a float of seconds would panic on.
pub(super) fn scaled(time: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(time.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}
