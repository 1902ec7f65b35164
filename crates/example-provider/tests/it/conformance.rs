//! The conformance suite against the provider and its mock vendor.

use std::sync::Arc;

use identkit_conformance::mock_server::{Sandbox, VirtualClock};
use identkit_conformance::{Harness, Sample, Scenario, example_case, read_json, run};
use identkit_core::{Outcome, Purpose};
use identkit_example_provider::messages::{Case, CreateCase};
use identkit_example_provider::mock::AcmeVendor;
use identkit_example_provider::{Acme, Credentials, FinishedCallback, PROVIDER, operations};

pub(crate) fn sandbox() -> Sandbox {
    let start = jiff::Timestamp::from_second(1_599_739_200).unwrap();
    Sandbox::builder().vendor(Box::new(AcmeVendor::new())).clock(VirtualClock::new(start)).seed(7).start()
}

#[tokio::test]
async fn the_provider_passes_the_suite() {
    let positive = Scenario::story("positive", Outcome::Positive, true);
    let case = example_case(Purpose::Identification);
    let harness = Harness::new(PROVIDER, sandbox(), case, positive, |link| {
        let builder = Acme::builder(Credentials::new(link.identity, link.secret));
        Arc::new(builder.transport(link.transport).clock(link.clock).build().unwrap())
    })
    .scenarios([
        Scenario::story("started", Outcome::Pending, false),
        Scenario::story("negative", Outcome::Negative, true),
        Scenario::story("aborted", Outcome::Terminated, false),
    ])
    .unknown_id("00000000-0000-0000-0000-000000000000")
    .unknown_status("archived")
    .callbacks(vec![Arc::new(FinishedCallback)])
    .operations(operations::all())
    .samples([
        Sample::new("create", crate::fixtures::CREATE, &["Erika", "Mustermann"], read_json::<CreateCase>),
        Sample::new("case", crate::fixtures::CASE, &["Erika", "Mustermann"], read_json::<Case>),
    ]);
    let report = run(&harness).await;
    println!("{report}");
    report.assert_kept();
}
