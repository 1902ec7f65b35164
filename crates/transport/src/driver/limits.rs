//! What keeps the calls of one account within bounds: a bucket of tokens for repeats, and places for calls under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use identkit_core::Kind;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Tokens that repeats take out; a vendor that is down is then asked by few instead of by all.
#[derive(Debug)]
pub(super) struct RetryBucket {
    capacity: u32,
    left: AtomicU32,
}

impl RetryBucket {
    pub(super) fn new(capacity: u32) -> Self {
        Self { capacity, left: AtomicU32::new(capacity) }
    }

    /// Takes what a repeat after this failure costs; `None` when there is not so much left.
    pub(super) fn take(&self, after: Kind) -> Option<u32> {
        let cost = if after == Kind::Timeout { 10 } else { 5 };
        let took = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(cost));
        took.is_ok().then_some(cost)
    }

    /// A call succeeded: what its own repeats took comes back, and one token besides.
    pub(super) fn succeeded(&self, took: u32) {
        let back = took.saturating_add(1);
        let _ = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
            Some(left.saturating_add(back).min(self.capacity))
        });
    }
}

/// A place among the calls under way, given back when dropped.
pub(super) type Place = OwnedSemaphorePermit;

/// This many places, at least one.
pub(super) fn places(count: u32) -> Arc<Semaphore> {
    let count = usize::try_from(count).unwrap_or(Semaphore::MAX_PERMITS).clamp(1, Semaphore::MAX_PERMITS);
    Arc::new(Semaphore::new(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_take_tokens_and_success_gives_them_back() {
        let bucket = RetryBucket::new(15);
        assert_eq!(bucket.take(Kind::Timeout), Some(10));
        assert_eq!(bucket.take(Kind::Unreachable), Some(5));
        assert_eq!(bucket.take(Kind::Unreachable), None);
        bucket.succeeded(0);
        assert_eq!(bucket.take(Kind::Unavailable), None, "one token is no repeat");
        bucket.succeeded(10);
        assert_eq!(bucket.take(Kind::Timeout), Some(10));
        bucket.succeeded(1000);
        assert_eq!(bucket.left.load(Ordering::SeqCst), 15, "never more than the bucket holds");
    }
}
