//! Everything that a sandbox knows.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::SavedError;
use crate::faults::Faults;
use crate::journal::{DeliveryAttempt, Journal, What};
use crate::rules::{Rule, Rules};
use crate::webhooks::{Attempt, Cause, Delivery, Webhooks};

/// Everything a sandbox knows.
#[derive(Clone, Debug)]
pub struct World {
    /// The time in this world; set before anything is handled or fired.
    pub now: Timestamp,
    /// Randomness, reproducible by its seed.
    pub random: fastrand::Rng,
    /// How strictly requests are judged.
    pub profile: Profile,
    /// The rules that are enforced, whatever the profile: all, unless some were switched off.
    pub rules: Rules,
    /// Webhooks, delivered and due.
    pub deliveries: Vec<Delivery>,
    /// What becomes of webhooks that set out.
    pub webhooks: Webhooks,
    /// What happened.
    pub journal: Journal,
    /// What goes wrong with calls.
    pub faults: Faults,
    pub(super) bound: Bound,
    pub(super) concerned: Option<String>,
    pub(super) timers: BTreeMap<(Timestamp, u64), Timer>,
    pub(super) seed: u64,
    pub(super) sequence: u64,
    pub(super) blocked: BTreeMap<String, u32>,
    pub(super) outbox: Vec<(u64, Cause)>,
    pub(super) states: HashMap<TypeId, Box<dyn VendorState>>,
}

impl World {
    /// An empty world.
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
            bound: Bound::default(),
            concerned: None,
            timers: BTreeMap::new(),
            seed,
            sequence: 0,
            blocked: BTreeMap::new(),
            outbox: Vec::new(),
            states: HashMap::new(),
        }
    }

    /// The seed of everything random in it.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Whether this rule is enforced.
    pub fn enforces(&self, rule: &Rule) -> bool {
        self.rules.enforce(rule)
    }

    /// A vendor's state; its default if the world has none yet.
    pub fn state<T: VendorState + Default>(&mut self) -> &mut T {
        let state = self.states.entry(TypeId::of::<T>()).or_insert_with(|| Box::new(T::default()));
        let any: &mut dyn Any = &mut **state;
        match any.downcast_mut::<T>() {
            Some(state) => state,
            None => unreachable!("a state is stored under its own type"),
        }
    }

    /// Puts into the journal what happens now, and returns its number there.
    pub fn note(&mut self, what: What) -> u64 {
        self.journal.note(self.now, what)
    }

    /// Says which case the request is about that is being handled, for the journal.
    pub fn concerns(&mut self, case: &str) {
        self.concerned = Some(case.to_owned());
    }

    /// Which case that was, since this was last asked.
    pub(crate) fn take_concerned(&mut self) -> Option<String> {
        self.concerned.take()
    }

    /// Sets a timer.
    pub fn after(&mut self, at: Timestamp, timer: Timer) {
        self.sequence += 1;
        self.timers.insert((at, self.sequence), timer);
    }

    /// Takes away the timers that fit.
    pub fn forget(&mut self, fits: impl Fn(&Timer) -> bool) {
        self.timers.retain(|_, timer| !fits(timer));
    }

    /// When the next timer is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.timers.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes the next timer that is due by now.
    pub fn take_due(&mut self) -> Option<Timer> {
        let key = *self.timers.first_key_value().filter(|((at, _), _)| *at <= self.now)?.0;
        self.timers.remove(&key)
    }

    /// Says that a webhook about this case is under way, so that nothing else may be done with it.
    pub fn block(&mut self, case: &str) {
        *self.blocked.entry(case.to_owned()).or_default() += 1;
    }

    /// Says that it is over. The case stays blocked as long as another one is under way.
    pub fn unblock(&mut self, case: &str) {
        if let Some(count) = self.blocked.get_mut(case) {
            *count -= 1;
            if *count == 0 {
                self.blocked.remove(case);
            }
        }
    }

    /// Whether a webhook about this case is under way.
    pub fn is_blocked(&self, case: &str) -> bool {
        self.blocked.contains_key(case)
    }

    /// Puts a webhook on its way and returns its id.
    pub fn deliver(&mut self, mut delivery: Delivery) -> u64 {
        self.sequence += 1;
        delivery.id = self.sequence;
        self.deliveries.push(delivery);
        self.outbox.push((self.sequence, Cause::Schedule));
        self.sequence
    }

    /// Keeps a webhook that cannot be called at all, as one that has failed for good, and notes why.
    pub fn cannot_deliver(&mut self, mut delivery: Delivery, error: String) {
        self.sequence += 1;
        delivery.id = self.sequence;
        let (at, by, error) = (self.now, Cause::Schedule, Some(error.into()));
        delivery.attempts.push(Attempt { at, status: None, delivered: false, by, error, again: false });
        if let Some(tried) = DeliveryAttempt::last_of(&delivery) {
            self.note(What::Attempt(Arc::new(tried)));
        }
        self.deliveries.push(delivery);
    }

    /// Puts a webhook on its way again.
    pub fn deliver_again(&mut self, id: u64, by: Cause) {
        self.outbox.push((id, by));
    }

    /// The tries that are under way, as they are to be made once more where their answers do not come.
    pub(super) fn under_way(&self) -> impl Iterator<Item = (u64, Cause)> {
        // It has set out before: no mode of the world keeps it back now.
        let again = |by: Cause| if by.is_extra() { by } else { Cause::Release };
        let tries = |delivery: &Delivery| (delivery.id, delivery.under_way.clone());
        self.deliveries.iter().map(tries).flat_map(move |(id, tries)| tries.into_iter().map(move |by| (id, again(by))))
    }

    /// Puts what was being delivered when the world was copied on its way again: its answer went to the original.
    pub(crate) fn send_what_was_on_its_way(&mut self) {
        let again: Vec<_> = self.under_way().collect();
        self.outbox.extend(again);
        self.deliveries.iter_mut().for_each(|delivery| delivery.under_way.clear());
    }

    /// Takes the webhooks that are to be sent now.
    pub fn take_outbox(&mut self) -> Vec<(u64, Cause)> {
        std::mem::take(&mut self.outbox)
    }

    /// A delivery by its id.
    pub fn delivery(&mut self, id: u64) -> Option<&mut Delivery> {
        // They are in the order of their ids.
        let at = self.deliveries.binary_search_by_key(&id, |delivery| delivery.id).ok()?;
        self.deliveries.get_mut(at)
    }

    /// A random text of this length out of an alphabet.
    pub fn random_text(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length).filter_map(|_| self.random.choice(alphabet)).map(|byte| char::from(*byte)).collect()
    }
}

