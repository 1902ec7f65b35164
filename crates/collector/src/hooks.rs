//! What the service learns about its cases: notices that are stored with the change that they report.

use std::fmt;

use async_trait::async_trait;
use identkit_core::{Error, Outcome, Secret};
use identkit_store::CaseId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a notice reports.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeKind {
    /// The case has ended.
    Outcome,
    /// All evidence is saved and verified.
    Collected,
    /// A person should look at the case.
    Stuck,
    /// The vendor will delete the data soon, and they are not collected or not deleted yet.
    Retention,
}

/// A notice to the service. It is stored in the transaction of the change that it reports, and given to the service until the
/// service confirms it.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// What it reports.
    pub kind: NoticeKind,
    /// Name of the notice: the same each time it is given, and different from that of any other notice.
    pub idempotency_key: String,
    /// Time of the change.
    pub at: Timestamp,
    /// What happened, without personal data.
    pub text: String,
}

/// A case in a notice.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct NoticedCase {
    /// Id of the case in the store.
    pub case: CaseId,
    /// Name of the provider.
    pub provider: String,
    /// The caller's reference.
    pub reference: Option<Secret>,
    /// The vendor's id.
    pub vendor_id: Option<Secret>,
    /// How the case ended, if it has.
    pub outcome: Option<Outcome>,
}

/// Receives the notices of all cases, at least once each. Recognize a repeated one by
/// [`Notice::idempotency_key`].
///
/// # Errors
/// If a method fails, or does not return within [`Timing::hook`](crate::Timing::hook), the notice is given again later. The case
/// continues meanwhile. A method must not block its thread: no time limit can end that.
#[async_trait]
pub trait CaseHooks: Send + Sync + fmt::Debug {
    /// The case has ended with an outcome.
    async fn on_outcome(&self, case: &NoticedCase, notice: &Notice) -> Result<(), Error> {
        let _ = (case, notice);
        Ok(())
    }

    /// All evidence is saved and verified. The data are still at the vendor.
    async fn on_collected(&self, case: &NoticedCase, notice: &Notice) -> Result<(), Error> {
        let _ = (case, notice);
        Ok(())
    }

    /// A person should look at the case, or the vendor's retention ends soon ([`Notice::kind`]).
    async fn on_stuck(&self, case: &NoticedCase, notice: &Notice) -> Result<(), Error> {
        let _ = (case, notice);
        Ok(())
    }
}

/// Hooks that do nothing.
#[derive(Debug)]
pub(crate) struct NoHooks;

impl CaseHooks for NoHooks {}
