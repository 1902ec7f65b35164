//! Evidence of a case: what there should be, its pieces, and the proof that all of it is saved.

use serde::{Deserialize, Serialize};

use super::outcome::Outcome;
use crate::{Content, Error, Kind, Pii};

/// Kind of evidence.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceKind {
    /// The checked personal data, in the vendor's JSON.
    IdentData,
    /// The vendor's report, a PDF.
    Report,
    /// The signed PDFs, presumably in the sequence of [`NewCase::documents`](crate::NewCase::documents) (AT-35).
    SignedDocument,
    /// The signed hashes by their names: Base64, as the vendor sent it.
    SignedHash,
    /// The recording of the video. It must be requested
    /// ([`request_evidence`](crate::IdentityProvider::request_evidence)) and can be read only after the vendor's
    /// callback ([`evidence_after`](crate::IdentityProvider::evidence_after)): before, the vendor may return a
    /// placeholder, which is not evidence (AT-38).
    Video,
    /// The audio recordings. An empty list means that there is none.
    Audio,
    /// The signed and encrypted result for a later case, byte for byte as the vendor sent it (AT-71).
    SignedIdentData,
}

impl EvidenceKind {
    /// Returns the usual file extension. A piece can have another one: [`Evidence::extension`].
    pub fn extension(self) -> &'static str {
        match self {
            Self::IdentData => "json",
            Self::Report | Self::SignedDocument => "pdf",
            Self::SignedHash => "b64",
            Self::Video => "mp4",
            Self::Audio => "bin",
            Self::SignedIdentData => "txt",
        }
    }

    /// Returns the stable word of the kind, as it is serialized, e.g. `signed-document`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IdentData => "ident-data",
            Self::Report => "report",
            Self::SignedDocument => "signed-document",
            Self::SignedHash => "signed-hash",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::SignedIdentData => "signed-ident-data",
        }
    }
}

/// The kinds of evidence that a case should have. Store it: a proof needs every planned kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidencePlan {
    required: Vec<EvidenceKind>,
    /// Kinds that the vendor may have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    possible: Vec<EvidenceKind>,
}

impl EvidencePlan {
    /// Creates a plan of kinds that the case must have.
    pub fn new(required: impl IntoIterator<Item = EvidenceKind>) -> Self {
        required.into_iter().fold(Self::default(), Self::require)
    }

    /// Adds a kind that the case must have.
    #[must_use]
    pub fn require(mut self, kind: EvidenceKind) -> Self {
        self.possible.retain(|other| *other != kind);
        if !self.required.contains(&kind) {
            self.required.push(kind);
        }
        self
    }

    /// Adds a kind that the vendor may have: read it, and if the vendor has none, call
    /// [`mark_absent`](Self::mark_absent).
    #[must_use]
    pub fn allow(mut self, kind: EvidenceKind) -> Self {
        if !self.kinds().contains(&kind) {
            self.possible.push(kind);
        }
        self
    }

    /// Returns all kinds to read.
    pub fn kinds(&self) -> Vec<EvidenceKind> {
        self.required.iter().chain(&self.possible).copied().collect()
    }

    /// Whether there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.required.is_empty() && self.possible.is_empty()
    }

    /// Removes a kind that the vendor may have, because it has none:
    /// [`evidence`](crate::IdentityProvider::evidence) returned [`Kind::NotFound`] or an empty list.
    ///
    /// # Errors
    /// [`Kind::Integrity`] if the case must have this kind.
    pub fn mark_absent(&mut self, kind: EvidenceKind) -> Result<(), Error> {
        if self.required.contains(&kind) {
            let detail = format!("the vendor has no {}, but the case must have it", kind.as_str());
            return Err(Error::new(Kind::Integrity, detail));
        }
        self.possible.retain(|other| *other != kind);
        Ok(())
    }
}

/// Identifies a piece of evidence of a case. Store it with the digest of the file.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EvidenceItem {
    /// Kind of the evidence.
    pub kind: EvidenceKind,
    /// Index among the pieces of its kind, from 0.
    pub index: u32,
    /// Number of pieces of its kind.
    pub count: u32,
    /// The vendor's name of the file, if it sends one. It can contain personal data and any character: do not use it as
    /// a path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Pii<String>>,
}

impl EvidenceItem {
    /// Creates the item of one of `count` pieces, without a name.
    pub fn new(kind: EvidenceKind, index: u32, count: u32) -> Self {
        Self { kind, index, count, name: None }
    }
}

/// A piece of evidence that is being read.
#[non_exhaustive]
#[derive(Debug)]
pub struct Evidence {
    /// Which piece it is.
    pub item: EvidenceItem,
    /// File extension that matches the content.
    pub extension: &'static str,
    /// The content.
    pub content: Content,
}

