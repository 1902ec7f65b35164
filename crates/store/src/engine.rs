//! The seam between the store and a database: opaque rows, and a few operations of which each is one transaction.
//!
//! An engine sees no personal data. [`Store`](crate::Store) encrypts every body and state before it passes them on, and
//! names a case by keyed hashes.
//!
//! Every implementation must provide this:
//!
//! - If an operation that writes returns `Ok`, its rows are on disk. If it returns an error, it wrote nothing, or the
//!   outcome is unknown because the disk failed.
//! - An operation is one transaction, and transactions are serializable.
//! - Ids grow in the order in which rows become visible, begin above 0 and are never used twice.
//! - No operation reads a clock: times are parameters.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use identkit_core::Error;
use jiff::Timestamp;

/// Name of a case: a keyed hash, and the id of the key that encrypts what belongs to the name. It is unique and opaque.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Link(pub [u8; Self::LENGTH]);

impl Link {
    /// Length in bytes.
    pub const LENGTH: usize = 48;
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link")
    }
}

/// A case to create before it is opened at the vendor.
#[derive(Clone, Debug)]
pub struct NewCaseRow {
    /// Name of the provider.
    pub provider: String,
    /// Name by the caller's reference.
    pub reference: Link,
    /// Status for lists.
    pub status: String,
    /// Encrypted state.
    pub state: Vec<u8>,
    /// Time of the creation.
    pub at: Timestamp,
}

/// A case with its state and its work.
#[derive(Clone, Debug)]
pub struct CaseRow {
    /// Id of the row.
    pub id: u64,
    /// Name of the provider.
    pub provider: String,
    /// Name by the caller's reference, if the caller created the case.
    pub reference: Option<Link>,
    /// Name by the vendor's id, if it is known.
    pub vendor: Option<Link>,
    /// Status for lists.
    pub status: String,
    /// Encrypted state; empty in version 0.
    pub state: Vec<u8>,
    /// Number of times that the state was written.
    pub version: u64,
    /// Time of the first row.
    pub created: Timestamp,
    /// Time of the last delivery or write.
    pub changed: Timestamp,
    /// Whether a unit of work waits for a claim.
    pub pending: bool,
    /// Earliest time of the next claim, if a unit is pending.
    pub due: Timestamp,
    /// Whether a worker has claimed the case.
    pub claimed: bool,
    /// Number of claims of the case.
    pub fence: u64,
    /// Number of renewals of the claim.
    pub beat: u64,
    /// Number of claims of the present unit.
    pub attempts: u64,
    /// Why the last unit was given up.
    pub dead: Option<String>,
    /// Whether a purge has begun: the case accepts nothing, and its keys may be removed already.
    pub purging: bool,
}

/// An event with the name of its case.
#[derive(Clone, Debug)]
pub struct EventRow {
    /// Id of the row.
    pub id: u64,
    /// Id of the case.
    pub case: u64,
    /// Name of the provider.
    pub provider: String,
    /// Name of the case by the vendor's id.
    pub vendor: Link,
    /// The vendor's name of the event.
    pub name: String,
    /// Time at which the delivery was received.
    pub received: Timestamp,
    /// State of the unit to which the event belongs.
    pub state: EventState,
    /// Number of claims of the unit.
    pub attempts: u64,
    /// Encrypted request and event.
    pub body: Vec<u8>,
}

/// State of an event, which follows from its unit of work.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventState {
    /// Its unit waits for a claim.
    Pending,
    /// A worker has claimed its unit.
    Claimed,
    /// Its unit is done.
    Done,
    /// Its unit was given up.
    Dead,
}

/// A row of the case's append-only list.
#[derive(Clone, Debug)]
pub struct EntryRow {
    /// Id of the row.
    pub id: u64,
    /// Time of the entry.
    pub at: Timestamp,
    /// Encrypted content.
    pub body: Vec<u8>,
}

/// What [`Engine::accept`] stores: it is encrypted with the key that the case has in the transaction. The engine may call
/// both functions several times.
///
/// # Errors
/// If the random generator fails, or if the key is damaged. The operation then writes nothing.
pub trait Sealer: Send + Sync {
    /// Creates the value of a key for a name that has none.
    fn create_key(&self) -> Result<Vec<u8>, Error>;

    /// Encrypts with the key that has this value.
    fn seal(&self, key: &[u8]) -> Result<SealedRow, Error>;
}

/// The columns of a delivery that depend on the key of its case.
#[derive(Clone, Debug)]
pub struct SealedRow {
    /// Name of the case by the vendor's id.
    pub vendor: Link,
    /// The vendor's name of the event, and the encrypted request and event, if a delivery has arrived.
    pub event: Option<(String, Vec<u8>)>,
}

/// Outcome of [`Engine::accept`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It is stored.
    Stored {
        /// Id of the case.
        case: u64,
        /// Id of the event, or 0 without one.
        event: u64,
    },
    /// It is not stored, because the purge of its case must be completed first.
    Purging {
        /// Id of the case.
        case: u64,
    },
}