/// A vendor's state in a world.
pub trait VendorState: Any + Send + Sync + fmt::Debug {
    /// A copy, for a copy of the world.
    fn copy(&self) -> Box<dyn VendorState>;

    /// Name of its type, to say that no vendor saves it.
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

/// Reads the vendors' state of a world that is being saved, and notes what was read.
#[derive(Debug)]
pub struct StateReader<'a> {
    world: &'a World,
    read: HashSet<TypeId>,
}

impl<'a> StateReader<'a> {
    pub(super) fn new(world: &'a World) -> Self {
        Self { world, read: HashSet::new() }
    }

    /// A state, which thereby counts as saved; `None` if the world has none.
    pub fn get<T: VendorState>(&mut self) -> Option<&'a T> {
        self.read.insert(TypeId::of::<T>());
        let state: &dyn Any = &**self.world.states.get(&TypeId::of::<T>())?;
        state.downcast_ref()
    }

    /// An error if there is a state that no vendor has read.
    pub(super) fn finish(self) -> Result<(), SavedError> {
        match self.world.states.iter().find(|(key, _)| !self.read.contains(key)) {
            Some((_, state)) => {
                Err(SavedError::not_saved(format!("no vendor saves its share {}", (**state).type_name())))
            }
            None => Ok(()),
        }
    }
}

/// Whose the sandbox's own timers are: no vendor's.
pub(crate) const SANDBOX: &str = "sandbox";

/// What they are for: the next try of a webhook, by the id of the delivery.
pub(crate) const RETRY: &str = "retry";

/// And the end of its being held.
pub(crate) const RELEASE: &str = "release";

/// Something that is due at a time: data, never a waker, so that a world can be copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    /// Name of the vendor that set it.
    pub vendor: &'static str,
    /// What is due, in the vendor's own words.
    pub what: &'static str,
    /// What it is about: the id of a case or a delivery.
    pub subject: String,
}

/// How many cases of each vendor are kept unless said otherwise.
const CASES: usize = 50_000;

#[derive(Clone, Debug)]
pub(super) struct Bound {
    pub(super) cases: usize,
    /// Of each vendor whose cases were looked through: how many may be there before they are looked through again.
    pub(super) patience: BTreeMap<&'static str, usize>,
}

impl Default for Bound {
    fn default() -> Self {
        Self { cases: CASES, patience: BTreeMap::new() }
    }
}

/// The cases of a vendor in the order in which they were opened, but for the documents' examples, which are always there.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CaseOrder(pub(super) VecDeque<String>);

impl CaseOrder {
    /// The ids, oldest first.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Adds the newest.
    pub fn push(&mut self, case: String) {
        self.0.push_back(case);
    }

    /// Takes one out that is there no longer.
    pub fn remove(&mut self, case: &str) {
        // It is the oldest, where cases end by their age.
        if self.0.front().is_some_and(|oldest| oldest == case) {
            self.0.pop_front();
        } else {
            self.0.retain(|one| one != case);
        }
    }

    /// Read from where `at` points. Each has to be one of the cases that there are.
    ///
    /// # Errors
    /// [`SavedError::Damaged`], with the place of the first that is not, or that comes twice.
    pub fn checked(self, at: &str, is_there: impl Fn(&str) -> bool) -> Result<Self, SavedError> {
        let mut known = HashSet::new();
        let wrong = self.ids().position(|case| !is_there(case) || !known.insert(case));
        match wrong {
            Some(index) => Err(SavedError::damaged(format!("{at}/{index}"), "expected the id of a case, and once")),
            None => Ok(self),
        }
    }
}

/// How strictly requests are judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Every rule that the documents state, except where their own examples break it: those pass.
    #[default]
    Literal,
    /// No exception, and nothing that the documents do not list.
    Strict,
    /// As literal; and some calls go wrong by themselves, and some answers come in another of the shapes that the
    /// documents leave open. Which ones follows from the seed.
    Chaos,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Literal, Self::Strict, Self::Chaos];

    /// Its name, as flags and the admin API write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Literal => "literal",
            Self::Strict => "strict",
            Self::Chaos => "chaos",
        }
    }

    /// The profile of this name.
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
    fn timers_fall_due_in_order_and_a_copy_keeps_its_own() {
        let start: Timestamp = "2020-09-10T00:00:00Z".parse().unwrap();
        let at = |seconds| Timestamp::from_second(start.as_second() + seconds).unwrap();
        let mut world = World::new(start, 7, Profile::Literal);
        world.after(at(2), timer("b"));
        world.after(at(1), timer("a"));
        world.after(at(2), timer("c"));
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
