#![doc = include_str!("../README.md")]

#[cfg(feature = "collector")]
pub use identkit_collector as collector;
pub use identkit_core as core;
#[cfg(feature = "identify24")]
pub use identkit_identify24 as identify24;
#[cfg(feature = "identity-tm")]
pub use identkit_identity_tm as identity_tm;
#[cfg(any(feature = "collector", feature = "postgres", feature = "sqlite"))]
pub use identkit_store as store;
pub use identkit_transport as transport;
#[cfg(feature = "webhook")]
pub use identkit_webhook as webhook;
pub use identkit_wire as wire;

pub use identkit_core::{CallOptions, Error, IdentityProvider, Kind, Pii, Secret};

// Their types are in the public API.
pub use bytes;
pub use http;
pub use jiff;
#[cfg(feature = "http-custom-tls")]
pub use rustls;
pub use serde_json;

/// The examples of the pages for readers, compiled as documentation tests.
#[cfg(all(
    doctest,
    feature = "axum",
    feature = "collector",
    feature = "identify24",
    feature = "identity-tm",
    feature = "http",
    feature = "save",
    feature = "sqlite",
    feature = "tracing"
))]
mod pages {
    #[doc = include_str!("../../../README.md")]
    struct Readme;
    #[doc = include_str!("../../../docs/verify-a-person.md")]
    struct VerifyAPerson;
    #[doc = include_str!("../../../docs/sign-a-document.md")]
    struct SignADocument;
    #[doc = include_str!("../../../docs/receive-webhooks.md")]
    struct ReceiveWebhooks;
    #[doc = include_str!("../../../docs/collect.md")]
    struct Collect;
    #[doc = include_str!("../../../docs/operate.md")]
    struct Operate;
    #[doc = include_str!("../../../docs/observation.md")]
    struct Observation;
}
