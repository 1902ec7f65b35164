//! What is known about a case, and why it waits.

use identkit_core::{Capability, Descriptor, Error, EvidenceKind, Outcome, Pii, Secret};
use identkit_store::{Artifact, Case, CaseId, Store};
use jiff::Timestamp;

use crate::collector::Collector;
use crate::ledger::Item;
use crate::record::Record;
use crate::setup::DeletePolicy;
use crate::state::{CaseState, ReuseOutcome};

/// A saved artifact of a case.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedFile {
    /// Kind of the evidence; `None` for the payload of a webhook.
    pub kind: Option<EvidenceKind>,
    /// The vendor's name of the file, if it sent one.
    pub vendor_name: Option<Pii<String>>,
    /// Where it is in the sink.
    pub location: String,
    /// Length in bytes.
    pub length: u64,
    /// SHA-256 of the content.
    pub sha256: [u8; 32],
}

impl SavedFile {
    fn new(artifact: &Artifact) -> Self {
        let item = match Item::decode(artifact.item.expose()) {
            Some(Item::Evidence(item)) => Some(item),
            _ => None,
        };
        Self {
            kind: item.as_ref().map(|item| item.kind),
            vendor_name: item.and_then(|item| item.name),
            location: artifact.sink.expose().clone(),
            length: artifact.length,
            sha256: artifact.sha256,
        }
    }
}

/// What is known about a case.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct CaseReport {
    /// Id of the case in the store.
    pub case: CaseId,
    /// Name of the provider.
    pub provider: String,
    /// The caller's reference.
    pub reference: Option<Secret>,
    /// The vendor's id.
    pub vendor_id: Option<Secret>,
    /// State.
    pub state: CaseState,
    /// How the case ended, if it has.
    pub outcome: Option<Outcome>,
    /// What the vendor did with the signed data of an earlier case, if the case was opened with any and has ended.
    pub reuse: Option<ReuseOutcome>,
    /// URL for the person, while the case is open.
    pub person_url: Option<Secret>,
    /// Time of the creation.
    pub created: Timestamp,
    /// Time of the end at the vendor.
    pub ended: Option<Timestamp>,
    /// Time at which all evidence was saved.
    pub collected: Option<Timestamp>,
    /// Time of the deletion at the vendor.
    pub deleted: Option<Timestamp>,
    /// The saved artifacts.
    pub artifacts: Vec<SavedFile>,
    /// Number of files in the case's folder that the store does not name. None of them is removed.
    pub unrecorded_files: u32,
    /// Kinds of evidence that are still to be saved.
    pub missing: Vec<EvidenceKind>,
    /// Kinds of evidence that a person gave up, with the reasons.
    pub given_up: Vec<(EvidenceKind, String)>,
    /// Vendor's ids of cases that can be this one.
    pub candidates: Vec<Secret>,
    /// Why the case waits, or how it ended.
    pub reason: String,
    /// What happens next, or what a person can do.
    pub next_step: String,
    /// Time of the next step, if no webhook arrives before.
    pub next: Option<Timestamp>,
    /// Number of failures in a row.
    pub failures: u32,
    /// Whether a person has paused the case.
    pub paused: bool,
}

/// Reads what is known about cases. Unlike a [`Collector`], it needs no providers and no sink.
#[derive(Clone, Debug)]
pub struct CaseReader {
    store: Store,
}

impl CaseReader {
    /// Creates a reader of the cases in a store.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// Returns what is known about a case, like [`Collector::report`].
    ///
    /// # Errors
    /// Like [`Collector::report`].
    pub async fn report(&self, id: CaseId) -> Result<Option<CaseReport>, Error> {
        match read(&self.store, id).await? {
            Some((case, artifacts)) => self.describe(&case, &artifacts).map(Some),
            None => Ok(None),
        }
    }

    /// Describes a case of a list, like [`Collector::describe`].
    ///
    /// # Errors
    /// Like [`Collector::describe`].
    pub fn describe(&self, case: &Case, artifacts: &[Artifact]) -> Result<CaseReport, Error> {
        describe(case, artifacts, Setup::default())
    }
}

impl Collector {
    /// Returns what is known about a case; `None` if the store has no such case, or it is known from webhooks only.
    ///
    /// # Errors
    /// If the store cannot be read, or a later release has written the case.
    pub async fn report(&self, id: CaseId) -> Result<Option<CaseReport>, Error> {
        match read(&self.store, id).await? {
            Some((case, artifacts)) => self.describe(&case, &artifacts).map(Some),
            None => Ok(None),
        }
    }

    /// Describes a case of a list, without its artifacts.
    ///
    /// # Errors
    /// If a later release has written the case, or it is known from webhooks only.
    pub fn describe(&self, case: &Case, artifacts: &[Artifact]) -> Result<CaseReport, Error> {
        let provider = self.providers.get(&case.provider).map(|setup| setup.provider.descriptor());
        describe(case, artifacts, Setup { provider, delete: Some(self.delete) })
    }
}

/// Reads a case that a collector has opened, and its artifacts.
async fn read(store: &Store, id: CaseId) -> Result<Option<(Case, Vec<Artifact>)>, Error> {
    match store.case(id).await? {
        Some(case) if case.version > 0 => Ok(Some((case, store.artifacts(id).await?))),
        _ => Ok(None),
    }
}

/// What is known about the collector of a case.
#[derive(Clone, Copy, Debug, Default)]
struct Setup<'a> {
    provider: Option<&'a Descriptor>,
    delete: Option<DeletePolicy>,
}

