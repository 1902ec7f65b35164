//! The sandbox itself: moves a world along with a clock and delivers its webhooks.
//!
//! One task waits for the next timer; each webhook is a task of its own. All of them end with the [`Sandbox`].
//!
//! Invariant: whoever changes the world holds a token of the clock from before the change until the waiting task has
//! seen the new timers, so that virtual time never passes one of them by.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{Either, select};
use http::{Request, Response, StatusCode};
use identkit_core::{BoxFuture, Clock, Content, Fault, Mono, Wake};
use identkit_transport::{Hop, SystemClock, Transport};
use identkit_wire::{Body, json};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::rules::{NoSwitch, Rules};
use crate::vendor::{Handled, MockVendor, Refused, Transition};
use crate::webhooks::Delivery;
use crate::world::{Profile, Timer, World};

/// How long a receiver may take before its call is cut off, [T 2.5.1].
const RECEIVER: Duration = Duration::from_secs(10);

/// Whose the engine's own timers are: no vendor's.
const ENGINE: &str = "_engine";

/// What they are for.
const RETRY: &str = "retry";

/// Makes a [`Sandbox`].
pub struct SandboxBuilder {
    clock: Arc<dyn Clock>,
    receiver: Option<Arc<dyn Transport>>,
    vendors: Vec<Box<dyn MockVendor>>,
    seed: u64,
    profile: Profile,
    rules: Rules,
    patience: Duration,
}

impl fmt::Debug for SandboxBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxBuilder").field("vendors", &self.vendors).finish_non_exhaustive()
    }
}

impl SandboxBuilder {
    /// The clock that owns expiry, state moves and webhook retries.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// How webhooks are delivered; without it every try fails, as if nobody could be reached.
    ///
    /// It must not hold the [`Sandbox`] itself, which would then never end.
    #[must_use]
    pub fn webhooks_through(mut self, receiver: Arc<dyn Transport>) -> Self {
        self.receiver = Some(receiver);
        self
    }

    /// A vendor more; those of this crate are there already.
    #[must_use]
    pub fn vendor(mut self, vendor: Box<dyn MockVendor>) -> Self {
        self.vendors.push(vendor);
        self
    }

    /// The seed of everything random.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How strictly requests are judged.
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Switches a rule off, by its id in [`RULES`](crate::rules::RULES): the sandbox then behaves as if the document did
    /// not say it. For those who want to know whether their tests would notice.
    ///
    /// # Errors
    /// When there is no such rule, naming those that come near; and when it cannot be switched off, with the reason.
    pub fn without_rule(mut self, id: &str) -> Result<Self, NoSwitch> {
        self.rules.switch_off(id)?;
        Ok(self)
    }

    /// How long a receiver may take before its call is cut off, in real time whatever the clock: 10 s, as documented
    /// ([T 2.5.1]), unless said otherwise.
    #[must_use]
    pub fn receiver_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Starts the sandbox; it spawns on the current tokio runtime and ends when it is dropped.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(self) -> Sandbox {
        let mut world = World::new(self.clock.wall(), self.seed, self.profile);
        world.rules = self.rules;
        for vendor in &self.vendors {
            vendor.found(&mut world);
        }
        // Until the task below has seen the timers of the new world.
        let pending = Mutex::new(Some(self.clock.busy()));
        let inner = Arc::new(Inner {
            world: Mutex::new(world),
            vendors: self.vendors,
            clock: self.clock,
            receiver: self.receiver,
            changed: Notify::new(),
            moved: Notify::new(),
            pending,
            tasks: Mutex::new(Some(JoinSet::new())),
            runtime: Handle::current(),
            patience: self.patience,
        });
        let pump = Arc::clone(&inner);
        inner.spawn(async move {
            let mut held = (None, None);
            loop {
                let sleep = pump.next_sleep();
                // Not sooner: time must not move between one timer and the registration of the next.
                drop(held);
                held = pump.wait(sleep).await;
                pump.run_due();
            }
        });
        let guard = Arc::new(Guard(Arc::clone(&inner)));
        Sandbox { inner, _guard: guard }
    }
}

