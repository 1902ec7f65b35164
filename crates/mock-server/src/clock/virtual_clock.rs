//! The sandbox's clock.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::future::{Either, select};
use identkit_core::{BoxFuture, Clock, Instant, WorkGuard};
use identkit_transport::SystemClock;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;

use super::state::Mode;
use super::state::Sleep;
use super::state::State;
use super::state::{Ticker, scaled};
use crate::sync::lock;

/// The sandbox's clock. By default it is frozen and moves only by [`advance`](Self::advance); see [`Mode`]. Cheap to
/// clone; clones share their time.
#[derive(Clone)]
pub struct VirtualClock {
    start: Timestamp,
    inner: Arc<Mutex<State>>,
    settled: Arc<Notify>,
    moving: Arc<Turn>,
}

/// Permission to move time, granted in the order of the requests.
type Turn = tokio::sync::Mutex<()>;

impl fmt::Debug for VirtualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VirtualClock").field("wall", &self.wall()).field("mode", &self.mode()).finish_non_exhaustive()
    }
}

impl VirtualClock {
    /// Creates a frozen clock at `start`.
    pub fn new(start: Timestamp) -> Self {
        Self { start, inner: Arc::default(), settled: Arc::default(), moving: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.inner)
    }

    fn token(&self, inner: &mut State) -> WorkGuard {
        inner.in_flight += 1;
        let clock = self.clone();
        WorkGuard::new(move || {
            clock.lock().in_flight -= 1;
            clock.settled.notify_waiters();
        })
    }

    /// The mode.
    pub fn mode(&self) -> Mode {
        self.lock().mode
    }

    /// Sets the mode. An invalid factor freezes the clock.
    ///
    /// # Panics
    /// Outside a tokio runtime with timers, unless the mode is [`Mode::Frozen`].
    pub fn set_mode(&self, mode: Mode) {
        let mut inner = self.lock();
        inner.now = inner.now();
        inner.mode = if mode.factor() > 0.0 { mode } else { Mode::Frozen };
        let ticker = match inner.mode {
            Mode::Frozen => None,
            _ => Some(self.tick()),
        };
        let before = std::mem::replace(&mut inner.ticker, ticker);
        drop(inner);
        // Dropped without the lock, for which its task may be waiting.
        drop(before);
    }

    /// Starts the task that wakes sleepers. It does not keep the clock alive.
    fn tick(&self) -> Ticker {
        let earlier = Arc::new(Notify::new());
        let (inner, settled, moving) =
            (Arc::downgrade(&self.inner), Arc::clone(&self.settled), Arc::clone(&self.moving));
        let start = self.start;
        let clock = move || {
            Some(Self { start, inner: inner.upgrade()?, settled: Arc::clone(&settled), moving: Arc::clone(&moving) })
        };
        let mut task = JoinSet::new();
        task.spawn(wake(clock, Arc::clone(&earlier)));
        Ticker { real: SystemClock::new(), earlier, _task: task }
    }

    /// Waits until no token for work in flight exists.
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

    /// Advances time, wakes every sleeper on the way at its time, and returns the number of woken sleepers.
    ///
    /// Time does not move while a token exists. Concurrent calls run one after the other, so frozen time moves by
    /// exactly their sum.
    pub async fn advance(&self, by: Duration) -> usize {
        self.turn().await.advance(by).await
    }

    /// Advances to the next sleeper, wakes all sleepers that are due at that time, and returns their number. Without a
    /// sleeper, time does not change.
    pub async fn run_to_next(&self) -> usize {
        self.turn().await.run_to_next().await
    }

