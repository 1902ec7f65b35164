//! The state of a sandbox.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fmt;
use std::sync::Arc;

use identkit_core::Violation;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::SavedError;
use super::messages::{Message, Messages};
use super::unlocked::{Done, Unlocked, Work};
use crate::faults::Faults;
use crate::journal::{DeliveryAttempt, EntryKind, Journal};
use crate::rules::{Rejection, Rule, Rules};
use crate::webhooks::{Attempt, Cause, Delivery, Webhooks};

/// The complete state of a sandbox.
#[derive(Clone, Debug)]
pub struct World {
    /// Time in this world. It is set before each call and each timer.
    pub now: Timestamp,
    /// Source of random values, reproducible by the seed.
    pub random: fastrand::Rng,
    /// Profile: which requests the vendors accept.
    pub profile: Profile,
    /// The rules that are switched off, in every profile.
    pub rules: Rules,
    /// All webhook deliveries, in the order of their ids.
    pub deliveries: Vec<Delivery>,
    /// The modes of webhooks.
    pub webhooks: Webhooks,
    /// The journal.
    pub journal: Journal,
    /// The injected faults.
    pub faults: Faults,
    pub(super) case_limit: CaseLimit,
    pub(super) request_case: Option<String>,
    /// Whether the sandbox has landing pages.
    pub(crate) has_pages: bool,
    /// Scheme and host of the URL of the current or latest call.
    pub(crate) page_origin: Option<String>,
    pub(super) warnings: Vec<Violation>,
    pub(crate) messages: Messages,
    pub(super) timers: BTreeMap<(Timestamp, u64), Timer>,
    pub(super) seed: u64,
    pub(super) sequence: u64,
    pub(super) blocked: BTreeMap<String, u32>,
    pub(super) outbox: Vec<(u64, Cause)>,
    pub(super) states: HashMap<TypeId, Box<dyn VendorState>>,
    pub(super) unlocked: Unlocked,
}

impl World {
    /// Creates an empty world.
    pub fn new(now: Timestamp, seed: u64, profile: Profile) -> Self {
        Self {
            now,
            random: fastrand::Rng::with_seed(seed),
            profile,
            rules: Rules::default(),
            deliveries: Vec::new(),
            webhooks: Webhooks::default(),
            journal: Journal::default(),
            faults: Faults::new(seed),
            case_limit: CaseLimit::default(),
            request_case: None,
            has_pages: false,
            page_origin: None,
            warnings: Vec::new(),
            messages: Messages::default(),
            timers: BTreeMap::new(),
            seed,
            sequence: 0,
            blocked: BTreeMap::new(),
            outbox: Vec::new(),
            states: HashMap::new(),
            unlocked: Unlocked::default(),
        }
    }

    /// The seed of all random values.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Whether this rule is enforced.
    pub fn enforces(&self, rule: &Rule) -> bool {
        self.rules.enforce(rule)
    }

    /// Returns a vendor's state, and creates it with its default if the world has none.
    pub fn state<T: VendorState + Default>(&mut self) -> &mut T {
        let state = self.states.entry(TypeId::of::<T>()).or_insert_with(|| Box::new(T::default()));
        let any: &mut dyn Any = &mut **state;
        match any.downcast_mut::<T>() {
            Some(state) => state,
            None => unreachable!("a state is stored under its own type"),
        }
    }

    /// Returns the result of work that does not need the world, and that the sandbox does without the lock of the world,
    /// so that other calls do not wait. A handler must not change the world before, because it is called again after the
    /// work.
    ///
    /// # Errors
    /// The work is not done yet. The handler must return this placeholder, which is never sent.
    pub fn without_lock<T: Any + Clone + Send + Sync>(
        &mut self,
        work: impl FnOnce() -> T + Send + Sync + 'static,
    ) -> Result<T, Rejection> {
        self.unlocked.result(work).ok_or_else(|| Rejection::invalid(Vec::new()))
    }

    /// Starts a call with the results of its work so far.
    pub(crate) fn begin_call(&mut self, done: Vec<Done>) {
        self.unlocked = Unlocked::new(done);
    }

