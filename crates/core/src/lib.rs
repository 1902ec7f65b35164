#![doc = include_str!("../README.md")]
//!
//! Invariants:
//!
//! - Nothing here reads a clock, opens a socket or spawns a task.
//! - [`Secret`] and [`Pii`] never print their value; no feature changes that.
//! - `Display` of [`Error`] contains only identkit's own words: never a body, a value or the text of a source.

mod artifact;
mod content;
mod error;
mod event;
mod personal;
mod port;
mod raw;
mod salvage;
mod short;
mod time;

pub use artifact::{Artifact, ArtifactCheck, Damage};
pub use content::Content;
pub use error::{Advice, BoxError, Delivery, Error, Kind, Location, Violation};
pub use event::{Event, Inbox, MemoryInbox, Tokens, WebhookDelivery};
pub use personal::{Pii, REDACTED, Secret, Wipe};
pub use port::{
    Absence, Address, CallOptions, Capability, CaseFields, CaseRef, CaseStatus, ChangesPage, Cursor, DeletePermit,
    Descriptor, Document, Evidence, EvidenceItem, EvidenceKind, EvidencePlan, EvidenceProof, Found, Gender,
    IdentityProvider, NewCase, NothingToCollect, Opened, Outcome, Person, Purpose, Window,
};
pub use raw::RawResponse;
pub use salvage::FoundId;
pub use short::ShortPii;
pub use time::{BoxFuture, Clock, Instant, WorkGuard};

/// The attribute that the async traits of this crate use; implementations need it too.
pub use async_trait::async_trait;
