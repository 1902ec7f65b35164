//! The engine on SQLite: one machine, several processes.
//!
//! Invariants:
//!
//! - A write returns after the transaction is synced (WAL, `synchronous=FULL`), and after the files were found at their
//!   paths: a database that was removed or replaced acknowledges nothing.
//! - Each file has a thread that writes, one that reads, and one that moves the WAL into the file. They end when the engine
//!   is dropped.
//! - The thread that writes the data also reads and adds the keys of deliveries, in its transaction. Their commit precedes
//!   that of the data.
//! - The keys are in a file of their own, `PATH-keys`. Both files have the same random id, so that data are not opened with
//!   the keys of another store, or without keys.

mod accept;
mod checkpoint;
mod database;
mod engine;
mod job;
mod keys;
mod queue;
mod rows;
mod schema;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use identkit_core::{Error, Kind};

use self::database::Database;
use self::rows::Fault;
use crate::cipher;

/// An [`Engine`](crate::Engine) on SQLite. Several processes of one machine can have it open.
///
/// The data are in a file, and the keys of the cases in another: `PATH-keys`. Leave the keys out of backups of the data:
/// then a purge makes a case unreadable in the backups, too. The bytes of a removed key are overwritten as soon as no reader
/// uses them.
///
/// ```
/// use std::sync::Arc;
///
/// use identkit_core::{WebhookDelivery, Event};
/// use identkit_store::{KeyEncryptionKey, Sqlite, Store};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("state.db");
/// let key = KeyEncryptionKey::random_bytes()?;
/// let store = Store::open(Arc::new(Sqlite::builder(&path).open()?), KeyEncryptionKey::from_bytes(&key)).await?;
/// let event = Event::new("identity-tm", "OnFinal", "99921269855041/OnFinal");
/// store.accept(&WebhookDelivery::new(event, "2026-11-30T09:00:00Z".parse()?)).await?;
/// drop(store);
///
/// // After a restart, with the same key:
/// let store = Store::open(Arc::new(Sqlite::builder(&path).open()?), KeyEncryptionKey::from_bytes(&key)).await?;
/// assert_eq!(store.events(Default::default(), 10).await?.len(), 1);
/// # Ok(())
/// # }
/// ```
///
/// While it is open, its process must not open the files in another way: closing a file releases SQLite's locks on it. Make
/// backups with SQLite's tools, which copy the WAL too.
///
/// It has six threads, which end when it is dropped; dropping waits for them. It blocks no async thread.
pub struct Sqlite {
    data: Database,
    keys: Database,
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sqlite")
    }
}

/// Options of [`Sqlite`].
#[derive(Clone, Debug)]
#[must_use]
pub struct SqliteBuilder {
    path: PathBuf,
    vfs: Option<String>,
    queue: usize,
}

impl Sqlite {
    /// Returns the options for the database at `path`, whose directory must exist.
    pub fn builder(path: impl Into<PathBuf>) -> SqliteBuilder {
        SqliteBuilder { path: path.into(), vfs: None, queue: 1024 }
    }
}

impl SqliteBuilder {
    /// Sets the name of a registered SQLite VFS, e.g. one that simulates a power failure. Default: that of the system. The
    /// files of another VFS may be elsewhere: they get no special mode, and are not checked to be in their place.
    pub fn vfs(mut self, name: impl Into<String>) -> Self {
        self.vfs = Some(name.into());
        self
    }

    /// Sets the number of operations that can wait for a thread. Further ones fail with
    /// [`Kind::Unavailable`](identkit_core::Kind::Unavailable). Default: 1024.
    pub fn queue(mut self, operations: usize) -> Self {
        self.queue = operations;
        self
    }

    /// Opens the database, and creates its files if there are none. Only their owner can read them. This function blocks on
    /// the disk.
    ///
    /// # Errors
    /// [`Kind::Storage`](identkit_core::Kind::Storage) if a file cannot be opened, is not a database of this crate or is
    /// of a release after the next one, or if the keys are missing or belong to another store.
    pub fn open(self) -> Result<Sqlite, Error> {
        let Self { path, vfs, queue } = self;
        let mut keys_path = OsString::from(&path);
        keys_path.push("-keys");
        let open = |path: PathBuf, schema| Database::open(path, schema, vfs.as_deref(), queue);
        let keys = open(keys_path.into(), schema::KEYS).map_err(|fault| fault.into_error("the keys file"))?;
        let data = open(path, schema::DATA).map_err(|fault| fault.into_error("the data file"))?;
        // The data file names its keys file only after that has its id.
        let id: [u8; 16] = cipher::random()?;
        let pair = || -> Result<bool, Fault> {
            match data.setup.id()? {
                Some(id) => Ok(keys.setup.id()? == Some(id)),
                None => data.setup.id_or_insert(&keys.setup.id_or_insert(&id)?).map(|_| true),
            }
        };
        if !pair().map_err(|fault| fault.into_error("the store"))? {
            return Err(Error::new(
                Kind::Storage,
                "the keys file (PATH-keys) is missing or belongs to another store: restore the one of this data file",
            ));
        }
        let (data, keys) = data.start_with_keys(keys)?;
        Ok(Sqlite { data, keys })
    }
}
