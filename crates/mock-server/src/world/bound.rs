//! How many cases a world keeps: under load for hours it must not grow without bound.

use std::collections::{BTreeMap, HashSet, VecDeque};

use super::{SANDBOX, World};
use crate::journal::What;
#[cfg(any(feature = "identify24", feature = "identity-tm"))]
use {super::SavedError, serde_json::Value};

/// How many cases of each vendor are kept unless said otherwise.
const CASES: usize = 50_000;

/// How many there may be.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    cases: usize,
    /// Of each vendor whose cases were looked through: how many may be there before they are looked through again.
    patience: BTreeMap<&'static str, usize>,
}

impl Default for Bound {
    fn default() -> Self {
        Self { cases: CASES, patience: BTreeMap::new() }
    }
}

/// The cases of a vendor in the order in which they were opened, but for the documents' examples, which are always there.
#[derive(Clone, Debug, Default)]
pub struct Opened(VecDeque<String>);

impl Opened {
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
}

/// In a saved world a list of ids.
#[cfg(any(feature = "identify24", feature = "identity-tm"))]
impl Opened {
    pub(crate) fn save(&self) -> Value {
        self.ids().collect()
    }

    /// Read from where `at` points. Each has to be one of the cases that there are.
    pub(crate) fn load(saved: Vec<String>, at: &str, is_there: impl Fn(&str) -> bool) -> Result<Self, SavedError> {
        let mut known = HashSet::new();
        match saved.iter().position(|case| !is_there(case) || !known.insert(case)) {
            Some(index) => Err(SavedError::damaged(format!("{at}/{index}"), "expected the id of a case, and once")),
            None => Ok(Self(saved.into())),
        }
    }
}

impl World {
    /// Keeps at most so many cases of each vendor, and at least one: 50,000 unless said otherwise. One more, and the
    /// oldest are forgotten until a tenth of the room is free, with their timers and their webhooks, as if they had never
    /// been; the journal says so. Cases of which a webhook is under way are passed over, so that there may be more for a
    /// while; the newest case is never forgotten, and the documents' examples do not count.
    pub fn keep_cases(&mut self, cases: usize) {
        self.bound = Bound { cases: cases.max(1), patience: BTreeMap::new() };
    }

    /// Chooses the oldest of a vendor's cases, so that a tenth of the room is free, when there are more than are kept, and
    /// forgets their timers and webhooks. Returns which; the cases themselves are the vendor's to forget. To be asked
    /// whenever a case was opened.
    pub fn forget_oldest(&mut self, vendor: &'static str, opened: &mut Opened) -> HashSet<String> {
        let (count, most) = (opened.0.len(), self.bound.cases);
        if count <= self.bound.patience.get(vendor).copied().unwrap_or(most) {
            return HashSet::new();
        }
        let oldest = self.choose(opened, count - (most - most / 10));
        // Where too many are busy, not each new case looks for those that are no longer.
        self.bound.patience.insert(vendor, most.max(opened.0.len() + most / 10));
        if oldest.is_empty() {
            return oldest;
        }
        let mut gone = HashSet::new();
        self.deliveries.retain(|delivery| {
            let stays = delivery.vendor != vendor || !oldest.contains(&delivery.case);
            if !stays {
                gone.insert(delivery.id.to_string());
            }
            stays
        });
        self.webhooks.orders.retain(|case, _| !oldest.contains(case));
        self.webhooks.overtaken = self.webhooks.overtaken.filter(|id| !gone.contains(&id.to_string()));
        self.forget(|timer| match timer.vendor {
            // Tries of webhooks, and the end of their being held, by the ids of the webhooks.
            SANDBOX => gone.contains(&timer.subject),
            of => of == vendor && oldest.contains(&timer.subject),
        });
        let how = format!("the {} oldest of {vendor} forgotten", oldest.len());
        self.note(What::Changed { what: "cases", how });
        oldest
    }

    /// Takes so many of the oldest out of the list, but for the newest of all and those of which a webhook is under way.
    fn choose(&self, opened: &mut Opened, wanted: usize) -> HashSet<String> {
        let setting_out: HashSet<u64> = self.outbox.iter().map(|(id, _)| *id).collect();
        let busy = self.deliveries.iter().filter(|one| !one.under_way.is_empty() || setting_out.contains(&one.id));
        let busy: HashSet<&str> = busy.map(|delivery| delivery.case.as_str()).collect();
        let (mut oldest, mut passed_over) = (HashSet::with_capacity(wanted), Vec::new());
        while oldest.len() < wanted && opened.0.len() > 1 {
            let Some(case) = opened.0.pop_front() else { break };
            match busy.contains(case.as_str()) {
                true => passed_over.push(case),
                false => drop(oldest.insert(case)),
            }
        }
        passed_over.into_iter().rev().for_each(|case| opened.0.push_front(case));
        oldest
    }
}
