//! The thread that moves the WAL into its file, so that commits seldom wait for it.
//!
//! SQLite begins the WAL again at its start only when all of it is in the file and no reader uses it. Under load, another
//! operation is always written while the thread moves the others, and the WAL would grow without limit. So if it is long, the
//! thread that writes moves the rest: it is short after a turn of the other thread.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use super::queue::Queue;

/// When the WAL is moved.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// Number of written operations after which the thread has a turn.
    pub(super) operations: usize,
    /// Number of pages of a rest that is short. The thread has a turn for four times as many.
    pub(super) short: i64,
    /// Number of pages of a WAL that is long.
    pub(super) long: i64,
    /// Number of pages from which on the thread that writes moves all of them, even if the rest is not short.
    pub(super) most: i64,
}

impl Limits {
    /// Limits for pages of 4 KiB: a WAL of 32 MiB is long, and 64 MiB are too long.
    pub(super) const DEFAULT: Self = Self { operations: 1_000, short: 1_024, long: 8 * 1_024, most: 16 * 1_024 };
}

/// The thread of a file.
pub(super) struct Checkpoints {
    thread: Queue<()>,
    /// Locked while the thread moves the WAL.
    turn: Arc<Mutex<()>>,
    limits: Limits,
    /// Number of operations since its last turn.
    written: AtomicUsize,
}

impl Checkpoints {
    pub(super) fn start(connection: Connection, limits: Limits) -> std::io::Result<Self> {
        let turn = Arc::new(Mutex::new(()));
        let own = Arc::clone(&turn);
        let thread = Queue::start(1, "identkit-checkpoint", move |turns| {
            while turns.recv().is_ok() {
                let _turn = own.lock().unwrap_or_else(PoisonError::into_inner);
                move_wal(&connection);
            }
        })?;
        Ok(Self { thread, turn, limits, written: AtomicUsize::new(0) })
    }

    /// Counts operations that a connection has committed, and keeps the WAL short.
    pub(super) fn count(&self, operations: usize, writer: &Connection) {
        let Limits { operations: wanted, short, long, most } = self.limits;
        let written = self.written.fetch_add(operations, Ordering::Relaxed) + operations;
        let (pages, rest) = length(writer).unwrap_or_default();
        if pages >= most || (pages >= long && rest < short) {
            // SQLite refuses two at once. Only a WAL that is too long waits for the thread.
            let turn = if pages < most {
                self.turn.try_lock().ok()
            } else {
                Some(self.turn.lock().unwrap_or_else(PoisonError::into_inner))
            };
            if turn.is_some() {
                move_wal(writer);
            }
        } else if written >= wanted || rest >= 4 * short {
            self.written.store(0, Ordering::Relaxed);
            self.thread.try_send(());
        }
    }
}

/// Number of pages in the WAL, and of those that are not in the file.
fn length(connection: &Connection) -> rusqlite::Result<(i64, i64)> {
    let mut noop = connection.prepare_cached("PRAGMA wal_checkpoint(NOOP)")?;
    noop.query_row([], |row| {
        let (pages, moved): (i64, i64) = (row.get(1)?, row.get(2)?);
        Ok((pages, pages - moved))
    })
}

/// Moves as much of the WAL as no reader prevents. If it fails, a later turn does it: no data depend on it.
fn move_wal(connection: &Connection) {
    let _ =
        connection.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)").and_then(|mut run| run.query_row([], |_| Ok(())));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wal_stays_short_while_operations_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let writer = Connection::open(&path).unwrap();
        let pragmas = "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 0";
        writer.execute_batch(pragmas).unwrap();
        writer.execute_batch("CREATE TABLE pages (content BLOB)").unwrap();
        let limits = Limits { operations: 50, short: 100, long: 400, most: 1_000 };
        let checkpoints = Checkpoints::start(Connection::open(&path).unwrap(), limits).unwrap();
        let mut longest = 0;
        for _ in 0..1_000 {
            let rows = "(VALUES (1), (2), (3), (4), (5), (6), (7), (8))";
            writer.execute_batch(&format!("INSERT INTO pages SELECT randomblob(4000) FROM {rows}")).unwrap();
            checkpoints.count(8, &writer);
            longest = longest.max(length(&writer).unwrap().0);
        }
        assert!(longest < 1_100, "{longest}");
        drop(checkpoints);
        assert_eq!(writer.query_row("SELECT count(*) FROM pages", [], |row| row.get::<_, i64>(0)), Ok(8_000));
    }
}
