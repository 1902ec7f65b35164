//! Everything that a sandbox knows.

use std::any::{Any, TypeId};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use super::bound::Bound;
use super::profile::Profile;
use super::state::VendorState;
use super::timer::Timer;
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
    /// How many cases of each vendor are kept.
    pub(super) bound: Bound,
    pub(super) concerned: Option<String>,
    pub(super) timers: BTreeMap<(Timestamp, u64), Timer>,
    pub(super) seed: u64,
    pub(super) sequence: u64,
    /// How many webhooks about a case are under way that it waits for.
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
        let error = Some(Cow::from(error));
        let (at, by) = (self.now, Cause::Schedule);
        delivery.attempts.push(Attempt { at, status: None, delivered: false, by, error: error.clone(), again: false });
        self.note(What::Attempt(Arc::new(DeliveryAttempt {
            delivery: delivery.id,
            vendor: delivery.facts.name,
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
