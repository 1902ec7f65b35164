//! Makes a sandbox.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use identkit_core::Clock as _;
use identkit_transport::{SystemClock, Transport};

use super::{Plan, Sandbox};
use crate::clock::Mode;
use crate::rules::{NoSwitch, Rules};
use crate::vendor::rules_of;
use crate::{MockVendor, Profile, VirtualClock, World};

/// How long a receiver may take before its call is cut off.
const RECEIVER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a receiver holds time that stands still, unless said otherwise.
const GUARD: Duration = Duration::from_millis(250);

/// The same in a test.
const TEST_GUARD: Duration = Duration::from_secs(2);

const SEED: u64 = 7;

/// Makes a [`Sandbox`].
#[must_use]
pub struct SandboxBuilder {
    clock: Option<VirtualClock>,
    vendors: Vec<Box<dyn MockVendor>>,
    /// Without the vendors.
    pub(super) plan: Plan,
    world: Option<World>,
    seed: u64,
    profile: Profile,
    rules: Rules,
}

impl fmt::Debug for SandboxBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxBuilder").field("vendors", &self.vendors).finish_non_exhaustive()
    }
}

impl SandboxBuilder {
    pub(super) fn new() -> Self {
        Self {
            clock: None,
            vendors: crate::vendors::all(),
            plan: Plan {
                vendors: Arc::from([]),
                receiver: None,
                receiver_timeout: RECEIVER_TIMEOUT,
                guard: GUARD,
                cases: None,
                generations: Arc::default(),
            },
            world: None,
            seed: 0,
            profile: Profile::default(),
            rules: Rules::default(),
        }
    }

    pub(super) fn for_test() -> Self {
        // The date of the documents' examples.
        let date = jiff::civil::datetime(2020, 9, 10, 12, 0, 0, 0);
        let start = jiff::tz::Offset::UTC.to_timestamp(date).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        Self::new().clock(VirtualClock::new(start)).seed(SEED).receiver_guard(TEST_GUARD)
    }

    /// The clock that owns expiry, state moves and webhook retries; unless said otherwise one of its own that goes on
    /// like real time.
    pub fn clock(mut self, clock: VirtualClock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// How webhooks are delivered; without it every try fails, as if nobody could be reached.
    ///
    /// It must not hold the [`Sandbox`] itself, which would then never end.
    pub fn webhooks_through(mut self, receiver: Arc<dyn Transport>) -> Self {
        self.plan.receiver = Some(receiver);
        self
    }

    /// A vendor more; those of this crate are there already.
    pub fn vendor(mut self, vendor: Box<dyn MockVendor>) -> Self {
        self.vendors.push(vendor);
        self
    }

    /// A world that was there before, in place of a new one: its copy goes on from its time. Seed and profile are its
    /// own.
    pub fn world(mut self, world: World) -> Self {
        self.world = Some(world);
        self
    }

    /// The seed of everything random.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How strictly requests are judged.
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Switches a rule off, by its id in `docs/rules.md`: the sandbox then behaves as if the document did
    /// not say it. For those who want to know whether their tests would notice.
    ///
    /// # Errors
    /// When there is no such rule, naming those that come near; and when it cannot be switched off, with the reason.
    pub fn without_rule(mut self, id: &str) -> Result<Self, NoSwitch> {
        self.rules.switch_off(id, rules_of(&self.vendors))?;
        Ok(self)
    }

    /// How long a receiver may take in real time before its call is cut off: 10 s, unless
    /// said otherwise. While time stands still it is cut off as well when it is advanced by so much.
    pub fn receiver_patience(mut self, patience: Duration) -> Self {
        self.plan.receiver_timeout = patience;
        self
    }

    /// How long, in real time, a receiver that is known not to answer holds time that stands still: 250 ms unless said
    /// otherwise. Then `advance` goes on, and cuts it off when it has come 10 s further. One that was never called before
    /// holds it four times as long, and one that answers, four times as long as that takes it.
    pub fn receiver_guard(mut self, guard: Duration) -> Self {
        self.plan.guard = guard;
        self
    }

    /// How many cases of each vendor a world keeps, at least one; see [`World::keep_cases`].
    pub fn keep_cases(mut self, cases: usize) -> Self {
        self.plan.cases = Some(cases);
        self
    }

    /// Starts the sandbox; it spawns on the current tokio runtime and ends when it is dropped.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(self) -> Sandbox {
        let plan = Plan { vendors: self.vendors.into(), ..self.plan };
        let clock = self.clock.unwrap_or_else(|| {
            let begin = self.world.as_ref().map_or_else(|| SystemClock::new().wall(), |world| world.now);
            let clock = VirtualClock::new(begin);
            clock.set_mode(Mode::Real);
            clock
        });
        let world = self.world.unwrap_or_else(|| plan.create_world(clock.wall(), self.seed, self.profile, self.rules));
        Sandbox::run(&plan, clock, world)
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
}
