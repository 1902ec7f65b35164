//! The port itself: what a provider can do, and its calls.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use jiff::civil::Date;

use super::case::{CaseRef, NewCase, Opened, Purpose};
use super::evidence::{DeletePermit, Evidence, EvidenceKind, EvidencePlan};
use super::outcome::CaseStatus;
use super::window::{ChangesPage, Cursor, Found, Window};
use crate::Pii;
use crate::{Error, Event, Secret};

/// What a provider can do.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Capability {
    /// Opens a case for a person.
    Open,
    /// Opens a case with documents for a qualified electronic signature.
    Sign,
    /// Reads the status of a case.
    Status,
    /// Judges how a case ended: `status` can return final outcomes. A provider without it lacks configuration, e.g. the
    /// meaning of the vendor's statuses: all of its cases stay open.
    Judge,
    /// Finds the cases with a reference.
    Find,
    /// Reads evidence: checked data, reports, signed documents.
    Evidence,
    /// Prepares evidence on request and announces it with a callback: recordings.
    RequestEvidence,
    /// Cancels an open case.
    Cancel,
    /// Deletes the data of a case.
    Delete,
    /// Lists what changed in a window of time.
    Changes,
    /// Calls a URL of the case when it is final: [`NewCase::webhook_final`].
    Webhook,
    /// Redirects the person to URLs of the case: [`NewCase::redirect_success`], [`NewCase::redirect_abort`].
    Redirect,
}

/// Name, document, capabilities and retention period of a provider.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Name of the provider, e.g. `identity-tm`.
    pub name: &'static str,
    /// The vendor's document that the provider implements.
    pub document: &'static str,
    /// Supported operations; all others fail with `Unsupported`.
    pub capabilities: &'static [Capability],
    /// Documented period for which the vendor stores the results of a case.
    pub retention: Duration,
}

impl Descriptor {
    /// Creates a description.
    pub const fn new(
        name: &'static str,
        document: &'static str,
        capabilities: &'static [Capability],
        retention: Duration,
    ) -> Self {
        Self { name, document, capabilities, retention }
    }

    /// Whether the provider supports this operation.
    pub fn can(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }
}

/// Options of one call.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct CallOptions {
    /// Timeout of the whole call including retries. `None`: the provider's default.
    pub timeout: Option<Duration>,
    /// Maximum number of attempts. `None`: the provider's default. An operation that must not be repeated never is.
    pub attempts: Option<u32>,
    /// Label for observers. It is `'static`, so that it cannot contain personal data.
    pub tag: Option<&'static str>,
}

impl CallOptions {
    /// Creates options with the provider's defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the timeout of the whole call including retries.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets the maximum number of attempts.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = Some(attempts);
        self
    }

    /// Sets the label for observers.
    pub fn tag(mut self, tag: &'static str) -> Self {
        self.tag = Some(tag);
        self
    }
}

/// A provider of identification and signing.
///
/// The methods of an optional capability have a default that fails with
/// [`Kind::Unsupported`](crate::Kind::Unsupported). All other errors are those of the call to the vendor, and
/// [`Kind::InvalidInput`](crate::Kind::InvalidInput), before anything is sent, if the case belongs to another provider or
/// its state cannot be read.
///
/// # Panics
/// The calls of identkit's providers panic outside a tokio runtime with timers, unless their transport and clock need none.
#[async_trait]
#[allow(unused_variables, reason = "the default of an optional method uses none")]
pub trait IdentityProvider: Send + Sync + fmt::Debug {
    /// Describes the provider.
    fn descriptor(&self) -> &Descriptor;

    /// Opens a case. A field that needs a capability that the provider lacks is
    /// [`Kind::Unsupported`](crate::Kind::Unsupported), and a case that breaks a rule is
    /// [`Kind::InvalidInput`](crate::Kind::InvalidInput) with all violations in terms of [`NewCase`]; nothing is sent. A
    /// request that may have been sent is never repeated. After
    /// [`Kind::OutcomeUnknown`](crate::Kind::OutcomeUnknown), use [`find`](Self::find) with the [`NewCase::reference`]
    /// that you set.
    async fn open(&self, case: &NewCase, options: &CallOptions) -> Result<Opened, Error>;

