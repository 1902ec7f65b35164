//! The suite against providers that break their promises, and the contract's rows against client and sandbox.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod broken_providers;
mod coverage;
