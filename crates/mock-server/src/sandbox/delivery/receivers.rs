//! How long a receiver that does not respond holds frozen time.
//!
//! If it were long, a caller that advances time would wait 10 s at each of the 32 attempts to a receiver that hangs. If
//! it were too short, a slow receiver on a busy machine would be cut off. Earlier calls to the receiver decide:
//!
//! - never called: four times the guard, because a program's first response is its slowest;
//! - responded to the last call: four times its average response time, at least the guard;
//! - did not respond to the last call: the guard.
//!
//! Time in which the receiver responds to other calls does not count, nor does a wait that ended late, because then the
//! machine had no time for the receiver either.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use identkit_core::{Clock as _, Instant};
use identkit_transport::SystemClock;

use crate::sync::lock;

/// Factor by which a receiver may exceed its average response time.
const SLACK: u32 = 4;

/// Maximum number of remembered receivers. One more, and all are removed.
const MAX_RECEIVERS: usize = 1_024;

#[derive(Clone, Copy, Debug)]
struct Receiver {
    /// Moving average of the response time; `None` if it has never responded.
    mean: Option<Duration>,
    /// Time of the last response.
    latest: Option<Instant>,
    hangs: bool,
}

/// The response times of receivers, by host and port.
#[derive(Debug)]
pub(in crate::sandbox) struct Receivers {
    real: SystemClock,
    guard: Duration,
    known: Mutex<HashMap<String, Receiver>>,
}

impl Receivers {
    pub(in crate::sandbox) fn new(guard: Duration) -> Self {
        Self { real: SystemClock::new(), guard, known: Mutex::default() }
    }

    pub(super) fn now(&self) -> Instant {
        self.real.now()
    }

    pub(super) async fn until(&self, at: Instant) {
        drop(self.real.sleep_until(at).await);
    }

    fn grace(&self, receiver: &str) -> Duration {
        match lock(&self.known).get(receiver) {
            None => self.guard.saturating_mul(SLACK),
            Some(Receiver { hangs: false, mean: Some(mean), .. }) => self.guard.max(mean.saturating_mul(SLACK)),
            Some(_) => self.guard,
        }
    }

    /// Waits until this receiver has held time for too long, or until its timeout.
    pub(super) async fn held_long_enough(&self, receiver: &str, since: Instant, timeout: Duration) {
        let (grace, end) = (self.grace(receiver), since.plus(timeout));
        let mut quiet = since;
        loop {
            let due = quiet.plus(grace).min(end);
            self.until(due).await;
            let now = self.now();
            let latest = lock(&self.known).get(receiver).and_then(|known| known.latest);
            match latest {
                _ if now >= end => return,
                Some(response) if response > quiet => quiet = response,
                // The wait ended late, so the machine was busy: this time does not count.
                _ if now.since(due) > grace.div_f32(2.0) => quiet = now,
                _ => return,
            }
        }
    }

    pub(super) fn hangs(&self, receiver: &str) -> bool {
        lock(&self.known).get(receiver).is_some_and(|known| known.hangs)
    }

    pub(super) fn learn(&self, receiver: &str, took: Option<Duration>) {
        let now = self.now();
        let mut known = lock(&self.known);
        if known.len() >= MAX_RECEIVERS && !known.contains_key(receiver) {
            known.clear();
        }
        let known = known.entry(receiver.to_owned()).or_insert(Receiver { mean: None, latest: None, hangs: false });
        known.hangs = took.is_none();
        if let Some(took) = took {
            known.latest = Some(now);
            known.mean = Some(known.mean.map_or(took, |before| (before.saturating_mul(3).saturating_add(took)) / 4));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: Duration = Duration::from_millis(1);

    #[test]
    fn earlier_calls_decide_how_long_a_receiver_holds_time() {
        let receivers = Receivers::new(250 * MILLI);
        assert_eq!(receivers.grace("new:80"), 1_000 * MILLI);
        receivers.learn("slow:80", Some(400 * MILLI));
        receivers.learn("fast:80", Some(MILLI));
        receivers.learn("hangs:80", None);
        assert_eq!(receivers.grace("slow:80"), 1_600 * MILLI);
        assert_eq!(receivers.grace("fast:80"), 250 * MILLI);
        assert_eq!(receivers.grace("hangs:80"), 250 * MILLI);
        receivers.learn("slow:80", None);
        assert_eq!(receivers.grace("slow:80"), 250 * MILLI, "hangs now");
        receivers.learn("slow:80", Some(400 * MILLI));
        assert_eq!(receivers.grace("slow:80"), 1_600 * MILLI, "responds again");
        receivers.learn("slow:80", Some(Duration::ZERO));
        assert_eq!(receivers.grace("slow:80"), 1_200 * MILLI, "moving average");
    }

    #[tokio::test]
    async fn a_receiver_that_responds_to_others_does_not_hang() {
        let receivers = Receivers::new(40 * MILLI);
        receivers.learn("busy:80", Some(MILLI));
        let since = receivers.now();
        let others = async {
            for _ in 0..10 {
                let at = receivers.now().plus(20 * MILLI);
                receivers.until(at).await;
                receivers.learn("busy:80", Some(MILLI));
            }
        };
        let held = receivers.held_long_enough("busy:80", since, Duration::from_secs(60));
        futures_util::future::join(held, others).await;
        assert!(receivers.now().since(since) >= 240 * MILLI, "the guard counts from the last response");
    }

    #[tokio::test]
    async fn no_receiver_holds_time_past_its_timeout() {
        let receivers = Receivers::new(Duration::from_secs(3_600));
        let since = receivers.now();
        receivers.held_long_enough("new:80", since, 20 * MILLI).await;
        assert!(receivers.now().since(since) >= 20 * MILLI);
    }
}
