//! Verify people and have documents signed through German identity-verification vendors.
//!
//! This crate is a door: it re-exports the crates of the workspace behind additive features, and holds no code of its
//! own. Who needs only one of them can depend on that one.
//!
//! | feature | gives |
//! |---|---|
//! | `identify24` | `identkit::identify24`: Identify VideoIdent API 1.0.1 |
//! | `identity-tm` | `identkit::identity_tm`: identity Trust Management Customer API 2.10c |
//! | `http` | `identkit::transport::http`: HTTP/1.1 over TLS |
//! | `save` | `identkit::transport::save`: downloads into files that are whole or not there, with their SHA-256 |
//! | `tracing` | `identkit::transport::TracingObserver`: calls as spans |
//! | `platform-roots` | `TlsBuilder::platform_roots`: the roots that this machine trusts, instead of the bundled ones |
//! | `webhook` | `identkit::webhook`: receiver, file inbox, listener |

pub use identkit_core as core;
#[cfg(feature = "identify24")]
pub use identkit_identify24 as identify24;
#[cfg(feature = "identity-tm")]
pub use identkit_identity_tm as identity_tm;
pub use identkit_transport as transport;
#[cfg(feature = "webhook")]
pub use identkit_webhook as webhook;
pub use identkit_wire as wire;

pub use identkit_core::{CallOptions, Error, IdentityProvider, Kind, Pii, Secret};

/// The examples of the README, compiled as documentation tests.
#[cfg(all(doctest, feature = "identify24", feature = "identity-tm", feature = "http", feature = "webhook"))]
#[doc = include_str!("../README.md")]
struct Readme;
