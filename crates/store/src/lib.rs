#![doc = include_str!("../README.md")]

mod cases;
mod cipher;
mod deliveries;
mod dispatch;
pub mod engine;
mod fault;
mod forward;
mod keys;
mod memory;
mod model;
mod pack;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(test)]
mod races;
mod records;
mod retention;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;
mod tokens;
mod worker;

pub use self::cipher::KeyEncryptionKey;
pub use self::dispatch::{DispatchIncident, Dispatcher, HeldClaim};
pub use self::engine::{Engine, EventState, Finish, Held};
pub use self::forward::{EventSink, Forwarder, Incident};
pub use self::memory::Memory;
pub use self::model::{
    Artifact, Case, CaseId, Claim, Deletion, Entry, EventId, EventPage, Intent, Retention, StoredEntry, StoredEvent,
    StoredResponse, UnreadableEvent,
};
#[cfg(feature = "postgres")]
pub use self::postgres::{Postgres, PostgresBuilder};
#[cfg(feature = "sqlite")]
pub use self::sqlite::{Sqlite, SqliteBuilder};
pub use self::store::Store;
pub use self::worker::Worker;
