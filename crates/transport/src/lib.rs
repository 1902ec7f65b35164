//! The transport seam and the driver of calls; HTTP/1.1 over TLS behind the feature `hyper`, downloads into files
//! behind `save`.
//!
//! A [`Transport`] carries one request and knows how far it got. The [`Driver`] makes a call of it: authentication,
//! one deadline, repeats by the operation's send-safety and by what the transport knows, never by HTTP method.
//!
//! Invariants:
//! - What may have been sent is repeated only where the operation says that it may be.
//! - Only a complete answer counts as answered.
//! - No type of hyper or rustls appears outside the feature's own module, [`mod@http`].
//! - Nothing is spawned that outlives a call, but the writer of a download that was given up, which cleans up and ends.

mod auth;
mod base;
mod client;
mod clock;
mod driver;
#[cfg(feature = "hyper")]
pub mod http;
mod observer;
pub mod record;
#[cfg(feature = "save")]
pub mod save;
mod session;
#[cfg(feature = "tracing")]
mod trace;
mod transport;

#[doc(hidden)]
pub use identkit_core::Clock;

pub use auth::{Authenticator, Basic, Generation, NoAuth};
pub use base::BaseUrl;
pub use client::ClientSettings;
pub use clock::SystemClock;
pub use driver::{Driver, Policy, Response};
pub use observer::{AttemptReport, CallInfo, CallObserver, CallReport, Observer, StreamReport};
pub use session::{IssuedToken, LoggedIn, Login, MemoryTokenStore, StoredToken, TokenKey, TokenSession, TokenStore};
#[cfg(feature = "tracing")]
pub use trace::TracingObserver;
pub use transport::{AttemptContext, Failure, Transport};
