//! Time as a port: wall time for dates, monotonic time for deadlines, and waiting.
//!
//! Invariant: outside the implementations of [`Clock`] nothing in the workspace asks the system for the time or
//! sleeps; clippy's disallowed methods keep that.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;

/// A boxed future, as the object-safe seams return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A point of monotonic time: the duration since its clock was made. Points of two clocks do not compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(pub Duration);

impl Instant {
    /// The end of time: a deadline that never comes.
    pub const NEVER: Self = Self(Duration::MAX);

    /// The point `by` later; saturates.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(by))
    }

    /// How much time lies between `earlier` and this point; zero when it is not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// A token for work in flight. Virtual time stands still until it is dropped; a real clock's token does nothing.
pub struct WorkGuard(Option<Box<dyn FnOnce() + Send>>);

impl WorkGuard {
    /// A token that means nothing, for clocks that cannot stand still.
    pub fn idle() -> Self {
        Self(None)
    }

    /// A token that runs `release` when it is dropped.
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

/// Where time comes from.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The wall time now (UTC).
    fn wall(&self) -> Timestamp;

    /// The monotonic time now.
    fn now(&self) -> Instant;

    /// Registers the wish to be woken at `at` (at once, not only when first polled) and waits for it.
    ///
    /// The returned token holds virtual time still: keep it until the work that the waking began is done.
    fn sleep_until(&self, at: Instant) -> BoxFuture<'static, WorkGuard>;

    /// Says that work is under way, so that virtual time must not move on.
    fn hold(&self) -> WorkGuard;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn a_token_releases_exactly_once() {
        let count = Arc::new(AtomicU32::new(0));
        let seen = Arc::clone(&count);
        drop(WorkGuard::new(move || {
            seen.fetch_add(1, Ordering::SeqCst);
        }));
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn an_instant_saturates_at_both_ends() {
        assert_eq!(Instant::NEVER.plus(Duration::from_secs(1)), Instant::NEVER);
        assert_eq!(Instant(Duration::ZERO).since(Instant(Duration::from_secs(1))), Duration::ZERO);
    }
}
