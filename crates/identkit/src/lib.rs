//! Verify people and have documents signed through two German identity-verification vendors: identity.TM (identity
//! Trust Management Customer API 2.10c) and identify24 (Identify VideoIdent API 1.0.1).
//!
//! For backend services. This crate re-exports the other crates of the workspace behind additive features and has no
//! code of its own; to use only one of those crates, depend on it directly.
//!
//! ```
//! use identkit::core::{CaseRef, Outcome};
//! use identkit::{CallOptions, Error, IdentityProvider};
//!
//! /// Whether the person is verified; `None` if the case is not finished.
//! async fn is_verified(
//!     vendor: &dyn IdentityProvider,
//!     case: &CaseRef,
//! ) -> Result<Option<bool>, Error> {
//!     let status = vendor.status(case, &CallOptions::new()).await?;
//!     Ok(match status.outcome {
//!         Outcome::Positive | Outcome::Signed => Some(true),
//!         outcome if outcome.is_final() => Some(false),
//!         _ => None,
//!     })
//! }
//! ```
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `identity-tm` | yes | `identkit::identity_tm`: the client of identity.TM |
//! | `identify24` | yes | `identkit::identify24`: the client of identify24 |
//! | `http` | yes | `identkit::transport::http`: HTTP/1.1 over TLS |
//! | `http-custom-tls` | no | the same without `ring` and root certificates, instead of `http`: your own `rustls` configuration only |
//! | `webhook` | yes | `identkit::webhook`: the webhook receiver, an inbox in a file, a listener |
//! | `save` | no | `identkit::transport::save`: downloads into files that are complete or absent, with their SHA-256 |
//! | `tracing` | no | `identkit::transport::TracingObserver`: each call as a span |
//! | `platform-roots` | no | `TlsBuilder::platform_roots`: trust the root certificates of the machine instead of the bundled ones |
//!
//! The repository has the guides under `docs/`: `verify-a-person.md`, `sign-a-document.md`, `receive-webhooks.md`,
//! `operate.md`. `docs/examples.md` lists the example programs of this crate.

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

// Their types are in the public API: with these paths, a user need not depend on the same versions.
pub use bytes;
pub use http;
pub use jiff;
#[cfg(feature = "http-custom-tls")]
pub use rustls;
pub use serde_json;

/// The examples of the pages for readers, compiled as documentation tests.
#[cfg(all(
    doctest,
    feature = "identify24",
    feature = "identity-tm",
    feature = "http",
    feature = "save",
    feature = "tracing",
    feature = "webhook"
))]
mod pages {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../../../docs/verify-a-person.md")]
    struct VerifyAPerson;
    #[doc = include_str!("../../../docs/sign-a-document.md")]
    struct SignADocument;
    #[doc = include_str!("../../../docs/receive-webhooks.md")]
    struct ReceiveWebhooks;
    #[doc = include_str!("../../../docs/operate.md")]
    struct Operate;
    #[doc = include_str!("../../../docs/observation.md")]
    struct Observation;
}