    /// Ends a call. Returns the work that must be done before it is handled again, and the results so far.
    pub(crate) fn end_call(&mut self) -> (Option<Work>, Vec<Done>) {
        std::mem::take(&mut self.unlocked).end()
    }

    /// Adds a journal entry at the current time, and returns its number.
    pub fn note(&mut self, kind: EntryKind) -> u64 {
        self.journal.note(self.now, kind)
    }

    /// Records the case of the current request, for the journal.
    pub fn set_request_case(&mut self, case: &str) {
        self.request_case = Some(case.to_owned());
    }

    /// Returns the recorded case.
    pub(crate) fn request_case(&self) -> Option<&str> {
        self.request_case.as_deref()
    }

    /// Adds a warning about the current request to its journal entry. The request is accepted nevertheless.
    pub fn warn(&mut self, warning: Violation) {
        self.warnings.push(warning);
    }

    /// Returns the warnings and removes them.
    pub(crate) fn take_warnings(&mut self) -> Vec<Violation> {
        std::mem::take(&mut self.warnings)
    }

    /// Returns the recorded case and removes it.
    pub(crate) fn take_request_case(&mut self) -> Option<String> {
        self.request_case.take()
    }

    /// Records a mail or text message that a vendor would have sent now.
    pub fn send(&mut self, message: Message) {
        self.messages.add(self.now, message);
    }

    /// Sets a timer.
    pub fn set_timer(&mut self, at: Timestamp, timer: Timer) {
        self.sequence += 1;
        self.timers.insert((at, self.sequence), timer);
    }

    /// Removes all timers for which `fits` returns true.
    pub fn remove_timers(&mut self, fits: impl Fn(&Timer) -> bool) {
        self.timers.retain(|_, timer| !fits(timer));
    }

    /// The time of the next timer.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.timers.first_key_value().map(|((at, _), _)| *at)
    }

    /// The timers with their times, earliest first.
    pub fn timers(&self) -> impl ExactSizeIterator<Item = (Timestamp, &Timer)> {
        self.timers.iter().map(|((at, _), timer)| (*at, timer))
    }

    /// Removes and returns the next timer that is due.
    pub fn take_due(&mut self) -> Option<Timer> {
        let key = *self.timers.first_key_value().filter(|((at, _), _)| *at <= self.now)?.0;
        self.timers.remove(&key)
    }

    /// Blocks a case while a webhook attempt is in flight: calls about the case wait.
    pub fn block(&mut self, case: &str) {
        *self.blocked.entry(case.to_owned()).or_default() += 1;
    }

    /// Ends one block of a case. It stays blocked while another attempt is in flight.
    pub fn unblock(&mut self, case: &str) {
        if let Some(count) = self.blocked.get_mut(case) {
            *count -= 1;
            if *count == 0 {
                self.blocked.remove(case);
            }
        }
    }

    /// Whether a case is blocked by a webhook attempt in flight.
    pub fn is_blocked(&self, case: &str) -> bool {
        self.blocked.contains_key(case)
    }

    /// Queues a webhook and returns its id.
    pub fn deliver(&mut self, mut delivery: Delivery) -> u64 {
        self.sequence += 1;
        delivery.id = self.sequence;
        self.deliveries.push(delivery);
        self.outbox.push((self.sequence, Cause::Schedule));
        self.sequence
    }

    /// Records a webhook that cannot be sent at all as failed, with the error.
    pub fn cannot_deliver(&mut self, mut delivery: Delivery, error: String) {
        self.sequence += 1;
        delivery.id = self.sequence;
        let (at, by, error) = (self.now, Cause::Schedule, Some(error.into()));
        delivery.attempts.push(Attempt {
            at,
            status: None,
            delivered: false,
            by,
            error,
            again: false,
            calls: Vec::new(),
        });
        if let Some(attempt) = DeliveryAttempt::last_of(&delivery, None) {
            self.note(EntryKind::Attempt(Arc::new(attempt)));
        }
        self.deliveries.push(delivery);
    }

    /// Queues another attempt of a webhook.
    pub fn deliver_again(&mut self, id: u64, by: Cause) {
        self.outbox.push((id, by));
    }

    /// The attempts in flight, as they must be repeated in a copy of the world, which never gets their outcome.
    pub(super) fn in_flight(&self) -> impl Iterator<Item = (u64, Cause)> {
        // The attempt has already started, so no mode may hold it.
        let again = |by: Cause| if by.is_extra() { by } else { Cause::Release };
        let attempts = |delivery: &Delivery| (delivery.id, delivery.under_way.clone());
        self.deliveries.iter().map(attempts).flat_map(move |(id, all)| all.into_iter().map(move |by| (id, again(by))))
    }

    /// Queues the attempts in flight again. In a copy of a world, their outcomes reach only the original.
    pub(crate) fn requeue_in_flight(&mut self) {
        let again: Vec<_> = self.in_flight().collect();
        self.outbox.extend(again);
        self.deliveries.iter_mut().for_each(|delivery| delivery.under_way.clear());
    }

    /// Removes and returns the queued attempts.
    pub fn take_outbox(&mut self) -> Vec<(u64, Cause)> {
        std::mem::take(&mut self.outbox)
    }

    /// Returns a delivery by its id.
    pub fn delivery(&mut self, id: u64) -> Option<&mut Delivery> {
        let at = self.deliveries.binary_search_by_key(&id, |delivery| delivery.id).ok()?;
        self.deliveries.get_mut(at)
    }

    /// Returns a random text of this length from an alphabet.
    pub fn random_text(&mut self, alphabet: &[u8], length: usize) -> String {
        draw(&mut self.random, alphabet, length)
    }

    /// Like [`random_text`](Self::random_text), but does not change which random values follow.
    pub fn derived_text(&self, alphabet: &[u8], length: usize) -> String {
        // Another stream: the text must not reveal the values that follow.
        const STREAM: u64 = 0x9e37_79b9_7f4a_7c15;
        let seed = self.random.clone().u64(..);
        draw(&mut fastrand::Rng::with_seed(seed ^ STREAM), alphabet, length)
    }
}

