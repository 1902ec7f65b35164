//! Tests of the identity.TM client: messages, operations and calls, against the vendor's document and the sandbox.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests"
)]

mod account;
mod canary;
mod conformance;
#[cfg(feature = "save")]
mod downloads;
mod ground_truth;
mod memory;
mod operations;
mod orders;
mod round_trip;
mod support;
mod traps;
mod validation;
