//! A file of the store: its connections, the thread that writes and the one that reads.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use identkit_core::Error;
use identkit_files::{FileIdentity, create_file};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use super::accept::{Accepted, Arriving, Inserts};
use super::checkpoint::{Checkpoints, Limits};
use super::job::{Reply, Statements};
use super::keys::Keys;
use super::queue::Queue;
use super::rows::Fault;
use super::schema::{Schema, migrate};
use crate::engine::{Arrival, Sealer};

/// How long an operation waits for another process.
const BUSY: Duration = Duration::from_secs(2);

/// How long the WAL waits for readers before it is truncated. A reader of another process must not delay writes.
const READERS: Duration = Duration::from_millis(50);

/// Maximum number of operations that one transaction commits.
const BATCH: usize = 256;

/// A job of the thread that writes.
enum Job {
    Statements(Statements),
    Accept(Box<Arriving>),
}

impl Job {
    fn erases(&self) -> bool {
        matches!(self, Self::Statements(statements) if statements.erases)
    }
}

/// A file with both threads.
pub(super) struct Database {
    writer: Queue<Job>,
    reader: Queue<Statements>,
    checkpoints: Arc<Checkpoints>,
}

/// A file that is open, before its threads start.
pub(super) struct Opened {
    pub(super) setup: Setup,
    reader: Connection,
    /// The connection that moves the WAL into the file.
    checkpointer: Connection,
    place: Place,
    files: Vec<(PathBuf, FileIdentity)>,
    queue: usize,
}

/// The connection that writes.
pub(super) struct Setup(Connection);

/// Where a file is.
struct Place {
    path: PathBuf,
    vfs: Option<String>,
}

/// What the thread that writes has.
struct Writer {
    connection: Connection,
    keys: Option<Keys>,
    files: Vec<(PathBuf, FileIdentity)>,
    checkpoints: Arc<Checkpoints>,
}

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
        let place = Place { path, vfs: vfs.map(str::to_owned) };
        let writer = place.connect()?;
        // They have an effect on a new file only, before anything is written to it.
        writer.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;")?;
        set_durable(&writer)?;
        migrate(&writer, schema)?;
        let reader = place.connect()?;
        reader.execute_batch("PRAGMA query_only = ON")?;
        let checkpointer = place.connect()?;
        set_durable(&checkpointer)?;
        let mut files = Vec::new();
        if let Some(before) = before {
            // Processes with different `-shm` files would not see each other's locks.
            for suffix in ["-wal", "-shm"] {
                let mut name = OsString::from(&place.path);
                name.push(suffix);
                let name = PathBuf::from(name);
                files.push((name.clone(), FileIdentity::of(&name)?));
            }
            // All connections have the file that was found before the first was opened, if it is still there.
            files.push((place.path.clone(), before));
            in_place(&files)?;
        }
        Ok(Opened { setup: Setup(writer), reader, checkpointer, place, files, queue })
    }

    /// Runs `work` in a transaction that may contain other operations, and returns after its commit.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let (job, result) = Statements::new(false, |connection| in_savepoint(connection, work));
        self.writer.call(Job::Statements(job), result).await
    }

    /// Like [`write`](Self::write). What `work` removes is removed from the WAL, too.
    pub(super) async fn erase<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let (job, result) = Statements::new(true, |connection| in_savepoint(connection, work));
        self.writer.call(Job::Statements(job), result).await
    }

    /// Stores a delivery, like [`write`](Self::write).
    pub(super) async fn accept(
        &self,
        provider: &str,
        key: &[u8],
        at: jiff::Timestamp,
        sealer: Arc<dyn Sealer>,
    ) -> Result<Result<Arrival, Error>, Fault> {
        let (arriving, result) = Arriving::new(provider, key, at, sealer);
        self.writer.call(Job::Accept(arriving), result).await
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let (job, result) = Statements::new(false, work);
        self.reader.call(job, result).await
    }
}

