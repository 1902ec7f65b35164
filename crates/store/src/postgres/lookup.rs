//! Reads of single rows that wait: one statement for all of them, as the writer has one transaction.

use std::collections::HashMap;
use std::sync::Arc;

use deadpool_postgres::Pool;
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::Row;

use super::rows::{Fault, column};

/// Maximum number of rows that one statement reads.
const BATCH: usize = 256;

type Found = Result<Option<Arc<Row>>, Fault>;

struct Wanted {
    name: Vec<u8>,
    reply: oneshot::Sender<Found>,
}

/// The sending half of the queue. Dropping it ends the task.
pub(super) struct Lookup(mpsc::Sender<Wanted>);

impl Lookup {
    /// Starts the task. The statement has the names as its parameter, and returns the name of each row first.
    pub(super) fn start(pool: Pool, sql: &'static str) -> Self {
        let (sender, received) = mpsc::channel(BATCH);
        tokio::spawn(read_all(pool, sql, received));
        Self(sender)
    }

    /// Returns the row with this name. It contains what was committed before the call.
    pub(super) async fn find(&self, name: Vec<u8>) -> Found {
        let (reply, found) = oneshot::channel();
        self.0.send(Wanted { name, reply }).await.map_err(|_| Fault::Ended)?;
        found.await.unwrap_or(Err(Fault::Ended))
    }
}

async fn read_all(pool: Pool, sql: &'static str, mut wanted: mpsc::Receiver<Wanted>) {
    let mut batch = Vec::new();
    while wanted.recv_many(&mut batch, BATCH).await > 0 {
        let found = read(&pool, sql, &batch).await;
        for Wanted { name, reply } in batch.drain(..) {
            // The caller may have stopped waiting.
            let _ = reply.send(found.as_ref().map(|rows| rows.get(&name).cloned()).map_err(Fault::clone));
        }
    }
}

async fn read(pool: &Pool, sql: &str, wanted: &[Wanted]) -> Result<HashMap<Vec<u8>, Arc<Row>>, Fault> {
    let mut names: Vec<&[u8]> = wanted.iter().map(|one| one.name.as_slice()).collect();
    names.sort_unstable();
    names.dedup();
    let client = pool.get().await?;
    let statement = client.prepare_cached(sql).await?;
    let rows = client.query(&statement, &[&names]).await?;
    rows.into_iter().map(|row| Ok((column(&row, 0)?, Arc::new(row)))).collect()
}
