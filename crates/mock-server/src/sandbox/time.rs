//! Moves a sandbox's time.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use identkit_core::Clock as _;
use jiff::Timestamp;

use super::{Runner, Sandbox};
use crate::clock::Mode;
use crate::journal::{Entry, What};
use crate::sync::lock;

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

/// How far a world has come: equal to what was told before as long as it is the same world, nothing has happened in it,
/// and nobody has moved its time on. That time goes on by itself is nothing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    generation: u64,
    entries: u64,
    moves: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// By so much.
    By(Duration),
    /// To this time; not at all when it is over.
    To(Timestamp),
    /// To the next thing that is due.
    ToNext,
}

impl Sandbox {
    /// How far its world has come. To look at it changes nothing.
    pub fn progress(&self) -> Progress {
        let entries = self.runner.world().journal.last();
        Progress { generation: self.runner.generation, entries, moves: self.runner.moves.load(Ordering::Relaxed) }
    }

    /// Moves time on, stopping at everything that falls due on the way, and waits until all of it has happened. Of
    /// several that do so at once each begins where the one before it has ended.
    pub async fn advance(&self, by: Duration) -> Advanced {
        self.runner.move_on(Target::By(by)).await
    }

    /// Moves time on as [`advance`](Self::advance) does, to this time; not at all when it is over.
    pub async fn advance_to(&self, at: Timestamp) -> Advanced {
        self.runner.move_on(Target::To(at)).await
    }

    /// Moves time on to the next timer, and through all that is due at the same time; not at all when there is none.
    pub async fn run_to_next(&self) -> Advanced {
        self.runner.move_on(Target::ToNext).await
    }

    /// Moves time on, to the end also when nobody waits for it any more. `None` when the world ends first; it is not
    /// held by who waits.
    #[cfg(feature = "server")]
    pub(crate) fn move_on(self, target: Target) -> impl Future<Output = Option<Advanced>> + Send {
        let (tell, told) = tokio::sync::oneshot::channel();
        let runner = Arc::clone(&self.runner);
        self.runner.spawn(async move {
            let advanced = runner.move_on(target).await;
            // Who asked may have gone away.
            drop(tell.send(advanced));
        });
        async move { told.await.ok() }
    }

    /// Sets how time goes on from now on.
    ///
    /// # Panics
    /// Outside a tokio runtime, unless the mode is [`Mode::Frozen`].
    pub fn set_mode(&self, mode: Mode) {
        self.runner.clock.set_mode(mode);
        self.with_world(|world| world.note(What::Changed { what: "clock", how: mode.name().to_owned() }));
    }

    /// When the next timer is due.
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
        // Until what came of it is read: nobody else moves time, and nothing is told that others have made happen by it.
        let mover = self.clock.turn().await;
        let fired = Arc::default();
        {
            let mut watchers = lock(&self.watchers);
            // Where nothing is due nobody else looks who is gone.
            watchers.retain(|watcher| watcher.strong_count() > 0);
            watchers.push(Arc::downgrade(&fired));
        }
        match target {
            Target::By(by) => mover.advance(by).await,
            // Those before may have gone further.
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
    async fn who_has_moved_time_on_is_forgotten_though_nothing_happens() {
        let clock = VirtualClock::new("2020-09-10T12:00:00Z".parse().unwrap());
        let sandbox = Sandbox::builder().clock(clock).start();
        for _ in 0..10 {
            sandbox.advance(Duration::from_secs(1)).await;
        }
        assert!(lock(&sandbox.runner.watchers).len() <= 1);
    }
}
