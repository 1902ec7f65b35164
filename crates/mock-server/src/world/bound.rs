//! How many cases a world keeps: under load for hours it must not grow without bound.

use std::collections::BTreeSet;

use super::{SANDBOX, World};
use crate::journal::What;

/// How many cases of each vendor are kept unless said otherwise.
pub(crate) const CASES: usize = 50_000;

impl World {
    /// Keeps at most so many cases of each vendor, and at least one: 50,000 unless said otherwise. One more, and the
    /// oldest tenth is forgotten, with its timers and its webhooks, as if it had never been; the journal says so. Cases
    /// of which a webhook is under way are passed over, and the documents' examples do not count.
    pub fn keep_cases(&mut self, cases: usize) {
        self.cases = cases.max(1);
    }

    /// Whether so many cases of a vendor are more than are kept: then it asks [`forget_oldest`](Self::forget_oldest).
    pub fn are_too_many(&self, cases: usize) -> bool {
        cases > self.cases
    }

    /// Chooses the oldest of a vendor's cases, told with their numbers, so that a tenth of the room is free, and forgets
    /// their timers and webhooks. Returns which; the cases themselves are the vendor's to forget.
    pub fn forget_oldest(&mut self, vendor: &'static str, mut cases: Vec<(u64, String)>) -> BTreeSet<String> {
        if !self.are_too_many(cases.len()) {
            return BTreeSet::new();
        }
        let surplus = cases.len() - (self.cases - self.cases / 10);
        let setting_out: BTreeSet<u64> = self.outbox.iter().map(|(id, _)| *id).collect();
        let busy = self.deliveries.iter().filter(|one| !one.under_way.is_empty() || setting_out.contains(&one.id));
        let busy: BTreeSet<&str> = busy.map(|delivery| delivery.case.as_str()).collect();
        cases.retain(|(_, case)| !busy.contains(case.as_str()) && !self.is_blocked(case));
        cases.sort_unstable();
        let oldest: BTreeSet<String> = cases.into_iter().take(surplus).map(|(_, case)| case).collect();
        let mut gone = BTreeSet::new();
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
        if !oldest.is_empty() {
            self.note(What::Changed {
                what: "cases",
                how: format!("the {} oldest of {vendor} forgotten", oldest.len()),
            });
        }
        oldest
    }
}
