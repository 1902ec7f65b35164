//! The transport against raw sockets (hostile servers, stalled servers, proxies, TLS), and token sessions.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod after_end;
mod early;
mod exchange;
mod hostile;
mod idle;
mod phases;
mod proxies;
mod real_proxies;
mod session;
mod support;
mod tls;