    /// Waits for the exclusive permission to move time, until the mover is dropped.
    pub(crate) async fn turn(&self) -> Mover<'_> {
        Mover { clock: self, _alone: self.moving.lock().await }
    }

    /// Advances to the target, which is computed when no token exists.
    async fn advance_to(&self, target_of: impl Fn(&State) -> Duration) -> usize {
        let mut target = None;
        let mut woken = 0;
        loop {
            self.settle().await;
            let mut inner = self.lock();
            if inner.in_flight > 0 {
                // Work has started after `settle`.
                continue;
            }
            let target = *target.get_or_insert_with(|| target_of(&inner));
            match self.wake_next(&mut inner, target) {
                Some(wake_up) => {
                    // Unlocked first: dropping the token takes the lock.
                    drop(inner);
                    woken += usize::from(wake_up());
                }
                None => {
                    // A clock that runs by itself may be past the target; `set` never moves time back.
                    inner.set(target);
                    return woken;
                }
            }
        }
    }

    /// Moves time to the next sleeper that is due by `target`. Returns a function that wakes it, to be called unlocked.
    fn wake_next(&self, inner: &mut State, target: Duration) -> Option<impl FnOnce() -> bool + use<>> {
        let key = inner.sleepers.first_key_value().map(|(key, _)| *key).filter(|(at, _)| at.0 <= target)?;
        inner.set(key.0.0);
        let sleeper = inner.sleepers.remove(&key)?;
        let token = self.token(inner);
        Some(move || sleeper.send(token).is_ok())
    }

    /// The time until the next sleeper is due.
    pub fn next_due(&self) -> Option<Duration> {
        let inner = self.lock();
        let now = inner.now();
        inner.sleepers.first_key_value().map(|((at, _), _)| at.0.saturating_sub(now))
    }
}

pub(crate) struct Mover<'a> {
    clock: &'a VirtualClock,
    _alone: tokio::sync::MutexGuard<'a, ()>,
}

impl Mover<'_> {
    pub(crate) async fn advance(&self, by: Duration) -> usize {
        self.clock.advance_to(|inner| inner.now().saturating_add(by)).await
    }

    /// Advances to this time of the clock. If it is in the past, time does not change.
    pub(crate) async fn advance_to(&self, at: Timestamp) -> usize {
        let since = Duration::try_from(at.duration_since(self.clock.start)).unwrap_or_default();
        self.clock.advance_to(|_| since).await
    }

    pub(crate) async fn run_to_next(&self) -> usize {
        let next = |inner: &State| inner.sleepers.first_key_value().map_or(inner.now(), |((at, _), _)| at.0);
        self.clock.advance_to(next).await
    }
}

impl Clock for VirtualClock {
    fn wall(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.lock().now()).unwrap_or(SignedDuration::MAX);
        self.start.saturating_add(passed).unwrap_or(Timestamp::MAX)
    }

    fn now(&self) -> Instant {
        Instant(self.lock().now())
    }

    fn sleep_until(&self, at: Instant) -> BoxFuture<'static, WorkGuard> {
        let mut inner = self.lock();
        if at.0 <= inner.now() {
            let token = self.token(&mut inner);
            return Box::pin(std::future::ready(token));
        }
        let (send, receive) = oneshot::channel();
        inner.sequence += 1;
        let key = (at, inner.sequence);
        inner.sleepers.insert(key, send);
        if let Some(ticker) =
            inner.ticker.as_ref().filter(|_| inner.sleepers.first_key_value().is_some_and(|(first, _)| *first == key))
        {
            // The task waits for a later sleeper.
            ticker.earlier.notify_one();
        }
        Box::pin(Sleep { key, inner: Arc::clone(&self.inner), receive })
    }

    fn hold(&self) -> WorkGuard {
        self.token(&mut self.lock())
    }
}

