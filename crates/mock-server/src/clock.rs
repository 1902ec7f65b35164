//! Virtual time: it stands still until it is advanced, and then stops at everything that is due.
//!
//! `advance` takes the earliest sleeper, moves time there, wakes it, and waits until nobody holds a token for work in
//! flight; then the next. Ties are woken in the order in which they asked.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use identkit_core::{BoxFuture, Clock, Mono, Wake};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, oneshot};

#[derive(Default)]
struct Inner {
    now: Duration,
    sequence: u64,
    sleepers: BTreeMap<(Mono, u64), oneshot::Sender<Wake>>,
    in_flight: usize,
}

/// A clock that only [`advance`](Self::advance) moves. Cheap to clone; clones share their time.
#[derive(Clone)]
pub struct VirtualClock {
    start: Timestamp,
    inner: Arc<Mutex<Inner>>,
    settled: Arc<Notify>,
}

impl fmt::Debug for VirtualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VirtualClock").field("wall", &self.wall()).finish_non_exhaustive()
    }
}

impl VirtualClock {
    /// Time that stands at `start`.
    pub fn new(start: Timestamp) -> Self {
        Self { start, inner: Arc::default(), settled: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn token(&self, inner: &mut Inner) -> Wake {
        inner.in_flight += 1;
        let clock = self.clone();
        Wake::new(move || {
            clock.lock().in_flight -= 1;
            clock.settled.notify_waiters();
        })
    }

    /// Waits until no work is in flight.
    pub async fn settle(&self) {
        loop {
            let settled = self.settled.notified();
            let mut settled = std::pin::pin!(settled);
            settled.as_mut().enable();
            if self.lock().in_flight == 0 {
                return;
            }
            settled.await;
        }
    }

    /// Moves time on by `by`, stopping at everything that falls due on the way, and returns how many sleepers woke.
    pub async fn advance(&self, by: Duration) -> usize {
        self.settle().await;
        let target = self.lock().now.saturating_add(by);
        let mut woken = 0;
        loop {
            {
                let mut inner = self.lock();
                let due = inner.sleepers.first_key_value().map(|(key, _)| *key).filter(|(at, _)| at.0 <= target);
                let Some(key) = due else {
                    inner.now = target;
                    return woken;
                };
                inner.now = inner.now.max(key.0.0);
                if let Some(sleeper) = inner.sleepers.remove(&key) {
                    let token = self.token(&mut inner);
                    drop(inner);
                    // A sleeper that was dropped gives its token back at once.
                    woken += usize::from(sleeper.send(token).is_ok());
                }
            }
            self.settle().await;
        }
    }

    /// How long until the next sleeper is due.
    pub fn next_due(&self) -> Option<Duration> {
        let inner = self.lock();
        inner
            .sleepers
            .iter()
            .find(|(_, sleeper)| !sleeper.is_closed())
            .map(|((at, _), _)| at.0.saturating_sub(inner.now))
    }
}

impl Clock for VirtualClock {
    fn wall(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.lock().now).unwrap_or(SignedDuration::MAX);
        self.start.saturating_add(passed).unwrap_or(Timestamp::MAX)
    }

    fn mono(&self) -> Mono {
        Mono(self.lock().now)
    }

    fn sleep_until(&self, at: Mono) -> BoxFuture<'static, Wake> {
        let mut inner = self.lock();
        if at.0 <= inner.now {
            let token = self.token(&mut inner);
            return Box::pin(std::future::ready(token));
        }
        let (send, receive) = oneshot::channel();
        inner.sequence += 1;
        let sequence = inner.sequence;
        inner.sleepers.insert((at, sequence), send);
        Box::pin(async move {
            match receive.await {
                Ok(wake) => wake,
                // The clock is gone, and with it all time.
                Err(_) => std::future::pending().await,
            }
        })
    }

    fn busy(&self) -> Wake {
        self.token(&mut self.lock())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock() -> VirtualClock {
        VirtualClock::new("2020-09-10T12:00:00Z".parse().unwrap())
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn time_stops_at_everything_that_is_due_in_order() {
        let clock = clock();
        let log = Arc::new(Mutex::new(Vec::new()));
        for seconds in [5_u64, 2, 2, 9, 30] {
            let sleep = clock.sleep_until(Mono(SECOND * u32::try_from(seconds).unwrap()));
            let (log, clock) = (Arc::clone(&log), clock.clone());
            tokio::spawn(async move {
                let wake = sleep.await;
                log.lock().unwrap().push((seconds, clock.mono().0.as_secs()));
                drop(wake);
            });
        }
        assert_eq!(clock.advance(SECOND * 10).await, 4);
        assert_eq!(*log.lock().unwrap(), [(2, 2), (2, 2), (5, 5), (9, 9)]);
        assert_eq!(clock.wall().to_string(), "2020-09-10T12:00:10Z");
        assert_eq!(clock.next_due(), Some(SECOND * 20));
    }

    #[tokio::test]
    async fn work_in_flight_holds_time_and_may_ask_for_more() {
        let clock = clock();
        let (sleep, inner) = (clock.sleep_until(Mono(SECOND)), clock.clone());
        let chain = tokio::spawn(async move {
            let mut wake = sleep.await;
            for step in 2..=4 {
                let next = inner.sleep_until(Mono(SECOND * step));
                drop(wake);
                tokio::task::yield_now().await;
                wake = next.await;
            }
            inner.mono().0
        });
        assert_eq!(clock.advance(SECOND * 10).await, 4);
        assert_eq!(chain.await.unwrap(), SECOND * 4);
    }

    #[tokio::test]
    async fn a_dropped_sleeper_does_not_hold_time() {
        let clock = clock();
        drop(clock.sleep_until(Mono(SECOND)));
        assert_eq!(clock.advance(SECOND * 2).await, 0);
        assert_eq!(clock.next_due(), None);
    }
}
