//! Forgets the oldest cases of a world that has too many.

use std::collections::{BTreeMap, HashSet};

use super::data::SANDBOX;
use super::data::World;
use super::data::{Bound, CaseOrder};
use crate::journal::What;

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
    pub fn forget_oldest(&mut self, vendor: &'static str, opened: &mut CaseOrder) -> HashSet<String> {
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
    fn choose(&self, opened: &mut CaseOrder, wanted: usize) -> HashSet<String> {
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
