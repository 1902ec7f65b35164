//! Time as a port: wall time for dates, monotonic time for deadlines, and waiting.
//!
//! Invariant: only implementations of [`Clock`] read the system time or sleep (clippy's `disallowed_methods`).

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;

/// A boxed future, as object-safe traits return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Monotonic time: the duration since its clock was created. Instants of different clocks cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(pub Duration);

impl Instant {
    /// A deadline that never expires.
    pub const NEVER: Self = Self(Duration::MAX);

    /// Returns the instant `by` later; saturates.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(by))
    }

    /// Returns the duration since `earlier`, or zero if it is later.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// A guard for work in progress, which stops a virtual clock until it is dropped. It has no effect on a real clock.
pub struct WorkGuard(Option<Box<dyn FnOnce() + Send>>);

impl WorkGuard {
    /// Creates a guard without effect, for clocks that cannot be stopped.
    pub fn idle() -> Self {
        Self(None)
    }

    /// Creates a guard that runs `release` on drop.
    pub fn new(release: impl FnOnce() + Send + 'static) -> Self {
        Self(Some(Box::new(release)))
    }
}

impl Drop for WorkGuard {
    fn drop(&mut self) {
        if let Some(release) = self.0.take() {
            release();
        }
    }
}

impl fmt::Debug for WorkGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WorkGuard")
    }
}

/// Source of time.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Returns the current wall time (UTC).
    fn wall(&self) -> Timestamp;

    /// Returns the current monotonic time.
    fn now(&self) -> Instant;

    /// Waits until `at`. The timer is registered immediately, not at the first poll.
    ///
    /// The returned guard stops virtual time: hold it until the work that follows is done.
    fn sleep_until(&self, at: Instant) -> BoxFuture<'static, WorkGuard>;

    /// Stops virtual time while work is in progress.
    fn hold(&self) -> WorkGuard;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn a_guard_releases_exactly_once() {
        let count = Arc::new(AtomicU32::new(0));
        let released = Arc::clone(&count);
        let guard = WorkGuard::new(move || {
            released.fetch_add(1, Ordering::SeqCst);
        });
        assert_eq!(format!("{guard:?}"), "WorkGuard");
        drop(guard);
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn an_instant_saturates_at_both_ends() {
        assert_eq!(Instant::NEVER.plus(Duration::from_secs(1)), Instant::NEVER);
        assert_eq!(Instant(Duration::ZERO).since(Instant(Duration::from_secs(1))), Duration::ZERO);
    }
}
