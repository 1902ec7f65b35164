//! The transport against servers of raw sockets: hostile ones, silent ones, real proxies, TLS of all kinds.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod exchange;
mod hostile;
mod idle;
mod phases;
mod proxies;
mod real_proxies;
mod support;
mod tls;
