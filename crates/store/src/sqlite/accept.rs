//! Deliveries that wait for the thread that writes.

use std::sync::Arc;

use identkit_core::Error;
use jiff::Timestamp;
use rusqlite::{CachedStatement, Connection, OptionalExtension as _, Row, params};
use tokio::sync::oneshot;

use super::job::{Reply, send};
use super::keys::Keys;
use super::rows::{Fault, Micros};
use crate::engine::{Arrival, SealedRow, Sealer};

/// Result of a delivery. It is an error of the [`Sealer`] if the key cannot be used.
pub(super) type Accepted = Result<Arrival, Error>;

/// A delivery. It can be stored again after its transaction was rolled back.
pub(super) struct Arriving {
    provider: String,
    /// Name of the key.
    key: Vec<u8>,
    at: Timestamp,
    sealer: Arc<dyn Sealer>,
    reply: oneshot::Sender<Result<Accepted, Fault>>,
}

impl Arriving {
    /// Returns the delivery, and what receives its result.
    pub(super) fn new(
        provider: &str,
        key: &[u8],
        at: Timestamp,
        sealer: Arc<dyn Sealer>,
    ) -> (Box<Self>, oneshot::Receiver<Result<Accepted, Fault>>) {
        let (reply, receiver) = oneshot::channel();
        (Box::new(Self { provider: provider.to_owned(), key: key.to_vec(), at, sealer, reply }), receiver)
    }

    /// Stores the delivery.
    pub(super) fn store(&self, inserts: &mut Inserts<'_>, keys: &Keys) -> Result<Accepted, Fault> {
        let seal = |value: Vec<u8>| self.sealer.seal(&value);
        let sealed = match keys.get(&self.key)? {
            Some(value) => seal(value),
            None => match self.sealer.create_key() {
                Ok(value) => seal(keys.add(&self.key, value)?),
                Err(error) => Err(error),
            },
        };
        match sealed {
            Ok(row) => inserts.insert(&self.provider, self.at, &row).map(Ok),
            Err(error) => Ok(Err(error)),
        }
    }

    /// Returns what reports a result when the transaction has ended.
    pub(super) fn reply(self: Box<Self>, result: Result<Accepted, Fault>) -> Reply {
        Box::new(move |ended| send(self.reply, result, ended))
    }
}

/// The statements of deliveries, prepared once for all that wait.
pub(super) struct Inserts<'a> {
    db: &'a Connection,
    find: CachedStatement<'a>,
    change: CachedStatement<'a>,
    open: CachedStatement<'a>,
    add_case: CachedStatement<'a>,
    add_event: CachedStatement<'a>,
}

impl<'a> Inserts<'a> {
    pub(super) fn prepare(db: &'a Connection) -> Result<Self, Fault> {
        Ok(Self {
            db,
            find: db.prepare_cached("SELECT id, purging, pending = 1 AND due <= ?2 FROM cases WHERE vendor = ?1")?,
            // The columns of the other one are in indexes.
            change: db.prepare_cached("UPDATE cases SET changed = ?2 WHERE id = ?1 AND changed < ?2")?,
            open: db.prepare_cached(
                "UPDATE cases SET changed = max(changed, ?2), due = iif(pending = 1, min(due, ?2), ?2), pending = 1 \
                 WHERE id = ?1",
            )?,
            add_case: db.prepare_cached(
                "INSERT INTO cases (provider, vendor, created, changed, pending, due) VALUES (?1, ?2, ?3, ?3, 1, ?3)",
            )?,
            add_event: db
                .prepare_cached("INSERT INTO events (case_id, name, received, body) VALUES (?1, ?2, ?3, ?4)")?,
        })
    }

    fn insert(&mut self, provider: &str, at: Timestamp, row: &SealedRow) -> Result<Arrival, Fault> {
        let SealedRow { vendor, event } = row;
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let case = match self.find.query_row(params![vendor, Micros(at)], read).optional()? {
            Some((case, true, _)) => return Ok(Arrival::Purging { case }),
            Some((case, false, waits)) => {
                let update = if waits { &mut self.change } else { &mut self.open };
                update.execute(params![case, Micros(at)])?;
                case
            }
            None => {
                self.add_case.execute(params![provider, vendor, Micros(at)])?;
                self.db.last_insert_rowid().unsigned_abs()
            }
        };
        let Some((name, body)) = event else { return Ok(Arrival::Stored { case, event: 0 }) };
        self.add_event.execute(params![case, name, Micros(at), body])?;
        Ok(Arrival::Stored { case, event: self.db.last_insert_rowid().unsigned_abs() })
    }
}
