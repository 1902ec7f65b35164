//! The neutral port over all providers.
//!
//! Invariants: [`IdentityProvider`] is object-safe; an operation that a vendor lacks is not among its capabilities and
//! fails with [`Kind::Unsupported`](crate::Kind::Unsupported); no type here uses a vendor's field names.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{Content, Error, Pii, Secret};

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
    /// Reads evidence: checked data, reports, signed documents.
    Evidence,
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

/// Purpose of a case.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The person is identified.
    #[default]
    Identification,
    /// The person is identified and signs documents with a qualified electronic signature (QES).
    Signature,
}

/// Gender, as vendors require it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gender {
    /// Female.
    Female,
    /// Male.
    Male,
    /// Neither, or not stated. A provider whose vendor has no such value omits the field or rejects the case.
    Other,
}

/// A postal address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// Street without the house number.
    pub street: Option<Pii<String>>,
    /// House number.
    pub house_number: Option<Pii<String>>,
    /// Postal code.
    pub postal_code: Option<Pii<String>>,
    /// City.
    pub city: Option<Pii<String>>,
    /// Country: ISO 3166 alpha-2, upper case.
    pub country: Option<Pii<String>>,
}

/// The person to be identified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// Given names.
    pub given_names: Pii<String>,
    /// Family name.
    pub family_name: Pii<String>,
    /// Date of birth.
    pub birth_date: Option<Pii<Date>>,
    /// Place of birth.
    pub birthplace: Option<Pii<String>>,
    /// Nationality: ISO 3166 alpha-2, upper case.
    pub nationality: Option<Pii<String>>,
    /// Gender.
    pub gender: Option<Gender>,
    /// Email address.
    pub email: Option<Pii<String>>,
    /// Mobile number in international form: `+` and digits.
    pub mobile: Option<Pii<String>>,
    /// Home address.
    pub address: Address,
}

/// A PDF to sign.
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    /// File name, unique within the case.
    pub name: String,
    /// The PDF.
    pub pdf: Bytes,
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("bytes", &self.pdf.len()).finish_non_exhaustive()
    }
}

/// A case to open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewCase {
    /// Purpose of the case.
    pub purpose: Purpose,
    /// Your own reference, unique and without personal data. Always set it: after an unknown outcome you need it to
    /// find the order. Without it a provider may send a random one, which the error does not contain.
    pub reference: Option<Pii<String>>,
    /// The vendor's project, if the vendor has projects.
    pub project: Option<String>,
    /// The person to identify.
    pub person: Person,
    /// The documents to sign.
    pub documents: Vec<Document>,
    /// URL to which the person is redirected after success. Needs [`Capability::Redirect`].
    pub redirect_success: Option<Secret>,
    /// URL to which the person is redirected after failure. Needs [`Capability::Redirect`].
    pub redirect_abort: Option<Secret>,
    /// URL (or the vendor's URL template) that is called when the case is final. Needs [`Capability::Webhook`].
    pub webhook_final: Option<Secret>,
}

/// Reference to an opened case. Serialize and store it: it contains everything that the provider needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseRef {
    /// Name of the provider.
    pub provider: String,
    /// The vendor's id of the case.
    pub id: Secret,
    /// Further state of the provider, opaque to others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Secret>,
}

/// An opened case.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Reference to the case. Store it.
    pub case: CaseRef,
    /// URL for the person. Anyone who has it can act as the person.
    pub person_url: Option<Secret>,
}

impl Opened {
    /// Creates an opened case with the URL for the person, if there is one.
    pub fn new(case: CaseRef, person_url: Option<Secret>) -> Self {
        Self { case, person_url }
    }
}

/// State of a case, the same for all vendors.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Not finished.
    Pending,
    /// Identified, not signed yet.
    Identified,
    /// Positively identified, final.
    Positive,
    /// Identified and signed, final.
    Signed,
    /// Negative, final.
    Negative,
    /// Canceled or terminated before it was finished, final.
    Terminated,
    /// Suspected fraud, final. Evidence is available.
    FraudSuspicion,
    /// The person did not finish in time, final.
    TimedOut,
    /// Identified, but not signed in time, final.
    TimedOutAfterIdent,
    /// The vendor no longer knows the case, final. No provider's `status` returns it: a 404 is an error there. It is
    /// the verdict of identity.TM's `Finality::after_not_found` on repeated 404s.
    Gone,
    /// The vendor reports a status that identkit does not interpret.
    Unknown,
    /// A status of the case cannot be read, so its state is not known. Look into the vendor's portal;
    /// never act on a guess (AT-93).
    Unclear,
}

