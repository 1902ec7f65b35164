//! The state that the clones of a clock share.

use std::collections::BTreeMap;
use std::time::Duration;

use identkit_core::{Instant, WorkGuard};
use tokio::sync::oneshot;

use super::mode::Mode;
use super::ticker::Ticker;

/// The time of a clock, and who waits for it.
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
        let gone = self.ticker.as_ref().map_or(Duration::ZERO, |ticker| ticker.elapsed(self.mode));
        self.now.saturating_add(gone)
    }

    /// Time is now at least this, and goes on from there.
    pub(super) fn set(&mut self, now: Duration) {
        self.now = self.now().max(now);
        if let Some(ticker) = &mut self.ticker {
            ticker.restart();
        }
    }
}
