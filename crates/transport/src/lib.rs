#![doc = include_str!("../README.md")]
//! # Invariants
//!
//! - A request that may have been sent is repeated only if its operation allows it.
//! - Only a complete response counts as answered.
//! - No type of hyper or rustls appears outside the module `http`.
//! - No spawned task outlives a call, except the writer of an abandoned download, which cleans up and ends.

mod auth;
mod base;
mod client;
mod clock;
mod driver;
#[cfg(feature = "http-custom-tls")]
pub mod http;
mod observer;
pub mod record;
#[cfg(feature = "save")]
pub mod save;
mod session;
#[cfg(feature = "tracing")]
mod trace;
mod trailers;
mod transport;

#[doc(hidden)]
pub use identkit_core::Clock;

pub use auth::{Authenticator, Basic, Generation, NoAuth};
pub use base::BaseUrl;
pub use client::ClientSettings;
pub use clock::SystemClock;
pub use driver::{Driver, Policy, Response, is_undecoded};
pub use observer::{AttemptReport, CallInfo, CallObserver, CallReport, Observer, StreamReport};
pub use session::{IssuedToken, LoggedIn, Login, MemoryTokenStore, StoredToken, TokenKey, TokenSession, TokenStore};
#[cfg(feature = "tracing")]
pub use trace::TracingObserver;
pub use trailers::Trailers;
pub use transport::{AttemptContext, Failure, Transport};
