//! Test helpers of the workspace: a scripted transport, a clock, servers on raw sockets, external tools, waiting.
//!
//! Use it as a dev-dependency only. core, wire and transport, on which it depends, use it from `tests/` only: in a unit
//! test, each of their types would exist twice. All helpers panic on failure.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test helpers fail a test by a panic"
)]

mod clock;
mod script;
mod server;
mod tool;
mod wait;

use std::path::PathBuf;

use identkit_wire::Body;

pub use clock::TestClock;
pub use script::{Reply, Script, SentRequest, Step};
pub use server::{call, closed, exchange, hear, server};
pub use tool::{missing, spawn};
pub use wait::{block_on, eventually, pause, soon, within};

/// Returns the path of a file in the workspace, e.g. `crates/identify24/fixtures`.
pub fn workspace(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// Reads a sample of a vendor's document. `provider` is the name of the provider's folder.
///
/// # Panics
/// If the file cannot be read.
pub fn fixture(provider: &str, name: &str) -> Vec<u8> {
    let path = workspace("crates").join(provider).join("fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns all bytes of a request body.
///
/// # Panics
/// If a source of the body cannot be read.
pub fn body_bytes(body: &Body) -> Vec<u8> {
    body.read().map(|chunk| chunk.unwrap()).collect::<Vec<_>>().concat()
}
