//! A file of the store: its connections, the thread that writes and the one that reads.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use identkit_core::Error;
use identkit_files::{FileIdentity, create_file};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use super::queue::{Job, Queue, Reply};
use super::rows::Fault;
use super::schema::{Schema, migrate};

/// How long an operation waits for another process.
const BUSY: Duration = Duration::from_secs(2);

/// How long the WAL waits for readers before it is truncated. A reader of another process must not delay writes.
const READERS: Duration = Duration::from_millis(50);

/// Maximum number of operations that one transaction commits.
const BATCH: usize = 256;

/// Number of written operations after which an idle thread moves the WAL into the file, and after which a busy one does.
const CHECKPOINT: (usize, usize) = (1_000, 20_000);

/// A file with both threads.
pub(super) struct Database {
    writer: Queue,
    reader: Queue,
}

/// A file that is open, before its threads start.
pub(super) struct Opened {
    pub(super) setup: Setup,
    reader: Connection,
    files: Vec<(PathBuf, FileIdentity)>,
    queue: usize,
}

/// The connection that writes.
pub(super) struct Setup(Connection);

impl Database {
    pub(super) fn open(path: PathBuf, schema: Schema, vfs: Option<&str>, queue: usize) -> Result<Opened, Fault> {
        let before = match vfs {
            Some(_) => None,
            None => {
                // SQLite gives its other files the mode of the database.
                create_file(&path)?;
                Some(FileIdentity::of(&path)?)
            }
        };
        let writer = connect(&path, vfs)?;
        // The first setting has an effect on a new file only, before anything is written to it.
        writer.execute_batch(
            "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; \
             PRAGMA checkpoint_fullfsync = ON; PRAGMA secure_delete = ON; \
             PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 67108864;",
        )?;
        migrate(&writer, schema)?;
        let reader = connect(&path, vfs)?;
        reader.execute_batch("PRAGMA query_only = ON")?;
        let mut files = Vec::new();
        if let Some(before) = before {
            // Processes with different `-shm` files would not see each other's locks.
            for suffix in ["-wal", "-shm"] {
                let mut name = OsString::from(&path);
                name.push(suffix);
                let name = PathBuf::from(name);
                files.push((name.clone(), FileIdentity::of(&name)?));
            }
            // Both connections have the file that was found before the first was opened, if it is still there.
            files.push((path, before));
            in_place(&files)?;
        }
        Ok(Opened { setup: Setup(writer), reader, files, queue })
    }

    /// Runs `work` in a transaction that may contain other operations, and returns after its commit.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        self.writer.call(false, |connection| in_savepoint(connection, work)).await
    }

    /// Like [`write`](Self::write). What `work` removes is removed from the WAL, too.
    pub(super) async fn erase<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        self.writer.call(true, |connection| in_savepoint(connection, work)).await
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        self.reader.call(false, work).await
    }
}

impl Opened {
    /// Makes each write fail after a file of `other` was removed or replaced.
    pub(super) fn requires(&mut self, other: &Self) {
        self.files.extend(other.files.iter().cloned());
    }

    pub(super) fn start(self) -> Result<Database, Error> {
        let Self { setup: Setup(writer), reader, files, queue } = self;
        let start = || -> std::io::Result<Database> {
            Ok(Database {
                writer: Queue::start(queue, "identkit-write", move |jobs| write_all(&writer, &files, &jobs))?,
                reader: Queue::start(queue, "identkit-read", move |jobs| read_all(&reader, &jobs))?,
            })
        };
        start().map_err(|error| Fault::from(error).into_error("a thread"))
    }
}

impl Setup {
    /// The id that both files of a store have.
    pub(super) fn id(&self) -> Result<Option<[u8; 16]>, Fault> {
        Ok(self.0.query_row("SELECT id FROM store", [], |row| row.get(0)).optional()?)
    }

    pub(super) fn id_or_insert(&self, id: &[u8; 16]) -> Result<[u8; 16], Fault> {
        self.0.execute("INSERT OR IGNORE INTO store VALUES (1, ?1)", [id])?;
        Ok(self.0.query_row("SELECT id FROM store", [], |row| row.get(0))?)
    }
}

