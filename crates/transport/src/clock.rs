//! The system clock.

use std::time::{Duration, SystemTime};

use identkit_core::{BoxFuture, Clock, Instant, WorkGuard};
use jiff::Timestamp;

/// The nearest timestamp. The clock of a machine can be set to a time that a [`Timestamp`] cannot represent.
fn timestamp(time: SystemTime) -> Timestamp {
    let limit = if time < SystemTime::UNIX_EPOCH { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::try_from(time).unwrap_or(limit)
}

/// Real time. A wall time outside the range of [`Timestamp`] is its nearest value, e.g. after the year 9999. Monotonic
/// time is tokio's, so a simulated network or a test can control it.
///
/// # Panics
/// The future of [`sleep_until`](Clock::sleep_until) panics if it is polled outside a tokio runtime with timers.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: tokio::time::Instant,
}

impl SystemClock {
    /// Creates a clock that starts now.
    // All other code reads the time through the trait.
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
        timestamp(SystemTime::now())
    }

    fn now(&self) -> Instant {
        Instant(tokio::time::Instant::now().saturating_duration_since(self.start))
    }

    fn sleep_until(&self, at: Instant) -> BoxFuture<'static, WorkGuard> {
        // tokio cannot represent every instant: a later one than 30 years ahead is never reached.
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

    #[test]
    fn a_time_out_of_range_is_the_nearest_timestamp() {
        let after = |seconds| timestamp(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(after(1_599_739_200).to_string(), "2020-09-10T12:00:00Z");
        assert_eq!(after(400_000_000_000), Timestamp::MAX);
        let before = SystemTime::UNIX_EPOCH.checked_sub(Duration::from_secs(400_000_000_000)).unwrap();
        assert_eq!(timestamp(before), Timestamp::MIN);
    }

    #[tokio::test]
    async fn sleeping_ends_at_the_given_time() {
        let clock = SystemClock::new();
        let until = clock.now().plus(Duration::from_millis(20));
        clock.sleep_until(until).await;
        assert!(clock.now() >= until);
    }
}
