//! The conformance suite against identify24 and its mock vendor.

use identkit_conformance::{Harness, ReadSample, Sample, Scenario, example_case, read_json, run, sandbox};
use identkit_core::Purpose;
use identkit_identify24::IdentStatusCallback;
use identkit_identify24::messages::{
    AuthRequest, AuthResponse, CreateIdent, CreateIdentResponse, Envelope, Ident, IdentWebhook, Project,
};
use identkit_identify24::operations::{GetIdent, Login};
use identkit_wire::Operation;

use crate::support::*;

/// The samples of messages with personal data or secrets.
fn samples() -> Vec<Sample> {
    let person = ["John", "Doe", "xxxxxxxx-xxxx"];
    [
        ("S-005-auth-request.json", &["{{APIKEY}}"][..], read_json::<AuthRequest> as ReadSample),
        ("S-007-auth-response.json", &[], read_json::<AuthResponse>),
        ("S-012-ident-create-curl-body.json", &person, read_json::<CreateIdent>),
        ("S-013-ident-create-response.json", &person, read_json::<CreateIdentResponse>),
        ("S-017-ident-get-response.comma-added.json", &person, read_json::<Envelope<Ident>>),
        ("S-021-project-get-all-response.json", &[], read_json::<Envelope<Vec<Project>>>),
        ("S-026-project-get-response.json", &[], read_json::<Envelope<Project>>),
        ("S-027-ident-webhook.json", &person, read_json::<IdentWebhook>),
    ]
    .map(|(name, personal, read)| Sample::new(name, fixture(name), personal, read))
    .into()
}

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
    .operations([Login::META, CreateIdent::META, GetIdent::META])
    .samples(samples());
    run(&harness).await.assert_kept();
}