/// Wakes due sleepers. Ends with the last handle of the clock.
async fn wake(clock: impl Fn() -> Option<VirtualClock> + Send, earlier: Arc<Notify>) {
    loop {
        let Some(clock) = clock() else { return };
        let wait = {
            let mut inner = lock(&clock.inner);
            let (now, factor) = (inner.now(), inner.mode.factor());
            match clock.wake_next(&mut inner, now) {
                Some(wake_up) => {
                    drop(inner);
                    wake_up();
                    continue;
                }
                None => inner.sleepers.first_key_value().map(|((at, _), _)| {
                    // Rounded up: an early wake-up would find nothing due.
                    scaled(at.0.saturating_sub(now), factor.recip()).saturating_add(Duration::from_nanos(1))
                }),
            }
        };
        // Dropped before waiting, so that the clock can end meanwhile.
        drop(clock);
        match wait {
            None => earlier.notified().await,
            Some(wait) => {
                let sleep = SystemClock::new().sleep_until(Instant(wait));
                match select(std::pin::pin!(earlier.notified()), sleep).await {
                    Either::Left(((), _)) | Either::Right((_, _)) => {}
                }
            }
        }
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
    async fn sleepers_wake_in_order_each_at_its_time() {
        let clock = clock();
        let log = Arc::new(Mutex::new(Vec::new()));
        for seconds in [5_u64, 2, 2, 9, 30] {
            let sleep = clock.sleep_until(Instant(SECOND * u32::try_from(seconds).unwrap()));
            let (log, clock) = (Arc::clone(&log), clock.clone());
            tokio::spawn(async move {
                let wake = sleep.await;
                log.lock().unwrap().push((seconds, clock.now().0.as_secs()));
                drop(wake);
            });
        }
        assert_eq!(clock.advance(SECOND * 10).await, 4);
        assert_eq!(*log.lock().unwrap(), [(2, 2), (2, 2), (5, 5), (9, 9)]);
        assert_eq!(clock.wall().to_string(), "2020-09-10T12:00:10Z");
        assert_eq!(clock.next_due(), Some(SECOND * 20));
    }

    #[tokio::test]
    async fn work_in_flight_holds_time_and_may_sleep_again() {
        let clock = clock();
        let (sleep, inner) = (clock.sleep_until(Instant(SECOND)), clock.clone());
        let chain = tokio::spawn(async move {
            let mut wake = sleep.await;
            for step in 2..=4 {
                let next = inner.sleep_until(Instant(SECOND * step));
                drop(wake);
                tokio::task::yield_now().await;
                wake = next.await;
            }
            inner.now().0
        });
        assert_eq!(clock.advance(SECOND * 10).await, 4);
        assert_eq!(chain.await.unwrap(), SECOND * 4);
    }

    #[tokio::test]
    async fn a_dropped_sleeper_does_not_hold_time() {
        let clock = clock();
        drop(clock.sleep_until(Instant(SECOND)));
        assert_eq!(clock.next_due(), None);
        assert_eq!(clock.advance(SECOND * 2).await, 0);
    }

    #[tokio::test]
    async fn dropped_sleepers_are_removed() {
        let clock = clock();
        let sleeper = clock.sleep_until(Instant(SECOND));
        for _ in 0..10_000 {
            drop(clock.sleep_until(Instant(SECOND * 60)));
        }
        assert_eq!(clock.lock().sleepers.len(), 1);
        let other = clock.clone();
        let advancing = tokio::spawn(async move { other.advance(SECOND).await });
        drop(sleeper.await);
        assert_eq!(advancing.await.unwrap(), 1);
        let inner = clock.lock();
        assert_eq!((inner.sleepers.len(), inner.in_flight), (0, 0));
    }

    #[tokio::test]
    async fn a_woken_sleeper_that_is_dropped_returns_its_token() {
        let clock = clock();
        let sleep = clock.sleep_until(Instant(SECOND));
        let other = clock.clone();
        let advancing = tokio::spawn(async move { other.advance(SECOND * 2).await });
        while clock.lock().in_flight == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(clock.now(), Instant(SECOND), "its token holds time");
        drop(sleep);
        advancing.await.unwrap();
        assert_eq!(clock.now(), Instant(SECOND * 2));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn time_does_not_move_while_a_token_exists() {
        let clock = clock();
        let movers: Vec<_> = (1..=4)
            .map(|step| {
                let clock = clock.clone();
                tokio::spawn(async move {
                    for _ in 0..200 {
                        clock.advance(SECOND * step).await;
                    }
                })
            })
            .collect();
        for _ in 0..2_000 {
            let busy = clock.hold();
            let before = clock.now();
            tokio::task::yield_now().await;
            assert_eq!(clock.now(), before, "time moved under a token");
            drop(busy);
        }
        for mover in movers {
            mover.await.unwrap();
        }
        assert_eq!(clock.now(), Instant(SECOND * 200 * (1 + 2 + 3 + 4)), "the sum of all advances");
    }

    #[tokio::test]
    async fn concurrent_advances_run_one_after_the_other() {
        let clock = clock();
        let (mut sleep, ticking) = (clock.sleep_until(Instant(SECOND)), clock.clone());
        let ticks = tokio::spawn(async move {
            for next in 2.. {
                let wake = sleep.await;
                sleep = ticking.sleep_until(Instant(SECOND * next));
                tokio::task::yield_now().await;
                drop(wake);
            }
        });
        let (one, other, next) =
            tokio::join!(clock.advance(SECOND * 10), clock.advance(SECOND * 7), clock.run_to_next());
        assert_eq!((one, other, next), (10, 7, 1), "each returns the number that it woke");
        assert_eq!(clock.now(), Instant(SECOND * 18), "the sum of all advances");
        ticks.abort();
    }
}
