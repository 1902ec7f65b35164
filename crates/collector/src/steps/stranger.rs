//! A case that the store knows from webhooks only.

use identkit_store::{Case, Finish};

use crate::collector::Collector;
use crate::incident::Incident;

impl Collector {
    /// A webhook can arrive before the vendor's id of its case is stored. Then the store joins both, so the event must stay
    /// pending for a while. Later it is about an order that was placed elsewhere.
    pub(crate) fn stranger(&self, case: &Case) -> Finish {
        let wait = self.timing.strangers;
        let due = case.changed.checked_add(wait).unwrap_or(case.changed);
        if self.now() < due {
            return Finish::Retry { due };
        }
        (self.report)(Incident::Stranger { case: case.id });
        Finish::Done
    }
}
