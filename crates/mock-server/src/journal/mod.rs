//! The journal of a world: calls, timers, delivery attempts and changes, in order.
//!
//! Invariants:
//! - Entries are numbered from 1 without gaps; evicted entries keep their numbers.
//! - The size is limited: the oldest entries are evicted and long bodies are shortened, so that a sandbox can run for
//!   days.
//! - Secrets are masked in every output, unless the caller requests them: people paste journals into issues.
//! - The [canonical form](Journal::canonical) does not depend on ports or real durations: the same seed and the same
//!   script give the same bytes.

mod call;
mod explain;
mod filter;
mod log;
mod redact;
mod view;

use std::sync::Arc;

use jiff::Timestamp;

pub(crate) use self::filter::is_of;

pub use self::call::{Answer, Call, DeliveryAttempt, Headers};
pub use self::call::{Form, StoredBody};
pub use self::explain::pointer_of;
pub use self::filter::{Difference, Filter, ValueMatch};
pub use self::log::{Journal, NearMiss};
pub use self::redact::Secrets;
#[cfg(feature = "server")]
pub(crate) use self::redact::is_redacted;
#[cfg(feature = "server")]
pub(crate) use self::{
    explain::Reason,
    log::NearMissView,
    view::{EntryView, MessageView, Time},
};

/// A journal entry.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// Number in the world, from 1.
    pub sequence: u64,
    /// Time in the world.
    pub at: Timestamp,
    /// What the entry records.
    pub kind: EntryKind,
}

/// What a journal entry records.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum EntryKind {
    /// A call of a vendor, with its response.
    Call(Arc<Call>),
    /// A timer was due.
    Fired {
        /// Name of the vendor, or `sandbox`.
        vendor: &'static str,
        /// Kind of timer, defined by the vendor.
        what: &'static str,
        /// Id of the case or delivery.
        subject: String,
    },
    /// A delivery attempt of a webhook.
    Attempt(Arc<DeliveryAttempt>),
    /// A caller played a story of a case, or set its status.
    Moved {
        /// Id of the case.
        case: String,
        /// Name of the story, or the status as JSON.
        by: String,
    },
    /// A change of the world: settings, faults, webhooks or the clock.
    Changed {
        /// What was changed, e.g. `settings`.
        what: &'static str,
        /// Short description of the change.
        how: String,
    },
}