impl Opened {
    /// Starts the threads of the data, whose deliveries have keys in another file. Each write fails after a file of either was
    /// removed or replaced.
    pub(super) fn start_with_keys(mut self, keys: Self) -> Result<(Database, Database), Error> {
        let connect = || {
            let connection = keys.place.connect()?;
            set_durable(&connection)?;
            // It has the file that the other connections have.
            in_place(&keys.files).map(|()| connection)
        };
        let connection = connect().map_err(|fault| fault.into_error("the keys file"))?;
        self.files.extend(keys.files.iter().cloned());
        let keys = keys.start(None)?;
        let own = Keys::new(connection, Arc::clone(&keys.checkpoints));
        Ok((self.start(Some(own))?, keys))
    }

    fn start(self, keys: Option<Keys>) -> Result<Database, Error> {
        let Self { setup: Setup(connection), reader, checkpointer, place: _, files, queue } = self;
        let start = || -> std::io::Result<Database> {
            let checkpoints = Arc::new(Checkpoints::start(checkpointer, Limits::DEFAULT)?);
            let writer = Writer { connection, keys, files, checkpoints: Arc::clone(&checkpoints) };
            Ok(Database {
                writer: Queue::start(queue, "identkit-write", move |jobs| writer.write_all(&jobs))?,
                reader: Queue::start(queue, "identkit-read", move |jobs| read_all(&reader, &jobs))?,
                checkpoints,
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

impl Place {
    fn connect(&self) -> Result<Connection, Fault> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = match &self.vfs {
            Some(vfs) => {
                let flags = flags | OpenFlags::SQLITE_OPEN_CREATE;
                Connection::open_with_flags_and_vfs(&self.path, flags, vfs.as_str())?
            }
            // A file that was removed since it was created is not created again with another mode.
            None => Connection::open_with_flags(&self.path, flags)?,
        };
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    }
}

/// Sets what a connection needs that writes or moves the WAL into the file.
fn set_durable(connection: &Connection) -> Result<(), Fault> {
    connection.execute_batch(
        "PRAGMA cache_size = -16384; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON; \
         PRAGMA secure_delete = ON; PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 67108864;",
    )?;
    Ok(())
}

/// The thread that reads: one snapshot for all operations that wait. It is taken after the last of them was queued, so each
/// of them reads what was committed before it began.
fn read_all(connection: &Connection, jobs: &Receiver<Statements>) {
    while let Ok(first) = jobs.recv() {
        let batch: Vec<Statements> = std::iter::once(first).chain(jobs.try_iter().take(BATCH - 1)).collect();
        // If it fails, each operation has a snapshot of its own.
        let _ = connection.prepare_cached("BEGIN").and_then(|mut begin| begin.execute([]));
        batch.into_iter().for_each(|job| job.run(connection)(Ok(())));
        if !connection.is_autocommit() {
            // It has nothing to undo, and ends the snapshot also after an operation that failed.
            let _ = connection.prepare_cached("ROLLBACK").and_then(|mut end| end.execute([]));
        }
    }
}

impl Writer {
    /// The thread that writes: one transaction for all operations that wait.
    fn write_all(&self, jobs: &Receiver<Job>) {
        let mut erases = false;
        while let Ok(first) = jobs.recv() {
            let batch: Vec<Job> = std::iter::once(first).chain(jobs.try_iter().take(BATCH - 1)).collect();
            let written = batch.len();
            erases |= batch.iter().any(Job::erases);
            // Before it, too: a write to files that others have replaced could damage the new ones.
            let begun = in_place(&self.files).and_then(|()| self.begin());
            let (replies, ended) = self.run(batch, begun);
            let committed = ended.and_then(|()| in_place(&self.files));
            replies.into_iter().for_each(|reply| reply(committed.clone()));
            self.keys.iter().for_each(Keys::checkpoint);
            self.checkpoints.count(written, &self.connection);
            if erases {
                erases = self.truncate_wal();
            }
        }
    }

    /// Removes what was erased from the WAL. Returns whether a reader prevents it: then a later write does it.
    fn truncate_wal(&self) -> bool {
        let truncate = "PRAGMA wal_checkpoint(TRUNCATE)";
        let truncate = || self.connection.query_row(truncate, [], |row| row.get(0));
        let blocked = self.connection.busy_timeout(READERS).and_then(|()| truncate());
        let _ = self.connection.busy_timeout(BUSY);
        blocked.unwrap_or(true)
    }

    /// Runs the operations in the transaction that has begun, and commits it. Without a transaction, each of them reports
    /// that it was rolled back, and the fault is why.
    fn run(&self, batch: Vec<Job>, mut begun: Result<(), Fault>) -> (Vec<Reply>, Result<(), Fault>) {
        let mut replies = Vec::with_capacity(batch.len());
        let (mut arriving, mut others) = (Vec::new(), Vec::new());
        for job in batch {
            match job {
                Job::Accept(one) => arriving.push(one),
                Job::Statements(statements) => others.push(statements),
            }
        }
        let results = begun.clone().and_then(|()| self.accept_all(&arriving));
        match results {
            Ok(results) => {
                replies.extend(arriving.into_iter().zip(results).map(|(one, result)| one.reply(Ok(result))));
            }
            Err(fault) => {
                if begun.is_ok() {
                    begun = self.roll_back().and_then(|()| {
                        // Each of them would wait as long as all of them.
                        if fault.is_busy() { Err(fault) } else { self.begin() }
                    });
                }
                // A savepoint costs as much as a delivery, so deliveries have one only after one of them has failed.
                replies.extend(arriving.into_iter().map(|one| {
                    let stored = in_savepoint(&self.connection, |_| self.accept_all(std::slice::from_ref(&one)));
                    one.reply(stored.and_then(|mut stored| stored.pop().ok_or(Fault::Ended)))
                }));
            }
        }
        replies.extend(others.into_iter().map(|statements| statements.run(&self.connection)));
        (replies, begun.and_then(|()| self.commit()))
    }

    fn accept_all(&self, arriving: &[Box<Arriving>]) -> Result<Vec<Accepted>, Fault> {
        if arriving.is_empty() {
            return Ok(Vec::new());
        }
        // The thread of the keys file gets no delivery.
        let keys = self.keys.as_ref().ok_or(Fault::Ended)?;
        let mut inserts = Inserts::prepare(&self.connection)?;
        arriving.iter().map(|one| one.store(&mut inserts, keys)).collect()
    }

    fn begin(&self) -> Result<(), Fault> {
        // A snapshot from before the transaction could have keys that were removed.
        self.roll_back_keys()?;
        self.execute("BEGIN IMMEDIATE")
    }

    /// Commits the keys before the rows that are encrypted with them.
    fn commit(&self) -> Result<(), Fault> {
        if self.connection.is_autocommit() {
            // SQLite has rolled back after an operation that reported why, e.g. because the disk is full.
            self.roll_back()?;
            return Err(Fault::RolledBack);
        }
        let keys = self.keys.as_ref().map_or(Ok(()), Keys::commit);
        let committed = keys.and_then(|()| self.execute("COMMIT"));
        if committed.is_err() {
            self.roll_back()?;
        }
        committed
    }

    fn roll_back(&self) -> Result<(), Fault> {
        // SQLite may have rolled back already.
        let data = if self.connection.is_autocommit() { Ok(()) } else { self.execute("ROLLBACK") };
        data.and(self.roll_back_keys())
    }

    fn roll_back_keys(&self) -> Result<(), Fault> {
        self.keys.as_ref().map_or(Ok(()), Keys::roll_back)
    }

    fn execute(&self, sql: &str) -> Result<(), Fault> {
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
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
