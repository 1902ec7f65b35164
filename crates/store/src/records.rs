//! What belongs to no case: watermarks, responses of destructive reads, the deletion ledger.

use identkit_core::{Error, Pii, Secret};
use jiff::Timestamp;

use crate::cipher;
use crate::engine::{RecordKind, RecordRow};
use crate::fault;
use crate::keys::Naming;
use crate::model::{Deletion, StoredResponse};
use crate::pack::micros;
use crate::store::Store;

impl Store {
    /// Returns a keyed hash of a text in hexadecimal digits, e.g. for the name of a [watermark](Self::watermark): it is always the
    /// same in this store, and a reader without the store's key cannot test what the text is.
    pub fn keyed_hash(&self, purpose: &str, text: &Secret) -> String {
        self.keys.hash(purpose, text).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Returns the watermark of a sweep.
    pub async fn watermark(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        self.engine.value(name).await
    }

    /// Replaces the watermark of a sweep if it is `expected`, and returns whether it was. It is not encrypted: use no
    /// personal data.
    pub async fn swap_watermark(&self, name: &str, expected: Option<&[u8]>, new: &[u8]) -> Result<bool, Error> {
        self.engine.swap_value(name, expected.map(<[u8]>::to_vec), new.to_vec()).await
    }

    /// Stores the response of a destructive read, and returns its id when it is durable. `name` is that of the operation.
    pub async fn add_response(&self, name: &str, received: Timestamp, body: &Pii<Vec<u8>>) -> Result<u64, Error> {
        // Each response has its own key, so that removing it makes it unreadable in backups, too.
        let id: String = cipher::random::<16>()?.iter().map(|byte| format!("{byte:02x}")).collect();
        let key = self.keys.get_or_create("", Naming::Record, &Secret::new(id)).await?;
        let sealed = key.seal("responses", &[name.as_bytes(), &micros(received)], body.expose())?;
        let row = RecordRow { id: 0, at: received, name: name.to_owned(), link: Some(key.link), body: sealed };
        self.engine.add_record(RecordKind::Response, row).await
    }

    /// Returns at most `limit` responses of destructive reads in the order in which they were added.
    pub async fn responses(&self, after: u64, limit: usize) -> Result<Vec<StoredResponse>, Error> {
        let mut responses = Vec::new();
        for row in self.engine.records(RecordKind::Response, after, limit).await? {
            let link = row.link.ok_or_else(fault::damaged)?;
            // A response without a key was removed.
            let Some(key) = self.keys.get(link).await? else { continue };
            let clear = key.open("responses", &[row.name.as_bytes(), &micros(row.at)], &row.body)?;
            let body = Pii::new(clear.to_vec());
            responses.push(StoredResponse { id: row.id, received: row.at, name: row.name, body });
        }
        Ok(responses)
    }

    /// Removes a response of a destructive read with its key.
    pub async fn remove_response(&self, id: u64) -> Result<(), Error> {
        let rows = self.engine.records(RecordKind::Response, id.saturating_sub(1), 1).await?;
        if let Some(row) = rows.into_iter().find(|row| row.id == id) {
            if let Some(link) = row.link {
                self.keys.remove(link).await?;
            }
            self.engine.remove_record(RecordKind::Response, id).await?;
        }
        Ok(())
    }

    /// Adds an entry to the deletion ledger, and returns its id when it is durable.
    pub async fn add_deletion(&self, deletion: &Deletion) -> Result<u64, Error> {
        self.engine.add_record(RecordKind::Deletion, deletion.row()).await
    }

    /// Returns at most `limit` entries of the deletion ledger in the order in which they were added, each with its id.
    pub async fn deletions(&self, after: u64, limit: usize) -> Result<Vec<(u64, Deletion)>, Error> {
        let read = |row: RecordRow| Ok((row.id, Deletion::from_row(&row)?));
        self.engine.records(RecordKind::Deletion, after, limit).await?.into_iter().map(read).collect()
    }
}
