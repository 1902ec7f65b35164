//! The system's clock.

use std::time::Duration;

use identkit_core::{BoxFuture, Clock, Instant, WorkGuard};
use jiff::Timestamp;

/// Real time. Monotonic time is tokio's, so that a simulated network can own it.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: tokio::time::Instant,
}

impl SystemClock {
    /// A clock that starts now.
    // The one place that may ask the system: every other piece of code goes through the trait.
    #[allow(clippy::disallowed_methods)]
    pub fn new() -> Self {
        Self { start: tokio::time::Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[allow(clippy::disallowed_methods)]
impl Clock for SystemClock {
    fn wall(&self) -> Timestamp {
        Timestamp::now()
    }

    fn now(&self) -> Instant {
        Instant(tokio::time::Instant::now().saturating_duration_since(self.start))
    }

    fn sleep_until(&self, at: Instant) -> BoxFuture<'static, WorkGuard> {
        // Further ahead than tokio can count: a deadline that never comes.
        let until = self.start.checked_add(at.0.min(Duration::from_secs(86_400 * 365 * 30)));
        Box::pin(async move {
            match until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
            WorkGuard::idle()
        })
    }

    fn hold(&self) -> WorkGuard {
        WorkGuard::idle()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleeping_ends_not_before_its_time() {
        let clock = SystemClock::new();
        let until = clock.now().plus(Duration::from_millis(20));
        clock.sleep_until(until).await;
        assert!(clock.now() >= until);
    }
}
