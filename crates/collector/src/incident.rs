//! What a running collector reports, for logs and metrics.

use std::time::Duration;

use identkit_core::Error;
use identkit_store::{CaseId, EventId};

use crate::state::CaseState;

/// An incident of a running collector. None of it is personal data.
#[non_exhaustive]
#[derive(Debug)]
pub enum Incident {
    /// A case has another state.
    Changed {
        /// The case.
        case: CaseId,
        /// Its state before.
        from: CaseState,
        /// Its state now.
        to: CaseState,
    },
    /// A step of a case failed. It is repeated.
    Failed {
        /// The case.
        case: CaseId,
        /// Number of failures in a row.
        failures: u32,
        /// Why it failed.
        error: Error,
    },
    /// The service did not confirm a notice. It is given again.
    Unconfirmed {
        /// The case.
        case: CaseId,
        /// Why the hook failed.
        error: Error,
    },
    /// A webhook is about an order that was not opened by a collector. It is in the store, and nothing is done with it.
    UnmatchedWebhook {
        /// The case in the store.
        case: CaseId,
    },
    /// A stored webhook cannot be read, e.g. because its row was changed. It is skipped: the status is read all the same, but
    /// its payload cannot be saved.
    UnreadableEvent {
        /// The case.
        case: CaseId,
        /// The event.
        event: EventId,
        /// Why it cannot be read.
        error: Error,
    },
    /// A command waits for the worker that has the case. If that worker has stopped, the command continues after the lease.
    Waiting {
        /// The case.
        case: CaseId,
        /// Longest time for which the command waits.
        limit: Duration,
    },
    /// Another worker has the case.
    Lost {
        /// The case.
        case: CaseId,
    },
    /// The store failed. The step is repeated.
    Store {
        /// Why it failed.
        error: Error,
    },
    /// A sweep failed. It is repeated.
    Sweep {
        /// Name of the provider.
        provider: String,
        /// Why it failed.
        error: Error,
    },
    /// No sweep of a provider has been complete for this number of days. Webhooks that were lost meanwhile are not known.
    SweepGap {
        /// Name of the provider.
        provider: String,
        /// Number of days: 3, then 5. The vendor deletes results after its retention.
        days: u32,
    },
}
