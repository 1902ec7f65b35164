//! One test for each trap of the contract.

use std::sync::Arc;

use identkit_conformance::example_case;
use identkit_core::{CallOptions, Capability, EvidenceKind, IdentityProvider, Kind, Purpose, Window};
use identkit_example_provider::{Acme, Credentials, Dialect, PROVIDER};

use crate::conformance::sandbox;

#[tokio::test]
async fn acme_t1_a_failed_case_may_have_no_report() {
    let sandbox = sandbox();
    let [id, secret] = sandbox.credentials(PROVIDER);
    let client = |dialect: Dialect| {
        let builder = Acme::builder(Credentials::new(id.as_str(), secret.as_str())).dialect(dialect);
        builder.transport(sandbox.transport()).clock(Arc::new(sandbox.clock().clone())).build().unwrap()
    };
    let options = CallOptions::new();
    let default = client(Dialect::new());
    let opened = default.open(&example_case(Purpose::Identification), &options).await.unwrap();
    sandbox.play(opened.case.id.expose(), "negative").unwrap();
    let kinds = default.evidence_plan(&opened.case, &options).await.unwrap().kinds();
    assert_eq!(kinds, [EvidenceKind::IdentData, EvidenceKind::Report]);
    let without = client(Dialect::new().report_of_failed(false));
    let kinds = without.evidence_plan(&opened.case, &options).await.unwrap().kinds();
    assert_eq!(kinds, [EvidenceKind::IdentData]);
}

#[tokio::test]
async fn acme_t2_the_vendor_lists_no_cases() {
    let sandbox = sandbox();
    let client = Acme::builder(Credentials::new("id", "secret")).transport(sandbox.transport()).build().unwrap();
    assert!(!client.descriptor().can(Capability::Find));
    let now = sandbox.now();
    let window = Window { begin: now, end: now };
    let found = client.find("reference", Purpose::Identification, window, &CallOptions::new()).await;
    assert_eq!(found.unwrap_err().kind(), Kind::Unsupported);
}
