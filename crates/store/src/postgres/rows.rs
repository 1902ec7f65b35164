//! Rows and errors of PostgreSQL in the words of the engine.

use std::error::Error as _;
use std::sync::Arc;

use deadpool_postgres::PoolError;
use identkit_core::{Advice, Error, Kind};
use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, ToSql};

use crate::engine::{CaseRow, EntryRow, EventRow, EventState, Link, RecordKind, RecordRow, TokenRow};

/// Why an operation failed. All operations of one transaction can get the same fault.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    Database(Arc<tokio_postgres::Error>),
    /// The outcome of a commit is unknown.
    Commit(Arc<tokio_postgres::Error>),
    /// A row has a value that the engine does not write.
    Damaged,
    /// The server does not sync its writes.
    Unsynced,
    /// A later release has written a schema.
    Newer,
    /// A schema is that of another program.
    Foreign,
    /// The engine rejects the operation.
    Rejected(fn() -> Error),
    /// A delivery cannot be encrypted.
    Unsealed(Arc<Error>),
    /// Too many operations wait.
    Full,
    /// No connection is free, or none can be created in time.
    NoConnection,
    /// The task has ended.
    Ended,
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

impl From<PoolError> for Fault {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => error.into(),
            _ => Self::NoConnection,
        }
    }
}

impl Fault {
    /// Whether a value of the operation is the cause: a wrong, duplicate or excessive one.
    pub(super) fn concerns_one_operation(&self) -> bool {
        let Self::Database(error) = self else { return false };
        error.code().is_some_and(|code| ["22", "23", "54"].iter().any(|class| code.code().starts_with(class)))
    }

    pub(super) fn into_error(self) -> Error {
        let storage = |text: &str| Error::new(Kind::Storage, format!("the database: {text}"));
        match self {
            Self::Database(error) => {
                let (kind, text) = explain(&error);
                let explained = Error::new(kind, format!("the database: {text}")).with_source(Arc::clone(&error));
                if text == BROKEN { explained.with_advice(Advice::RetryLater) } else { explained }
            }
            Self::Commit(error) => {
                storage("the connection broke during a commit: what was written may be stored or not")
                    .with_source(error)
            }
            Self::Damaged => storage("a row has an invalid value"),
            Self::Unsynced => storage("the server has fsync = off, so it would lose what was written: turn it on"),
            Self::Newer => storage("a later release of identkit has written it"),
            Self::Foreign => storage("the schema identkit or identkit_keys is that of another program"),
            Self::Rejected(error) => error(),
            Self::Unsealed(error) => {
                let (kind, text) = (error.kind(), error.to_string());
                Arc::try_unwrap(error).unwrap_or_else(|_| Error::new(kind, text))
            }
            Self::Full => Error::new(Kind::Unavailable, "too many operations wait for the database"),
            Self::NoConnection => Error::new(Kind::Unavailable, "no connection to the database became free in time"),
            Self::Ended => storage("the task that uses it has ended"),
        }
    }
}

const BROKEN: &str = "the server cannot be reached, or the connection broke";

/// The error codes of PostgreSQL, <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn explain(error: &tokio_postgres::Error) -> (Kind, &'static str) {
    let Some(code) = error.code() else {
        return match error.source().map(ToString::to_string) {
            Some(text) if text == "server does not support TLS" => (Kind::Storage, "the server does not offer TLS"),
            _ if is_untrusted(error) => {
                (Kind::Storage, "the server's certificate is not trusted, has expired or has another name")
            }
            _ => (Kind::Storage, BROKEN),
        };
    };
    match code.code() {
        "55P03" | "57014" | "40001" | "40P01" => (Kind::Unavailable, "another process holds the database for too long"),
        "53300" | "57P03" => (Kind::Unavailable, "the server accepts no further connections now"),
        "53100" => (Kind::Storage, "the disk is full"),
        "28000" | "28P01" => (Kind::Storage, "the server rejects the user, the password or the connection"),
        "3D000" => (Kind::Storage, "it does not exist"),
        "42501" => (Kind::Storage, "the user lacks a privilege"),
        "25006" => (Kind::Storage, "the server is read-only"),
        code if code.starts_with("22") => (Kind::InvalidInput, "a value cannot be stored, e.g. a text with a NUL"),
        _ => (Kind::Storage, "the database failed"),
    }
}

fn is_untrusted(error: &tokio_postgres::Error) -> bool {
    let io = error.source().and_then(|source| source.downcast_ref::<std::io::Error>());
    let tls = io.and_then(|error| error.get_ref()).and_then(|error| error.downcast_ref::<rustls::Error>());
    matches!(tls, Some(rustls::Error::InvalidCertificate(_)))
}

