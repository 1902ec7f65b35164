//! TLS settings: bundled or platform roots, additional certificate authorities, a client certificate, pinned keys, or a
//! rustls configuration.

#[cfg(feature = "http")]
mod builder;
mod config;
#[cfg(feature = "http")]
mod pem;
#[cfg(feature = "http")]
mod pin;

#[cfg(feature = "http")]
pub use self::builder::{TlsBuilder, certificates};
pub use self::config::TlsConfig;
#[cfg(feature = "http")]
pub use self::pin::Pin;

pub(super) use self::config::CertificateRequests;
