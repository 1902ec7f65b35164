//! What happened in a world, in order: requests, timers, tries to deliver webhooks, and what people did to it.
//!
//! Invariants:
//! - Entries are numbered without a gap, from 1, whether they are still kept or not.
//! - It is bounded: the oldest entries go, and of long bodies most, so that a sandbox may run for days.
//! - Secrets are masked wherever an entry is told, unless they are asked for: people paste journals into issues.
//! - Nothing in it depends on ports or on how long something really took: the same seed and the same script give the
//!   same bytes in its [canonical form](Journal::canonical).

mod call;
mod explain;
mod filter;
mod log;
mod redact;
mod view;

use std::sync::Arc;

use jiff::Timestamp;

pub(crate) use self::filter::is_of;

pub use self::call::{Call, DeliveryAttempt, Headers};
pub use self::call::{Form, StoredBody};
pub use self::explain::pointer_of;
pub use self::filter::{Difference, Filter, Wanted};
pub use self::log::{Journal, NearMiss};
pub use self::redact::Secrets;
#[cfg(feature = "server")]
pub(crate) use self::redact::is_redacted;
#[cfg(feature = "server")]
pub(crate) use self::{
    explain::Reason,
    log::NearMissView,
    view::{EntryView, Time},
};

/// Something that happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// Its number in the world, from 1.
    pub sequence: u64,
    /// When, in the world's time.
    pub at: Timestamp,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum What {
    /// A vendor was called, and answered.
    Call(Arc<Call>),
    /// A timer fell due.
    Fired {
        /// Name of the vendor, or `sandbox`.
        vendor: &'static str,
        /// What was due, in the vendor's own words.
        what: &'static str,
        /// The id of the case or delivery.
        subject: String,
    },
    /// A webhook was tried.
    Attempt(Arc<DeliveryAttempt>),
    /// A case was moved by hand: the story or the status.
    Moved {
        /// The case.
        case: String,
        /// The story's name, or the status as it was given.
        by: String,
    },
    /// Somebody changed the world: how accounts are set up, faults, webhooks, time.
    Changed {
        /// What was changed, e.g. `settings`.
        what: &'static str,
        /// In short, how.
        how: String,
    },
}
