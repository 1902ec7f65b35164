//! The handle of a running sandbox.

use std::fmt;
use std::sync::Arc;

use identkit_core::{Clock as _, Secret, Violation};
use serde_json::{Map, Value};

use super::{Plan, Runner};
use crate::expect::{Expect, UnmetExpectations};
use crate::journal::{Entry, EntryKind, Journal};
use crate::sync::lock;
use crate::webhooks::Delivery;
use crate::{Account, Message, Rejection, SavedError, Transition, TransitionError, VirtualClock, World};

/// A handle of a running sandbox. Cheap to clone; the sandbox ends when the last clone is dropped.
#[derive(Clone)]
pub struct Sandbox {
    pub(super) runner: Arc<Runner>,
    _guard: Arc<Guard>,
}

/// Ends the tasks and checks the expectations when the last handle is dropped. The tasks themselves hold the runner
/// only.
struct Guard(Arc<Runner>);

impl Drop for Guard {
    fn drop(&mut self) {
        let tasks = lock(&self.0.tasks).take();
        drop(tasks);
        // Ends the streams and waits that hold the runner.
        self.0.close();
        // Last, because it panics if an expectation is not met.
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
        world.requeue_in_flight();
        if let Some(cases) = plan.cases {
            world.keep_cases(cases);
        }
        let runner = Runner::new(plan, clock, world);
        runner.begin();
        let guard = Arc::new(Guard(Arc::clone(&runner)));
        Self { runner, _guard: guard }
    }

    /// Plays a story of a case, e.g. `positive`.
    ///
    /// # Errors
    /// As [`transition`](Self::transition).
    pub fn play(&self, case: &str, scenario: &str) -> Result<(), TransitionError> {
        self.transition(case, &Transition::Scenario(scenario.to_owned()))
    }

    /// Plays a story of a case, or sets its status.
    ///
    /// # Errors
    /// If no vendor has this case, or its vendor rejects the transition.
    pub fn transition(&self, case: &str, transition: &Transition) -> Result<(), TransitionError> {
        let _busy = self.runner.clock.hold();
        let result = {
            let mut world = self.runner.world();
            let mut vendors = self.runner.plan.vendors.iter();
            let result = vendors.find_map(|vendor| vendor.transition(&mut world, case, transition));
            if result == Some(Ok(())) {
                let by = match transition {
                    Transition::Scenario(story) => story.clone(),
                    Transition::Status(status) => status.to_string(),
                };
                world.note(EntryKind::Moved { case: case.to_owned(), by });
            }
            result
        };
        self.runner.settle();
        result.ok_or(TransitionError::UnknownCase)?.map_err(TransitionError::Rejected)
    }

    /// Returns the state of a case. `None` if no vendor has this case.
    pub fn inspect(&self, case: &str) -> Option<Value> {
        let mut world = self.runner.world();
        self.runner.plan.vendors.iter().find_map(|vendor| vendor.inspect(&mut world, case))
    }

    /// Returns the TAN that was last sent to the person of a case, for the vendors that send TANs. `None` if no TAN is
    /// valid.
    pub fn tan(&self, case: &str) -> Option<Secret> {
        Some(Secret::new(self.inspect(case)?.get("tan")?.as_str()?))
    }

    /// The credentials at a vendor: the public half and the secret one. Both are empty if the vendor has no account.
    pub fn credentials(&self, vendor: &str) -> [String; 2] {
        self.with_account(vendor, |account, world| account.credentials(world)).unwrap_or_default()
    }

    /// Returns the ids of all cases of a vendor; empty for an unknown name.
    pub fn cases(&self, vendor: &str) -> Vec<String> {
        self.with_account(vendor, |account, world| account.cases(world)).unwrap_or_default()
    }

    /// Returns the ids of the cases with this noun (`orders` or `idents`), the newest of each vendor first, without the
    /// examples.
    #[cfg(feature = "server")]
    pub(crate) fn newest(&self, noun: &str) -> Vec<String> {
        let mut world = self.runner.world();
        let vendors = self.runner.plan.vendors.iter().filter(|vendor| vendor.facts().cases == noun);
        let accounts = vendors.filter_map(|vendor| vendor.account());
        accounts.flat_map(|account| account.created(&mut world).into_iter().rev()).collect()
    }

