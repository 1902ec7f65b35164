//! The suite that every provider and its mock vendor must pass, in one process and without sockets.
//!
//! The test of a provider creates a [`Harness`]: the provider over a sandbox, the same with wrong credentials, and a
//! story that ends a case. [`run`] calls the neutral port from opening a case to deleting it, and returns the broken promises.
//!
//! Use it as a dev-dependency, from `tests/` only: in a unit test, every type of the provider would exist twice.

mod harness;
mod promises;

pub use harness::{Harness, example_case, example_pdf, sandbox};
pub use identkit_mock_server as mock_server;
pub use promises::BrokenPromise;

/// Checks every promise of the port, and returns the broken ones.
///
/// # Panics
/// Outside a tokio runtime.
pub async fn run(harness: &Harness) -> Vec<BrokenPromise> {
    let mut suite = promises::Suite::new(harness);
    suite.run().await;
    suite.broken
}
