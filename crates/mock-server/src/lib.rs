#![doc = include_str!("../README.md")]
//!
//! # Structure
//! A [`World`] is the complete state as plain data: accounts, cases, timers, deliveries and a journal. It can be
//! copied, saved and restored. A [`MockVendor`] is the server side of a vendor over a world, pure and synchronous. A
//! [`Sandbox`] runs one world with a clock and delivers its webhooks. [`Worlds`] are several worlds, selected by
//! credentials. Clients reach them over a transport in the same process or, with the feature `server`, over listeners
//! with TLS.
//!
//! # Invariants
//! - The sandbox is for synthetic data: a listener accepts only loopback addresses, unless the caller permits others.
//! - No state is global, and all tasks end with their [`Sandbox`].
//! - Requests are validated by the same rules as in the clients, and a rejection names the broken rule.

#[macro_use]
mod readers;

mod account;
mod case_details;
mod clock;
mod expect;
mod facts;
pub mod faults;
mod in_process;
pub mod journal;
mod nesting;
mod person;
#[macro_use]
pub mod rules;
mod sandbox;
#[cfg(feature = "server")]
pub mod server;
mod sync;
mod vendor;
pub mod vendors;
pub mod webhooks;
mod world;
pub mod worlds;

pub use account::{Account, AccountOf, AccountState, Change, load_settings, save_settings};
pub use case_details::{CaseDetails, CaseKeys, Evidence, EvidenceFile, KnownStatus, PastStatus, StoryOption};
pub use clock::{Mode, VirtualClock};
pub use expect::{Expect, UnmetExpectations};
pub use facts::{Login, VendorFacts};
pub use in_process::InProcess;
pub use person::{PersonAction, PersonRequest, PersonStep, PersonView};
pub use rules::Rejection;
#[cfg(feature = "server")]
pub use sandbox::TestSandbox;
pub use sandbox::{Advanced, Progress, Sandbox, SandboxBuilder};
pub use vendor::{CallOutcome, MockVendor, NoAnswer, Route, Target, Transition, TransitionError};
pub use world::{CaseOrder, Channel, Message, Profile, SavedError, StateReader, Timer, VendorState, World};
pub use worlds::Worlds;

/// The examples of the guide are compiled and run.
#[cfg(all(doctest, feature = "identity-tm"))]
#[doc = include_str!("../../../docs/sandbox.md")]
struct Guide;
