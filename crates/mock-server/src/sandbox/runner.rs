//! A world that moves along with its clock.
//!
//! Invariant: whoever changes the world holds a token of the clock from before the change until the waiting task has
//! seen the new timers, so that virtual time never passes one of them by.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use futures_util::future::{Either, select};
use identkit_core::{BoxFuture, Clock as _, Instant, WorkGuard};
use identkit_transport::Transport;
use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;

use super::delivery::{CompletionOrder, Receivers, release};
use crate::expect::{Expectations, UnmetExpectations};
use crate::journal::{Entry, Journal, What};
use crate::rules::Rules;
use crate::sync::lock;
use crate::webhooks::Cause;
use crate::world::{RELEASE, SANDBOX};
use crate::{MockVendor, Profile, VirtualClock, World};

/// How many receivers are called at once: a single-threaded server with the shortest queue of connections that is usual
/// (Python's `http.server` keeps five) gets no more than it takes. One that holds time for too long frees its lane.
const LANES: usize = 6;

pub(crate) struct Runner {
    pub(super) world: Mutex<World>,
    pub(crate) plan: Plan,
    pub(super) clock: VirtualClock,
    /// The next timer may be another one.
    pub(super) changed: Notify,
    pub(super) expectations: Mutex<Expectations>,
    /// The order in which delivery attempts complete while time stands still.
    pub(super) completion: CompletionOrder,
    /// Something that others wait for may have happened: a case unblocked, a webhook tried, an entry in the journal.
    pub(super) moved: Notify,
    /// Holds virtual time from a change of the timers until the waiting task has seen it.
    pub(super) pending: Mutex<Option<WorkGuard>>,
    /// `None` once the sandbox has ended: nothing is spawned any more.
    pub(super) tasks: Mutex<Option<JoinSet<()>>>,
    pub(super) runtime: Handle,
    pub(super) lanes: Semaphore,
    pub(super) receivers: Receivers,
    /// Who is told of every timer and every try.
    pub(super) watchers: Mutex<Vec<Weak<Mutex<Vec<Entry>>>>>,
    /// Whether another world has taken its place, or none.
    closed: watch::Sender<bool>,
    /// Which of the server's worlds it is, from 1: no other one, before or after it, has the same.
    pub(crate) generation: u64,
    pub(super) moves: AtomicU64,
}

type Sleep = BoxFuture<'static, WorkGuard>;

impl Runner {
    pub(super) fn new(plan: &Plan, clock: VirtualClock, world: World) -> Arc<Self> {
        // Until the task has seen the timers of the new world.
        let pending = Mutex::new(Some(clock.hold()));
        Arc::new(Self {
            world: Mutex::new(world),
            plan: plan.clone(),
            clock,
            changed: Notify::new(),
            moved: Notify::new(),
            pending,
            tasks: Mutex::new(Some(JoinSet::new())),
            runtime: Handle::current(),
            expectations: Mutex::default(),
            completion: CompletionOrder::default(),
            lanes: Semaphore::new(LANES),
            receivers: Receivers::new(plan.guard),
            watchers: Mutex::default(),
            closed: watch::Sender::new(false),
            generation: plan.generations.fetch_add(1, Ordering::Relaxed) + 1,
            moves: AtomicU64::new(0),
        })
    }

    /// Waits for timers, in a task that ends with the sandbox.
    pub(super) fn begin(self: &Arc<Self>) {
        let runner = Arc::clone(self);
        self.spawn(async move {
            runner.send_webhooks();
            let mut held = (None, None);
            loop {
                let sleep = runner.next_sleep();
                // Not sooner: time must not move between one timer and the registration of the next.
                drop(held);
                held = runner.wait(sleep).await;
                runner.run_due();
            }
        });
    }

    /// Whether what a test expects has come.
    pub(crate) fn verify(&self) -> Result<(), UnmetExpectations> {
        // Taken first: who notes a call locks the world before the expectations.
        let expectations = std::mem::take(&mut *lock(&self.expectations));
        expectations.verify(&self.plan.operations(), || lock(&self.world).journal.clone())
    }