    /// Returns all cases with this reference that were opened or changed in the window. Reads every page of the vendor's
    /// list. `purpose` is that of the [`NewCase`]; the vendor's list does not contain it.
    ///
    /// Let the window begin 15 minutes before `open` was called, because the vendor's clock may differ.
    ///
    /// An empty and [complete](Found::is_complete) result says that the vendor's list did not contain the case when it
    /// was read. It does not prove that the case does not exist: the list may be delayed, and a request that was sent may
    /// still arrive. Read again after 1, 5 and 15 minutes. To open another case after that is the caller's decision; both may
    /// then exist. An incomplete result proves even less.
    ///
    /// # Errors
    /// If a page cannot be read: a part of the list is never taken for all of it.
    /// [`Kind::InvalidInput`](crate::Kind::InvalidInput) if the reference is empty or the window ends before it begins.
    async fn find(
        &self,
        reference: &str,
        purpose: Purpose,
        window: Window,
        options: &CallOptions,
    ) -> Result<Found, Error> {
        Err(Error::unsupported("find"))
    }

    /// Creates the reference to a case from the vendor's id, e.g. that of a webhook or of
    /// [`Error::salvaged_ids`](crate::Error::salvaged_ids). Sends nothing, so it does not check that the case exists.
    /// Accepts any id that the vendor may have assigned, also one of an undocumented shape (AT-22, AI-15).
    ///
    /// # Errors
    /// [`Kind::InvalidInput`](crate::Kind::InvalidInput) if the text cannot be an id.
    fn adopt(&self, id: &str, purpose: Purpose) -> Result<CaseRef, Error>;

    /// Returns the state that the reference of this case will have ([`CaseRef::state`]), before the case is opened. Store it
    /// with the intent, and set it for a reference of [`find`](Self::find) or [`adopt`](Self::adopt) after a lost response:
    /// these know the vendor's id only, and not what the case must return. `None` if the id is enough. Sends nothing.
    fn expected_state(&self, case: &NewCase) -> Option<Secret> {
        None
    }

    /// Reads the status of a case from the vendor. A case that the vendor does not know is
    /// [`Kind::NotFound`](crate::Kind::NotFound); [`Absence`](crate::Absence) decides when it is gone.
    async fn status(&self, case: &CaseRef, options: &CallOptions) -> Result<CaseStatus, Error>;

    /// Returns the kinds of evidence that the case should have in its present state. Reads the status, and downloads no
    /// evidence. The plan of an open case is empty.
    ///
    /// It does not contain kinds that depend on the account or on the caller's wish (recordings, data for re-use): add
    /// them with [`EvidencePlan::require`] or [`EvidencePlan::allow`].
    async fn evidence_plan(&self, case: &CaseRef, options: &CallOptions) -> Result<EvidencePlan, Error> {
        Err(Error::unsupported("evidence"))
    }

    /// Like [`evidence_plan`](Self::evidence_plan), with the status that the plan is made from: its reference says whose case
    /// it is. By default it reads the status twice.
    async fn planned(&self, case: &CaseRef, options: &CallOptions) -> Result<(CaseStatus, EvidencePlan), Error> {
        Ok((self.status(case, options).await?, self.evidence_plan(case, options).await?))
    }

    /// Reads all pieces of a kind with one download. If the vendor sends one file, its content is a stream; several files
    /// are in memory. Each content is checked while it is read: a damaged file ends with
    /// [`Kind::Integrity`](crate::Kind::Integrity).
    ///
    /// # Errors
    /// [`Kind::NotFound`](crate::Kind::NotFound) if the case has no evidence of this kind.
    /// [`Kind::InvalidState`](crate::Kind::InvalidState) if it can be read only after the vendor's callback:
    /// [`evidence_after`](Self::evidence_after).
    async fn evidence(
        &self,
        case: &CaseRef,
        kind: EvidenceKind,
        options: &CallOptions,
    ) -> Result<Vec<Evidence>, Error> {
        Err(Error::unsupported("evidence"))
    }

    /// Asks the vendor to prepare evidence of this kind. The vendor calls `callback` when it can be read.
    async fn request_evidence(
        &self,
        case: &CaseRef,
        kind: EvidenceKind,
        callback: &Secret,
        options: &CallOptions,
    ) -> Result<(), Error> {
        Err(Error::unsupported("request_evidence"))
    }

    /// Reads the evidence that `event` announces. If the event announces none, the result is empty, and nothing is sent.
    ///
    /// # Errors
    /// As [`evidence`](Self::evidence); [`Kind::InvalidInput`](crate::Kind::InvalidInput) if the event announces
    /// evidence of another case.
    async fn evidence_after(
        &self,
        case: &CaseRef,
        event: &Event,
        options: &CallOptions,
    ) -> Result<Vec<Evidence>, Error> {
        Err(Error::unsupported("request_evidence"))
    }

    /// Whether the event announces that its case has ended. Like every webhook it is only a hint: read the status.
    fn announces_end(&self, event: &Event) -> bool {
        false
    }

    /// Reads the last day on which the person's document is valid from evidence of the kind
    /// [`IdentData`](EvidenceKind::IdentData). `None` if it does not have it, or cannot be read.
    fn document_expires(&self, ident_data: &[u8]) -> Option<Date> {
        None
    }

