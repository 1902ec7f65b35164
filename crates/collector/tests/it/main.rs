//! The collector in a simulation: a vendor, a sink and a store that crash, pause and fail at every operation.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod chaos;
mod crashes;
mod flow;
mod pauses;
mod sim;
