//! A running sandbox: a world, moved along by its clock.
//!
//! One task waits for the next timer; each webhook is a task of its own. All of them end with the [`Sandbox`].

mod accounts;
mod builder;
mod calls;
mod dispatch;
mod faults;
mod gate;
mod hooks;
mod patience;
mod running;
#[cfg(feature = "server")]
mod served;
mod time;
mod turns;

use std::fmt;
use std::sync::Arc;

use identkit_core::Clock as _;
use identkit_transport::Transport;
use serde_json::Value;

pub(crate) use self::accounts::in_json;
pub use self::builder::SandboxBuilder;
pub(crate) use self::running::{Plan, Running, lock};
#[cfg(feature = "server")]
pub use self::served::TestSandbox;
#[cfg(feature = "server")]
pub(crate) use self::time::Way;
pub use self::time::{Advanced, Progress};

use crate::account::Account;
use crate::clock::VirtualClock;
use crate::in_process::InProcess;
use crate::journal::{Entry, Journal, What};
use crate::rejection::Rejection;
use crate::vendor::Transition;
use crate::webhooks::Delivery;
use crate::world::World;

/// A running sandbox. Cheap to clone; it ends when the last clone is dropped.
#[derive(Clone)]
pub struct Sandbox {
    running: Arc<Running>,
    _guard: Arc<Guard>,
}

/// Ends the tasks with the last handle from outside, and looks whether what was expected has come; the tasks themselves
/// hold only the inside.
struct Guard(Arc<Running>);

impl Drop for Guard {
    fn drop(&mut self) {
        let tasks = lock(&self.0.tasks).take();
        drop(tasks);
        // Who only listens is told that nothing will come any more.
        self.0.close();
        // At last: what a test expects may not have come, and then it ends here.
        self.0.assert_met();
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("vendors", &self.running.plan.vendors).finish_non_exhaustive()
    }
}

impl Sandbox {
    /// A sandbox with the vendors of this crate, in real time.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder::new()
    }

    /// A sandbox for one test: a world of its own, in which nothing differs from one run to the next. It is
    /// [`for_test`](Self::for_test) as it is.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start() -> Self {
        Self::for_test().start()
    }

    /// What sandboxes for tests begin with: time stands still at 2020-09-10T12:00:00Z, everything random follows from a
    /// fixed seed, and a receiver of webhooks holds that time for up to two real seconds, so that what it answers counts
    /// also on a busy machine.
    pub fn for_test() -> SandboxBuilder {
        SandboxBuilder::for_test()
    }

    /// What carries a client's requests straight into this sandbox, without a socket.
    pub fn transport(&self) -> Arc<dyn Transport> {
        Arc::new(InProcess(self.clone()))
    }

    /// Moves a case along. `None` when no vendor has such a case.
    pub fn transition(&self, case: &str, transition: &Transition) -> Option<Result<(), Rejection>> {
        let _busy = self.running.clock.hold();
        let moved = {
            let mut world = self.running.world();
            let moved =
                self.running.plan.vendors.iter().find_map(|vendor| vendor.transition(&mut world, case, transition));
            if moved == Some(Ok(())) {
                let by = match transition {
                    Transition::Story(story) => story.clone(),
                    Transition::Status(status) => status.to_string(),
                };
                world.note(What::Moved { case: case.to_owned(), by });
            }
            moved
        };
        self.running.settle();
        moved
    }

    /// What the sandbox knows of a case.
    pub fn inspect(&self, case: &str) -> Option<Value> {
        let mut world = self.running.world();
        self.running.plan.vendors.iter().find_map(|vendor| vendor.inspect(&mut world, case))
    }

    /// The cases of a vendor by its name, however they were opened; none for other names.
    pub fn cases(&self, vendor: &str) -> Vec<String> {
        self.with_account(vendor, |account, world| account.cases(world)).unwrap_or_default()
    }

    /// Reads the account at a vendor; `None` without one.
    pub(crate) fn with_account<T>(&self, vendor: &str, read: impl FnOnce(&dyn Account, &mut World) -> T) -> Option<T> {
        let mut world = self.running.world();
        Some(read(self.running.plan.vendor(vendor)?.account()?, &mut world))
    }

    /// The deliveries so far, of one case or of all.
    pub fn deliveries(&self, case: Option<&str>) -> Vec<Delivery> {
        let world = self.running.world();
        world.deliveries.iter().filter(|delivery| case.is_none_or(|case| delivery.case == case)).cloned().collect()
    }

    /// What has happened so far: a copy, to be looked at in peace.
    pub fn journal(&self) -> Journal {
        self.running.journal()
    }

    /// Looks at or changes the world, then lets what follows from it happen. Nothing else of this sandbox may be
    /// called inside: the world is locked.
    pub fn with_world<T>(&self, f: impl FnOnce(&mut World) -> T) -> T {
        let _busy = self.running.clock.hold();
        let value = f(&mut self.running.world());
        self.running.settle();
        value
    }

    /// Waits until what happened after the entry of this number is what is waited for: `found` is asked at once, and
    /// again whenever something has happened. In real time; bound it with a time-out.
    pub async fn happened_after<T>(
        &self,
        sequence: u64,
        found: impl FnMut(&mut dyn DoubleEndedIterator<Item = &Entry>) -> Option<T>,
    ) -> T {
        self.running.happened_after(sequence, found).await
    }

    pub(crate) fn running(&self) -> &Arc<Running> {
        &self.running
    }

    /// Its clock.
    pub fn clock(&self) -> &VirtualClock {
        &self.running.clock
    }

    /// A copy of its world as it is now, to be looked at or to go on from
    /// ([`SandboxBuilder::world`]).
    pub fn snapshot(&self) -> World {
        self.running.world().clone()
    }

    /// Another sandbox that goes on from the world as it is now, with a clock of its own in the same mode. What is done
    /// to one of them does not touch the other; both know the same credentials.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn fork(&self) -> Self {
        let world = self.snapshot();
        let clock = VirtualClock::new(world.now);
        clock.set_mode(self.running.clock.mode());
        self.running.plan.start(clock, world)
    }
}