struct Inner {
    world: Mutex<World>,
    vendors: Vec<Box<dyn MockVendor>>,
    clock: Arc<dyn Clock>,
    receiver: Option<Arc<dyn Transport>>,
    /// The next timer may be another one.
    changed: Notify,
    /// Something that others wait for may have happened: a case unblocked, a webhook tried.
    moved: Notify,
    /// Holds virtual time from a change of the timers until the waiting task has seen it.
    pending: Mutex<Option<Wake>>,
    /// `None` once the sandbox has ended: nothing is spawned any more.
    tasks: Mutex<Option<JoinSet<()>>>,
    /// Where tasks run, also when they are asked for from outside of it.
    runtime: Handle,
    patience: Duration,
}

/// A registration with the clock.
type Sleep = BoxFuture<'static, Wake>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    fn world(&self) -> MutexGuard<'_, World> {
        let mut world = lock(&self.world);
        world.now = self.clock.wall();
        world
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = lock(&self.tasks);
        let Some(tasks) = tasks.as_mut() else { return };
        // What has ended needs no keeping.
        while tasks.try_join_next().is_some() {}
        tasks.spawn_on(work, &self.runtime);
    }

    /// Registers the next waking, and only then lets virtual time go on.
    fn next_sleep(&self) -> Option<Sleep> {
        // A timer is a wall time, a sleep a monotonic one: time must not move between reading the two.
        let _busy = self.clock.busy();
        // Taken before looking: the token of a change that comes after the look stays for the next round.
        let seen = lock(&self.pending).take();
        let due = self.world().next_due();
        let sleep = due.map(|due| self.clock.sleep_until(self.mono_of(due)));
        drop(seen);
        sleep
    }

    fn mono_of(&self, at: Timestamp) -> Mono {
        let ahead = at.duration_since(self.clock.wall());
        self.clock.mono().plus(Duration::try_from(ahead).unwrap_or_default())
    }

    /// Waits until a timer is due or the timers have changed, and returns what holds time until then: the token of the
    /// waking, or the registration that has not come to its end.
    async fn wait(&self, sleep: Option<Sleep>) -> (Option<Wake>, Option<Sleep>) {
        let changed = std::pin::pin!(self.changed.notified());
        match sleep {
            None => {
                changed.await;
                (None, None)
            }
            Some(sleep) => match select(changed, sleep).await {
                Either::Left(((), sleep)) => (None, Some(sleep)),
                Either::Right((wake, _)) => (Some(wake), None),
            },
        }
    }

    /// Fires what is due.
    fn run_due(self: &Arc<Self>) {
        let mut world = self.world();
        while let Some(timer) = world.take_due() {
            if timer.vendor == ENGINE {
                if let Ok(id) = timer.subject.parse() {
                    world.deliver_again(id);
                }
            } else if let Some(vendor) = self.vendors.iter().find(|vendor| vendor.name() == timer.vendor) {
                vendor.fire(&mut world, &timer);
            }
        }
        drop(world);
        self.send_webhooks();
    }

    /// Sends the webhooks that are to be sent now, each in a task of its own.
    fn send_webhooks(self: &Arc<Self>) {
        for id in lock(&self.world).take_outbox() {
            let (inner, busy) = (Arc::clone(self), self.clock.busy());
            self.spawn(async move {
                inner.attempt(id).await;
                drop(busy);
            });
        }
    }

    /// After the world has changed: sends what is to be sent and lets the waiting task look at the timers again.
    fn settle(self: &Arc<Self>) {
        self.send_webhooks();
        *lock(&self.pending) = Some(self.clock.busy());
        self.changed.notify_one();
    }

    /// The receiver's status; `None` when it cannot be reached, takes too long, or breaks down.
    async fn call(&self, request: Request<Body>, patience: Duration) -> Option<u16> {
        let receiver = self.receiver.clone()?;
        // A receiver is somebody's real program: it is given real seconds, whatever the clock of the world.
        let real = SystemClock::new();
        let hop = Hop::new(true, Mono::NEVER);
        // A receiver that panics in this process is one that fails: the order must not stay blocked for ever.
        let call = AssertUnwindSafe(receiver.send(request, &hop)).catch_unwind();
        match select(std::pin::pin!(call), real.sleep_until(Mono(patience))).await {
            Either::Left((answer, _)) => Some(answer.ok()?.ok()?.status().as_u16()),
            Either::Right(_) => None,
        }
    }

    /// One try to deliver a webhook.
    async fn attempt(self: &Arc<Self>, id: u64) {
        let (request, at, patience) = {
            let mut world = self.world();
            let now = world.now;
            let patience = if world.enforces("T-033/10s") { self.patience } else { Duration::MAX };
            let Some(delivery) = world.delivery(id) else { return };
            (delivery.request.0.clone(), now, patience)
        };
        let status = self.call(request.map(Body::from), patience).await;
        let mut world = self.world();
        let rules = world.rules.clone();
        let Some(delivery) = world.delivery(id) else { return };
        // What waits for another webhook is not set free by this one.
        let waited_for = delivery.blocks && delivery.attempts.is_empty();
        let next = delivery.tried(at, status, &rules);
        let (vendor, case) = (delivery.vendor, delivery.case.clone());
        if let Some(next) = next {
            world.after(next, Timer { vendor: ENGINE, what: RETRY, subject: id.to_string() });
        }
        if waited_for && let Some(vendor) = self.vendors.iter().find(|known| known.name() == vendor) {
            vendor.delivered(&mut world, &case);
        }
        drop(world);
        self.moved.notify_waiters();
        self.settle();
    }
}

