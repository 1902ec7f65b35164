//! Evicts the oldest cases of a world that has too many.

use std::collections::{BTreeMap, HashSet};

use super::data::{CaseLimit, CaseOrder, SANDBOX, World};
use crate::journal::EntryKind;

impl World {
    /// Sets the maximum number of cases of each vendor, at least one. The default is 50,000.
    ///
    /// If a vendor has more, the oldest cases are evicted with their timers and webhooks, until a tenth of the limit is
    /// free; the journal records it. A case with a webhook attempt in flight is skipped, so the number can exceed the
    /// limit for a while. The newest case is never evicted. The examples of the vendors' documents do not count.
    pub fn keep_cases(&mut self, cases: usize) {
        self.case_limit = CaseLimit { cases: cases.max(1), thresholds: BTreeMap::new() };
    }

    /// Chooses the cases to evict if a vendor has too many, removes their timers and webhooks, and returns their ids.
    /// The vendor must remove the cases themselves. Must be called after each new case.
    pub fn evict_oldest(&mut self, vendor: &'static str, opened: &mut CaseOrder) -> HashSet<String> {
        let (count, limit) = (opened.0.len(), self.case_limit.cases);
        if count <= self.case_limit.thresholds.get(vendor).copied().unwrap_or(limit) {
            return HashSet::new();
        }
        let oldest = self.choose_oldest(opened, count - (limit - limit / 10));
        // If too many cases are busy, the next search waits for more cases.
        self.case_limit.thresholds.insert(vendor, limit.max(opened.0.len() + limit / 10));
        if oldest.is_empty() {
            return oldest;
        }
        let mut removed = HashSet::new();
        self.deliveries.retain(|delivery| {
            let remains = delivery.vendor != vendor || !oldest.contains(&delivery.case);
            if !remains {
                removed.insert(delivery.id.to_string());
            }
            remains
        });
        self.webhooks.orders.retain(|case, _| !oldest.contains(case));
        self.webhooks.overtaken = self.webhooks.overtaken.filter(|id| !removed.contains(&id.to_string()));
        self.remove_timers(|timer| match timer.vendor {
            // The next attempts of webhooks, whose subject is the id of the webhook.
            SANDBOX => removed.contains(&timer.subject),
            of => of == vendor && oldest.contains(&timer.subject),
        });
        let how = format!("removed the {} oldest of {vendor}", oldest.len());
        self.note(EntryKind::Changed { what: "cases", how });
        oldest
    }

    /// Removes up to `count` of the oldest cases from the list. Skips the newest case and cases with a webhook in
    /// flight.
    fn choose_oldest(&self, opened: &mut CaseOrder, count: usize) -> HashSet<String> {
        let queued: HashSet<u64> = self.outbox.iter().map(|(id, _)| *id).collect();
        let busy = self.deliveries.iter().filter(|one| !one.under_way.is_empty() || queued.contains(&one.id));
        let busy: HashSet<&str> = busy.map(|delivery| delivery.case.as_str()).collect();
        let (mut oldest, mut skipped) = (HashSet::with_capacity(count), Vec::new());
        while oldest.len() < count && opened.0.len() > 1 {
            let Some(case) = opened.0.pop_front() else { break };
            match busy.contains(case.as_str()) {
                true => skipped.push(case),
                false => drop(oldest.insert(case)),
            }
        }
        skipped.into_iter().rev().for_each(|case| opened.0.push_front(case));
        oldest
    }
}
