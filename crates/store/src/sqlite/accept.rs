//! Deliveries that wait for the thread that writes.

use std::sync::Arc;

use identkit_core::Error;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
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
    pub(super) fn store(&self, data: &Connection, keys: &Keys) -> Result<Accepted, Fault> {
        let seal = |value: Vec<u8>| self.sealer.seal(&value);
        let sealed = match keys.get(&self.key)? {
            Some(value) => seal(value),
            None => match self.sealer.create_key() {
                Ok(value) => seal(keys.add(&self.key, &value)?),
                Err(error) => Err(error),
            },
        };
        match sealed {
            Ok(row) => insert(data, &self.provider, self.at, &row).map(Ok),
            Err(error) => Ok(Err(error)),
        }
    }

    /// Returns what reports a result when the transaction has ended.
    pub(super) fn reply(self: Box<Self>, result: Result<Accepted, Fault>) -> Reply {
        Box::new(move |ended| send(self.reply, result, ended))
    }
}

fn insert(db: &Connection, provider: &str, at: Timestamp, row: &SealedRow) -> Result<Arrival, Fault> {
    let SealedRow { vendor, event } = row;
    let mut find = db.prepare_cached("SELECT id, purging FROM cases WHERE vendor = ?1")?;
    let found = find.query_row([vendor], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let case = match found {
        Some((case, true)) => return Ok(Arrival::Purging { case }),
        Some((case, false)) => {
            let sql = "UPDATE cases SET changed = max(changed, ?2), due = iif(pending = 1, min(due, ?2), ?2), \
                pending = 1 WHERE id = ?1";
            db.prepare_cached(sql)?.execute(params![case, Micros(at)])?;
            case
        }
        None => {
            let sql = "INSERT INTO cases (provider, vendor, created, changed, pending, due) \
                VALUES (?1, ?2, ?3, ?3, 1, ?3)";
            db.prepare_cached(sql)?.execute(params![provider, vendor, Micros(at)])?;
            db.last_insert_rowid().unsigned_abs()
        }
    };
    let Some((name, body)) = event else { return Ok(Arrival::Stored { case, event: 0 }) };
    let sql = "INSERT INTO events (case_id, name, received, body) VALUES (?1, ?2, ?3, ?4)";
    db.prepare_cached(sql)?.execute(params![case, name, Micros(at), body])?;
    Ok(Arrival::Stored { case, event: db.last_insert_rowid().unsigned_abs() })
}
