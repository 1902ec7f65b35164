//! Limits on the calls of one account: a token bucket for retries, and slots for concurrent calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use identkit_core::Kind;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Tokens that retries consume, so that not every caller retries while the vendor is down.
#[derive(Debug)]
pub(super) struct RetryBucket {
    capacity: u32,
    left: AtomicU32,
}

impl RetryBucket {
    pub(super) fn new(capacity: u32) -> Self {
        Self { capacity, left: AtomicU32::new(capacity) }
    }

    /// Takes and returns the cost of a retry after this failure. `None` if too few tokens are left.
    pub(super) fn take(&self, after: Kind) -> Option<u32> {
        let cost = if after == Kind::Timeout { 10 } else { 5 };
        let took = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(cost));
        took.is_ok().then_some(cost)
    }

    /// Returns the tokens that a successful call took for its retries, plus one.
    pub(super) fn succeeded(&self, took: u32) {
        let back = took.saturating_add(1);
        let _ = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
            Some(left.saturating_add(back).min(self.capacity))
        });
    }
}

/// A slot for one concurrent call, released when dropped.
pub(super) type Slot = OwnedSemaphorePermit;

/// Creates `count` slots, at least one.
pub(super) fn slots(count: u32) -> Arc<Semaphore> {
    let count = usize::try_from(count).unwrap_or(Semaphore::MAX_PERMITS).clamp(1, Semaphore::MAX_PERMITS);
    Arc::new(Semaphore::new(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_take_tokens_and_success_returns_them() {
        let bucket = RetryBucket::new(15);
        assert_eq!(bucket.take(Kind::Timeout), Some(10));
        assert_eq!(bucket.take(Kind::Unreachable), Some(5));
        assert_eq!(bucket.take(Kind::Unreachable), None);
        bucket.succeeded(0);
        assert_eq!(bucket.take(Kind::Unavailable), None, "one token does not pay for a retry");
        bucket.succeeded(10);
        assert_eq!(bucket.take(Kind::Timeout), Some(10));
        bucket.succeeded(1000);
        assert_eq!(bucket.left.load(Ordering::SeqCst), 15, "never more than the capacity");
    }
}
