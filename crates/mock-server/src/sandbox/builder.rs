//! The builder of a sandbox.

#[cfg(feature = "server")]
use std::any::Any;
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

/// Default timeout of a receiver.
const RECEIVER_TIMEOUT: Duration = Duration::from_secs(10);

/// Default of [`SandboxBuilder::receiver_guard`].
const GUARD: Duration = Duration::from_millis(250);

/// Default of [`SandboxBuilder::receiver_guard`] in tests.
const TEST_GUARD: Duration = Duration::from_secs(2);

const SEED: u64 = 7;

/// Builds a [`Sandbox`].
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
                #[cfg(feature = "server")]
                pages: None,
            },
            world: None,
            seed: 0,
            profile: Profile::default(),
            rules: Rules::default(),
        }
    }

    pub(super) fn for_test() -> Self {
        // The date in the examples of the vendors' documents.
        let date = jiff::civil::datetime(2020, 9, 10, 12, 0, 0, 0);
        let start = jiff::tz::Offset::UTC.to_timestamp(date).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        Self::new().clock(VirtualClock::new(start)).seed(SEED).receiver_guard(TEST_GUARD)
    }

    /// Sets the clock, which controls expiry, status changes and webhook retries. The default is a new clock in real
    /// time.
    pub fn clock(mut self, clock: VirtualClock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Sets the transport that delivers webhooks. Without one, every attempt fails as if the receiver were unreachable.
    ///
    /// It must not contain the [`Sandbox`] itself, which would then never end.
    pub fn webhook_transport(mut self, receiver: Arc<dyn Transport>) -> Self {
        self.plan.receiver = Some(receiver);
        self
    }

    /// Adds a vendor to those of this crate. It replaces the vendor of the same name, if there is one.
    pub fn vendor(mut self, vendor: Box<dyn MockVendor>) -> Self {
        self.vendors.retain(|other| other.name() != vendor.name());
        self.vendors.push(vendor);
        self
    }

    /// Continues this world instead of creating one. Its seed and profile apply. The clock should start at its time.
    pub fn world(mut self, world: World) -> Self {
        self.world = Some(world);
        self
    }

    /// Sets the seed of all random values. The default is 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets the profile: which requests the vendors accept.
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Switches a rule off, by its id in `docs/rules.md`, to find out whether your tests would notice. The sandbox then
    /// behaves as if the document did not contain the rule.
    ///
    /// # Errors
    /// If the rule is unknown (the error lists similar ids), or cannot be switched off (the error gives the reason).
    pub fn without_rule(mut self, id: &str) -> Result<Self, NoSwitch> {
        self.rules.switch_off(id, rules_of(&self.vendors))?;
        Ok(self)
    }

    /// Sets the timeout of a receiver in real time. The default is 10 s. It applies to webhooks for which the vendor's
    /// policy has a timeout. If frozen time is advanced past the vendor's timeout, the call is cut off too.
    pub fn receiver_timeout(mut self, timeout: Duration) -> Self {
        self.plan.receiver_timeout = timeout;
        self
    }

    /// Sets how long, in real time, a receiver that did not respond to its last call holds frozen time. The default is
    /// 250 ms. Afterwards `advance` continues, and cuts the call off at the vendor's timeout. A receiver that was never
    /// called holds time four times as long; one that responds, for four times its average response time.
    pub fn receiver_guard(mut self, guard: Duration) -> Self {
        self.plan.guard = guard;
        self
    }

    /// Sets the maximum number of cases of each vendor, at least one; see [`World::keep_cases`].
    pub fn keep_cases(mut self, cases: usize) -> Self {
        self.plan.cases = Some(cases);
        self
    }

    /// Adds web pages, of a type that the listeners know.
    #[cfg(feature = "server")]
    pub(crate) fn mount(mut self, pages: Arc<dyn Any + Send + Sync>) -> Self {
        self.plan.pages = Some(pages);
        self
    }

    /// Starts the sandbox. It spawns tasks on the current tokio runtime, which end when its last handle is dropped.
    ///
    /// # Panics
    /// Outside a tokio runtime with timers.
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
    /// Returns a builder with the vendors of this crate and a clock in real time.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder::new()
    }

    /// Starts a sandbox for one test, with the defaults of [`for_test`](Self::for_test): each run gives the same
    /// results.
    ///
    /// # Panics
    /// Outside a tokio runtime with timers.
    pub fn start() -> Self {
        Self::for_test().start()
    }

    /// Returns a builder with the defaults of tests: time is frozen at 2020-09-10T12:00:00Z, the seed is 7, and
    /// [`receiver_guard`](SandboxBuilder::receiver_guard) is 2 s, so that receivers on a busy machine can respond.
    pub fn for_test() -> SandboxBuilder {
        SandboxBuilder::for_test()
    }
}
