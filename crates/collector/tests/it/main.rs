//! The sinks, and the collector in a simulation: a vendor, a sink and a store that crash, pause and fail at every operation.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod adopt;
mod crashes;
mod doubts;
mod flow;
mod operation;
mod pauses;
mod reuse;
mod seeds;
mod sim;
mod sink;
mod sink_discard;
mod sink_encrypted;
#[cfg(feature = "object-store")]
mod sink_faulty;
#[cfg(feature = "folder")]
mod sink_folder;
mod sink_memory;
#[cfg(feature = "object-store")]
mod sink_object;
mod sink_steps;