fn draw(random: &mut fastrand::Rng, alphabet: &[u8], length: usize) -> String {
    (0..length).filter_map(|_| random.choice(alphabet)).map(|byte| char::from(*byte)).collect()
}

/// A vendor's state in a world.
pub trait VendorState: Any + Send + Sync + fmt::Debug {
    /// Copies the state, for a copy of the world.
    fn copy(&self) -> Box<dyn VendorState>;

    /// Name of the type, for the error if no vendor saves the state.
    fn type_name(&self) -> &'static str;
}

impl<T: Any + Send + Sync + Clone + fmt::Debug> VendorState for T {
    fn copy(&self) -> Box<dyn VendorState> {
        Box::new(self.clone())
    }

    fn type_name(&self) -> &'static str {
        std::any::type_name::<T>()
    }
}

impl Clone for Box<dyn VendorState> {
    fn clone(&self) -> Self {
        (**self).copy()
    }
}

/// Gives vendors access to their state while a world is saved, and records what was read.
#[derive(Debug)]
pub struct StateReader<'a> {
    world: &'a World,
    read: HashSet<TypeId>,
}

impl<'a> StateReader<'a> {
    pub(super) fn new(world: &'a World) -> Self {
        Self { world, read: HashSet::new() }
    }

    /// Returns a state, which then counts as saved. `None` if the world has none.
    pub fn get<T: VendorState>(&mut self) -> Option<&'a T> {
        self.read.insert(TypeId::of::<T>());
        let state: &dyn Any = &**self.world.states.get(&TypeId::of::<T>())?;
        state.downcast_ref()
    }

    /// Returns an error if there is a state that no vendor has read.
    pub(super) fn finish(self) -> Result<(), SavedError> {
        match self.world.states.iter().find(|(key, _)| !self.read.contains(key)) {
            Some((_, state)) => {
                Err(SavedError::not_saved(format!("no vendor saves the state {}", (**state).type_name())))
            }
            None => Ok(()),
        }
    }
}