/// A case and the number of its claim: the proof that a write comes from the present owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// Id of the case.
    pub case: u64,
    /// [`CaseRow::fence`] of the claim.
    pub fence: u64,
}

/// A claim as other workers see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Held {
    /// Id of the case.
    pub case: u64,
    /// [`CaseRow::fence`].
    pub fence: u64,
    /// [`CaseRow::beat`].
    pub beat: u64,
}

/// How a unit of work ends.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The work is done. Its events are done.
    Done,
    /// The work is done, and the case is due again at this time, or when a delivery arrives. Its events are done.
    Wait {
        /// Earliest time of the next claim.
        due: Timestamp,
    },
    /// The work failed and is due again at this time, or when a delivery arrives. Its events are pending.
    Retry {
        /// Earliest time of the next claim.
        due: Timestamp,
    },
    /// The work is given up. Its events are dead until they are replayed.
    Dead {
        /// Why, without personal data.
        reason: String,
    },
}

/// A new version of a case.
#[derive(Clone, Debug)]
pub struct Change {
    /// The version that it replaces.
    pub version: u64,
    /// Status for lists.
    pub status: String,
    /// Encrypted state.
    pub state: Vec<u8>,
    /// Name by the vendor's id; `None` leaves it unchanged. A case without a version that has this name is merged
    /// into this one: its events, and its pending or claimed unit.
    pub vendor: Option<Link>,
    /// Encrypted entries to append.
    pub entries: Vec<Vec<u8>>,
    /// Entry of the deletion ledger to add. The id of the row is ignored.
    pub deletion: Option<RecordRow>,
    /// Time of the change.
    pub at: Timestamp,
}

/// What a record that belongs to no case is.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecordKind {
    /// The response of a destructive read.
    Response,
    /// An entry of the deletion ledger.
    Deletion,
}

/// A record that belongs to no case.
#[derive(Clone, Debug)]
pub struct RecordRow {
    /// Id of the row.
    pub id: u64,
    /// Time of the record.
    pub at: Timestamp,
    /// Operation or actor.
    pub name: String,
    /// Name of the key that encrypts the content, if it is encrypted.
    pub link: Option<Link>,
    /// Content.
    pub body: Vec<u8>,
}

/// A token of webhook URLs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// Keyed hash of the token, the provider and the event.
    pub hash: [u8; 32],
    /// Name of the provider.
    pub provider: String,
    /// The vendor's name of the event.
    pub event: String,
    /// The case of a token that is for one case only. It is removed with the case.
    pub case: Option<u64>,
    /// Time from which the token is invalid.
    pub expires: Option<Timestamp>,
}