/// A value of a statement.
pub(super) type Value = Box<dyn ToSql + Sync + Send>;

macro_rules! values {
    ($($value:expr),*) => { vec![$(Box::new($value) as $crate::postgres::rows::Value),*] };
}
pub(super) use values;

/// An id or a limit that may be larger than PostgreSQL's integers.
pub(super) fn integer(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

pub(super) fn link(link: Link) -> Vec<u8> {
    link.0.to_vec()
}

/// Open states are below 2, as the index `events_open` requires.
pub(super) fn event_state(state: EventState) -> i16 {
    match state {
        EventState::Pending => 0,
        EventState::Claimed => 1,
        EventState::Done => 2,
        EventState::Dead => 3,
    }
}

pub(super) fn record_kind(kind: RecordKind) -> i16 {
    match kind {
        RecordKind::Response => 0,
        RecordKind::Deletion => 1,
    }
}

pub(super) fn column<'a, T: FromSql<'a>>(row: &'a Row, index: usize) -> Result<T, Fault> {
    Ok(row.try_get(index)?)
}

pub(super) fn number(row: &Row, index: usize) -> Result<u64, Fault> {
    u64::try_from(column::<i64>(row, index)?).map_err(|_| Fault::Damaged)
}

fn time(row: &Row, index: usize) -> Result<Timestamp, Fault> {
    Timestamp::from_microsecond(column(row, index)?).map_err(|_| Fault::Damaged)
}

fn read_link(row: &Row, index: usize) -> Result<Option<Link>, Fault> {
    let bytes: Option<&[u8]> = column(row, index)?;
    bytes.map(|bytes| bytes.try_into().map(Link).map_err(|_| Fault::Damaged)).transpose()
}

pub(super) const CASE: &str = "SELECT id, provider, reference, vendor, status, state, version, created, changed, \
    pending, due, claimed, fence, beat, attempts, dead, purging FROM cases";

pub(super) fn case(row: &Row) -> Result<CaseRow, Fault> {
    Ok(CaseRow {
        id: number(row, 0)?,
        provider: column(row, 1)?,
        reference: read_link(row, 2)?,
        vendor: read_link(row, 3)?,
        status: column(row, 4)?,
        state: column(row, 5)?,
        version: number(row, 6)?,
        created: time(row, 7)?,
        changed: time(row, 8)?,
        pending: column(row, 9)?,
        due: time(row, 10)?,
        claimed: column(row, 11)?,
        fence: number(row, 12)?,
        beat: number(row, 13)?,
        attempts: number(row, 14)?,
        dead: column(row, 15)?,
        purging: column(row, 16)?,
    })
}

pub(super) const EVENT: &str = "SELECT events.id, case_id, provider, vendor, name, received, events.state, \
    events.attempts, body FROM events JOIN cases ON cases.id = case_id";

pub(super) fn event(row: &Row) -> Result<EventRow, Fault> {
    let state = match column::<i16>(row, 6)? {
        0 => EventState::Pending,
        1 => EventState::Claimed,
        2 => EventState::Done,
        3 => EventState::Dead,
        _ => return Err(Fault::Damaged),
    };
    Ok(EventRow {
        id: number(row, 0)?,
        case: number(row, 1)?,
        provider: column(row, 2)?,
        vendor: read_link(row, 3)?.ok_or(Fault::Damaged)?,
        name: column(row, 4)?,
        received: time(row, 5)?,
        state,
        attempts: number(row, 7)?,
        body: column(row, 8)?,
    })
}

pub(super) fn entry(row: &Row) -> Result<EntryRow, Fault> {
    Ok(EntryRow { id: number(row, 0)?, at: time(row, 1)?, body: column(row, 2)? })
}

pub(super) fn record(row: &Row) -> Result<RecordRow, Fault> {
    Ok(RecordRow {
        id: number(row, 0)?,
        at: time(row, 1)?,
        name: column(row, 2)?,
        link: read_link(row, 3)?,
        body: column(row, 4)?,
    })
}

pub(super) fn token(row: &Row, hash: [u8; 32]) -> Result<TokenRow, Fault> {
    let case = column::<Option<i64>>(row, 3)?.map(i64::unsigned_abs);
    let expires = column::<Option<i64>>(row, 4)?.map(Timestamp::from_microsecond).transpose();
    let expires = expires.map_err(|_| Fault::Damaged)?;
    Ok(TokenRow { hash, provider: column(row, 1)?, event: column(row, 2)?, case, expires })
}
