//! The suite that every provider and its mock vendor must pass, in one process and without sockets.
//!
//! The test of a provider creates a [`Harness`]: how to connect the provider to a sandbox, a case, and scenarios that end
//! it. [`run`] calls the neutral port from opening a case to deleting it, also with faults of the connection, and
//! compares the results with the state of the mock vendor. The [`Report`] has one line per promise.
//!
//! Use it as a dev-dependency, from `tests/` only: in a unit test, every type of the provider would exist twice.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use std::sync::Arc;
//!
//! use identkit_conformance::{Harness, Scenario, example_case, run, sandbox};
//! use identkit_core::{Outcome, Purpose};
//! use identkit_identity_tm::{Credentials, IdentityTm, PROVIDER};
//!
//! let positive = Scenario::story("positive", Outcome::Positive, true);
//! let case = example_case(Purpose::Identification);
//! let harness = Harness::new(PROVIDER, sandbox(), case, positive, |link| {
//!     let builder = IdentityTm::builder(Credentials::new(link.identity, link.secret));
//!     Arc::new(builder.transport(link.transport).clock(link.clock).build().unwrap())
//! });
//! let harness = harness.scenarios([Scenario::story("negative", Outcome::Negative, false)]);
//! let report = run(&harness.faults([])).await; // without faults: a short example
//! report.assert_kept();
//! # }
//! ```
//!
//! The features `identity-tm` and `identify24` (both off by default) add the mock vendors of this repository. More in the
//! page "Add a provider" (`docs/providers.md`).

mod drive;
mod harness;
mod promises;
mod report;
mod secrets;

pub use harness::{Harness, Link, ReadSample, Sample, Scenario, example_case, example_pdf, read_json, sandbox};
pub use identkit_mock_server as mock_server;
pub use report::{BrokenPromise, Report};

/// Checks every promise of the port that applies to what the harness declares.
///
/// # Panics
/// Outside a tokio runtime.
pub async fn run(harness: &Harness) -> Report {
    let mut suite = promises::Suite::new(harness);
    suite.run().await;
    suite.report
}

/// The examples of the guide are compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/providers.md")]
struct Guide;
