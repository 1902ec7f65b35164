//! The conformance suite with identity.TM and its mock vendor.

use identkit_conformance::{Harness, Sample, Scenario, example_case, run, sandbox};

use crate::support::*;

fn harness(purpose: Purpose, story: &str, outcome: Outcome) -> Harness {
    let scenario = Scenario::story(story, outcome, true);
    Harness::new(PROVIDER, sandbox(), example_case(purpose), scenario, |link| {
        let builder = IdentityTm::builder(Credentials::new(link.identity, link.secret));
        Arc::new(builder.transport(link.transport).clock(link.clock).build().unwrap())
    })
    .unknown_id("9992UNKNOWN")
    .unknown_status(9_999)
    .callbacks(identkit_identity_tm::callbacks())
    .operations([
        PutOrder::META,
        GetStatusExtended::META,
        GetAllStatusExtended::META,
        GetIdentDataMethod::META,
        GetIdentDataPdf::META,
        GetESignPdf::META,
        CancelOrder::META,
        DelIdentData::META,
    ])
}

#[tokio::test]
async fn an_identification_keeps_every_promise() {
    let harness = harness(Purpose::Identification, "positive", Outcome::Positive).scenarios([
        Scenario::story("negative", Outcome::Negative, false),
        Scenario::story("fraud", Outcome::FraudSuspicion, true),
        Scenario::story("cancelled", Outcome::Terminated, false),
        Scenario::story("timeout", Outcome::TimedOut, false),
    ]);
    let personal = ["Mustermann", "Erika", "Heidestr", "1964-08-12", "+4915114084205", "T22000129"];
    let sample = fixture("S-046-get-ident-data-response.json");
    let sample = Sample::new("S-046", sample, &personal, |bytes| {
        let (answer, _) = identkit_wire::json::read_answer::<IdentDataAnswer>(bytes).map_err(|fault| fault.answer())?;
        Ok(Box::new(answer))
    });
    run(&harness.samples([sample])).await.assert_kept();
}

#[tokio::test]
async fn a_signature_keeps_every_promise() {
    run(&harness(Purpose::Signature, "signed", Outcome::Signed)).await.assert_kept();
}

#[tokio::test]
async fn a_suspicion_of_fraud_keeps_every_promise() {
    run(&harness(Purpose::Identification, "fraud", Outcome::FraudSuspicion).faults([])).await.assert_kept();
}

#[tokio::test]
async fn two_signed_documents_take_one_download() {
    let mut harness = harness(Purpose::Signature, "signed", Outcome::Signed).faults([]);
    let first = harness.case.documents[0].clone();
    harness.case.documents.push(identkit_core::Document { name: "annex.pdf".into(), ..first });
    run(&harness).await.assert_kept();
}
