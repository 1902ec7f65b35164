//! The sandbox: vendors emulated, stateful, with time under control.
//!
//! Everything lives in a [`World`], which is plain data: accounts, cases, timers, deliveries, a journal; it
//! can be copied, saved and restored. A [`MockVendor`] is a vendor's server side over a world, pure and synchronous. A
//! [`Sandbox`] moves one world along with a clock and delivers its webhooks; [`Worlds`] are many of them behind one
//! door, told apart by credentials. There are two doors: a transport straight into a sandbox, and (feature `server`)
//! listeners with TLS.
//!
//! Invariants:
//! - Only synthetic data: a listener refuses every address but loopback ones, unless told that others may reach it.
//! - No globals; nothing outlives the [`Sandbox`] that spawned it.
//! - Requests are checked by the same rules that the clients write by, and a rejection explains itself.

#[macro_use]
mod readers;

mod account;
mod clock;
mod expect;
mod facts;
pub mod faults;
mod in_process;
pub mod journal;
mod nesting;
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
pub use clock::{Mode, VirtualClock};
pub use expect::{Expect, UnmetExpectations};
pub use facts::{Login, VendorFacts};
pub use in_process::InProcess;
pub use rules::Rejection;
#[cfg(feature = "server")]
pub use sandbox::TestSandbox;
pub use sandbox::{Advanced, Progress, Sandbox, SandboxBuilder};
pub use vendor::{CallOutcome, MockVendor, NoAnswer, Route, Target, Transition};
pub use world::{CaseOrder, Profile, SavedError, StateReader, Timer, VendorState, World};
pub use worlds::Worlds;

/// The examples of the guide are compiled and run.
#[cfg(all(doctest, feature = "identity-tm"))]
#[doc = include_str!("../../../docs/sandbox.md")]
struct Guide;
