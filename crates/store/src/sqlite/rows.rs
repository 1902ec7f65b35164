//! Rows and errors of SQLite in the words of the engine.

use std::sync::Arc;

use identkit_core::{Error, Kind};
use jiff::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{ErrorCode, Row};

use crate::engine::{CaseRow, EntryRow, EventRow, EventState, Link, RecordKind, RecordRow, TokenRow};

/// Why an operation failed. All operations of one transaction can get the same fault.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    Sqlite(Arc<rusqlite::Error>),
    File(Arc<std::io::Error>),
    /// The path names another file than the one that is open.
    Moved,
    /// A later release has written the file.
    Newer,
    /// The file is a database of another program.
    Foreign,
    /// SQLite has rolled back the transaction after another of its operations.
    RolledBack,
    /// The engine rejects the operation.
    Rejected(fn() -> Error),
    /// Too many operations wait.
    Full,
    /// The thread has ended.
    Ended,
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(Arc::new(error))
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::File(Arc::new(error))
    }
}

impl Fault {
    /// Whether another process holds a lock for too long.
    pub(super) fn is_busy(&self) -> bool {
        let Self::Sqlite(error) = self else { return false };
        matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
    }

    pub(super) fn into_error(self, file: &str) -> Error {
        let storage = |text: &str| Error::new(Kind::Storage, format!("{file}: {text}"));
        match self {
            Self::Sqlite(error) => {
                let (kind, text) = match error.sqlite_error_code() {
                    Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                        (Kind::Unavailable, "another process holds the database for too long")
                    }
                    Some(ErrorCode::DiskFull) => (Kind::Storage, "the disk is full"),
                    Some(ErrorCode::NotADatabase) => (Kind::Storage, "it is not a SQLite database"),
                    Some(ErrorCode::CannotOpen) => (Kind::Storage, "it cannot be opened"),
                    _ => (Kind::Storage, "the database failed"),
                };
                Error::new(kind, format!("{file}: {text}")).with_source(error)
            }
            Self::File(error) => storage("it cannot be created or examined").with_source(error),
            Self::Moved => storage("it was removed or replaced while it was open: open the store again"),
            Self::Newer => storage("a later release of identkit has written it"),
            Self::Foreign => storage("it is a database of another program"),
            Self::RolledBack => storage("another operation of the same transaction failed"),
            Self::Rejected(error) => error(),
            Self::Full => Error::new(Kind::Unavailable, "too many operations wait for the database"),
            Self::Ended => storage("the thread that uses it has ended"),
        }
    }
}

/// A time as an integer.
pub(super) struct Micros(pub(super) Timestamp);

impl ToSql for Micros {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_microsecond().into())
    }
}

impl FromSql for Micros {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Timestamp::from_microsecond(value.as_i64()?).map(Self).map_err(FromSqlError::other)
    }
}

impl ToSql for Link {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

impl FromSql for Link {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        <[u8; Self::LENGTH]>::column_result(value).map(Self)
    }
}

/// Open states are below 2, as the index `events_open` requires.
impl ToSql for EventState {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let number = match self {
            Self::Pending => 0,
            Self::Claimed => 1,
            Self::Done => 2,
            Self::Dead => 3,
        };
        Ok(number.into())
    }
}

impl FromSql for EventState {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_i64()? {
            0 => Ok(Self::Pending),
            1 => Ok(Self::Claimed),
            2 => Ok(Self::Done),
            3 => Ok(Self::Dead),
            other => Err(FromSqlError::OutOfRange(other)),
        }
    }
}

impl ToSql for RecordKind {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let number = match self {
            Self::Response => 0,
            Self::Deletion => 1,
        };
        Ok(number.into())
    }
}

pub(super) const CASE: &str = "SELECT id, provider, reference, vendor, status, state, version, created, changed, \
    pending, due, claimed, fence, beat, attempts, dead, purging FROM cases";

pub(super) fn case(row: &Row<'_>) -> rusqlite::Result<CaseRow> {
    Ok(CaseRow {
        id: row.get("id")?,
        provider: row.get("provider")?,
        reference: row.get("reference")?,
        vendor: row.get("vendor")?,
        status: row.get("status")?,
        state: row.get("state")?,
        version: row.get("version")?,
        created: row.get::<_, Micros>("created")?.0,
        changed: row.get::<_, Micros>("changed")?.0,
        pending: row.get("pending")?,
        due: row.get::<_, Micros>("due")?.0,
        claimed: row.get("claimed")?,
        fence: row.get("fence")?,
        beat: row.get("beat")?,
        attempts: row.get("attempts")?,
        dead: row.get("dead")?,
        purging: row.get("purging")?,
    })
}

pub(super) const EVENT: &str = "SELECT events.id, case_id, provider, vendor, name, received, events.state, \
    events.attempts, body FROM events JOIN cases ON cases.id = case_id";

pub(super) fn event(row: &Row<'_>) -> rusqlite::Result<EventRow> {
    Ok(EventRow {
        id: row.get(0)?,
        case: row.get(1)?,
        provider: row.get(2)?,
        vendor: row.get(3)?,
        name: row.get(4)?,
        received: row.get::<_, Micros>(5)?.0,
        state: row.get(6)?,
        attempts: row.get(7)?,
        body: row.get(8)?,
    })
}

pub(super) fn entry(row: &Row<'_>) -> rusqlite::Result<EntryRow> {
    Ok(EntryRow { id: row.get("id")?, at: row.get::<_, Micros>("at")?.0, body: row.get("body")? })
}

pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<RecordRow> {
    Ok(RecordRow {
        id: row.get("id")?,
        at: row.get::<_, Micros>("at")?.0,
        name: row.get("name")?,
        link: row.get("link")?,
        body: row.get("body")?,
    })
}

pub(super) fn token(row: &Row<'_>) -> rusqlite::Result<TokenRow> {
    let expires: Option<Micros> = row.get(4)?;
    Ok(TokenRow {
        hash: row.get(0)?,
        provider: row.get(1)?,
        event: row.get(2)?,
        case: row.get(3)?,
        expires: expires.map(|Micros(at)| at),
    })
}