/// A database. See the [module](self) for what it must provide.
///
/// # Errors
/// [`Kind::Storage`](identkit_core::Kind::Storage) if the database fails, and
/// [`Kind::Unavailable`](identkit_core::Kind::Unavailable) if too many operations wait. The methods with a [`Lease`]
/// fail with [`Kind::Conflict`](identkit_core::Kind::Conflict) and write nothing if it is outdated.
#[async_trait]
pub trait Engine: fmt::Debug + Send + Sync {
    /// Returns the value of a key, which is stored apart from all other data.
    async fn key(&self, name: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// Stores a key unless the name exists, and returns the value that the name has now.
    async fn add_key(&self, name: &[u8], value: Vec<u8>) -> Result<Vec<u8>, Error>;

    /// Removes a key if it has this value. The engine documents when its bytes are overwritten.
    async fn remove_key(&self, name: &[u8], value: &[u8]) -> Result<(), Error>;

    /// Returns names and values of keys in the order of their names.
    async fn keys(&self, after: &[u8], limit: usize) -> Result<Vec<(Vec<u8>, Vec<u8>)>, Error>;

    /// Opens a unit of work for the case whose key has this name, or joins the pending one, and adds the event to it, if
    /// there is one. Creates the key and the case if they do not exist. The key is durable before the case is.
    ///
    /// From the time at which the transaction reads the key to its end, either no case can be marked as being purged
    /// or removed, or no key can be removed. So what is stored can be read until a later purge.
    async fn accept(
        &self,
        provider: &str,
        key: &[u8],
        at: Timestamp,
        sealer: Arc<dyn Sealer>,
    ) -> Result<Arrival, Error>;

    /// Returns events of all cases or of one, in order.
    async fn events(&self, case: Option<u64>, after: u64, limit: usize) -> Result<Vec<EventRow>, Error>;

    /// Creates a case and claims it. Returns `None` if its reference exists.
    async fn create(&self, case: NewCaseRow) -> Result<Option<Lease>, Error>;

    /// Returns a case.
    async fn case(&self, id: u64) -> Result<Option<CaseRow>, Error>;

    /// Returns the id of the case that has this name.
    async fn find(&self, link: Link) -> Result<Option<u64>, Error>;

    /// Returns cases in order: all, or those with a status.
    async fn cases(&self, status: Option<&str>, after: u64, limit: usize) -> Result<Vec<CaseRow>, Error>;

    /// Returns the ids of cases without work that have not changed since `before`: all, or those with a status. Also
    /// returns every case of which the purge has begun.
    async fn expired(&self, status: Option<&str>, before: Timestamp, limit: usize) -> Result<Vec<u64>, Error>;

    /// Writes a new version of a case. If the version is not the present one, or if another case that cannot be
    /// merged has the vendor's id, the error is [`Kind::Conflict`](identkit_core::Kind::Conflict).
    async fn save(&self, lease: Lease, change: Change) -> Result<(), Error>;

    /// Returns the entries of a case in order.
    async fn entries(&self, case: u64, after: u64, limit: usize) -> Result<Vec<EntryRow>, Error>;

    /// Marks a case as being purged, which ends its claim, and returns it. With `idle`, a case with pending or claimed work
    /// stays unchanged. Returns `None` if the case does not exist or stays unchanged.
    async fn begin_purge(&self, case: u64, idle: bool) -> Result<Option<CaseRow>, Error>;

    /// Creates a case that is marked as being purged and has this as both of its names, unless a case has the name. Returns
    /// the id of the new case.
    async fn begin_purge_of_unused(&self, link: Link) -> Result<Option<u64>, Error>;

    /// Removes a case with all of its rows and tokens.
    async fn remove(&self, case: u64) -> Result<(), Error>;

    /// Returns space that removed rows have left to the system, if the database does not do so by itself. Other
    /// operations can run meanwhile.
    async fn compact(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Claims cases with pending work that is due: since `now` or earlier, or after `latest`, because no one can have set
    /// such a time with the present clock. With `providers`, only cases of these. Returns the claims with the number of
    /// attempts.
    async fn claim(
        &self,
        limit: usize,
        now: Timestamp,
        latest: Option<Timestamp>,
        providers: Option<&[String]>,
    ) -> Result<Vec<(Lease, u64)>, Error>;

    /// Claims a case that no worker has claimed, with or without pending work. Returns the claim with the number of
    /// attempts.
    async fn claim_case(&self, case: u64) -> Result<Option<(Lease, u64)>, Error>;

    /// Waits until a unit of work is opened, in another process too, or becomes claimable because a claim ended. What
    /// happened since the last wait ends it at once. It may end without a reason, and never ends in an engine that cannot
    /// observe other processes: wait for a time at most, and then claim.
    async fn changed(&self) -> Result<(), Error> {
        std::future::pending().await
    }

    /// Returns the claims in order of their cases. With `providers`, only of cases of these.
    async fn claimed(&self, after: u64, limit: usize, providers: Option<&[String]>) -> Result<Vec<Held>, Error>;

    /// Claims a case again if its claim and beat are still these. Returns the claim with the number of attempts.
    async fn take_over(&self, held: Held) -> Result<Option<(Lease, u64)>, Error>;

    /// Changes the beat of a claim.
    async fn renew(&self, lease: Lease) -> Result<(), Error>;

    /// Ends a claim.
    async fn finish(&self, lease: Lease, end: Finish) -> Result<(), Error>;

    /// Makes done and dead events of a case pending, and opens a unit. Returns whether the case exists.
    async fn replay(&self, case: u64, now: Timestamp) -> Result<bool, Error>;

    /// Returns a named value.
    async fn value(&self, name: &str) -> Result<Option<Vec<u8>>, Error>;

    /// Replaces a named value if it is the expected one. Returns whether it was.
    async fn swap_value(&self, name: &str, expected: Option<Vec<u8>>, new: Vec<u8>) -> Result<bool, Error>;

    /// Adds a token, unless its hash exists. With a lease, it is a token of the lease's case.
    async fn add_token(&self, token: TokenRow, lease: Option<Lease>) -> Result<(), Error>;

    /// Returns the token that has this hash.
    async fn token(&self, hash: [u8; 32]) -> Result<Option<TokenRow>, Error>;

    /// Adds tokens that belong to no case, unless their hashes exist. All other tokens of their events that belong to no case
    /// expire at this time, unless they expire before.
    async fn replace_tokens(&self, tokens: Vec<TokenRow>, expires: Timestamp) -> Result<(), Error>;

    /// Removes the tokens that have expired, and returns their number.
    async fn remove_expired_tokens(&self, now: Timestamp) -> Result<u64, Error>;

    /// Adds a record, and returns its id. The id of the row is ignored.
    async fn add_record(&self, kind: RecordKind, record: RecordRow) -> Result<u64, Error>;

    /// Returns records in order.
    async fn records(&self, kind: RecordKind, after: u64, limit: usize) -> Result<Vec<RecordRow>, Error>;

    /// Removes a record.
    async fn remove_record(&self, kind: RecordKind, id: u64) -> Result<(), Error>;
}
