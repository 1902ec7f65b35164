//! The engine on PostgreSQL: several machines.
//!
//! Invariants:
//!
//! - A write returns after its transaction is committed and synced. If the connection breaks during the commit, the outcome
//!   is unknown, and the write is an error.
//! - Ids become visible in the order in which they grow. What assigns ids, or gives a case a name, runs in the engine's
//!   writer: one transaction for all operations that wait, which holds an advisory lock from the first id to its end. So
//!   these transactions are serial, on all machines.
//! - What changes a case locks its row first, and reads what depends on it in a later statement, which sees everything
//!   that was committed before. Only the writer waits for a row while it holds others, so no
//!   two of them wait for each other.
//! - The writer reads the keys of deliveries in the transaction that stores them, and removes keys too. So no delivery is
//!   encrypted with a key that is removed before the commit.
//! - The keys are in a schema of their own. Both schemas have the same random id, so that data are not opened with the keys
//!   of another store, or without keys.

/// Assignments that open a unit of a case, or join the pending one. It is due at the earlier of both times. Without a time,
/// nothing changes.
macro_rules! open_unit {
    ($due:literal) => {
        concat!(
            "due = CASE WHEN ",
            $due,
            "::bigint IS NULL THEN cases.due WHEN cases.pending THEN least(cases.due, ",
            $due,
            ") ELSE ",
            $due,
            " END, pending = cases.pending OR ",
            $due,
            " IS NOT NULL"
        )
    };
}

mod accept;
mod connect;
mod engine;
mod listener;
mod lookup;
mod rows;
mod schema;
mod statement;
mod tls;
mod writer;

use std::fmt;

use deadpool_postgres::Pool;
use identkit_core::{Error, Kind, Secret};
use tokio::sync::Mutex;

use self::connect::Target;
use self::listener::Listener;
use self::lookup::Lookup;
use self::writer::Writer;

/// An [`Engine`](crate::Engine) on PostgreSQL, for several processes on several machines. A database holds one store.
///
/// The data are in the schema `identkit`, and the keys of the cases in `identkit_keys`. Leave the keys out of backups of the
/// data (`pg_dump --exclude-schema=identkit_keys`): then a purge makes a case unreadable in the backups, too. A removed key
/// remains on the server's disk, in its write-ahead log and in physical backups until PostgreSQL overwrites or recycles
/// them; it is wrapped by the [`KeyEncryptionKey`](crate::KeyEncryptionKey).
///
/// ```no_run
/// use std::sync::Arc;
///
/// use identkit_store::{KeyEncryptionKey, Postgres, Store};
///
/// # async fn open(key: KeyEncryptionKey) -> Result<(), identkit_core::Error> {
/// let engine = Postgres::builder("postgresql://identkit@db.example/identkit").open().await?;
/// let store = Store::open(Arc::new(engine), key).await?;
/// # Ok(())
/// # }
/// ```
///
/// Its tasks run on the tokio runtime on which it was opened, and end when it is dropped. A connection pooler between
/// the engine and the server must pool sessions, not transactions.
pub struct Postgres {
    pool: Pool,
    writer: Writer,
    keys: Lookup,
    tokens: Lookup,
    target: Target,
    listener: Mutex<Option<Listener>>,
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Postgres")
    }
}

/// Options of [`Postgres`].
#[derive(Clone, Debug)]
#[must_use]
pub struct PostgresBuilder {
    url: Secret,
    connections: usize,
    queue: usize,
}

impl Postgres {
    /// Returns the options for the database at a URL, `postgresql://USER:PASSWORD@HOST:PORT/DATABASE?OPTION=VALUE`, with
    /// the options of libpq that concern a connection.
    ///
    /// A server that is not on this machine is reached over TLS only, and its certificate and name are always verified:
    /// with the bundled roots, or only with the authorities of the PEM file that `sslrootcert` names. `sslmode=require`
    /// requires TLS on this machine, too; `sslmode=disable` is an error for another machine.
    pub fn builder(url: impl Into<Secret>) -> PostgresBuilder {
        PostgresBuilder { url: url.into(), connections: 8, queue: 1024 }
    }
}

impl PostgresBuilder {
    /// Sets the maximum number of connections, beyond the one that writes and the one that waits for work. Default: 8.
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// Sets the number of operations that can wait to be written. Further ones fail with
    /// [`Kind::Unavailable`](identkit_core::Kind::Unavailable). Default: 1024.
    pub fn queue(mut self, operations: usize) -> Self {
        self.queue = operations;
        self
    }

    /// Connects, and creates or updates the tables. Spawns the tasks that write and that read
    /// keys and tokens.
    ///
    /// The first call needs the privilege to create schemas, unless both exist and are empty.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`](identkit_core::Kind::InvalidInput) if the URL cannot be used, or would need a connection
    /// to another machine without TLS. [`Kind::Storage`](identkit_core::Kind::Storage) if the server cannot be reached or
    /// does not sync its writes, if a schema is not of this crate or of a release after the next one, or if the keys are missing or belong
    /// to another store.
    pub async fn open(self) -> Result<Postgres, Error> {
        if self.connections == 0 || self.queue == 0 {
            return Err(Error::new(Kind::InvalidInput, "the engine needs a connection and a queue: 1 or more of each"));
        }
        let target = Target::parse(&self.url)?;
        let (pool, writer) = (target.pool(self.connections)?, target.pool(1)?);
        schema::prepare(&writer).await?;
        let keys = Lookup::start(pool.clone(), "SELECT name, value FROM identkit_keys.keys WHERE name = ANY ($1)");
        let sql = "SELECT hash, provider, event, case_id, expires FROM tokens WHERE hash = ANY ($1)";
        let (tokens, writer) = (Lookup::start(pool.clone(), sql), Writer::start(writer, self.queue));
        Ok(Postgres { pool, writer, keys, tokens, target, listener: Mutex::default() })
    }
}