    /// Reads the account at a vendor. `None` if the vendor has no account.
    pub(crate) fn with_account<T>(&self, vendor: &str, read: impl FnOnce(&dyn Account, &mut World) -> T) -> Option<T> {
        let mut world = self.runner.world();
        Some(read(self.runner.plan.vendor(vendor)?.account()?, &mut world))
    }

    /// Returns the statuses that the vendors of the cases with this noun name. `None` if any text can be a status.
    #[cfg(feature = "server")]
    pub(crate) fn statuses(&self, noun: &str) -> Option<Vec<String>> {
        let mut world = self.runner.world();
        let mut vendors = self.runner.plan.vendors.iter().filter(|vendor| vendor.facts().cases == noun);
        let known = vendors.try_fold(Vec::new(), |all, vendor| Some([all, vendor.statuses(&mut world)?].concat()))?;
        Some(known.into_iter().map(|known| known.status).collect())
    }

    /// Reads the world, without running what is due. `read` must not call another method of this sandbox.
    #[cfg(feature = "server")]
    pub(crate) fn read<T>(&self, read: impl FnOnce(&mut World, &[Box<dyn crate::MockVendor>]) -> T) -> T {
        read(&mut self.runner.world(), &self.runner.plan.vendors)
    }

    /// Returns the webhook deliveries so far, of one case or of all.
    pub fn deliveries(&self, case: Option<&str>) -> Vec<Delivery> {
        let world = self.runner.world();
        world.deliveries.iter().filter(|delivery| case.is_none_or(|case| delivery.case == case)).cloned().collect()
    }

    /// Returns the mails and text messages that the vendors would have sent, oldest first: at most 10,000.
    pub fn messages(&self) -> Vec<Message> {
        self.runner.world().messages.iter().cloned().collect()
    }

    /// A copy of the journal.
    pub fn journal(&self) -> Journal {
        self.runner.journal()
    }

    /// Reads or changes the world, then runs what is due. The world is locked meanwhile: calling another method of this
    /// sandbox inside `f` is a deadlock.
    pub fn with_world<T>(&self, f: impl FnOnce(&mut World) -> T) -> T {
        let _busy = self.runner.clock.hold();
        let value = f(&mut self.runner.world());
        self.runner.settle();
        value
    }

    /// Waits until `check` returns a value for the entries after the one with this number. `check` is called at once
    /// and after each change. The wait is in real time and has no timeout of its own.
    pub async fn wait_for_entries<T>(
        &self,
        sequence: u64,
        check: impl FnMut(&mut dyn DoubleEndedIterator<Item = &Entry>) -> Option<T>,
    ) -> T {
        self.runner.wait_for_entries(sequence, check).await
    }

    pub(crate) fn runner(&self) -> &Arc<Runner> {
        &self.runner
    }

    /// The clock.
    pub fn clock(&self) -> &VirtualClock {
        &self.runner.clock
    }

    /// A copy of the world, which [`SandboxBuilder::world`](crate::SandboxBuilder::world) can continue.
    pub fn snapshot(&self) -> World {
        self.runner.world().clone()
    }

    /// Starts an independent sandbox with a copy of the world and its own clock in the same mode. Both accept the same
    /// credentials.
    ///
    /// # Panics
    /// Outside a tokio runtime with timers.
    pub fn fork(&self) -> Self {
        self.run_copy(self.snapshot())
    }

    /// Returns the world as JSON, as [`World::to_json`] with the vendors of this sandbox.
    ///
    /// # Errors
    /// As [`World::to_json`].
    pub fn save(&self) -> Result<Value, SavedError> {
        self.snapshot().to_json(&self.runner.plan.vendors)
    }

    /// Starts an independent sandbox with a saved world, the vendors of this sandbox, and its own clock in the same
    /// mode.
    ///
    /// # Errors
    /// As [`World::from_json`].
    ///
    /// # Panics
    /// Outside a tokio runtime with timers.
    pub fn restore(&self, saved: &Value) -> Result<Self, SavedError> {
        let world = World::from_json(&self.runner.plan.vendors, saved)?;
        Ok(self.run_copy(world))
    }

