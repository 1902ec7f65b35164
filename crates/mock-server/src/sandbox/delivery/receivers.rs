//! How long a receiver that does not answer holds time that stands still.
//!
//! It must not be long, or a receiver that hangs makes whoever advances time wait 10 s at each of its 32 tries; nor so
//! short that one that only is slow, on a machine that is busy, is cut off. What is known of a receiver decides:
//!
//! - of one that was never called before it is four times the guard: a program's first answer is its slowest;
//! - of one that answers, four times what it takes, and never less than the guard;
//! - of one that did not answer when it was called last, the guard.
//!
//! Only quiet time counts: a receiver that answers other calls meanwhile does not hang, and a wait of ours that came
//! back late tells of a machine that had no time for the receiver either.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use identkit_core::{Clock as _, Instant};
use identkit_transport::SystemClock;

use crate::sync::lock;

/// How much longer a receiver may take than it is known to.
const SLACK: u32 = 4;

/// Of so many receivers something is known; then all is learnt anew.
const KNOWN: usize = 1_024;

#[derive(Clone, Copy, Debug)]
struct Known {
    /// What it takes to answer, on a sliding average; `None` when it never has.
    takes: Option<Duration>,
    /// When it answered last.
    answered: Option<Instant>,
    hangs: bool,
}

/// What is known of receivers, by host and port.
#[derive(Debug)]
pub(in crate::sandbox) struct Receivers {
    real: SystemClock,
    guard: Duration,
    known: Mutex<HashMap<String, Known>>,
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
            Some(Known { hangs: false, takes: Some(takes), .. }) => self.guard.max(takes.saturating_mul(SLACK)),
            Some(_) => self.guard,
        }
    }

    /// Waits until this receiver has held time for too long, or for as long as it may take at all.
    pub(super) async fn held_long_enough(&self, receiver: &str, since: Instant, timeout: Duration) {
        let (grace, end) = (self.grace(receiver), since.plus(timeout));
        let mut quiet = since;
        loop {
            let due = quiet.plus(grace).min(end);
            self.until(due).await;
            let now = self.now();
            let answered = lock(&self.known).get(receiver).and_then(|known| known.answered);
            match answered {
                _ if now >= end => return,
                Some(answered) if answered > quiet => quiet = answered,
                // Woken so late, the machine was busy: this time does not count.
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
        if known.len() >= KNOWN && !known.contains_key(receiver) {
            known.clear();
        }
        let known = known.entry(receiver.to_owned()).or_insert(Known { takes: None, answered: None, hangs: false });
        known.hangs = took.is_none();
        if let Some(took) = took {
            known.answered = Some(now);
            known.takes = Some(known.takes.map_or(took, |before| (before.saturating_mul(3).saturating_add(took)) / 4));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: Duration = Duration::from_millis(1);

    #[test]
    fn a_receiver_holds_time_as_long_as_is_known_to_be_right() {
        let receivers = Receivers::new(250 * MILLI);
        assert_eq!(receivers.grace("new:80"), 1_000 * MILLI);
        receivers.learn("slow:80", Some(400 * MILLI));
        receivers.learn("fast:80", Some(MILLI));
        receivers.learn("hangs:80", None);
        assert_eq!(receivers.grace("slow:80"), 1_600 * MILLI);
        assert_eq!(receivers.grace("fast:80"), 250 * MILLI);
        assert_eq!(receivers.grace("hangs:80"), 250 * MILLI);
        receivers.learn("slow:80", None);
        assert_eq!(receivers.grace("slow:80"), 250 * MILLI, "it hangs now");
        receivers.learn("slow:80", Some(400 * MILLI));
        assert_eq!(receivers.grace("slow:80"), 1_600 * MILLI, "and no longer");
        receivers.learn("slow:80", Some(Duration::ZERO));
        assert_eq!(receivers.grace("slow:80"), 1_200 * MILLI, "what it takes now counts more and more");
    }

    #[tokio::test]
    async fn a_receiver_that_answers_others_does_not_hang() {
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
        assert!(receivers.now().since(since) >= 240 * MILLI, "the guard counts from the last answer");
    }

    #[tokio::test]
    async fn nobody_holds_time_for_longer_than_a_receiver_may_take() {
        let receivers = Receivers::new(Duration::from_secs(3_600));
        let since = receivers.now();
        receivers.held_long_enough("new:80", since, 20 * MILLI).await;
        assert!(receivers.now().since(since) >= 20 * MILLI);
    }
}
