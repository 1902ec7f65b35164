//! The conformance suite against identify24 and its mock vendor.

use identkit_conformance::{Harness, Scenario, example_case, run, sandbox};
use identkit_core::Purpose;
use identkit_identify24::IdentStatusCallback;
use identkit_identify24::messages::CreateIdent;
use identkit_identify24::operations::{GetIdent, Login};
use identkit_wire::Operation;

use crate::support::*;

#[tokio::test]
async fn identification_passes_the_suite() {
    let case = example_case(Purpose::Identification);
    let positive = Scenario::story("positive", Outcome::Positive, false);
    let harness = Harness::new(PROVIDER, sandbox(), case, positive, |link| {
        let builder = Identify24::builder(Credentials::new(link.identity, link.secret)).transport(link.transport);
        // The vendor does not document its statuses (AI-12), so the caller maps them.
        let builder = builder.outcome("Identified", Outcome::Positive).outcome("Rejected", Outcome::Negative);
        Arc::new(builder.clock(link.clock).build().unwrap())
    })
    .scenarios([Scenario::story("negative", Outcome::Negative, false)])
    .unknown_id("00000000-unknown")
    .unknown_status("Unheard-of")
    .webhook_setting("webhook_url")
    .callbacks(vec![Arc::new(IdentStatusCallback)])
    .operations([Login::META, CreateIdent::META, GetIdent::META]);
    run(&harness).await.assert_kept();
}
