//! How many cases a world keeps: under load for hours it must not grow without bound.

use std::collections::{BTreeMap, HashSet};

use super::{SANDBOX, World};
use crate::journal::What;

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

impl World {
    /// Keeps at most so many cases of each vendor, and at least one: 50,000 unless said otherwise. One more, and the
    /// oldest are forgotten until a tenth of the room is free, with their timers and their webhooks, as if they had never
    /// been; the journal says so. Cases of which a webhook is under way are passed over, so that there may be more for a
    /// while; the newest case is never forgotten, and the documents' examples do not count.
    pub fn keep_cases(&mut self, cases: usize) {
        self.bound = Bound { cases: cases.max(1), patience: BTreeMap::new() };
    }

    /// Whether so many cases of a vendor are more than are kept: then it asks [`forget_oldest`](Self::forget_oldest).
    pub fn are_too_many(&self, vendor: &'static str, cases: usize) -> bool {
        cases > self.bound.patience.get(vendor).copied().unwrap_or(self.bound.cases)
    }

    /// Chooses the oldest of a vendor's cases, told with their numbers, so that a tenth of the room is free, and forgets
    /// their timers and webhooks. Returns which; the cases themselves are the vendor's to forget.
    pub fn forget_oldest(&mut self, vendor: &'static str, mut cases: Vec<(u64, String)>) -> HashSet<String> {
        let (count, most) = (cases.len(), self.bound.cases);
        if count <= most {
            return HashSet::new();
        }
        cases.sort_unstable();
        // The newest is just being opened.
        cases.pop();
        let setting_out: HashSet<u64> = self.outbox.iter().map(|(id, _)| *id).collect();
        let busy = self.deliveries.iter().filter(|one| !one.under_way.is_empty() || setting_out.contains(&one.id));
        let busy: HashSet<&str> = busy.map(|delivery| delivery.case.as_str()).collect();
        let idle = cases.into_iter().map(|(_, case)| case);
        let idle = idle.filter(|case| !busy.contains(case.as_str()) && !self.is_blocked(case));
        let oldest: HashSet<String> = idle.take(count - (most - most / 10)).collect();
        // Where too many are busy, not each new case looks for those that are no longer.
        self.bound.patience.insert(vendor, most.max(count - oldest.len() + most / 10));
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
}
