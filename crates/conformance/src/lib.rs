//! The suite that every provider and its mock vendor must pass, in one process and without sockets.
//!
//! The test of a provider creates a [`Harness`]: the provider over a sandbox, the same with wrong credentials, and a
//! story that ends a case. [`run`] calls the neutral port from opening a case to deleting it, and returns the broken promises.
//!
//! Use it as a dev-dependency, from `tests/` only: in a unit test, every type of the provider would exist twice.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use std::sync::Arc;
//!
//! use identkit_conformance::mock_server::InProcess;
//! use identkit_conformance::{Harness, example_case, run, sandbox};
//! use identkit_core::{CaseRef, IdentityProvider, Outcome, Purpose};
//! use identkit_identity_tm::{Credentials, IdentityTm, PROVIDER};
//!
//! let sandbox = sandbox();
//! let provider = |code: &str| -> Arc<dyn IdentityProvider> {
//!     let builder = IdentityTm::builder(Credentials::new("sandbox-customer", code))
//!         .transport(Arc::new(InProcess(sandbox.clone())))
//!         .clock(Arc::new(sandbox.clock().clone()));
//!     Arc::new(builder.build().unwrap())
//! };
//! let harness = Harness {
//!     provider: provider("sandbox-code"),
//!     intruder: provider("wrong"),
//!     case: example_case(Purpose::Identification),
//!     story: "positive",
//!     outcome: Outcome::Positive,
//!     unknown: CaseRef::new(PROVIDER, "9992UNKNOWN"),
//!     sandbox,
//! };
//! assert_eq!(run(&harness).await, []);
//! # }
//! ```
//!
//! The features `identity-tm` and `identify24` (both off by default) add the mock vendors of this repository. More in the
//! page "Add a provider" (`docs/add-a-provider.md`).

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
