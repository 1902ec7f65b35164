//! The suite on each engine, and what concerns one engine only.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests"
)]

mod concurrency;
mod convergence;
mod forward;
mod forwarder;
#[cfg(all(any(feature = "sqlite", feature = "postgres"), unix))]
mod kills;
#[cfg(all(feature = "postgres", unix))]
mod postgres;
#[cfg(all(feature = "sqlite", target_os = "linux"))]
mod power;
#[cfg(feature = "sqlite")]
mod sqlite;
mod suite;
mod support;
mod tokens;

mod memory {
    use std::sync::Arc;

    use identkit_store::Memory;

    use crate::support::Opened;

    async fn open() -> Option<Opened> {
        let engine = Arc::new(Memory::default());
        Some(Opened::on([engine.clone(), engine], None).await)
    }

    crate::suite::suite!(open);
}
