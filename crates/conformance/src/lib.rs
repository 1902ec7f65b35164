//! The suite that every provider and its sandbox twin must pass, with no socket in between.
//!
//! A provider brings a [`Harness`]: itself over a sandbox, itself with wrong credentials, and a story that ends a case.
//! [`run`] drives the neutral port through a case's whole life and returns every broken promise at once.
//!
//! Use it as a dev-dependency, from `tests/` only: a unit test would see two copies of every type.

mod harness;
mod promises;

pub use harness::{Harness, example_case, example_pdf, sandbox};
pub use identkit_mock_server as mock_server;
pub use promises::Broken;

/// Drives a provider through every promise of the port, and returns the broken ones.
pub async fn run(harness: &Harness) -> Vec<Broken> {
    let mut suite = promises::Suite::new(harness);
    suite.run().await;
    suite.broken
}
