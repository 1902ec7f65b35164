//! The conformance suite against identify24 and its mock vendor.

use identkit_conformance::mock_server::InProcess;
use identkit_conformance::{Harness, example_case, run, sandbox};
use identkit_core::Purpose;

use crate::support::*;

#[tokio::test]
async fn identification_passes_the_suite() {
    let sandbox = sandbox();
    let provider = |key: &str| -> Arc<dyn IdentityProvider> {
        let transport = Arc::new(InProcess(sandbox.clone()));
        let builder = Identify24::builder(Credentials::new("911-internet", key)).transport(transport);
        // The vendor does not document its statuses (AI-12), so the caller maps them.
        let builder = builder.clock(Arc::new(sandbox.clock().clone())).outcome("Identified", Outcome::Positive);
        Arc::new(builder.build().unwrap())
    };
    let bench = Harness {
        provider: provider("sandbox-api-key"),
        intruder: provider("wrong"),
        case: example_case(Purpose::Identification),
        story: "positive",
        outcome: Outcome::Positive,
        unknown: CaseRef::new(PROVIDER, "00000000-unknown"),
        sandbox,
    };
    assert_eq!(run(&bench).await, []);
}
