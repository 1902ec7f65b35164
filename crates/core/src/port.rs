//! The neutral port over all providers.
//!
//! Invariants: [`IdentityProvider`] is object-safe; what a vendor lacks is absent from its capabilities and answers
//! [`Kind::Unsupported`](crate::Kind::Unsupported); no vendor's spelling appears here.

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
    /// Tells the status of a case.
    Status,
    /// Hands out evidence: checked data, reports, signed documents.
    Evidence,
    /// Cancels an open case.
    Cancel,
    /// Deletes the data of a case.
    Delete,
    /// Lists what changed in a window of time.
    Changes,
}

/// Who a provider is and what it can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Name in the project, e.g. `identity-tm`.
    pub name: &'static str,
    /// The vendor's document this follows.
    pub document: &'static str,
    /// What it can do; everything else is `Unsupported`.
    pub capabilities: &'static [Capability],
    /// How long the vendor keeps the results of a case, as documented.
    pub retention: Duration,
}

impl Descriptor {
    /// Whether the provider can do this.
    pub fn can(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }
}

/// How one call is to be made.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct CallOptions {
    /// One deadline over the whole call, retries included; `None` takes the provider's default.
    pub timeout: Option<Duration>,
    /// Attempts at the most; `None` takes the provider's default. Never overrules an operation's send-safety.
    pub attempts: Option<u32>,
    /// A word of the caller's for observers: from the program text, so that no personal datum can get into it.
    pub tag: Option<&'static str>,
}

impl CallOptions {
    /// The provider's defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// One deadline over the whole call.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Attempts at the most.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = Some(attempts);
        self
    }

    /// A word of the caller's for observers.
    pub fn tag(mut self, tag: &'static str) -> Self {
        self.tag = Some(tag);
        self
    }
}

/// What a case is for.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The person is identified.
    #[default]
    Identification,
    /// The person is identified and signs documents with a qualified electronic signature (QES).
    Signature,
}

/// Gender as vendors ask for it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gender {
    /// Female.
    Female,
    /// Male.
    Male,
    /// Neither, or not stated; a vendor without a word for it leaves it out or refuses.
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
    /// ISO 3166 alpha-2, upper case.
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
    /// ISO 3166 alpha-2, upper case.
    pub nationality: Option<Pii<String>>,
    /// Gender.
    pub gender: Option<Gender>,
    /// E-mail address.
    pub email: Option<Pii<String>>,
    /// Mobile number, international: `+` and digits.
    pub mobile: Option<Pii<String>>,
    /// Where the person lives.
    pub address: Address,
}

/// A PDF to be signed.
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

/// A case to be opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewCase {
    /// What it is for.
    pub purpose: Purpose,
    /// The integrator's own reference: unique and without personal data, since it is how a lost answer is found again.
    pub reference: Option<Pii<String>>,
    /// The vendor's project, where it has such.
    pub project: Option<String>,
    /// Who is to be identified.
    pub person: Person,
    /// What is to be signed.
    pub documents: Vec<Document>,
    /// Where the person is sent after success.
    pub redirect_success: Option<Secret>,
    /// Where the person is sent after failure.
    pub redirect_abort: Option<Secret>,
    /// URL (or the vendor's template of one) that is called when the case is final, where it is set per case.
    pub webhook_final: Option<Secret>,
}

/// How to come back to a case. Serialise it and keep it: it holds all that the provider needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseRef {
    /// Name of the provider.
    pub provider: String,
    /// The vendor's id of the case.
    pub id: Secret,
    /// What else the provider must remember, opaque to everyone else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Secret>,
}

/// An opened case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// How to come back to it.
    pub case: CaseRef,
    /// Where the person goes. Whoever has it can act as the person.
    pub person_url: Option<Secret>,
}

/// Where a case stands.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Not finished.
    Pending,
    /// Identified; the signature is still open.
    Identified,
    /// Positively identified, final.
    Positive,
    /// Identified and signed, final.
    Signed,
    /// Negative, final.
    Negative,
    /// Ended by hand, final.
    Terminated,
    /// Suspicion of fraud, final. Evidence is available.
    FraudSuspicion,
    /// The person did not finish in time, final.
    TimedOut,
    /// Identified, but not signed in time, final.
    TimedOutAfterIdent,
    /// The vendor no longer knows the case.
    Gone,
    /// The vendor says something that no rule here interprets.
    Unknown,
}

impl Outcome {
    /// Whether the case has ended.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Identified | Self::Unknown)
    }
}

/// The status of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseStatus {
    /// Where it stands.
    pub outcome: Outcome,
    /// Since when, if the vendor tells.
    pub since: Option<Timestamp>,
    /// The vendor's own codes or words behind it, oldest first.
    pub vendor_codes: Vec<String>,
}