fn connect(path: &Path, vfs: Option<&str>) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = match vfs {
        Some(vfs) => Connection::open_with_flags_and_vfs(path, flags | OpenFlags::SQLITE_OPEN_CREATE, vfs)?,
        // A file that was removed since it was created is not created again with another mode.
        None => Connection::open_with_flags(path, flags)?,
    };
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// The thread that reads: one snapshot for all operations that wait. It is taken after the last of them was queued, so each
/// of them reads what was committed before it began.
fn read_all(connection: &Connection, jobs: &Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        let batch: Vec<Job> = std::iter::once(first).chain(jobs.try_iter().take(BATCH - 1)).collect();
        // If it fails, each operation has a snapshot of its own.
        let _ = connection.prepare_cached("BEGIN").and_then(|mut begin| begin.execute([]));
        batch.into_iter().for_each(|job| job.run(connection)(Ok(())));
        if !connection.is_autocommit() {
            // It has nothing to undo, and ends the snapshot also after an operation that failed.
            let _ = connection.prepare_cached("ROLLBACK").and_then(|mut end| end.execute([]));
        }
    }
}

/// The thread that writes: one transaction for all operations that wait.
fn write_all(connection: &Connection, files: &[(PathBuf, FileIdentity)], jobs: &Receiver<Job>) {
    let (mut written, mut erases) = (0, false);
    let mut next = None;
    while let Some(first) = next.take().or_else(|| jobs.recv().ok()) {
        let batch: Vec<Job> = std::iter::once(first).chain(jobs.try_iter().take(BATCH - 1)).collect();
        written += batch.len();
        erases |= batch.iter().any(|job| job.erases);
        let mut replies = Vec::with_capacity(batch.len());
        // Before it, too: a write to files that others have replaced could damage the new ones.
        let committed = match in_place(files) {
            Ok(()) => transaction(connection, batch, &mut replies).and_then(|()| in_place(files)),
            Err(fault) => reject(connection, batch, &mut replies, fault),
        };
        replies.into_iter().for_each(|reply| reply(committed.clone()));
        next = jobs.try_recv().ok();
        let (idle, busy) = CHECKPOINT;
        if erases || written >= busy || (written >= idle && next.is_none()) {
            // A reader can prevent it. Then a later one does it: no data depend on it.
            let mode = if erases { "PRAGMA wal_checkpoint(TRUNCATE)" } else { "PRAGMA wal_checkpoint(PASSIVE)" };
            let blocked =
                connection.busy_timeout(READERS).and_then(|()| connection.query_row(mode, [], |row| row.get(0)));
            let _ = connection.busy_timeout(BUSY);
            (written, erases) = (0, erases && blocked.unwrap_or(true));
        }
    }
}

/// Runs no operation: without a transaction, each reports that it was rolled back, and `fault` is why.
fn reject(connection: &Connection, batch: Vec<Job>, replies: &mut Vec<Reply>, fault: Fault) -> Result<(), Fault> {
    replies.extend(batch.into_iter().map(|job| job.run(connection)));
    Err(fault)
}

fn transaction(connection: &Connection, batch: Vec<Job>, replies: &mut Vec<Reply>) -> Result<(), Fault> {
    let begun = connection.prepare_cached("BEGIN IMMEDIATE").and_then(|mut begin| begin.execute([]));
    for job in batch {
        // Without a transaction, the job fails and reports why.
        replies.push(job.run(connection));
    }
    begun?;
    if connection.is_autocommit() {
        // SQLite has rolled back after an operation that reported why, e.g. because the disk is full.
        return Err(Fault::RolledBack);
    }
    let committed = connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
    if committed.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    committed?;
    Ok(())
}

/// Runs an operation so that its failure leaves the others of the transaction unchanged.
fn in_savepoint<T>(connection: &Connection, work: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, Fault> {
    if connection.is_autocommit() {
        return Err(Fault::RolledBack);
    }
    connection.prepare_cached("SAVEPOINT job")?.execute([])?;
    let result = work(connection);
    if result.is_err() && !connection.is_autocommit() {
        connection.prepare_cached("ROLLBACK TO job")?.execute([])?;
    }
    if !connection.is_autocommit() {
        connection.prepare_cached("RELEASE job")?.execute([])?;
    }
    result
}

/// Whether the files are still at their paths. A commit to a file that was removed would be lost with the process.
fn in_place(files: &[(PathBuf, FileIdentity)]) -> Result<(), Fault> {
    let same = |(path, identity): &(PathBuf, FileIdentity)| FileIdentity::of(path).is_ok_and(|now| now == *identity);
    if files.iter().all(same) { Ok(()) } else { Err(Fault::Moved) }
}
