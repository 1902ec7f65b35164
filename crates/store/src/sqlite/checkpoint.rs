//! The thread that moves the WAL into its file, so that no commit waits for it.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;

use super::queue::Queue;

/// Number of written operations after which the WAL is moved into the file.
const OPERATIONS: usize = 1_000;

/// Number of pages from which on the WAL is long: 32 MiB.
const LONG: i64 = 8 * 1024;

/// The thread, and the number of operations since its last turn.
pub(super) struct Checkpoints {
    thread: Queue<()>,
    written: Cell<usize>,
    long: Arc<AtomicBool>,
}

impl Checkpoints {
    pub(super) fn start(connection: Connection) -> std::io::Result<Self> {
        let long = Arc::new(AtomicBool::new(false));
        let found = Arc::clone(&long);
        let thread = Queue::start(1, "identkit-checkpoint", move |turns| {
            while turns.recv().is_ok() {
                found.store(move_wal(&connection) > LONG, Ordering::Relaxed);
            }
        })?;
        Ok(Self { thread, written: Cell::new(0), long })
    }

    /// Counts operations that `writer` has committed, and moves the WAL from time to time.
    ///
    /// SQLite begins the WAL anew only when all of it is in the file. Under load, another operation is always written meanwhile,
    /// and the WAL would grow without limit. So if it is long, the rest is moved here, where nothing is written: it is
    /// short, because the thread has just moved nearly all of it.
    pub(super) fn count(&self, operations: usize, writer: &Connection) {
        self.written.set(self.written.get() + operations);
        if self.long.swap(false, Ordering::Relaxed) {
            move_wal(writer);
        } else if self.written.get() >= OPERATIONS {
            self.written.set(0);
            self.thread.try_send(());
        }
    }
}

/// Moves as much of the WAL as no reader prevents, and returns the number of its pages. If it fails, a later turn does it:
/// no data depend on it.
fn move_wal(connection: &Connection) -> i64 {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1)).unwrap_or_default()
}
