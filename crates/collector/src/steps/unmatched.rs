//! A case that the store knows from webhooks only.

use identkit_core::{Error, Secret};
use identkit_store::{Case, EventId, Finish};

use crate::collector::Collector;
use crate::control::Command;
use crate::incident::Incident;

/// Number of events that are looked at.
const PAGE: usize = 100;

impl Collector {
    /// A webhook can arrive before the vendor's id of its case is stored. Then the store joins both, so the event must stay
    /// pending for a while. Later it is about an order that was placed elsewhere.
    pub(crate) async fn attend_unmatched(&self, case: &Case) -> Result<Finish, Error> {
        self.search_by_webhook(case).await?;
        let wait = self.timing.unmatched_webhooks;
        let due = case.changed.checked_add(wait).unwrap_or(case.changed);
        if self.now() < due {
            return Ok(Finish::Retry { due });
        }
        (self.report)(Incident::UnmatchedWebhook { case: case.id });
        Ok(Finish::Done)
    }

    /// Searches at once for a case of unknown outcome whose reference a webhook contains: the vendor has opened it.
    async fn search_by_webhook(&self, case: &Case) -> Result<(), Error> {
        for stored in self.store.event_page_of(case.id, EventId::default(), PAGE).await?.events {
            let Some(reference) = &stored.delivery.event.reference else { continue };
            let reference = Secret::new(reference.expose().as_str());
            let found = self.store.case_by_reference(&case.provider, &reference).await?;
            if let Some(unknown) = found.filter(|found| found.opened.is_none() && !found.claimed) {
                // If a worker has just claimed it, it is searched for by that worker.
                drop(self.command(unknown.id, Command::Retry).await);
            }
        }
        Ok(())
    }
}
