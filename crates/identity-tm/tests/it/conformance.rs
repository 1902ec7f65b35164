//! The conformance suite with identity.TM and its mock vendor.

use identkit_conformance::{Harness, ReadSample, Sample, Scenario, example_case, read_json, run, sandbox};

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

/// The samples of messages with personal data or secrets.
fn samples() -> Vec<Sample> {
    let order = ["Mustermann", "Erika", "Heidestr", "+491711234567", "e.mustermann", "webhook.site/1234567"];
    let placed = ["99921269855041", "Just_a_test", "37C4B60A72A1C6C7", "SHU8T", "a9PPz-eFcNBifsk"];
    let data = ["Mustermann", "Erika", "Heidestr", "1964-08-12", "+4915114084205", "T22000129"];
    [
        ("S-035-put-order-request.json", &order[..], read_json::<PutOrder> as ReadSample),
        ("S-036-put-order-response.json", &placed, read_json::<PutOrderAnswer>),
        ("S-040-get-status-response.json", &["99921269855041", "Sign-me_Account"], read_json::<OrderStatus>),
        ("S-046-get-ident-data-response.json", &data, read_json::<IdentDataAnswer>),
        ("S-056-get-voice-files-response.repaired.json", &["sound_4348", "//uQ"], read_json::<VoiceFiles>),
        ("S-062-get-all-status-response.json", &["9992120505", "TestOrder"], read_json::<OrderList>),
        ("S-075-get-bank-list-response.json", &[], read_json::<Vec<Bank>>),
        ("S-079-check-signme-user-response.json", &[], read_json::<SignmeUser>),
    ]
    .map(|(name, personal, read)| Sample::new(name, fixture(name), personal, read))
    .into()
}

#[tokio::test]
async fn an_identification_keeps_every_promise() {
    let harness = harness(Purpose::Identification, "positive", Outcome::Positive).scenarios([
        Scenario::story("negative", Outcome::Negative, false),
        Scenario::story("fraud", Outcome::FraudSuspicion, true),
        Scenario::story("cancelled", Outcome::Terminated, false),
        Scenario::story("timeout", Outcome::TimedOut, false),
    ]);
    run(&harness.samples(samples())).await.assert_kept();
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