/// What sort of evidence.
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
    /// File extension that fits the content: `json` or `pdf`.
    pub fn extension(self) -> &'static str {
        match self {
            Self::IdentData => "json",
            Self::Report | Self::SignedDocument => "pdf",
        }
    }
}

/// One piece of evidence that a case should have.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EvidenceItem {
    /// What it is.
    pub kind: EvidenceKind,
    /// Position among those of its kind, from 0.
    pub index: u32,
}

/// A piece of evidence as it comes.
#[derive(Debug)]
pub struct Evidence {
    /// What it is.
    pub item: EvidenceItem,
    /// Its bytes.
    pub content: Content,
}

/// That every piece of evidence lies on disk whole: the digests that were read back after the write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceProof {
    digests: Vec<(EvidenceItem, [u8; 32])>,
}

impl EvidenceProof {
    /// A proof from the SHA-256 digests of the saved files, as read back from disk.
    ///
    /// # Errors
    /// [`Kind::Integrity`](crate::Kind::Integrity) when an expected item is not among them.
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

/// What entitles somebody to delete at the vendor.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeletePermit {
    /// Everything was collected and verified on disk.
    Evidence(EvidenceProof),
    /// A person decided it, knowing that what was not collected is lost.
    Operator,
}

/// A window of time for [`IdentityProvider::changes`], both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// From.
    pub begin: Timestamp,
    /// Until.
    pub end: Timestamp,
}

/// Where the next page of changes begins, opaque: it holds neither secrets nor personal data, can be stored, and is
/// good for the window that it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(pub String);

/// A page of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangesPage {
    /// The vendor's ids of the cases, with what the window tells of their statuses: a hint, since what came before the
    /// window is not in it. `Unknown` where that alone decides nothing; read [`IdentityProvider::status`] before acting
    /// on it. A case may come on several pages.
    pub cases: Vec<(Secret, CaseStatus)>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Cursor>,
}

/// One provider of identification and signing.
///
/// Errors of every method: [`Kind::Unsupported`](crate::Kind::Unsupported) for what the descriptor does not list,
/// and whatever the call itself meets.
#[async_trait]
pub trait IdentityProvider: Send + Sync + fmt::Debug {
    /// Who it is and what it can do.
    fn descriptor(&self) -> &Descriptor;

    /// Opens a case. Never repeated by itself once it may have been sent.
    async fn open(&self, case: &NewCase, options: &CallOptions) -> Result<Opened, Error>;

    /// Where the case stands, read from the vendor.
    async fn status(&self, case: &CaseRef, options: &CallOptions) -> Result<CaseStatus, Error>;

    /// What evidence the case should have in its present state.
    async fn evidence_list(&self, case: &CaseRef, options: &CallOptions) -> Result<Vec<EvidenceItem>, Error>;

    /// Reads one piece of evidence.
    async fn evidence(&self, case: &CaseRef, item: &EvidenceItem, options: &CallOptions) -> Result<Evidence, Error>;

    /// Cancels an open case: it ends as [`Outcome::Terminated`].
    ///
    /// [`Kind::InvalidState`](crate::Kind::InvalidState) for a case that has ended, whatever ended it.
    async fn cancel(&self, case: &CaseRef, options: &CallOptions) -> Result<(), Error>;

    /// Deletes the data of a case at the vendor, for good.
    async fn delete(&self, case: &CaseRef, permit: &DeletePermit, options: &CallOptions) -> Result<(), Error>;

    /// What changed in a window of time, page by page until there is no next cursor. Reading takes nothing away: the
    /// same window, or the same cursor, can be read again.
    ///
    /// [`Kind::InvalidInput`](crate::Kind::InvalidInput) for a window that ends before it begins, and for a cursor that
    /// is not of this window.
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
    fn a_delete_permit_needs_every_expected_piece() {
        assert!(EvidenceProof::new(&[DATA, REPORT], vec![(DATA, [0; 32])]).is_err());
        assert!(EvidenceProof::new(&[], vec![]).is_err(), "nothing collected proves nothing");
        assert!(EvidenceProof::new(&[DATA, REPORT], vec![(REPORT, [1; 32]), (DATA, [0; 32])]).is_ok());
    }

    #[test]
    fn only_ends_are_final() {
        assert!(!Outcome::Pending.is_final() && !Outcome::Identified.is_final() && !Outcome::Unknown.is_final());
        assert!(Outcome::Positive.is_final() && Outcome::FraudSuspicion.is_final() && Outcome::Gone.is_final());
    }

    #[test]
    fn a_case_prints_nothing_of_the_person() {
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
