//! Tests of messages, session and calls against the vendor's document and the sandbox.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests"
)]

mod callback;
mod client;
mod codes;
mod conformance;
mod documents;
mod fields;
mod operations;
mod outcomes;
mod reading;
mod round_trip;
mod storm;
mod support;
mod token_store;
mod traps;
mod writer;