impl Outcome {
    /// Whether the case has ended.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Identified | Self::Unknown | Self::Unclear)
    }
}

/// The status of a case.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseStatus {
    /// State of the case.
    pub outcome: Outcome,
    /// Start of this state, if the vendor reports it.
    pub since: Option<Timestamp>,
    /// The vendor's own status codes or words, oldest first.
    pub vendor_codes: Vec<String>,
}

impl CaseStatus {
    /// Creates a status from the vendor's codes or words, oldest first, without its start.
    pub fn new(outcome: Outcome, vendor_codes: Vec<String>) -> Self {
        Self { outcome, since: None, vendor_codes }
    }
}

/// Kind of a piece of evidence.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EvidenceKind {
    /// The checked personal data, in the vendor's JSON.
    IdentData,
    /// The vendor's report, a PDF.
    Report,
    /// A signed PDF.
    SignedDocument,
}

impl EvidenceKind {
    /// Returns the file extension: `json` or `pdf`.
    pub fn extension(self) -> &'static str {
        match self {
            Self::IdentData => "json",
            Self::Report | Self::SignedDocument => "pdf",
        }
    }
}

/// Identifies a piece of evidence of a case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EvidenceItem {
    /// Kind of the evidence.
    pub kind: EvidenceKind,
    /// Index among the items of its kind, from 0.
    pub index: u32,
}

/// A piece of evidence that is being read.
#[non_exhaustive]
#[derive(Debug)]
pub struct Evidence {
    /// Which piece it is.
    pub item: EvidenceItem,
    /// The content.
    pub content: Content,
}

impl Evidence {
    /// Creates a piece of evidence with its content.
    pub fn new(item: EvidenceItem, content: Content) -> Self {
        Self { item, content }
    }
}

/// Proof that all evidence of a case is complete on disk: digests that were read back after writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceProof {
    digests: Vec<(EvidenceItem, [u8; 32])>,
}

impl EvidenceProof {
    /// Creates a proof from the SHA-256 digests of the saved files, as read back from disk.
    ///
    /// # Errors
    /// [`Kind::Integrity`](crate::Kind::Integrity) if `expected` is empty or an expected item is not in `digests`.
    pub fn new(expected: &[EvidenceItem], digests: Vec<(EvidenceItem, [u8; 32])>) -> Result<Self, Error> {
        let missing = expected.iter().filter(|item| !digests.iter().any(|(saved, _)| saved == *item)).count();
        if missing > 0 || expected.is_empty() {
            let detail = format!("{missing} of {} expected pieces of evidence are not saved", expected.len());
            return Err(Error::new(crate::Kind::Integrity, detail));
        }
        Ok(Self { digests })
    }

    /// The saved items and their SHA-256 digests.
    pub fn digests(&self) -> &[(EvidenceItem, [u8; 32])] {
        &self.digests
    }
}

/// The caller's reason for deleting a case at the vendor.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeletePermit {
    /// All evidence was collected and verified on disk.
    Evidence(EvidenceProof),
    /// A person decided to delete, knowing that evidence that was not collected is lost.
    Operator,
}

/// Time window for [`IdentityProvider::changes`]. Let windows overlap: identity.TM's document does not say whether the ends
/// belong to the window (AT-05).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Start.
    pub begin: Timestamp,
    /// End.
    pub end: Timestamp,
}

/// Opaque position of the next page of changes. It contains no secrets and no personal data, can be stored, and is
/// valid only for its own window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(pub String);

/// A page of changes.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangesPage {
    /// The vendor's ids of the changed cases (a case can be on several pages), each with the status that the window
    /// alone shows, or `Unknown`. Earlier events are missing: read [`IdentityProvider::status`] before you act.
    pub cases: Vec<(Secret, CaseStatus)>,
    /// Position of the next page; `None` on the last page.
    pub next: Option<Cursor>,
}

