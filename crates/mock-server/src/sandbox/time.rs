//! Moves a sandbox's time.

use std::time::Duration;

use identkit_core::Clock as _;
use jiff::Timestamp;

use super::Sandbox;
use crate::clock::Mode;
use crate::journal::{Entry, What};

/// What came of moving time on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Advanced {
    /// The time in the world now.
    pub now: Timestamp,
    /// What happened on the way, in order: timers, and tries to deliver webhooks.
    pub fired: Vec<Entry>,
    /// When the next timer is due.
    pub next_due: Option<Timestamp>,
}

impl Sandbox {
    /// Moves time on, stopping at everything that falls due on the way, and waits until all of it has happened.
    pub async fn advance(&self, by: Duration) -> Advanced {
        let before = self.with_world(|world| world.journal.last());
        self.running.clock.advance(by).await;
        self.with_world(|world| {
            let happened = world.journal.since(before);
            let fired = happened.filter(|entry| matches!(entry.what, What::Fired { .. } | What::Attempt(_)));
            Advanced { now: world.now, fired: fired.cloned().collect(), next_due: world.next_due() }
        })
    }

    /// Moves time on to the next timer, and through all that is due at the same time; not at all when there is none.
    pub async fn run_to_next(&self) -> Advanced {
        self.running.clock.settle().await;
        let by = self.running.clock.next_due().unwrap_or_default();
        self.advance(by).await
    }

    /// Lets time go on in another way from now on.
    ///
    /// # Panics
    /// Outside a tokio runtime, unless the mode is [`Mode::Frozen`].
    pub fn set_mode(&self, mode: Mode) {
        self.running.clock.set_mode(mode);
        self.with_world(|world| world.note(What::Changed { what: "clock", how: mode.name().to_owned() }));
    }

    /// When the next timer is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.running.world().next_due()
    }

    /// The time in the world.
    pub fn now(&self) -> Timestamp {
        self.running.clock.wall()
    }
}
