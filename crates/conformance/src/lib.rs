//! The suite that every provider and its sandbox twin must pass, with no socket in between.
//!
//! A provider brings a [`Harness`]: itself over a sandbox, itself with wrong credentials, and a story that ends a case.
//! [`run`] drives the neutral port through a case's whole life and returns every broken promise at once.
//!
//! Use it as a dev-dependency, from `tests/` only: a unit test would see two copies of every type.

mod bench;
mod promises;

use std::fmt;

pub use bench::{Harness, example_case, example_pdf, sandbox};
pub use identkit_mock_server as mock_server;

/// A promise that a provider does not keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The promise.
    pub promise: &'static str,
    /// What happened instead.
    pub found: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.promise, self.found)
    }
}

/// Drives a provider through every promise of the port, and returns the broken ones.
pub async fn run(bench: &Harness) -> Vec<Broken> {
    let mut suite = promises::Suite::new(bench);
    suite.run().await;
    suite.broken
}