    /// Reads the caller's reference from evidence of the kind [`IdentData`](EvidenceKind::IdentData), as the vendor states it.
    /// `None` if it states none, or it cannot be read. Another one than that of the case means that the data are another
    /// person's.
    fn stated_reference(&self, ident_data: &[u8]) -> Option<Pii<String>> {
        None
    }

    /// Whether the vendor has identified the person of a case that was opened with the signed data of an earlier one: it does so
    /// without an error if it does not accept them (AT-72). `None` if the provider cannot know it.
    fn was_identified_again(&self, status: &CaseStatus) -> Option<bool> {
        None
    }

    /// Cancels an open case: it ends as [`Outcome::Terminated`](crate::Outcome::Terminated). If the case has already
    /// ended, the error is [`Kind::InvalidState`](crate::Kind::InvalidState).
    async fn cancel(&self, case: &CaseRef, options: &CallOptions) -> Result<(), Error> {
        Err(Error::unsupported("cancel"))
    }

    /// Deletes the data of a case at the vendor permanently. Providers do not check `permit`: it makes the caller prove
    /// that the evidence is saved or that there is none, or say that an operator decided.
    async fn delete(&self, case: &CaseRef, permit: &DeletePermit, options: &CallOptions) -> Result<(), Error> {
        Err(Error::unsupported("delete"))
    }

    /// Lists the cases that changed in a window, page by page until `next` is `None`. A page can be read again.
    ///
    /// If the window ends before it begins, or the cursor belongs to another window, the error is
    /// [`Kind::InvalidInput`](crate::Kind::InvalidInput).
    async fn changes(
        &self,
        window: Window,
        after: Option<&Cursor>,
        options: &CallOptions,
    ) -> Result<ChangesPage, Error> {
        Err(Error::unsupported("changes"))
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::Kind;

    /// A provider without optional operations.
    #[derive(Debug)]
    struct Minimal;

    #[async_trait]
    impl IdentityProvider for Minimal {
        fn descriptor(&self) -> &Descriptor {
            const { &Descriptor::new("minimal", "none", &[Capability::Open], Duration::ZERO) }
        }
        async fn open(&self, _: &NewCase, _: &CallOptions) -> Result<Opened, Error> {
            Ok(Opened::new(self.adopt("1", Purpose::Identification)?, None))
        }
        fn adopt(&self, id: &str, _: Purpose) -> Result<CaseRef, Error> {
            Ok(CaseRef::new("minimal", id))
        }
        async fn status(&self, _: &CaseRef, _: &CallOptions) -> Result<CaseStatus, Error> {
            Ok(CaseStatus::new(crate::Outcome::Pending, Vec::new()))
        }
    }

    #[tokio::test]
    async fn optional_operations_are_unsupported_by_default() {
        let (case, options) = (CaseRef::new("minimal", "1"), CallOptions::new());
        let (kind, secret) = (EvidenceKind::Video, Secret::new("url"));
        let event = Event::new("minimal", "event", "1");
        let window = Window { begin: Timestamp::UNIX_EPOCH, end: Timestamp::UNIX_EPOCH };
        let kinds = [
            Minimal.find("reference", Purpose::Identification, window, &options).await.map(drop),
            Minimal.evidence_plan(&case, &options).await.map(drop),
            Minimal.evidence(&case, kind, &options).await.map(drop),
            Minimal.request_evidence(&case, kind, &secret, &options).await,
            Minimal.evidence_after(&case, &event, &options).await.map(drop),
            Minimal.cancel(&case, &options).await,
            Minimal.delete(&case, &DeletePermit::Operator, &options).await,
            Minimal.changes(window, None, &options).await.map(drop),
        ]
        .map(|result| result.map_err(|error| error.kind()));
        assert_eq!(kinds, [Err(Kind::Unsupported); 8]);
        assert!(!Minimal.announces_end(&event));
        let status = CaseStatus::new(crate::Outcome::Signed, Vec::new());
        assert_eq!((Minimal.document_expires(b"{}"), Minimal.was_identified_again(&status)), (None, None));
        assert_eq!(Minimal.expected_state(&NewCase::default()), None);
        assert!(Minimal.descriptor().can(Capability::Open) && !Minimal.descriptor().can(Capability::Find));
    }

    #[test]
    fn each_option_of_a_call_is_set() {
        let options = CallOptions::new().timeout(Duration::ZERO).attempts(2).tag("nightly");
        assert_eq!((options.timeout, options.attempts, options.tag), (Some(Duration::ZERO), Some(2), Some("nightly")));
    }
}