impl ChangesPage {
    /// Creates a page of these changed cases. `next` is the position of the next page, if there is one.
    pub fn new(cases: Vec<(Secret, CaseStatus)>, next: Option<Cursor>) -> Self {
        Self { cases, next }
    }
}

/// A provider of identification and signing.
///
/// Every method fails with [`Kind::Unsupported`](crate::Kind::Unsupported) if the descriptor does not list its
/// capability, and with the error of the call to the vendor.
///
/// # Panics
/// The calls of identkit's providers panic outside a tokio runtime with timers, unless their transport and clock need none.
#[async_trait]
pub trait IdentityProvider: Send + Sync + fmt::Debug {
    /// Describes the provider.
    fn descriptor(&self) -> &Descriptor;

    /// Opens a case. A field that needs a capability that the provider lacks is
    /// [`Kind::Unsupported`](crate::Kind::Unsupported); nothing is sent. A request that may have been sent is never
    /// repeated. After
    /// [`Kind::OutcomeUnknown`](crate::Kind::OutcomeUnknown), find the order by the [`NewCase::reference`] that you
    /// set.
    async fn open(&self, case: &NewCase, options: &CallOptions) -> Result<Opened, Error>;

    /// Reads the status of a case from the vendor.
    async fn status(&self, case: &CaseRef, options: &CallOptions) -> Result<CaseStatus, Error>;

    /// Lists the evidence that the case should have in its present state.
    async fn evidence_list(&self, case: &CaseRef, options: &CallOptions) -> Result<Vec<EvidenceItem>, Error>;

    /// Reads one piece of evidence.
    async fn evidence(&self, case: &CaseRef, item: &EvidenceItem, options: &CallOptions) -> Result<Evidence, Error>;

    /// Cancels an open case: it ends as [`Outcome::Terminated`]. If the case has already ended, the error is
    /// [`Kind::InvalidState`](crate::Kind::InvalidState).
    async fn cancel(&self, case: &CaseRef, options: &CallOptions) -> Result<(), Error>;

    /// Deletes the data of a case at the vendor permanently. Providers do not check `permit`: it makes the caller prove
    /// that the evidence is saved, or say that an operator decided.
    async fn delete(&self, case: &CaseRef, permit: &DeletePermit, options: &CallOptions) -> Result<(), Error>;

    /// Lists the cases that changed in a window, page by page until `next` is `None`. A page can be read again.
    ///
    /// If the window ends before it begins, or the cursor belongs to another window, the error is
    /// [`Kind::InvalidInput`](crate::Kind::InvalidInput).
    async fn changes(
        &self,
        window: Window,
        after: Option<&Cursor>,
        options: &CallOptions,
    ) -> Result<ChangesPage, Error>;
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATA: EvidenceItem = EvidenceItem { kind: EvidenceKind::IdentData, index: 0 };
    const REPORT: EvidenceItem = EvidenceItem { kind: EvidenceKind::Report, index: 0 };

    #[test]
    fn a_proof_needs_every_expected_item() {
        assert!(EvidenceProof::new(&[DATA, REPORT], vec![(DATA, [0; 32])]).is_err());
        assert!(EvidenceProof::new(&[], vec![]).is_err(), "an empty list is not a proof");
        assert!(EvidenceProof::new(&[DATA, REPORT], vec![(REPORT, [1; 32]), (DATA, [0; 32])]).is_ok());
    }

    #[test]
    fn only_ended_outcomes_are_final() {
        for outcome in [Outcome::Pending, Outcome::Identified, Outcome::Unknown, Outcome::Unclear] {
            assert!(!outcome.is_final(), "{outcome:?}");
        }
        assert!(Outcome::Positive.is_final() && Outcome::FraudSuspicion.is_final() && Outcome::Gone.is_final());
    }

    #[test]
    fn debug_of_a_case_hides_the_person() {
        let case = NewCase {
            person: Person {
                family_name: "Mustermann".into(),
                email: Some("e.mustermann@example.com".into()),
                ..Person::default()
            },
            documents: vec![Document { name: "Mustermann.pdf".into(), pdf: Bytes::from_static(b"%PDF-") }],
            reference: Some("Mustermann-1".into()),
            ..NewCase::default()
        };
        assert!(!format!("{case:?}").to_lowercase().contains("mustermann"));
    }
}
