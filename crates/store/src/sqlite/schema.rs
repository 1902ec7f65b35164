//! The tables, and how a file gets them.

use rusqlite::Connection;

use super::rows::Fault;

/// Tables of a file, one text for each version of the schema. A release adds at most one text and changes none. The statements
/// of the release before must work with it.
pub(super) type Schema = &'static [&'static str];

pub(super) const KEYS: Schema = &["
    CREATE TABLE store (one INTEGER PRIMARY KEY CHECK (one = 1), id BLOB NOT NULL) STRICT;
    CREATE TABLE keys (name BLOB PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
"];

// `AUTOINCREMENT`, so that an id is not used again after a purge: lists are read from an id on.
pub(super) const DATA: Schema = &["
    CREATE TABLE store (one INTEGER PRIMARY KEY CHECK (one = 1), id BLOB NOT NULL) STRICT;
    CREATE TABLE cases (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        provider TEXT NOT NULL,
        reference BLOB UNIQUE,
        vendor BLOB UNIQUE,
        status TEXT NOT NULL DEFAULT '',
        state BLOB NOT NULL DEFAULT x'',
        version INTEGER NOT NULL DEFAULT 0,
        created INTEGER NOT NULL,
        changed INTEGER NOT NULL,
        pending INTEGER NOT NULL,
        due INTEGER NOT NULL,
        claimed INTEGER NOT NULL DEFAULT 0,
        fence INTEGER NOT NULL DEFAULT 0,
        beat INTEGER NOT NULL DEFAULT 0,
        attempts INTEGER NOT NULL DEFAULT 0,
        dead TEXT,
        purging INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX cases_due ON cases (due, id) WHERE pending = 1 AND claimed = 0;
    CREATE INDEX cases_claimed ON cases (id) WHERE claimed = 1;
    CREATE INDEX cases_idle ON cases (changed) WHERE pending = 0 AND claimed = 0;
    CREATE INDEX cases_purging ON cases (id) WHERE purging = 1;
    CREATE INDEX cases_status ON cases (status, id);
    CREATE TABLE events (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        case_id INTEGER NOT NULL,
        name TEXT NOT NULL,
        received INTEGER NOT NULL,
        state INTEGER NOT NULL DEFAULT 0,
        attempts INTEGER NOT NULL DEFAULT 0,
        body BLOB NOT NULL
    ) STRICT;
    CREATE INDEX events_case ON events (case_id, id);
    CREATE INDEX events_open ON events (case_id) WHERE state < 2;
    CREATE TABLE entries (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        case_id INTEGER NOT NULL,
        at INTEGER NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
    CREATE INDEX entries_case ON entries (case_id, id);
    CREATE TABLE marks (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE records (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        kind INTEGER NOT NULL,
        at INTEGER NOT NULL,
        name TEXT NOT NULL,
        link BLOB,
        body BLOB NOT NULL
    ) STRICT;
    CREATE INDEX records_kind ON records (kind, id);
    CREATE TABLE tokens (
        hash BLOB PRIMARY KEY,
        provider TEXT NOT NULL,
        event TEXT NOT NULL,
        case_id INTEGER,
        expires INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX tokens_case ON tokens (case_id) WHERE case_id IS NOT NULL;
    CREATE INDEX tokens_event ON tokens (provider, event) WHERE case_id IS NULL;
"];

/// Brings a file to the present version in one transaction.
pub(super) fn migrate(connection: &Connection, schema: Schema) -> Result<(), Fault> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let migrated = || -> Result<(), Fault> {
        let version: usize = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if version == schema.len() + 1 {
            // The next release has migrated it while this one still runs, or this one runs again after an upgrade that failed.
            return Ok(());
        }
        let missing = schema.get(version..).ok_or(Fault::Newer)?;
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if version == 0 && tables > 0 {
            return Err(Fault::Foreign);
        }
        for text in missing {
            connection.execute_batch(text)?;
        }
        connection.pragma_update(None, "user_version", schema.len())?;
        Ok(())
    };
    let migrated = migrated();
    connection.execute_batch(if migrated.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    migrated
}
