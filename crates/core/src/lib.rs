//! Domain types, personal-data types, the error and the ports of identkit.
//!
//! This crate is the floor of the house: it depends on nothing of ours and on no HTTP client, runtime or
//! serialisation format, so that an organisation can write against the ports without taking any of them.
//!
//! Invariants:
//! - Nothing here reads a clock, opens a socket or spawns a task.
//! - [`Secret`] and [`Pii`] never print their value; no feature changes that.
//! - [`Error`]'s `Display` holds only words of ours: never a body, a value, or its source.

mod content;
mod error;
mod event;
mod personal;
mod port;
mod raw;
mod short;
mod time;

pub use content::Content;
pub use error::{Advice, BoxError, Delivery, Error, Kind, Location, Violation};
pub use event::{Acceptance, Event, Inbox, MemoryInbox};
pub use personal::{Pii, REDACTED, Secret, Wipe};
pub use port::{
    Address, CallOptions, Capability, CaseRef, CaseStatus, ChangesPage, Cursor, DeletePermit, Descriptor, Document,
    Evidence, EvidenceItem, EvidenceKind, EvidenceProof, Gender, IdentityProvider, NewCase, Opened, Outcome, Person,
    Purpose, Window,
};
pub use raw::RawResponse;
pub use short::ShortPii;
pub use time::{BoxFuture, Clock, Instant, WorkGuard};

/// The attribute under which the async traits of this crate are written; implementors need the same one.
pub use async_trait::async_trait;
