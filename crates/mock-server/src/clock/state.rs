//! The state that the clones of a clock share: its mode, the real time by which it goes on, and who waits for it.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use identkit_core::{Clock as _, Instant, WorkGuard};
use identkit_transport::SystemClock;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;

use crate::sync::lock;

#[derive(Default)]
pub(super) struct State {
    /// The time, or the time when it began to go on as it goes now.
    pub(super) now: Duration,
    pub(super) mode: Mode,
    pub(super) ticker: Option<Ticker>,
    pub(super) sequence: u64,
    pub(super) sleepers: BTreeMap<(Instant, u64), oneshot::Sender<WorkGuard>>,
    pub(super) in_flight: usize,
}

impl State {
    pub(super) fn now(&self) -> Duration {
        let gone =
            self.ticker.as_ref().map_or(Duration::ZERO, |ticker| scaled(ticker.real.now().0, self.mode.factor()));
        self.now.saturating_add(gone)
    }

    /// Time is now at least this, and goes on from there.
    pub(super) fn set(&mut self, now: Duration) {
        self.now = self.now().max(now);
        if let Some(ticker) = &mut self.ticker {
            ticker.real = SystemClock::new();
        }
    }
}

/// How time goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Mode {
    /// It stands still, and only `advance` moves it.
    #[default]
    Frozen,
    /// Like real time.
    Real,
    /// So many times as fast as real time: more than 0, at most [`Mode::FASTEST`].
    Scaled(f64),
}

impl Mode {
    /// The most that time can be scaled by: a day in less than a tenth of a second.
    pub const FASTEST: f64 = 1_000_000.0;

    /// Its name, as the admin API writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Frozen => "frozen",
            Self::Real => "real",
            Self::Scaled(_) => "scaled",
        }
    }

    /// How much faster than real time it goes; 0 when it stands still.
    pub fn factor(self) -> f64 {
        match self {
            Self::Frozen => 0.0,
            Self::Real => 1.0,
            Self::Scaled(factor) if factor.is_finite() => factor.clamp(0.0, Self::FASTEST),
            Self::Scaled(_) => 0.0,
        }
    }
}

/// Someone who waits; dropped before its time, it leaves the clock.
pub(super) struct Sleep {
    pub(super) key: (Instant, u64),
    pub(super) inner: Arc<Mutex<State>>,
    pub(super) receive: oneshot::Receiver<WorkGuard>,
}

impl Future for Sleep {
    type Output = WorkGuard;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<WorkGuard> {
        match std::task::ready!(Pin::new(&mut self.receive).poll(cx)) {
            Ok(wake) => Poll::Ready(wake),
            // Not while this future keeps the clock's inside; polled again after its end it never comes.
            Err(_) => Poll::Pending,
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let sender = lock(&self.inner).sleepers.remove(&self.key);
        drop(sender);
    }
}

pub(super) struct Ticker {
    /// Real time since time goes on from here.
    pub(super) real: SystemClock,
    /// Tells the task that a sleeper is due before all others.
    pub(super) earlier: Arc<Notify>,
    /// The task that wakes sleepers; it ends with this.
    pub(super) _task: JoinSet<()>,
}

/// Without the overflow that a float of seconds would panic on.
pub(super) fn scaled(time: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(time.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}
