//! Runs a world with its clock.
//!
//! Invariant: code that changes the world holds a token of the clock from before the change until the waiting task has
//! read the new timers. So virtual time never skips a timer.

#[cfg(feature = "server")]
use std::any::Any;
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

use super::delivery::{CompletionOrder, Receivers, Unanswered};
use crate::expect::{Expectations, UnmetExpectations};
use crate::journal::{Entry, EntryKind, Journal};
use crate::rules::Rules;
use crate::sync::lock;
use crate::webhooks::Cause;
use crate::world::SANDBOX;
use crate::{MockVendor, Profile, VirtualClock, World};

/// Maximum number of concurrent calls to receivers. A single-threaded server with a backlog of five connections
/// (Python's `http.server`) can take them. A call that holds time for too long frees its slot.
const SLOTS: usize = 6;

pub(crate) struct Runner {
    pub(super) world: Mutex<World>,
    pub(crate) plan: Plan,
    pub(super) clock: VirtualClock,
    /// Notified when the next timer may have changed.
    pub(super) changed: Notify,
    pub(super) expectations: Mutex<Expectations>,
    /// The order in which delivery attempts complete while time is frozen.
    pub(super) completion: CompletionOrder,
    /// Notified after each change of the world: an unblocked case, a delivery attempt, a journal entry.
    pub(super) time_moved: Notify,
    /// Holds virtual time from a change of the timers until the waiting task has read them.
    pub(super) pending: Mutex<Option<WorkGuard>>,
    /// `None` after the sandbox has ended: nothing is spawned then.
    pub(super) tasks: Mutex<Option<JoinSet<()>>>,
    pub(super) runtime: Handle,
    pub(super) slots: Semaphore,
    pub(super) receivers: Receivers,
    pub(super) unanswered: Unanswered,
    /// Lists that receive every timer and every delivery attempt.
    pub(super) watchers: Mutex<Vec<Weak<Mutex<Vec<Entry>>>>>,
    /// Whether this world was replaced or deleted.
    closed: watch::Sender<bool>,
    /// Number of this world, from 1, unique among all worlds of the server.
    pub(crate) generation: u64,
    pub(super) moves: AtomicU64,
}

type Sleep = BoxFuture<'static, WorkGuard>;

impl Runner {
    pub(super) fn new(plan: &Plan, clock: VirtualClock, world: World) -> Arc<Self> {
        // Holds time until the task has read the timers of the new world.
        let pending = Mutex::new(Some(clock.hold()));
        Arc::new(Self {
            world: Mutex::new(world),
            plan: plan.clone(),
            clock,
            changed: Notify::new(),
            time_moved: Notify::new(),
            pending,
            tasks: Mutex::new(Some(JoinSet::new())),
            runtime: Handle::current(),
            expectations: Mutex::default(),
            completion: CompletionOrder::default(),
            slots: Semaphore::new(SLOTS),
            receivers: Receivers::new(plan.guard),
            unanswered: Unanswered::default(),
            watchers: Mutex::default(),
            closed: watch::Sender::new(false),
            generation: plan.generations.fetch_add(1, Ordering::Relaxed) + 1,
            moves: AtomicU64::new(0),
        })
    }

    /// Spawns the task that waits for timers.
    pub(super) fn begin(self: &Arc<Self>) {
        let runner = Arc::clone(self);
        self.spawn(async move {
            runner.send_webhooks();
            let mut held = (None, None);
            loop {
                let sleep = runner.next_sleep();
                // Dropped only now: time must not move between one timer and the registration of the next.
                drop(held);
                held = runner.wait(sleep).await;
                runner.run_due();
            }
        });
    }

    /// Checks the expectations and removes them.
    pub(crate) fn verify(&self) -> Result<(), UnmetExpectations> {
        // Taken before the world is locked: `note` locks the world before the expectations.
        let expectations = std::mem::take(&mut *lock(&self.expectations));
        expectations.verify(&self.plan.operations(None), || lock(&self.world).journal.clone())
    }

