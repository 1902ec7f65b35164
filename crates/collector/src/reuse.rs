//! Signed data of an earlier case: found by the person, checked, and returned unchanged for the next order.
//!
//! The service names a person by a key of its own, e.g. a customer number. The store has a keyed hash of it only.

use std::fmt;
use std::time::Duration;

use identkit_core::{Error, EvidenceKind, Kind, Pii, Secret};
use identkit_store::{Artifact, CaseId};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::collector::Collector;
use crate::fault;
use crate::ledger::Item;
use crate::record::Record;

/// Number of cases of a person that are remembered, the newest first.
const CASES: usize = 8;

/// Maximum length of signed data in bytes.
const LONGEST: u64 = 16 << 20;

/// The cases of a person that have signed data.
#[derive(Debug, Default, Serialize, Deserialize)]
struct PersonCases {
    cases: Vec<u64>,
}

/// Signed data for the next case of the person.
#[non_exhaustive]
pub struct SignedData {
    /// The case whose data they are.
    pub case: CaseId,
    /// Time at which they were collected.
    pub collected: Timestamp,
    /// Last day on which the person's document is valid, if the data of the case have it.
    pub document_expires: Option<Date>,
    /// The data, byte for byte as the vendor sent them (AT-71).
    pub bytes: Pii<Vec<u8>>,
}

impl fmt::Debug for SignedData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedData").field("case", &self.case).finish_non_exhaustive()
    }
}

/// Why no signed data can be used for a person.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoSignedData {
    /// No case of the person has any, or all were purged.
    Absent,
    /// The person's document is no longer valid, so that the vendor would identify the person again (AT-72).
    DocumentExpired,
    /// They were collected longer ago than the caller accepts.
    TooOld,
    /// The artifact in the sink is missing, or is not the one that was verified.
    Damaged,
}

impl fmt::Display for NoSignedData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "no case of the person in the store has any",
            Self::DocumentExpired => {
                "the person's document has expired, and the vendor would identify the person again"
            }
            Self::TooOld => "they were collected too long ago",
            Self::Damaged => "the artifact in the sink is missing, or is not the one that was verified",
        })
    }
}

impl Collector {
    /// Returns the signed data of the person's newest case that has any, if they can be used today. Give the same key to
    /// [`OpenRequest::person`](crate::OpenRequest::person) of each case of the person. `max_age` limits the time since they were
    /// collected.
    ///
    /// # Errors
    /// If the store or the sink fails.
    pub async fn signed_data(
        &self,
        provider: &str,
        person: &Secret,
        max_age: Option<Duration>,
    ) -> Result<Result<SignedData, NoSignedData>, Error> {
        let known = self.person_cases(&mark_name(provider, &self.store.keyed_hash("person", person))).await?.1;
        for id in known.cases {
            let Some(case) = self.store.case(CaseId(id)).await? else { continue };
            let record = Record::decode(&case)?;
            let Some(collected) = record.collected else { continue };
            let artifacts = self.store.artifacts(case.id).await?;
            let Some(artifact) = find(&artifacts, EvidenceKind::SignedIdentData) else { continue };
            let now = self.now();
            if record.document_expires.is_some_and(|day| day < TimeZone::UTC.to_datetime(now).date()) {
                return Ok(Err(NoSignedData::DocumentExpired));
            }
            if max_age.is_some_and(|limit| now.duration_since(collected).unsigned_abs() > limit) {
                return Ok(Err(NoSignedData::TooOld));
            }
            let Some(bytes) = self.read_artifact(artifact).await? else { return Ok(Err(NoSignedData::Damaged)) };
            let document_expires = record.document_expires;
            return Ok(Ok(SignedData { case: case.id, collected, document_expires, bytes: bytes.into() }));
        }
        Ok(Err(NoSignedData::Absent))
    }

    /// Remembers that a case of the person has signed data.
    pub(crate) async fn remember_person(&self, provider: &str, hash: &str, case: CaseId) -> Result<(), Error> {
        let name = mark_name(provider, hash);
        loop {
            let (stored, mut known) = self.person_cases(&name).await?;
            if known.cases.first() == Some(&case.0) {
                return Ok(());
            }
            known.cases.retain(|other| *other != case.0);
            known.cases.insert(0, case.0);
            known.cases.truncate(CASES);
            let new = serde_json::to_vec(&known).map_err(|_| fault::unreadable())?;
            // Another case of the person may have been added since.
            if self.store.swap_watermark(&name, stored.as_deref(), &new).await? {
                return Ok(());
            }
        }
    }

    async fn person_cases(&self, name: &str) -> Result<(Option<Vec<u8>>, PersonCases), Error> {
        let stored = self.store.watermark(name).await?;
        let known = match &stored {
            Some(bytes) => serde_json::from_slice(bytes).map_err(|_| fault::unreadable())?,
            None => PersonCases::default(),
        };
        Ok((stored, known))
    }

    /// Reads an artifact from the sink. `None` if it is missing or is not the one that was verified.
    pub(crate) async fn read_artifact(&self, artifact: &Artifact) -> Result<Option<Vec<u8>>, Error> {
        let read = async { self.sink.read(artifact.sink.expose()).await?.collect(LONGEST).await };
        match read.await {
            Ok(bytes) if <[u8; 32]>::from(Sha256::digest(&bytes)) == artifact.sha256 => Ok(Some(bytes.to_vec())),
            Ok(_) => Ok(None),
            Err(error) if matches!(error.kind(), Kind::NotFound | Kind::Integrity) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The verified artifact of a kind that has one piece.
pub(crate) fn find(artifacts: &[Artifact], kind: EvidenceKind) -> Option<&Artifact> {
    artifacts.iter().rev().filter(|artifact| artifact.verified).find(
        |artifact| matches!(Item::decode(artifact.item.expose()), Some(Item::Evidence(item)) if item.kind == kind),
    )
}

fn mark_name(provider: &str, hash: &str) -> String {
    format!("person/{provider}/{hash}")
}
