//! The sandbox: vendors emulated, stateful, with time under control.
//!
//! Everything lives in a [`World`], which is plain data: accounts, cases, timers, deliveries. It can be copied, saved
//! and restored. A [`MockVendor`] is a vendor's server side over a world, pure and synchronous. The [`Sandbox`] moves
//! worlds along with a clock, delivers webhooks, and has two doors: a transport straight into it, and (feature `server`)
//! listeners with TLS.
//!
//! Invariants:
//! - Only synthetic data: a listener refuses every address but loopback ones.
//! - No globals; nothing outlives the [`Sandbox`] that spawned it.
//! - Requests are checked by the same rules that the clients write by, and a rejection explains itself.

pub mod artefacts;
mod clock;
mod engine;
mod in_process;
#[cfg(feature = "server")]
pub mod server;
mod vendor;
pub mod vendors;
pub mod webhooks;
mod world;

pub use clock::VirtualClock;
pub use engine::{Sandbox, SandboxBuilder};
pub use in_process::InProcess;
pub use vendor::{Change, Handled, MockVendor, NoAnswer, Refused, Route, Transition};
pub use world::{Part, Profile, SavedError, Shares, Timer, World};