/// Value of [`Timer::vendor`] for the sandbox's own timers.
pub(crate) const SANDBOX: &str = "sandbox";

/// Timer of the next attempt of a webhook. The subject is the id of the delivery.
pub(crate) const RETRY: &str = "retry";

/// A timer. It is data and not a waker, so that a world can be copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    /// Name of the vendor, or `sandbox`.
    pub vendor: &'static str,
    /// Kind of timer, defined by the vendor.
    pub what: &'static str,
    /// Id of the case or delivery.
    pub subject: String,
}

/// Default maximum number of cases of each vendor.
const CASES: usize = 50_000;

#[derive(Clone, Debug)]
pub(super) struct CaseLimit {
    pub(super) cases: usize,
    /// By vendor: number of cases above which the next eviction is tried.
    pub(super) thresholds: BTreeMap<&'static str, usize>,
}

impl Default for CaseLimit {
    fn default() -> Self {
        Self { cases: CASES, thresholds: BTreeMap::new() }
    }
}

/// The cases of a vendor in the order of creation, without the examples of the documents, which always exist.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CaseOrder(pub(super) VecDeque<String>);

impl CaseOrder {
    /// The ids, oldest first.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Adds the newest case.
    pub fn push(&mut self, case: String) {
        self.0.push_back(case);
    }

    /// Removes a case.
    pub fn remove(&mut self, case: &str) {
        // Cases that end by age are the oldest.
        if self.0.front().is_some_and(|oldest| oldest == case) {
            self.0.pop_front();
        } else {
            self.0.retain(|one| one != case);
        }
    }

    /// Validates a saved list at the JSON pointer `at`: each id must exist, and occur once.
    ///
    /// # Errors
    /// [`SavedError::Damaged`], with the pointer of the first invalid id.
    pub fn validate(self, at: &str, exists: impl Fn(&str) -> bool) -> Result<Self, SavedError> {
        let mut known = HashSet::new();
        let wrong = self.ids().position(|case| !exists(case) || !known.insert(case));
        match wrong {
            Some(index) => Err(SavedError::damaged(format!("{at}/{index}"), "expected the id of a case, only once")),
            None => Ok(self),
        }
    }
}

/// Which requests the vendors accept.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Enforces every rule of the documents, except where their own examples break it.
    #[default]
    Literal,
    /// Enforces every rule without exception, and rejects everything that the documents do not list.
    Strict,
    /// Like `literal`, with random faults, and with random shapes where the documents leave them open. The seed decides
    /// which.
    Chaos,
}

impl Profile {
    /// All profiles.
    pub const ALL: [Self; 3] = [Self::Literal, Self::Strict, Self::Chaos];

    /// The name in options and the admin API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Literal => "literal",
            Self::Strict => "strict",
            Self::Chaos => "chaos",
        }
    }

    /// Returns the profile with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timer(subject: &str) -> Timer {
        Timer { vendor: "v", what: "w", subject: subject.to_owned() }
    }

    #[test]
    fn timers_are_due_in_order_and_a_copy_is_independent() {
        let start: Timestamp = "2020-09-10T00:00:00Z".parse().unwrap();
        let at = |seconds| Timestamp::from_second(start.as_second() + seconds).unwrap();
        let mut world = World::new(start, 7, Profile::Literal);
        world.set_timer(at(2), timer("b"));
        world.set_timer(at(1), timer("a"));
        world.set_timer(at(2), timer("c"));
        *world.state::<Vec<u8>>() = vec![1];
        let mut copy = world.clone();
        assert_eq!(world.take_due(), None);
        world.now = at(2);
        let order: Vec<_> = std::iter::from_fn(|| world.take_due()).map(|timer| timer.subject).collect();
        assert_eq!(order, ["a", "b", "c"]);
        assert_eq!(copy.next_due(), Some(at(1)));
        world.state::<Vec<u8>>().push(2);
        assert_eq!(*copy.state::<Vec<u8>>(), [1]);
        assert_eq!(copy.random.u64(..), world.random.u64(..), "the same seed");
    }
}