/// A running sandbox. Cheap to clone; it ends when the last clone is dropped.
#[derive(Clone)]
pub struct Sandbox {
    inner: Arc<Inner>,
    _guard: Arc<Guard>,
}

/// Ends the tasks with the last handle from outside; the tasks themselves hold only the inside.
struct Guard(Arc<Inner>);

impl Drop for Guard {
    fn drop(&mut self) {
        let tasks = lock(&self.0.tasks).take();
        drop(tasks);
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("vendors", &self.inner.vendors).finish_non_exhaustive()
    }
}

impl Sandbox {
    /// A sandbox with the vendors of this crate, in real time.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder {
            clock: Arc::new(SystemClock::new()),
            receiver: None,
            vendors: crate::vendors::all(),
            seed: 0,
            profile: Profile::default(),
            rules: Rules::default(),
            patience: RECEIVER,
        }
    }

    /// Answers a request to any of the vendors, told apart by path.
    pub async fn handle(&self, request: Request<Bytes>) -> Response<Content> {
        let inner = &self.inner;
        loop {
            let moved = inner.moved.notified();
            let mut moved = std::pin::pin!(moved);
            // From here on no move is missed.
            moved.as_mut().enable();
            let busy = inner.clock.busy();
            let handled = {
                let mut world = inner.world();
                match inner.vendors.iter().find(|vendor| vendor.owns(request.uri().path())) {
                    Some(vendor) => vendor.handle(&mut world, &request),
                    None => Handled::Ready(nowhere()),
                }
            };
            match handled {
                Handled::Ready(response) => {
                    inner.settle();
                    return response;
                }
                Handled::Blocked => {
                    drop(busy);
                    moved.await;
                }
            }
        }
    }

    /// Moves a case along. `None` when no vendor has such a case.
    pub fn transition(&self, case: &str, transition: &Transition) -> Option<Result<(), Refused>> {
        let _busy = self.inner.clock.busy();
        let moved = {
            let mut world = self.inner.world();
            self.inner.vendors.iter().find_map(|vendor| vendor.transition(&mut world, case, transition))
        };
        self.inner.settle();
        moved
    }

    /// What the sandbox knows of a case.
    pub fn peek(&self, case: &str) -> Option<Value> {
        let mut world = self.inner.world();
        self.inner.vendors.iter().find_map(|vendor| vendor.peek(&mut world, case))
    }

    /// The deliveries so far, of one case or of all.
    pub fn deliveries(&self, case: Option<&str>) -> Vec<Delivery> {
        let world = self.inner.world();
        world.deliveries.iter().filter(|delivery| case.is_none_or(|case| delivery.case == case)).cloned().collect()
    }

    /// The accounts by vendor, as the ready line of `identkit sandbox` tells them.
    pub fn accounts(&self) -> Vec<(&'static str, Value)> {
        let mut world = self.inner.world();
        self.inner.vendors.iter().map(|vendor| (vendor.name(), vendor.account(&mut world))).collect()
    }

    /// How the accounts are set up: their settings by name, under the vendors' names as the ready line writes them.
    pub fn settings(&self) -> Value {
        let mut world = self.inner.world();
        let told = self.inner.vendors.iter().map(|vendor| (in_json(vendor.name()), vendor.settings(&mut world)));
        Value::Object(told.filter(|(_, settings)| !settings.is_null()).collect())
    }

    /// Sets accounts up, each as the object under its vendor's name says. Nothing is changed when anything cannot be.
    ///
    /// # Errors
    /// All that cannot be set, and what would be valid.
    pub fn set_up(&self, wanted: &Map<String, Value>) -> Result<(), Refused> {
        const SOURCE: &str = "docs/sandbox.md";
        let vendors = &self.inner.vendors;
        self.with_world(|world| {
            let (mut changes, mut faults) = (Vec::new(), Vec::new());
            for (name, settings) in wanted {
                let Some(vendor) = vendors.iter().find(|vendor| in_json(vendor.name()) == *name) else {
                    let known = vendors.iter().map(|vendor| in_json(vendor.name())).collect::<Vec<_>>().join(", ");
                    let message = format!("is no vendor of this sandbox, which has {known}");
                    faults.push(Fault::new(name.clone(), message, "sandbox", SOURCE));
                    continue;
                };
                let Value::Object(settings) = settings else {
                    faults.push(Fault::new(name.clone(), "must be an object of settings", "sandbox", SOURCE));
                    continue;
                };
                match vendor.set_up(world, settings) {
                    Ok(change) => changes.push(change),
                    Err(refused) => faults.extend(refused.faults.into_iter().map(|mut fault| {
                        fault.field = format!("{name}.{}", fault.field).into();
                        fault
                    })),
                }
            }
            if !faults.is_empty() {
                return Err(Refused { status: 400, faults });
            }
            changes.into_iter().for_each(|change| change(world));
            Ok(())
        })
    }

    /// Looks at or changes the world, then lets what follows from it happen. Nothing else of this sandbox may be
    /// called inside: the world is locked.
    pub fn with_world<T>(&self, f: impl FnOnce(&mut World) -> T) -> T {
        let _busy = self.inner.clock.busy();
        let value = f(&mut self.inner.world());
        // A case may have been unblocked.
        self.inner.moved.notify_waiters();
        self.inner.settle();
        value
    }

    /// Its clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }
}

/// A vendor's name as a key of JSON.
fn in_json(name: &str) -> String {
    name.replace('-', "_")
}

fn nowhere() -> Response<Content> {
    let told = json!({
        "type": "about:blank",
        "title": "no vendor of this sandbox has this path",
        "detail": "identity.TM is below /api/{version}/, identify24 at /auth, /ident/ and /project/",
    });
    let mut response = json::response(404, &told).unwrap_or_else(|_| Response::new(Content::empty()));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
