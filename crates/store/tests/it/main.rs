//! The suite on each engine, and what concerns one engine only.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests"
)]

mod suite;
mod support;

use std::sync::Arc;

use identkit_store::{KeyEncryptionKey, Memory, Store};

use crate::support::Opened;

mod memory {
    use super::*;

    async fn open() -> Opened {
        let engine = Arc::new(Memory::default());
        let store = Store::open(engine.clone(), KeyEncryptionKey::from_bytes(&[7; 32])).await.unwrap();
        Opened { store, engine }
    }

    crate::suite::suite!(open);
}