impl Evidence {
    /// Creates the only piece of its kind.
    pub fn new(kind: EvidenceKind, content: Content) -> Self {
        Self { item: EvidenceItem::new(kind, 0, 1), extension: kind.extension(), content }
    }

    /// Creates all pieces of a kind from the vendor's names and the contents, and numbers them.
    pub fn list(kind: EvidenceKind, pieces: Vec<(Option<Pii<String>>, Content)>) -> Vec<Self> {
        let count = u32::try_from(pieces.len()).unwrap_or(u32::MAX);
        let numbered = (0..count).zip(pieces);
        numbered
            .map(|(index, (name, content))| Self {
                item: EvidenceItem { kind, index, count, name },
                extension: kind.extension(),
                content,
            })
            .collect()
    }

    /// Sets the file extension.
    #[must_use]
    pub fn with_extension(self, extension: &'static str) -> Self {
        Self { extension, ..self }
    }

    /// Returns a file name without personal data that is unique within the case, e.g. `signed-document-0.pdf`.
    pub fn file_name(&self) -> String {
        format!("{}-{}.{}", self.item.kind.as_str(), self.item.index, self.extension)
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
    /// [`Kind::Integrity`] if the plan is empty, or if a piece of a planned kind is not in `digests`.
    pub fn new(plan: &EvidencePlan, digests: Vec<(EvidenceItem, [u8; 32])>) -> Result<Self, Error> {
        let kinds = plan.kinds();
        let missing: Vec<_> =
            kinds.iter().filter(|kind| !is_complete(**kind, &digests)).map(|kind| kind.as_str()).collect();
        if kinds.is_empty() {
            return Err(Error::new(Kind::Integrity, "no evidence is planned, so there is nothing to prove"));
        }
        if !missing.is_empty() {
            let detail = format!("not every planned piece of evidence is saved; incomplete: {}", missing.join(", "));
            return Err(Error::new(Kind::Integrity, detail));
        }
        Ok(Self { digests })
    }

    /// The saved items and their SHA-256 digests.
    pub fn digests(&self) -> &[(EvidenceItem, [u8; 32])] {
        &self.digests
    }
}

/// Whether every piece of a kind is saved.
fn is_complete(kind: EvidenceKind, digests: &[(EvidenceItem, [u8; 32])]) -> bool {
    let saved = |index| digests.iter().any(|(item, _)| item.kind == kind && item.index == index);
    let counts = digests.iter().filter(|(item, _)| item.kind == kind).map(|(item, _)| item.count);
    counts.max().is_some_and(|count| count > 0 && (0..count).all(saved))
}

/// Proof that a case ended without evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NothingToCollect {
    outcome: Outcome,
}

impl NothingToCollect {
    /// Creates the proof from the outcome of the case and its
    /// [`evidence_plan`](crate::IdentityProvider::evidence_plan).
    ///
    /// # Errors
    /// [`Kind::InvalidState`] if the outcome is not final. [`Kind::Integrity`] if a case with this outcome always has
    /// evidence, or if the plan still has a kind.
    pub fn new(outcome: Outcome, plan: &EvidencePlan) -> Result<Self, Error> {
        if !outcome.is_final() {
            return Err(Error::new(Kind::InvalidState, "the case has not ended, so its evidence is not known"));
        }
        let certain = matches!(outcome, Outcome::Positive | Outcome::Signed | Outcome::FraudSuspicion);
        if certain || !plan.is_empty() {
            return Err(Error::new(Kind::Integrity, "the case has evidence that must be collected first"));
        }
        Ok(Self { outcome })
    }

    /// Outcome of the case.
    pub fn outcome(self) -> Outcome {
        self.outcome
    }
}

