//! Waiting in real time.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use identkit_core::{Clock, Instant};
use identkit_transport::SystemClock;

/// Time limit of [`soon`]. No test takes a second.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a future on a new runtime.
///
/// # Panics
/// Inside a tokio runtime.
pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}

/// Waits for a future. Returns `None` if it takes longer than the limit.
///
/// # Panics
/// Outside a tokio runtime with timers.
pub async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    match select(pin!(work), SystemClock::new().sleep_until(Instant(limit))).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}

/// Waits for a future that should be ready almost at once.
///
/// # Panics
/// If it takes longer than 60 seconds, or outside a tokio runtime with timers.
pub async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    within(PATIENCE, work).await.unwrap_or_else(|| panic!("{what} took longer than {PATIENCE:?}"))
}

/// Sleeps in real time.
///
/// # Panics
/// Outside a tokio runtime with timers.
pub async fn pause(time: Duration) {
    drop(SystemClock::new().sleep_until(Instant(time)).await);
}

/// Polls a condition until it holds.
///
/// # Panics
/// If it does not hold within about 10 seconds, or outside a tokio runtime with timers.
pub async fn eventually(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if holds() {
            return;
        }
        pause(Duration::from_millis(5)).await;
    }
    panic!("timed out waiting until {what}");
}
