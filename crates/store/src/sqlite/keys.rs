//! The keys in a transaction of the data.

use std::cell::Cell;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::checkpoint::Checkpoints;
use super::rows::Fault;

/// A connection to the keys file for the thread that writes the data.
///
/// Its transaction begins with the first key that is read or added, which is after the transaction of the data has begun.
/// [`commit`](Self::commit) precedes the commit of the data, so that no row is on the disk before its key.
pub(super) struct Keys {
    connection: Connection,
    checkpoints: Arc<Checkpoints>,
    /// Whether the transaction can write.
    writes: Cell<bool>,
    /// Number of keys that it has added.
    added: Cell<usize>,
}

impl Keys {
    pub(super) fn new(connection: Connection, checkpoints: Arc<Checkpoints>) -> Self {
        Self { connection, checkpoints, writes: Cell::new(false), added: Cell::new(0) }
    }

    /// Returns the value of a key.
    pub(super) fn get(&self, name: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        if self.connection.is_autocommit() {
            self.execute("BEGIN")?;
        }
        let mut select = self.connection.prepare_cached("SELECT value FROM keys WHERE name = ?1")?;
        Ok(select.query_row([name], |row| row.get(0)).optional()?)
    }

    /// Adds a key unless the name has one, and returns the value that the name has now.
    pub(super) fn add(&self, name: &[u8], value: Vec<u8>) -> Result<Vec<u8>, Fault> {
        if !self.writes.get() {
            // A transaction that has read an old snapshot cannot write.
            self.roll_back()?;
            self.execute("BEGIN IMMEDIATE")?;
            self.writes.set(true);
        }
        self.added.set(self.added.get() + 1);
        let mut insert = self.connection.prepare_cached("INSERT OR IGNORE INTO keys VALUES (?1, ?2)")?;
        if insert.execute(params![name, value])? > 0 {
            return Ok(value);
        }
        let mut select = self.connection.prepare_cached("SELECT value FROM keys WHERE name = ?1")?;
        Ok(select.query_row([name], |row| row.get(0))?)
    }

    /// Makes the keys that were added durable.
    pub(super) fn commit(&self) -> Result<(), Fault> {
        let committed = if self.writes.get() { self.execute("COMMIT") } else { Ok(()) };
        // Also ends a transaction that has only read. If that fails, the next transaction of the data does not begin.
        let _ = self.roll_back();
        committed
    }

    /// Ends the transaction without its keys, if it has begun.
    pub(super) fn roll_back(&self) -> Result<(), Fault> {
        self.writes.set(false);
        if self.connection.is_autocommit() { Ok(()) } else { self.execute("ROLLBACK") }
    }

    /// Moves the WAL into the file from time to time. Nothing may wait for a commit.
    pub(super) fn checkpoint(&self) {
        match self.added.take() {
            0 => {}
            added => self.checkpoints.count(added, &self.connection),
        }
    }

    fn execute(&self, sql: &str) -> Result<(), Fault> {
        Ok(self.connection.prepare_cached(sql)?.execute([]).map(drop)?)
    }
}
