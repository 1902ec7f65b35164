#![doc = include_str!("../README.md")]
//! # Invariants
//!
//! - The receiver answers 202 only after [`Inbox::accept`](identkit_core::Inbox::accept) returned: acknowledged means
//!   durable.
//! - It answers everything unknown (path, provider, event, token) with the same 404, and the time that it
//!   needs says nothing about a token.
//! - It answers within [`RESPONSE_LIMIT`], and writes no log: a URL contains a token.
//! - If addresses are checked, it rejects requests without a known peer address.
//! - It never calls the vendor, which blocks the order until the receiver has answered (T-040).

mod allow;
#[cfg(feature = "service")]
mod framing;
#[cfg(feature = "listener")]
mod listener;
mod raw;
mod receiver;
#[cfg(feature = "axum")]
mod router;
#[cfg(feature = "service")]
mod service;
mod time;

pub use allow::{AllowList, Network, Peer};
#[cfg(feature = "listener")]
pub use listener::{HandledRequest, ListenOptions, Listener, Pages, listen};
pub use receiver::{BODY_LIMIT, RESPONSE_LIMIT, Receiver};
#[cfg(feature = "axum")]
pub use router::router;
#[cfg(feature = "service")]
pub use service::ReceiverService;
