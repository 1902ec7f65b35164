//! The dates of deletions: a collector that starts with another policy gives every collected case its new date.

use identkit_core::Error;
use identkit_store::CaseId;
use serde::{Deserialize, Serialize};

use crate::collector::Collector;
use crate::fault;
use crate::setup::DeletePolicy;
use crate::state::CaseState;

/// Name of the watermark with the policy by which the present dates were set.
const NAME: &str = "deletion-policy";

/// Number of cases that are read at once.
const PAGE: usize = 100;

/// The policy as it is stored.
#[derive(Serialize, Deserialize)]
struct Stored {
    /// Seconds between the collection and the deletion; `None`: no deletion.
    after: Option<u64>,
}

impl Collector {
    /// Makes all collected cases due if the policy is another one than that of the collector that was started last: each of
    /// them then waits for its new date.
    pub(crate) async fn apply_delete_policy(&self) -> Result<(), Error> {
        let after = match self.delete {
            DeletePolicy::After(wait) => Some(wait.as_secs()),
            DeletePolicy::Never => None,
        };
        let own = serde_json::to_vec(&Stored { after }).map_err(|_| fault::unreadable())?;
        let stored = self.store.watermark(NAME).await?;
        if stored.as_ref() == Some(&own) {
            return Ok(());
        }
        let mut last = CaseId::default();
        loop {
            let page = self.store.cases(Some(CaseState::Collected.as_str()), last, PAGE).await?;
            let Some(case) = page.last() else { break };
            last = case.id;
            for case in page {
                if let Some(id) = case.vendor_id.filter(|_| self.providers.contains_key(&case.provider)) {
                    self.store.wake(&case.provider, &id, self.now()).await?;
                }
            }
        }
        self.wake();
        // Only now: a process that stops in between must not leave a case without its date. If another process has replaced it
        // meanwhile, the next start compares again.
        self.store.swap_watermark(NAME, stored.as_deref(), &own).await.map(drop)
    }
}