fn describe(case: &Case, artifacts: &[Artifact], setup: Setup<'_>) -> Result<CaseReport, Error> {
    let record = Record::decode(case)?;
    let (reason, mut next_step) = explain(&record, setup);
    if record.unrecorded_files > 0 {
        let files = record.unrecorded_files;
        let text = format!(
            "; {files} file(s) in the case's folder are not in the ledger, e.g. from an attempt that stopped, and are kept: \
             compare them with the artifacts, and remove what is not needed"
        );
        next_step.push_str(&text);
    }
    let missing = record.plan.as_ref().map(|plan| plan.kinds()).unwrap_or_default();
    Ok(CaseReport {
        case: case.id,
        provider: case.provider.clone(),
        reference: case.reference.clone(),
        vendor_id: case.vendor_id.clone(),
        state: record.state(),
        outcome: record.outcome,
        reuse: record.reuse,
        person_url: record.person_url.clone(),
        created: case.created,
        ended: record.ended,
        collected: record.collected,
        deleted: record.deleted,
        artifacts: artifacts.iter().map(SavedFile::new).collect(),
        unrecorded_files: record.unrecorded_files,
        missing: missing.into_iter().filter(|kind| !record.saved.contains(kind)).collect(),
        given_up: record.given_up.clone(),
        candidates: record.candidates.iter().map(|case| case.id.clone()).collect(),
        reason,
        next_step,
        next: if record.paused || record.state().is_end() { None } else { record.next },
        failures: record.trouble.as_ref().map_or(0, |trouble| trouble.failures),
        paused: record.paused,
    })
}

/// Why a case waits, and what happens next.
fn explain(record: &Record, Setup { provider, delete }: Setup<'_>) -> (String, String) {
    if record.paused {
        return ("a person has paused the case".into(), "`case resume` continues it".into());
    }
    let can = |capability| provider.is_none_or(|provider| provider.can(capability));
    if let Some(trouble) = record.trouble.as_ref().filter(|_| !record.stage.is_end()) {
        let reason = match trouble.failures {
            0 => trouble.text.clone(),
            1 => format!("the last attempt failed: {}", trouble.text),
            failures => format!("{failures} attempts in a row have failed since {}: {}", trouble.since, trouble.text),
        };
        let mut next_step = match record.next {
            Some(next) => format!("the collector tries again at {next}, or at once with `case retry`"),
            None => "the collector waits for a decision".to_owned(),
        };
        if record.awaits(record.wishes.audio, EvidenceKind::Audio) {
            next_step.push_str("; if the order has no audio recordings, `case retry --without-audio` gives them up");
        }
        if record.awaits(record.wishes.signed_ident_data, EvidenceKind::SignedIdentData) {
            next_step.push_str(
                "; if the account is not enabled for signed data, `case retry --without-signed-data` gives them up",
            );
        }
        if record.lost().is_some() {
            next_step.push_str("; the vendor has lost the case, so `case close` can give it up");
        }
        return (reason, next_step);
    }
    let (reason, next_step) = match record.stage {
        CaseState::Open if let Some(why) = &record.not_canceled => {
            let reason = format!("the vendor has not canceled the case, as a person wanted: {why}");
            return (reason, "the case continues, or `case cancel` tries again".into());
        }
        CaseState::Intended => (
            "the request is being sent, or the process that sent it has stopped",
            "after the lease, the collector searches for the case at the vendor; it never opens it again",
        ),
        CaseState::Unknown if !can(Capability::Find) => (
            "it is unknown whether the vendor has opened the case, and the vendor has no list to search",
            "ask the vendor for the reference, then use `case adopt` or `case close`; the case is never opened again",
        ),
        CaseState::Unknown => (
            "it is unknown whether the vendor has opened the case",
            "the collector searches for it by its reference; it never opens it again",
        ),
        CaseState::Open => (
            "the person has not finished",
            if can(Capability::Changes) {
                "a webhook or the next sweep continues the case"
            } else {
                "a webhook or the next read of the status continues the case"
            },
        ),
        CaseState::Final => ("the case has ended", "the collector reads what there is to collect"),
        CaseState::Collecting if !record.recording_requests.is_empty() => {
            ("the vendor prepares the recording", "the vendor's announcement continues the case")
        }
        CaseState::Collecting => ("the evidence is being collected", "the collector reads what is missing"),
        CaseState::Collected if delete == Some(DeletePolicy::Never) => {
            ("all evidence is saved and verified", "nothing: the collector is configured not to delete at the vendor")
        }
        CaseState::Collected if delete.is_none() && record.next.is_none() => (
            "all evidence is saved and verified, or there is none",
            "the collector deletes the data at the vendor, unless it is configured not to",
        ),
        CaseState::Collected => {
            ("all evidence is saved and verified, or there is none", "the collector deletes the data at the vendor")
        }
        CaseState::Deleted => ("the data at the vendor are deleted, and the deletion is recorded", "nothing"),
        CaseState::Closed if record.not_opened.is_some() => {
            let reason = record.not_opened.as_deref().unwrap_or_default();
            return (format!("the vendor has not opened the case: {reason}"), "nothing".into());
        }
        CaseState::Closed if let Some(reason) = &record.closed_because => return (reason.clone(), "nothing".into()),
        CaseState::Closed if record.outcome == Some(Outcome::Gone) => {
            ("the vendor no longer has the case: it probably timed out", "nothing")
        }
        CaseState::Closed => ("the case has ended, and there is nothing to delete at the vendor", "nothing"),
        CaseState::Stuck => ("", ""),
    };
    (reason.to_owned(), next_step.to_owned())
}
