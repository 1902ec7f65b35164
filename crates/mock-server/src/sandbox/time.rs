//! Advances a sandbox's time.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use identkit_core::Clock as _;
use jiff::Timestamp;

use super::{Runner, Sandbox};
use crate::clock::Mode;
use crate::journal::{Entry, EntryKind};
use crate::sync::lock;

/// The result of advancing time.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Advanced {
    /// Time in the world.
    pub now: Timestamp,
    /// Timers and delivery attempts on the way, in order.
    pub fired: Vec<Entry>,
    /// Time of the next timer.
    pub next_due: Option<Timestamp>,
}

/// The progress of a world. Two values are equal if the world was not replaced, its journal has no new entry, and time
/// was not advanced between them. Time that runs by itself makes no difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    generation: u64,
    entries: u64,
    moves: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// By this duration.
    By(Duration),
    /// To this time; no change if it is in the past.
    To(Timestamp),
    /// To the next timer.
    ToNext,
}

impl Sandbox {
    /// The progress of the world. Reading it changes nothing.
    pub fn progress(&self) -> Progress {
        let entries = self.runner.world().journal.last();
        Progress { generation: self.runner.generation, entries, moves: self.runner.moves.load(Ordering::Relaxed) }
    }

    /// Advances time, runs everything that becomes due on the way, and waits until all of it has ended. Concurrent
    /// calls run one after the other, each from the time that the previous one reached.
    pub async fn advance(&self, by: Duration) -> Advanced {
        self.runner.move_on(Target::By(by)).await
    }

    /// Like [`advance`](Self::advance), to this time. If it is in the past, time does not change.
    pub async fn advance_to(&self, at: Timestamp) -> Advanced {
        self.runner.move_on(Target::To(at)).await
    }

    /// Advances to the next timer and runs all timers that are due at that time. Without a timer, time does not change.
    pub async fn run_to_next(&self) -> Advanced {
        self.runner.move_on(Target::ToNext).await
    }

    /// Advances time in a task, which continues if the future is dropped. `None` if the world ends first: the future
    /// does not keep the sandbox running.
    #[cfg(feature = "server")]
    pub(crate) fn move_on(self, target: Target) -> impl Future<Output = Option<Advanced>> + Send {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let runner = Arc::clone(&self.runner);
        self.runner.spawn(async move {
            let advanced = runner.move_on(target).await;
            // The receiver may have been dropped.
            drop(sender.send(advanced));
        });
        async move { receiver.await.ok() }
    }

    /// Sets the mode of the clock.
    ///
    /// # Panics
    /// Outside a tokio runtime with timers, unless the mode is [`Mode::Frozen`].
    pub fn set_mode(&self, mode: Mode) {
        self.runner.clock.set_mode(mode);
        self.with_world(|world| world.note(EntryKind::Changed { what: "clock", how: mode.name().to_owned() }));
    }

    /// The time of the next timer.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.runner.world().next_due()
    }

    /// The time in the world.
    pub fn now(&self) -> Timestamp {
        self.runner.clock.wall()
    }
}

impl Runner {
    async fn move_on(&self, target: Target) -> Advanced {
        // Exclusive until the result is read, so that it lists nothing that another caller has caused.
        let mover = self.clock.turn().await;
        let fired = Arc::default();
        {
            let mut watchers = lock(&self.watchers);
            // `note` removes dropped watchers too, but only if something is due.
            watchers.retain(|watcher| watcher.strong_count() > 0);
            watchers.push(Arc::downgrade(&fired));
        }
        match target {
            Target::By(by) => mover.advance(by).await,
            // An earlier call may have advanced past it.
            Target::To(at) => mover.advance_to(at).await,
            Target::ToNext => mover.run_to_next().await,
        };
        self.moves.fetch_add(1, Ordering::Relaxed);
        let world = self.world();
        let fired = std::mem::take(&mut *lock(&fired));
        Advanced { now: world.now, fired, next_due: world.next_due() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::VirtualClock;

    #[tokio::test]
    async fn watchers_are_removed_even_if_nothing_is_due() {
        let clock = VirtualClock::new("2020-09-10T12:00:00Z".parse().unwrap());
        let sandbox = Sandbox::builder().clock(clock).start();
        for _ in 0..10 {
            sandbox.advance(Duration::from_secs(1)).await;
        }
        assert!(lock(&sandbox.runner.watchers).len() <= 1);
    }
}
