//! The handle of a running sandbox.

use std::fmt;
use std::sync::Arc;

use identkit_core::{Clock as _, Violation};
use serde_json::{Map, Value};

use super::{Plan, Runner};
use crate::expect::{Expect, UnmetExpectations};
use crate::journal::{Entry, Journal, What};
use crate::sync::lock;
use crate::webhooks::Delivery;
use crate::{Account, Rejection, Transition, VirtualClock, World};

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

    /// Expects calls from now on. When the last handle of the sandbox is dropped (its clones count, those that clients
    /// hold too) and what was expected has not come, that panics, and the test fails with a message that tells what was
    /// expected, what came, and which calls come closest. It does not panic in a thread that is panicking already.
    ///
    /// A task that runs on after the test must not hold the last handle: its panic fails nothing. Where that may be,
    /// [`verify`](Self::verify) at the end of the test; a [`TestSandbox`](crate::TestSandbox) looks after it itself.
    pub fn expect(&self, expect: Expect) -> &Self {
        let last = self.with_world(|world| world.journal.last());
        lock(&self.runner().expectations).add(expect, last);
        self
    }

    /// Whether all has come that was expected until now. It is done with then, and nothing of it is looked at when the
    /// sandbox is dropped.
    ///
    /// # Errors
    /// What has not come, or too often.
    pub fn verify(&self) -> Result<(), UnmetExpectations> {
        self.runner().verify()
    }

    /// The accounts by vendor, as the ready line of `identkit sandbox` tells them.
    pub fn accounts(&self) -> Vec<(&'static str, Value)> {
        let mut world = self.runner.world();
        let vendors = self.runner.plan.vendors.iter();
        vendors.filter_map(|vendor| Some((vendor.name(), vendor.account()?.summary(&mut world)))).collect()
    }

    /// How the accounts are set up: their settings by name, under the vendors' names as the ready line writes them.
    pub fn settings(&self) -> Value {
        let mut world = self.runner.world();
        let vendors = self.runner.plan.vendors.iter();
        vendors.filter_map(|vendor| Some((in_json(vendor.name()), vendor.account()?.settings(&mut world)))).collect()
    }

    /// Sets accounts up, each as the object under its vendor's name says. Nothing is changed when anything cannot be.
    ///
    /// # Errors
    /// All that cannot be set, and what would be valid.
    pub fn set_up(&self, wanted: &Map<String, Value>) -> Result<(), Rejection> {
        const SOURCE: &str = "docs/sandbox-reference.md";
        let vendors = &self.runner.plan.vendors;
        self.with_world(|world| {
            let (mut changes, mut faults) = (Vec::new(), Vec::new());
            for (name, settings) in wanted {
                let Some(vendor) = vendors.iter().find(|vendor| in_json(vendor.name()) == *name) else {
                    let known = vendors.iter().map(|vendor| in_json(vendor.name())).collect::<Vec<_>>().join(", ");
                    let message = format!("is no vendor of this sandbox, which has {known}");
                    faults.push(Violation::new(name.clone(), message, "sandbox", SOURCE));
                    continue;
                };
                let Value::Object(settings) = settings else {
                    faults.push(Violation::new(name.clone(), "must be an object of settings", "sandbox", SOURCE));
                    continue;
                };
                let no_settings = || Rejection::by_sandbox(400, vendor.name(), "has no settings", "docs/sandbox.md");
                match vendor.account().ok_or_else(no_settings).and_then(|account| account.set_up(world, settings)) {
                    Ok(change) => changes.push(change),
                    Err(refused) => faults.extend(refused.violations.into_iter().map(|mut fault| {
                        fault.field = format!("{name}.{}", fault.field).into();
                        fault
                    })),
                }
            }
            if !faults.is_empty() {
                return Err(Rejection::invalid(faults));
            }
            changes.into_iter().for_each(|change| change(world));
            // The names only: among the values are secrets.
            let names = wanted.iter().flat_map(|(vendor, settings)| {
                settings.as_object().into_iter().flatten().map(move |(name, _)| format!("{vendor}.{name}"))
            });
            let how = names.collect::<Vec<_>>().join(", ");
            if !how.is_empty() {
                world.note(What::Changed { what: "settings", how });
            }
            Ok(())
        })
    }
}

/// A vendor's name as a key of JSON.
pub(crate) fn in_json(name: &str) -> String {
    name.replace('-', "_")
}
