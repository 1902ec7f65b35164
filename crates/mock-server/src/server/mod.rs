//! The sandbox's doors on the network: the vendors with TLS, and the admin API.
//!
//! Loopback only, unless told otherwise. What is spawned ends with the [`Listener`] that it belongs to.

mod admin;
mod connection;
mod listener;
mod place;
mod raw;
mod tls;

pub use self::listener::{Listener, admin, admin_at, admin_calls, vendors, vendors_at};
pub use self::place::Place;
pub use self::tls::Authority;
