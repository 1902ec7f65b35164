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

pub mod artefacts;
mod clock;
mod expect;
pub mod faults;
mod in_process;
pub mod journal;
#[cfg(feature = "server")]
mod json_time;
mod nesting;
pub mod rules;
mod sandbox;
#[cfg(feature = "server")]
pub mod server;
mod vendor;
pub mod vendors;
pub mod webhooks;
mod world;
pub mod worlds;

pub use clock::{Mode, VirtualClock};
pub use expect::{Expect, Unmet};
pub use in_process::InProcess;
#[cfg(feature = "server")]
pub use sandbox::TestSandbox;
pub use sandbox::{Advanced, Progress, Sandbox, SandboxBuilder};
pub use vendor::{Change, Handled, MockVendor, NoAnswer, Refused, Route, Transition};
pub use world::{Opened, Part, Profile, SavedError, Shares, Timer, World};
pub use worlds::Worlds;

/// The examples of the guide are compiled and run.
#[cfg(all(doctest, feature = "identity-tm"))]
#[doc = include_str!("../../../docs/sandbox.md")]
struct Guide;