/// The caller's reason for deleting a case at the vendor.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeletePermit {
    /// All evidence was collected and verified on disk.
    Evidence(EvidenceProof),
    /// The case ended without evidence.
    NothingToCollect(NothingToCollect),
    /// A person decided to delete, knowing that evidence that was not collected is lost.
    Operator,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(kind: EvidenceKind, index: u32, count: u32) -> (EvidenceItem, [u8; 32]) {
        (EvidenceItem::new(kind, index, count), [0; 32])
    }

    #[test]
    fn a_proof_needs_every_piece_of_every_planned_kind() {
        use EvidenceKind::{IdentData, Report, SignedDocument};
        let plan = EvidencePlan::new([IdentData, SignedDocument]);
        let (data, first, second) = (item(IdentData, 0, 1), item(SignedDocument, 0, 2), item(SignedDocument, 1, 2));
        for digests in
            [vec![], vec![data.clone()], vec![data.clone(), first.clone()], vec![data.clone(), second.clone()]]
        {
            assert_eq!(EvidenceProof::new(&plan, digests).unwrap_err().kind(), Kind::Integrity);
        }
        let all = vec![second.clone(), data.clone(), first.clone()];
        assert_eq!(EvidenceProof::new(&plan, all.clone()).unwrap().digests(), all);
        // A piece of another count shows that the pieces changed: the larger count must be complete.
        let grown = vec![data.clone(), first, second, item(SignedDocument, 1, 3)];
        assert!(EvidenceProof::new(&plan, grown).is_err());
        assert!(EvidenceProof::new(&EvidencePlan::default(), vec![data.clone()]).is_err(), "an empty plan");
        assert!(EvidenceProof::new(&EvidencePlan::new([IdentData]), vec![item(IdentData, 0, 0)]).is_err());
        let maybe = EvidencePlan::new([IdentData]).allow(Report);
        assert!(EvidenceProof::new(&maybe, vec![data]).is_err(), "a possible kind must be read or marked absent");
    }

    #[test]
    fn only_a_possible_kind_can_be_marked_absent() {
        let mut plan =
            EvidencePlan::new([EvidenceKind::IdentData]).allow(EvidenceKind::Audio).allow(EvidenceKind::Audio);
        assert_eq!(plan.kinds(), [EvidenceKind::IdentData, EvidenceKind::Audio]);
        plan.mark_absent(EvidenceKind::Audio).unwrap();
        let error = plan.mark_absent(EvidenceKind::IdentData).unwrap_err();
        assert_eq!((error.kind(), plan.kinds()), (Kind::Integrity, vec![EvidenceKind::IdentData]));
        assert_eq!(plan.clone().allow(EvidenceKind::IdentData), plan);
        let required = plan.allow(EvidenceKind::Video).require(EvidenceKind::Video);
        assert_eq!(required, EvidencePlan::new([EvidenceKind::IdentData, EvidenceKind::Video]));
    }

    #[test]
    fn nothing_to_collect_needs_an_end_without_evidence() {
        let none = EvidencePlan::default();
        for outcome in
            [Outcome::Negative, Outcome::Terminated, Outcome::TimedOut, Outcome::TimedOutAfterIdent, Outcome::Gone]
        {
            assert_eq!(NothingToCollect::new(outcome, &none).unwrap().outcome(), outcome);
            let plan = EvidencePlan::default().allow(EvidenceKind::IdentData);
            assert_eq!(NothingToCollect::new(outcome, &plan).unwrap_err().kind(), Kind::Integrity);
        }
        for (outcome, kind) in [
            (Outcome::Pending, Kind::InvalidState),
            (Outcome::Identified, Kind::InvalidState),
            (Outcome::Unknown, Kind::InvalidState),
            (Outcome::Unclear, Kind::InvalidState),
            (Outcome::Positive, Kind::Integrity),
            (Outcome::Signed, Kind::Integrity),
            (Outcome::FraudSuspicion, Kind::Integrity),
        ] {
            assert_eq!(NothingToCollect::new(outcome, &none).unwrap_err().kind(), kind, "{outcome:?}");
        }
    }

    #[test]
    fn an_item_is_stored_with_its_name_and_never_printed() {
        let pieces = vec![(Some("Mustermann.wav".into()), Content::empty()), (None, Content::empty())];
        let list = Evidence::list(EvidenceKind::Audio, pieces);
        assert!(!format!("{list:?}").contains("Mustermann"));
        let stored = serde_json::to_string(&list[0].item).unwrap();
        assert_eq!(stored, r#"{"kind":"audio","index":0,"count":2,"name":"Mustermann.wav"}"#);
        assert_eq!(serde_json::from_str::<EvidenceItem>(&stored).unwrap(), list[0].item);
        assert_eq!(list[1].item, EvidenceItem::new(EvidenceKind::Audio, 1, 2));
        let webm = Evidence::new(EvidenceKind::Video, Content::empty()).with_extension("webm");
        assert_eq!((webm.file_name(), list[1].file_name()), ("video-0.webm".to_owned(), "audio-1.bin".to_owned()));
    }

    #[test]
    fn the_word_of_a_kind_is_its_serialized_form() {
        use EvidenceKind::{Audio, IdentData, Report, SignedDocument, SignedHash, SignedIdentData, Video};
        for kind in [IdentData, Report, SignedDocument, SignedHash, Video, Audio, SignedIdentData] {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("{:?}", kind.as_str()));
        }
    }
}
