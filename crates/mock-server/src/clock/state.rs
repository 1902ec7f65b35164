//! The state that the clones of a clock share: mode, time and sleepers.

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
    /// The time; if the clock runs by itself, the time at which `ticker.real` began.
    pub(super) now: Duration,
    pub(super) mode: Mode,
    pub(super) ticker: Option<Ticker>,
    pub(super) sequence: u64,
    pub(super) sleepers: BTreeMap<(Instant, u64), oneshot::Sender<WorkGuard>>,
    pub(super) in_flight: usize,
}

impl State {
    pub(super) fn now(&self) -> Duration {
        let elapsed =
            self.ticker.as_ref().map_or(Duration::ZERO, |ticker| scaled(ticker.real.now().0, self.mode.factor()));
        self.now.saturating_add(elapsed)
    }

    /// Moves time forward to `now`, unless it is already later.
    pub(super) fn set(&mut self, now: Duration) {
        self.now = self.now().max(now);
        if let Some(ticker) = &mut self.ticker {
            ticker.real = SystemClock::new();
        }
    }
}

/// Mode of a clock.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Mode {
    /// Time moves only by `advance`.
    #[default]
    Frozen,
    /// Real time.
    Real,
    /// Real time multiplied by this factor: greater than 0, at most [`Mode::FASTEST`].
    Scaled(f64),
}

impl Mode {
    /// Maximum factor: a day takes less than a tenth of a second.
    pub const FASTEST: f64 = 1_000_000.0;

    /// The name in the admin API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Frozen => "frozen",
            Self::Real => "real",
            Self::Scaled(_) => "scaled",
        }
    }

    /// The speed relative to real time; 0 if frozen.
    pub fn factor(self) -> f64 {
        match self {
            Self::Frozen => 0.0,
            Self::Real => 1.0,
            Self::Scaled(factor) if factor.is_finite() => factor.clamp(0.0, Self::FASTEST),
            Self::Scaled(_) => 0.0,
        }
    }
}

/// A sleeper. Dropping it removes it from the clock.
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
            // Not reached: `inner` owns the sender until it has sent the token.
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
    /// Real time since `State::now` was set.
    pub(super) real: SystemClock,
    /// Notifies the task that a new sleeper is the earliest one.
    pub(super) earlier: Arc<Notify>,
    /// The task that wakes sleepers. It ends when this is dropped.
    pub(super) _task: JoinSet<()>,
}

/// Multiplies with saturation; `Duration::mul_f64` panics on overflow.
pub(super) fn scaled(time: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(time.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}
