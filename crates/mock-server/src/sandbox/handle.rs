//! The handle of a running sandbox.

use std::fmt;
use std::sync::Arc;

use identkit_core::Clock as _;
use serde_json::Value;

use super::{Plan, Runner};
use crate::account::Account;
use crate::clock::VirtualClock;
use crate::journal::{Entry, Journal, What};
use crate::rejection::Rejection;
use crate::sync::lock;
use crate::vendor::Transition;
use crate::webhooks::Delivery;
use crate::world::World;

/// A running sandbox. Cheap to clone; it ends when the last clone is dropped.
#[derive(Clone)]
pub struct Sandbox {
    pub(super) runner: Arc<Runner>,
    _guard: Arc<Guard>,
}

/// Ends the tasks with the last handle from outside, and looks whether what was expected has come; the tasks themselves
/// hold only the inside.
struct Guard(Arc<Runner>);

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
        f.debug_struct("Sandbox").field("vendors", &self.runner.plan.vendors).finish_non_exhaustive()
    }
}

impl Sandbox {
    /// Lets a world run by this clock.
    pub(crate) fn run(plan: &Plan, clock: VirtualClock, mut world: World) -> Self {
        // What was on its way when the world was copied goes on its way again.
        world.send_what_was_on_its_way();
        if let Some(cases) = plan.cases {
            world.keep_cases(cases);
        }
        let runner = Runner::new(plan, clock, world);
        runner.begin();
        let guard = Arc::new(Guard(Arc::clone(&runner)));
        Self { runner, _guard: guard }
    }

    /// Moves a case along. `None` when no vendor has such a case.
    pub fn transition(&self, case: &str, transition: &Transition) -> Option<Result<(), Rejection>> {
        let _busy = self.runner.clock.hold();
        let moved = {
            let mut world = self.runner.world();
            let moved =
                self.runner.plan.vendors.iter().find_map(|vendor| vendor.transition(&mut world, case, transition));
            if moved == Some(Ok(())) {
                let by = match transition {
                    Transition::Scenario(story) => story.clone(),
                    Transition::Status(status) => status.to_string(),
                };
                world.note(What::Moved { case: case.to_owned(), by });
            }
            moved
        };
        self.runner.settle();
        moved
    }

    /// What the sandbox knows of a case.
    pub fn inspect(&self, case: &str) -> Option<Value> {
        let mut world = self.runner.world();
        self.runner.plan.vendors.iter().find_map(|vendor| vendor.inspect(&mut world, case))
    }

    /// The cases of a vendor by its name, however they were opened; none for other names.
    pub fn cases(&self, vendor: &str) -> Vec<String> {
        self.with_account(vendor, |account, world| account.cases(world)).unwrap_or_default()
    }

    /// Reads the account at a vendor; `None` without one.
    pub(crate) fn with_account<T>(&self, vendor: &str, read: impl FnOnce(&dyn Account, &mut World) -> T) -> Option<T> {
        let mut world = self.runner.world();
        Some(read(self.runner.plan.vendor(vendor)?.account()?, &mut world))
    }

    /// The deliveries so far, of one case or of all.
    pub fn deliveries(&self, case: Option<&str>) -> Vec<Delivery> {
        let world = self.runner.world();
        world.deliveries.iter().filter(|delivery| case.is_none_or(|case| delivery.case == case)).cloned().collect()
    }

    /// What has happened so far: a copy, to be looked at in peace.
    pub fn journal(&self) -> Journal {
        self.runner.journal()
    }

    /// Looks at or changes the world, then lets what follows from it happen. Nothing else of this sandbox may be
    /// called inside: the world is locked.
    pub fn with_world<T>(&self, f: impl FnOnce(&mut World) -> T) -> T {
        let _busy = self.runner.clock.hold();
        let value = f(&mut self.runner.world());
        self.runner.settle();
        value
    }

    /// Waits until what happened after the entry of this number is what is waited for: `found` is asked at once, and
    /// again whenever something has happened. In real time; bound it with a time-out.
    pub async fn happened_after<T>(
        &self,
        sequence: u64,
        found: impl FnMut(&mut dyn DoubleEndedIterator<Item = &Entry>) -> Option<T>,
    ) -> T {
        self.runner.happened_after(sequence, found).await
    }

    pub(crate) fn runner(&self) -> &Arc<Runner> {
        &self.runner
    }

    /// Its clock.
    pub fn clock(&self) -> &VirtualClock {
        &self.runner.clock
    }

    /// A copy of its world as it is now, to be looked at or to go on from
    /// ([`SandboxBuilder::world`](crate::SandboxBuilder::world)).
    pub fn snapshot(&self) -> World {
        self.runner.world().clone()
    }

    /// Another sandbox that goes on from the world as it is now, with a clock of its own in the same mode. What is done
    /// to one of them does not touch the other; both know the same credentials.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn fork(&self) -> Self {
        let world = self.snapshot();
        let clock = VirtualClock::new(world.now);
        clock.set_mode(self.runner.clock.mode());
        Self::run(&self.runner.plan, clock, world)
    }
}