    /// Panics if an expectation is not met, unless the thread is panicking: a second panic would abort the process.
    pub(crate) fn assert_met(&self) {
        let unmet = if std::thread::panicking() { None } else { self.verify().err().map(|unmet| unmet.to_string()) };
        assert!(unmet.is_none(), "{}", unmet.unwrap_or_default());
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        let mut world = lock(&self.world);
        world.now = self.clock.wall();
        world
    }

    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = lock(&self.tasks);
        let Some(tasks) = tasks.as_mut() else { return };
        // Removes finished tasks.
        while tasks.try_join_next().is_some() {}
        tasks.spawn_on(work, &self.runtime);
    }

    /// Registers the wake-up for the next timer before virtual time can move.
    fn next_sleep(&self) -> Option<Sleep> {
        // A timer is a wall time, a sleep a monotonic one: time must not move between reading the two.
        let _busy = self.clock.hold();
        // Taken before the timers are read: the token of a later change stays for the next round.
        let pending = lock(&self.pending).take();
        let due = self.world().next_due();
        let sleep = due.map(|due| self.clock.sleep_until(self.instant_of(due)));
        drop(pending);
        sleep
    }

    fn instant_of(&self, at: Timestamp) -> Instant {
        let ahead = at.duration_since(self.clock.wall());
        self.clock.now().plus(Duration::try_from(ahead).unwrap_or_default())
    }

    /// Waits until a timer is due or the timers have changed. Returns what holds time: the token of the wake-up, or the
    /// unfinished registration.
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
            let fires = EntryKind::Fired { vendor: timer.vendor, what: timer.what, subject: timer.subject.clone() };
            self.note(&mut world, fires);
            if timer.vendor == SANDBOX {
                // The only timer of the sandbox is that of the next attempt of a webhook.
                if let Ok(id) = timer.subject.parse() {
                    world.deliver_again(id, Cause::Schedule);
                }
            } else if let Some(vendor) = self.plan.vendor(timer.vendor) {
                // A panic of a vendor must not stop time for the others. The panic hook reports it.
                drop(catch_unwind(AssertUnwindSafe(|| vendor.on_timer(&mut world, &timer))));
            }
        }
        drop(world);
        if fired {
            self.time_moved.notify_waiters();
        }
        self.send_webhooks();
    }

    /// Records a timer or an attempt in the journal and passes it to the watchers, because the journal may evict it.
    pub(super) fn note(&self, world: &mut World, kind: EntryKind) {
        let sequence = world.note(kind.clone());
        let entry = Entry { sequence, at: world.now, kind };
        lock(&self.watchers).retain(|watcher| {
            let Some(watcher) = watcher.upgrade() else { return false };
            lock(&watcher).push(entry.clone());
            true
        });
    }

    pub(crate) fn journal(&self) -> Journal {
        self.world().journal.clone()
    }

    /// See [`Sandbox::wait_for_entries`](super::Sandbox::wait_for_entries). The caller does not keep the world running.
    pub(crate) async fn wait_for_entries<T>(
        &self,
        sequence: u64,
        mut check: impl FnMut(&mut dyn DoubleEndedIterator<Item = &Entry>) -> Option<T>,
    ) -> T {
        loop {
            let mut moved = std::pin::pin!(self.time_moved.notified());
            // From here on no notification is missed.
            moved.as_mut().enable();
            // `with_world` would notify all waiting tasks again.
            if let Some(value) = check(&mut self.world().journal.since(sequence)) {
                return value;
            }
            moved.await;
        }
    }

    /// Marks this world as replaced or deleted.
    pub(crate) fn close(&self) {
        self.closed.send_replace(true);
    }

    #[cfg(feature = "server")]
    pub(crate) async fn closed(&self) {
        // The sender is a field of `self`, so there is no error.
        drop(self.closed.subscribe().wait_for(|closed| *closed).await);
    }

    /// Must be called after a caller has changed the world. Starts a new order of completion, so that the attempts of
    /// this change do not wait for earlier ones.
    pub(super) fn settle(self: &Arc<Self>) {
        self.completion.restart();
        self.proceed();
    }

    /// Must be called after each change of the world. Sends due webhooks, makes the waiting task read the timers again,
    /// and notifies waiting tasks.
    pub(super) fn proceed(self: &Arc<Self>) {
        self.send_webhooks();
        *lock(&self.pending) = Some(self.clock.hold());
        self.changed.notify_one();
        self.time_moved.notify_waiters();
    }
}

#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) vendors: Arc<[Box<dyn MockVendor>]>,
    pub(super) receiver: Option<Arc<dyn Transport>>,
    pub(super) receiver_timeout: Duration,
    /// How long a receiver holds frozen time, in real time.
    pub(super) guard: Duration,
    pub(super) cases: Option<usize>,
    pub(super) generations: Arc<AtomicU64>,
    /// The web pages. Only the listeners know their type.
    #[cfg(feature = "server")]
    pub(crate) pages: Option<Arc<dyn Any + Send + Sync>>,
}

impl Plan {
    /// Returns the operations of this vendor, or of all.
    pub(crate) fn operations(&self, vendor: Option<&str>) -> Vec<&'static str> {
        let vendors = self.vendors.iter().filter(|known| vendor.is_none_or(|name| name == known.name()));
        vendors.flat_map(|vendor| vendor.routes()).map(|route| route.meta().name).collect()
    }

    /// Whether the listeners serve landing pages.
    pub(crate) fn has_pages(&self) -> bool {
        #[cfg(feature = "server")]
        return self.pages.is_some();
        #[cfg(not(feature = "server"))]
        false
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
