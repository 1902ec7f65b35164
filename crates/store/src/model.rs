//! What the store holds, in clear text.

use identkit_core::{CaseRef, Error, Pii, Secret, WebhookDelivery};
use jiff::Timestamp;

use crate::engine::{EventState, Lease, RecordRow};
use crate::fault;
use crate::pack::{pack, unpack};

/// Id of an event. Ids grow in the order of acceptance; the default comes before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(pub u64);

/// Id of a case in this store. Ids grow in the order of creation; the default comes before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CaseId(pub u64);

/// An accepted delivery.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoredEvent {
    /// Id of the event.
    pub id: EventId,
    /// Id of the case.
    pub case: CaseId,
    /// The delivery.
    pub delivery: WebhookDelivery,
    /// State of the unit of work to which it belongs.
    pub state: EventState,
    /// Number of claims of the unit.
    pub attempts: u64,
    /// Name of the event in 32 hexadecimal digits: the same each time it is delivered to an
    /// [`EventSink`](crate::EventSink), and different from that of any other event, also in another store.
    pub idempotency_key: String,
}

/// Some events in the order of acceptance.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct EventPage {
    /// The events that can be read.
    pub events: Vec<StoredEvent>,
    /// The events that cannot be read, e.g. because their row was changed.
    pub unreadable: Vec<UnreadableEvent>,
    /// Id of the last event of the page, also if that was purged or cannot be read; `None` after the last page.
    pub last: Option<EventId>,
}

/// An event that cannot be read.
#[derive(Debug)]
#[non_exhaustive]
pub struct UnreadableEvent {
    /// Id of the event.
    pub id: EventId,
    /// Id of the case.
    pub case: CaseId,
    /// State of the unit of work to which it belongs.
    pub state: EventState,
    /// Why it cannot be read.
    pub error: Error,
}

/// A claim of the work of a case: the right to write about it until another worker takes it over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    pub(crate) lease: Lease,
    pub(crate) attempts: u64,
}

impl Claim {
    /// Id of the case.
    pub fn case(&self) -> CaseId {
        CaseId(self.lease.case)
    }

    /// Fencing token: it grows with each claim of the case. Pass it to other systems that can check it.
    pub fn fence(&self) -> u64 {
        self.lease.fence
    }

    /// Number of claims of this unit, with this one.
    pub fn attempts(&self) -> u64 {
        self.attempts
    }
}

/// A case. Change it with [`Store::save`](crate::Store::save).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Case {
    /// Id of the case.
    pub id: CaseId,
    /// Name of the provider.
    pub provider: String,
    /// The caller's reference; `None` for a case that the store knows from deliveries only.
    pub reference: Option<Secret>,
    /// The vendor's id, as soon as it is known.
    pub vendor_id: Option<Secret>,
    /// Reference to the case at the vendor, as soon as the caller has saved it.
    pub opened: Option<CaseRef>,
    /// Status for lists. It is not encrypted: use no personal data.
    pub status: String,
    /// The caller's state.
    pub data: Pii<Vec<u8>>,
    /// Number of times that the case was saved.
    pub version: u64,
    /// Time of the creation.
    pub created: Timestamp,
    /// Time of the last delivery or change.
    pub changed: Timestamp,
    /// Whether a unit of work waits for a claim.
    pub pending: bool,
    /// Whether a worker has claimed the case.
    pub claimed: bool,
    /// Number of claims of the present unit.
    pub attempts: u64,
    /// Why the last unit was given up.
    pub dead: Option<String>,
}

/// A case to store before it is opened at the vendor.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Intent {
    /// Name of the provider.
    pub provider: String,
    /// The caller's reference, unique for the provider.
    pub reference: Secret,
    /// Status for lists. It is not encrypted: use no personal data.
    pub status: String,
    /// The caller's state.
    pub data: Pii<Vec<u8>>,
    /// Time of the creation.
    pub at: Timestamp,
}

impl Intent {
    /// Creates an intent with an empty status and state.
    pub fn new(provider: impl Into<String>, reference: impl Into<Secret>, at: Timestamp) -> Self {
        let (provider, reference) = (provider.into(), reference.into());
        Self { provider, reference, status: String::new(), data: Pii::default(), at }
    }

    /// Sets the status for lists. It is not encrypted: use no personal data.
    #[must_use]
    pub fn with_status(mut self, status: impl Into<String>) -> Self {
        self.status = status.into();
        self
    }

    /// Sets the caller's state.
    #[must_use]
    pub fn with_data(mut self, data: impl Into<Pii<Vec<u8>>>) -> Self {
        self.data = data.into();
        self
    }
}

/// An entry of a case's append-only list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Entry {
    /// History, in the caller's format.
    History(Pii<Vec<u8>>),
    /// An artifact that was saved or verified.
    Artifact(Artifact),
}

