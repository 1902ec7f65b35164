//! The conformance suite with identity.TM and its mock vendor.

use identkit_conformance::mock_server::InProcess;
use identkit_conformance::{Harness, example_case, run, sandbox};

use crate::support::*;

fn bench(purpose: Purpose, story: &'static str, outcome: Outcome) -> Harness {
    let sandbox = sandbox();
    let provider = |code: &str| -> Arc<dyn IdentityProvider> {
        let account = Credentials::new("sandbox-customer", Secret::new(code));
        let transport = Arc::new(InProcess(sandbox.clone()));
        Arc::new(
            IdentityTm::builder(account).transport(transport).clock(Arc::new(sandbox.clock().clone())).build().unwrap(),
        )
    };
    Harness {
        provider: provider("sandbox-code"),
        intruder: provider("wrong"),
        case: example_case(purpose),
        story,
        outcome,
        unknown: CaseRef::new(PROVIDER, "9992UNKNOWN"),
        sandbox,
    }
}

#[tokio::test]
async fn an_identification_keeps_every_promise() {
    assert_eq!(run(&bench(Purpose::Identification, "positive", Outcome::Positive)).await, []);
}

#[tokio::test]
async fn a_signature_keeps_every_promise() {
    assert_eq!(run(&bench(Purpose::Signature, "signed", Outcome::Signed)).await, []);
}

#[tokio::test]
async fn a_suspicion_of_fraud_keeps_every_promise() {
    assert_eq!(run(&bench(Purpose::Identification, "fraud", Outcome::FraudSuspicion)).await, []);
}

#[tokio::test]
async fn two_signed_documents_take_one_download() {
    let mut bench = bench(Purpose::Signature, "signed", Outcome::Signed);
    let first = bench.case.documents[0].clone();
    bench.case.documents.push(identkit_core::Document { name: "annex.pdf".into(), ..first });
    assert_eq!(run(&bench).await, []);
}
