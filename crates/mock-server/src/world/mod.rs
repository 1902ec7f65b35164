//! A world: everything a sandbox knows, as plain data, which can be copied, saved and restored.

mod bound;
mod deliveries;
mod error;
mod file;
pub(crate) mod read;
mod saved;
pub(crate) mod text;

use std::any::{Any, TypeId};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::faults::Faults;
use crate::journal::{Journal, Tried, What};
use crate::rules::Rules;
use crate::webhooks::{Attempt, Cause, Delivery, Webhooks};

pub use self::bound::Opened;
pub use self::error::SavedError;
pub use self::saved::Shares;

pub(crate) use self::saved::COPIES;

/// Whose the sandbox's own timers are: no vendor's.
pub(crate) const SANDBOX: &str = "sandbox";

/// What they are for: the next try of a webhook, by the id of the delivery.
pub(crate) const RETRY: &str = "retry";

/// And the end of its being held.
pub(crate) const RELEASE: &str = "release";

/// How strictly requests are judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(schemars::JsonSchema))]
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

/// A vendor's share of a world.
pub trait Part: Any + Send + Sync + fmt::Debug {
    /// A copy of it, for a copy of the world.
    fn copy(&self) -> Box<dyn Part>;

    /// The name of its type, to say that it is saved by nobody.
    fn type_name(&self) -> &'static str;
}

impl<T: Any + Send + Sync + Clone + fmt::Debug> Part for T {
    fn copy(&self) -> Box<dyn Part> {
        Box::new(self.clone())
    }

    fn type_name(&self) -> &'static str {
        std::any::type_name::<T>()
    }
}

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

/// Everything a sandbox knows.
#[derive(Debug)]
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
    /// How many cases of each vendor are kept.
    bound: bound::Bound,
    concerned: Option<String>,
    timers: BTreeMap<(Timestamp, u64), Timer>,
    seed: u64,
    sequence: u64,
    /// How many webhooks about a case are under way that it waits for.
    blocked: BTreeMap<String, u32>,
    outbox: Vec<(u64, Cause)>,
    parts: HashMap<TypeId, Box<dyn Part>>,
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
            bound: bound::Bound::default(),
            concerned: None,
            timers: BTreeMap::new(),
            seed,
            sequence: 0,
            blocked: BTreeMap::new(),
            outbox: Vec::new(),
            parts: HashMap::new(),
        }
    }

    /// The seed of everything random in it.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Whether this rule of the table ([`RULES`](crate::rules::RULES)) is enforced.
    pub fn enforces(&self, rule: &str) -> bool {
        self.rules.enforce(rule)
    }

    /// The vendor's share, made when it is first asked for.
    pub fn part<T: Part + Default>(&mut self) -> &mut T {
        let part = self.parts.entry(TypeId::of::<T>()).or_insert_with(|| Box::new(T::default()));
        let any: &mut dyn Any = &mut **part;
        match any.downcast_mut::<T>() {
            Some(part) => part,
            None => unreachable!("a share is stored under its own type"),
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
    #[cfg_attr(not(feature = "identity-tm"), expect(dead_code, reason = "only its customers name URLs in orders"))]
    pub(crate) fn cannot_deliver(&mut self, mut delivery: Delivery, error: String) {
        self.sequence += 1;
        delivery.id = self.sequence;
        let error = Some(Cow::from(error));
        let (at, by) = (self.now, Cause::Schedule);
        delivery.attempts.push(Attempt { at, status: None, delivered: false, by, error: error.clone(), again: false });
        self.note(What::Attempt(Arc::new(Tried {
            delivery: delivery.id,
            vendor: delivery.vendor,
            case: delivery.case.clone(),
            event: delivery.event.name.to_string(),
            number: 1,
            status: None,
            delivered: false,
            by,
            error,
            next: None,
        })));
        self.deliveries.push(delivery);
    }

    /// Puts a webhook on its way again.
    pub fn deliver_again(&mut self, id: u64, by: Cause) {
        self.outbox.push((id, by));
    }

    /// The tries that are under way, as they are to be made once more where their answers do not come.
    fn under_way(&self) -> impl Iterator<Item = (u64, Cause)> {
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

impl Clone for World {
    fn clone(&self) -> Self {
        Self {
            now: self.now,
            random: self.random.clone(),
            profile: self.profile,
            rules: self.rules.clone(),
            deliveries: self.deliveries.clone(),
            webhooks: self.webhooks.clone(),
            journal: self.journal.clone(),
            faults: self.faults.clone(),
            bound: self.bound.clone(),
            concerned: self.concerned.clone(),
            timers: self.timers.clone(),
            seed: self.seed,
            sequence: self.sequence,
            blocked: self.blocked.clone(),
            outbox: self.outbox.clone(),
            parts: self.parts.iter().map(|(key, part)| (*key, (**part).copy())).collect(),
        }
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
        *world.part::<Vec<u8>>() = vec![1];
        let mut copy = world.clone();
        assert_eq!(world.take_due(), None);
        world.now = at(2);
        let order: Vec<_> = std::iter::from_fn(|| world.take_due()).map(|timer| timer.subject).collect();
        assert_eq!(order, ["a", "b", "c"]);
        assert_eq!(copy.next_due(), Some(at(1)));
        world.part::<Vec<u8>>().push(2);
        assert_eq!(*copy.part::<Vec<u8>>(), [1]);
        assert_eq!(copy.random.u64(..), world.random.u64(..), "the same seed");
    }
}
