//! Listeners on the network: the vendors' APIs, over TLS or plain HTTP, and the admin API.
//!
//! A listener accepts only loopback addresses, unless its [`ListenAddress`] permits others. Its tasks end when the [`Listener`]
//! is dropped.

mod admin;
mod connection;
mod framing;
mod listen_address;
mod listener;
mod pages;
mod raw;
mod tls;

pub use self::admin::AdminApi;
pub use self::listen_address::ListenAddress;
pub use self::listener::{Listener, admin, admin_at, admin_calls, vendors, vendors_at};
pub use self::pages::Pages;
pub use self::tls::Authority;