/// An entry as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredEntry {
    /// Id of the entry.
    pub id: u64,
    /// Time of the entry.
    pub at: Timestamp,
    /// The entry.
    pub entry: Entry,
}

/// A saved file of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Artifact {
    /// What it is, e.g. the name of the signed document.
    pub item: Pii<String>,
    /// Where it is saved.
    pub sink: Pii<String>,
    /// Length in bytes.
    pub length: u64,
    /// SHA-256 of the content.
    pub sha256: [u8; 32],
    /// Whether the digest was compared with the saved content.
    pub verified: bool,
}

impl Artifact {
    /// Creates an artifact that is not verified.
    pub fn new(item: impl Into<Pii<String>>, sink: impl Into<Pii<String>>, length: u64, sha256: [u8; 32]) -> Self {
        Self { item: item.into(), sink: sink.into(), length, sha256, verified: false }
    }

    /// The same artifact, verified.
    #[must_use]
    pub fn verified(mut self) -> Self {
        self.verified = true;
        self
    }
}

/// The response of a destructive read: the vendor does not send it again.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoredResponse {
    /// Id of the response.
    pub id: u64,
    /// Name of the operation.
    pub name: String,
    /// Time at which it was received.
    pub received: Timestamp,
    /// The response as received.
    pub body: Pii<Vec<u8>>,
}

/// An entry of the deletion ledger. It has no personal data, and a purge does not remove it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deletion {
    /// Time of the deletion.
    pub at: Timestamp,
    /// Who deleted: a service or a role, not a person's name.
    pub actor: String,
    /// What was deleted, e.g. the name of the provider and a random name of the case. It is not encrypted: use no personal
    /// data.
    pub subject: String,
    /// SHA-256 of each saved artifact, or other hashes that identify what was deleted.
    pub hashes: Vec<[u8; 32]>,
}

impl Deletion {
    /// Creates an entry without a subject.
    pub fn new(at: Timestamp, actor: impl Into<String>, hashes: Vec<[u8; 32]>) -> Self {
        Self { at, actor: actor.into(), subject: String::new(), hashes }
    }

    /// Sets what was deleted. It is not encrypted: use no personal data.
    #[must_use]
    pub fn with_subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = subject.into();
        self
    }

    pub(crate) fn row(&self) -> RecordRow {
        let body = pack(&[self.subject.as_bytes(), &self.hashes.concat()]);
        RecordRow { id: 0, at: self.at, name: self.actor.clone(), link: None, body }
    }

    pub(crate) fn from_row(row: &RecordRow) -> Result<Self, Error> {
        let decoded = || {
            let [subject, hashes] = unpack(&row.body)?;
            let (hashes, []) = hashes.as_chunks::<32>() else { return None };
            let subject = std::str::from_utf8(subject).ok()?;
            Some(Self::new(row.at, row.name.clone(), hashes.to_vec()).with_subject(subject))
        };
        decoded().ok_or_else(fault::damaged)
    }
}

/// Selects the cases that [`Store::purge_expired`](crate::Store::purge_expired) purges.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Retention {
    /// Only cases that have not changed since.
    pub changed_before: Timestamp,
    /// Only this status; `None`: every status.
    pub status: Option<String>,
}

impl Retention {
    /// Selects all cases that have not changed since this time.
    pub fn new(changed_before: Timestamp) -> Self {
        Self { changed_before, status: None }
    }

    /// Selects this status only.
    #[must_use]
    pub fn with_status(mut self, status: impl Into<String>) -> Self {
        self.status = Some(status.into());
        self
    }
}

impl Entry {
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Self::History(data) => pack(&[b"history", data.expose()]),
            Self::Artifact(artifact) => {
                let Artifact { item, sink, length, sha256, verified } = artifact;
                let content = [item.expose().as_bytes(), sink.expose().as_bytes(), &length.to_le_bytes(), sha256];
                let [item, sink, length, sha256] = content;
                pack(&[b"artifact", &pack(&[item, sink, length, sha256, &[u8::from(*verified)]])])
            }
        }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let decoded = || match unpack(bytes)? {
            [b"history", data] => Some(Self::History(data.to_vec().into())),
            [b"artifact", content] => {
                let [item, sink, length, sha256, verified] = unpack(content)?;
                let text = |bytes| std::str::from_utf8(bytes).ok().map(Pii::from);
                Some(Self::Artifact(Artifact {
                    item: text(item)?,
                    sink: text(sink)?,
                    length: u64::from_le_bytes(length.try_into().ok()?),
                    sha256: sha256.try_into().ok()?,
                    verified: verified == [1],
                }))
            }
            _ => None,
        };
        decoded().ok_or_else(fault::damaged)
    }
}
