//! The system's clock.

use std::time::Duration;

use identkit_core::{BoxFuture, Clock, Mono, Wake};
use jiff::Timestamp;
use tokio::time::Instant;

/// Real time. Monotonic time is tokio's, so that a simulated network can own it.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock that starts now.
    // The one place that may ask the system: every other piece of code goes through the trait.
    #[allow(clippy::disallowed_methods)]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)]
    fn wall(&self) -> Timestamp {
        Timestamp::now()
    }

    #[allow(clippy::disallowed_methods)]
    fn mono(&self) -> Mono {
        Mono(Instant::now().saturating_duration_since(self.start))
    }

    #[allow(clippy::disallowed_methods)]
    fn sleep_until(&self, at: Mono) -> BoxFuture<'static, Wake> {
        // Further ahead than tokio can count: a deadline that never comes.
        let until = self.start.checked_add(at.0.min(Duration::from_secs(86_400 * 365 * 30)));
        Box::pin(async move {
            match until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
            Wake::idle()
        })
    }

    fn busy(&self) -> Wake {
        Wake::idle()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleeping_ends_not_before_its_time() {
        let clock = SystemClock::new();
        let until = clock.mono().plus(Duration::from_millis(20));
        clock.sleep_until(until).await;
        assert!(clock.mono() >= until);
    }
}
