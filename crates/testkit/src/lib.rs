//! Test helpers that several crates share: a scripted transport, a clock, servers of raw sockets, tools of this machine.
//!
//! A dev-dependency, never a normal one. The crates below it (core, wire, transport) use it from `tests/` only: in a
//! unit test each of their types would exist twice.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test helper fails a test by a panic"
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

/// The path of a file of the workspace, e.g. `crates/identify24/fixtures`.
pub fn workspace(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// A sample of a vendor's document, byte for byte, by the name of the provider's folder and of the file.
pub fn fixture(provider: &str, name: &str) -> Vec<u8> {
    let path = workspace("crates").join(provider).join("fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All bytes of a request's body.
pub fn body_bytes(body: &Body) -> Vec<u8> {
    body.read().map(|chunk| chunk.unwrap()).collect::<Vec<_>>().concat()
}