    /// Panics when it has not, unless the thread is panicking already: a second panic would abort the whole process.
    pub(crate) fn assert_met(&self) {
        let told = if std::thread::panicking() { None } else { self.verify().err().map(|unmet| unmet.to_string()) };
        assert!(told.is_none(), "{}", told.unwrap_or_default());
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        let mut world = lock(&self.world);
        world.now = self.clock.wall();
        world
    }

    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = lock(&self.tasks);
        let Some(tasks) = tasks.as_mut() else { return };
        // What has ended needs no keeping.
        while tasks.try_join_next().is_some() {}
        tasks.spawn_on(work, &self.runtime);
    }

    /// Registers the next waking, and only then lets virtual time go on.
    fn next_sleep(&self) -> Option<Sleep> {
        // A timer is a wall time, a sleep a monotonic one: time must not move between reading the two.
        let _busy = self.clock.hold();
        // Taken before looking: the token of a change that comes after the look stays for the next round.
        let seen = lock(&self.pending).take();
        let due = self.world().next_due();
        let sleep = due.map(|due| self.clock.sleep_until(self.instant_of(due)));
        drop(seen);
        sleep
    }

    fn instant_of(&self, at: Timestamp) -> Instant {
        let ahead = at.duration_since(self.clock.wall());
        self.clock.now().plus(Duration::try_from(ahead).unwrap_or_default())
    }

    /// Waits until a timer is due or the timers have changed, and returns what holds time until then: the token of the
    /// waking, or the registration that has not come to its end.
    async fn wait(&self, sleep: Option<Sleep>) -> (Option<WorkGuard>, Option<Sleep>) {
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

    fn run_due(self: &Arc<Self>) {
        let mut world = self.world();
        let mut fired = false;
        while let Some(timer) = world.take_due() {
            fired = true;
            let fires = What::Fired { vendor: timer.vendor, what: timer.what, subject: timer.subject.clone() };
            self.note(&mut world, fires);
            if timer.vendor == SANDBOX {
                match (timer.what, timer.subject.parse()) {
                    (RELEASE, Ok(id)) => release(&mut world, id),
                    (_, Ok(id)) => world.deliver_again(id, Cause::Schedule),
                    (_, Err(_)) => {}
                }
            } else if let Some(vendor) = self.plan.vendor(timer.vendor) {
                // A vendor that breaks down must not stop time for the others: the panic itself tells of it.
                drop(catch_unwind(AssertUnwindSafe(|| vendor.on_timer(&mut world, &timer))));
            }
        }
        drop(world);
        if fired {
            self.moved.notify_waiters();
        }
        self.send_webhooks();
    }

    /// Puts a timer or a try into the journal, and tells who moves time on: the journal does not keep everything.
    pub(super) fn note(&self, world: &mut World, what: What) {
        let sequence = world.note(what.clone());
        let entry = Entry { sequence, at: world.now, what };
        lock(&self.watchers).retain(|watcher| {
            let Some(watcher) = watcher.upgrade() else { return false };
            lock(&watcher).push(entry.clone());
            true
        });
    }

    pub(crate) fn journal(&self) -> Journal {
        self.world().journal.clone()
    }

    /// As [`Sandbox::happened_after`](super::Sandbox::happened_after), for those who only listen: they do not keep the
    /// world going.
    pub(crate) async fn happened_after<T>(
        &self,
        sequence: u64,
        mut found: impl FnMut(&mut dyn DoubleEndedIterator<Item = &Entry>) -> Option<T>,
    ) -> T {
        loop {
            let mut moved = std::pin::pin!(self.moved.notified());
            // From here on nothing is missed.
            moved.as_mut().enable();
            // Not through `with_world`, which tells others that something has happened.
            if let Some(found) = found(&mut self.world().journal.since(sequence)) {
                return found;
            }
            moved.await;
        }
    }

    /// Says that this world is no longer the one of its name.
    pub(crate) fn close(&self) {
        self.closed.send_replace(true);
    }

    #[cfg(feature = "server")]
    pub(crate) async fn closed(&self) {
        // It lives as long as this.
        drop(self.closed.subscribe().wait_for(|closed| *closed).await);
    }

    /// After somebody from outside has changed the world. What they began is told apart from what is under way: they
    /// need not wait for that.
    pub(super) fn settle(self: &Arc<Self>) {
        self.completion.restart();
        self.proceed();
    }

    /// After the world has changed: sends what is to be sent, lets the waiting task look at the timers again, and tells
    /// those who wait for something.
    pub(super) fn proceed(self: &Arc<Self>) {
        self.send_webhooks();
        *lock(&self.pending) = Some(self.clock.hold());
        self.changed.notify_one();
        self.moved.notify_waiters();
    }
}

#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) vendors: Arc<[Box<dyn MockVendor>]>,
    pub(super) receiver: Option<Arc<dyn Transport>>,
    pub(super) receiver_timeout: Duration,
    /// How long a receiver holds time that stands still, in real time.
    pub(super) guard: Duration,
    pub(super) cases: Option<usize>,
    pub(super) generations: Arc<AtomicU64>,
}

impl Plan {
    pub(crate) fn operations(&self) -> Vec<&'static str> {
        self.vendors.iter().flat_map(|vendor| vendor.routes()).map(|route| route.meta().name).collect()
    }

    pub(crate) fn vendor(&self, name: &str) -> Option<&dyn MockVendor> {
        self.vendors.iter().find(|vendor| vendor.name() == name).map(|vendor| &**vendor)
    }

    pub(crate) fn owner_of(&self, path: &str) -> Option<&dyn MockVendor> {
        self.vendors.iter().find(|vendor| (vendor.facts().owns)(path)).map(|vendor| &**vendor)
    }

    pub(crate) fn create_world(&self, now: Timestamp, seed: u64, profile: Profile, rules: Rules) -> World {
        let mut world = World::new(now, seed, profile);
        world.rules = rules;
        for vendor in &*self.vendors {
            vendor.seed(&mut world);
        }
        world
    }
}