    fn run_copy(&self, world: World) -> Self {
        let clock = VirtualClock::new(world.now);
        clock.set_mode(self.runner.clock.mode());
        Self::run(&self.runner.plan, clock, world)
    }

    /// Expects calls from now on.
    ///
    /// Dropping the last handle (clones and clients' transports count) panics if an expectation is not met, unless the
    /// thread is already panicking. The message lists the expected calls, the actual calls and the near misses.
    ///
    /// If the last handle is in a task that outlives the test, its panic does not fail the test: call
    /// [`verify`](Self::verify) at the end of the test instead. A [`TestSandbox`](crate::TestSandbox) checks by itself.
    pub fn expect(&self, expect: Expect) -> &Self {
        let last = self.with_world(|world| world.journal.last());
        lock(&self.runner().expectations).add(expect, last);
        self
    }

    /// Checks all expectations and removes them, so that dropping the sandbox does not check them again.
    ///
    /// # Errors
    /// The expected calls that are missing or came too often.
    pub fn verify(&self) -> Result<(), UnmetExpectations> {
        self.runner().verify()
    }

    /// The accounts by vendor, as in the ready line of `identkit sandbox`.
    pub fn accounts(&self) -> Vec<(&'static str, Value)> {
        let mut world = self.runner.world();
        let vendors = self.runner.plan.vendors.iter();
        vendors.filter_map(|vendor| Some((vendor.name(), vendor.account()?.summary(&mut world)))).collect()
    }

    /// The accounts' settings by name, under the vendors' names as in the ready line.
    pub fn settings(&self) -> Value {
        let mut world = self.runner.world();
        let vendors = self.runner.plan.vendors.iter();
        vendors.filter_map(|vendor| Some((json_key(vendor.name()), vendor.account()?.settings(&mut world)))).collect()
    }

    /// Changes the accounts' settings, given by vendor. If one of them is invalid, none is changed.
    ///
    /// # Errors
    /// All invalid settings, with what would be valid.
    pub fn set_up(&self, changes: &Map<String, Value>) -> Result<(), Rejection> {
        const SOURCE: &str = "docs/sandbox-reference.md";
        let vendors = &self.runner.plan.vendors;
        self.with_world(|world| {
            let (mut valid, mut faults) = (Vec::new(), Vec::new());
            for (name, settings) in changes {
                let Some(vendor) = vendors.iter().find(|vendor| json_key(vendor.name()) == *name) else {
                    let known = vendors.iter().map(|vendor| json_key(vendor.name())).collect::<Vec<_>>().join(", ");
                    let message = format!("is not a vendor of this sandbox; the vendors are {known}");
                    faults.push(Violation::new(name.clone(), message, "sandbox", SOURCE));
                    continue;
                };
                let Value::Object(settings) = settings else {
                    faults.push(Violation::new(name.clone(), "must be an object of settings", "sandbox", SOURCE));
                    continue;
                };
                let no_settings = || Rejection::by_sandbox(400, vendor.name(), "has no settings", "docs/sandbox.md");
                match vendor.account().ok_or_else(no_settings).and_then(|account| account.set_up(world, settings)) {
                    Ok(change) => valid.push(change),
                    Err(refused) => faults.extend(refused.violations.into_iter().map(|mut fault| {
                        fault.field = format!("{name}.{}", fault.field).into();
                        fault
                    })),
                }
            }
            if !faults.is_empty() {
                return Err(Rejection::invalid(faults));
            }
            valid.into_iter().for_each(|change| change(world));
            // The names only: values can be secrets.
            let names = changes.iter().flat_map(|(vendor, settings)| {
                settings.as_object().into_iter().flatten().map(move |(name, _)| format!("{vendor}.{name}"))
            });
            let how = names.collect::<Vec<_>>().join(", ");
            if !how.is_empty() {
                world.note(EntryKind::Changed { what: "settings", how });
            }
            Ok(())
        })
    }
}

/// A vendor's name as a JSON key.
pub(crate) fn json_key(name: &str) -> String {
    name.replace('-', "_")
}
