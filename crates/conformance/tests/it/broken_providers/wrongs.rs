//! One test for each wrong that hurts: a second case, a lost result, a name in a log.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use identkit_conformance::mock_server::faults::Fault;
use identkit_conformance::mock_server::vendors::identity_tm::IdentityTm as MockIdentityTm;
use identkit_conformance::mock_server::{Sandbox, VirtualClock};
use identkit_conformance::{Harness, Sample, Scenario, example_case, run, sandbox};
use identkit_core::{Outcome, Purpose};
use identkit_identity_tm::{
    CancelOrder, Credentials, DelIdentData, GetAllStatusExtended, GetIdentDataMethod, GetIdentDataPdf,
    GetStatusExtended, IdentityTm, PROVIDER, PutOrder,
};
use identkit_wire::{AmbiguityPolicy, Callback, Meta, Operation, RetrySafety};

use super::wrong_provider::{Strict, Wrong, WrongProvider};
use super::wrong_vendor::{WrongCallback, WrongEvent, WrongVendor};

const OPERATIONS: [&Meta; 7] = [
    PutOrder::META,
    GetStatusExtended::META,
    GetAllStatusExtended::META,
    GetIdentDataMethod::META,
    GetIdentDataPdf::META,
    CancelOrder::META,
    DelIdentData::META,
];

fn harness_in(sandbox: Sandbox, wrong: Wrong) -> Harness {
    let case = example_case(Purpose::Identification);
    let positive = Scenario::story("positive", Outcome::Positive, true);
    let harness = Harness::new(PROVIDER, sandbox, case, positive, move |link| {
        let builder = IdentityTm::builder(Credentials::new(link.identity, link.secret));
        let transport = match wrong {
            Wrong::RejectsUnknownFields => Arc::new(Strict(link.transport)),
            _ => link.transport,
        };
        let inner = builder.transport(transport).clock(link.clock).build().unwrap();
        Arc::new(WrongProvider::new(inner, wrong))
    });
    harness.unknown_id("9992UNKNOWN").operations(OPERATIONS).faults([])
}

fn harness(wrong: Wrong) -> Harness {
    harness_in(sandbox(), wrong)
}

/// Checks that the suite reports the promise, and names a section to read.
async fn assert_caught(harness: Harness, promise: &str) {
    let report = run(&harness).await;
    let broken = report.broken().iter().find(|broken| broken.promise == promise);
    let broken = broken.unwrap_or_else(|| panic!("not caught: {promise}\n{report}"));
    assert!(broken.read.starts_with("docs/providers.md#"), "{}", broken.read);
}

/// Operations in which one has another send-safety.
fn declared(name: &'static str, safety: RetrySafety, ambiguity: AmbiguityPolicy) -> Vec<&'static Meta> {
    let changed: &'static Meta = Box::leak(Box::new(Meta::new(PROVIDER, name, Method::GET, "/", safety, ambiguity)));
    OPERATIONS.into_iter().filter(|meta| meta.name != name).chain([changed]).collect()
}

fn wrong_vendor(deletes: bool, saves: bool) -> Sandbox {
    let vendor = WrongVendor { inner: MockIdentityTm::new(), deletes, saves };
    let clock = VirtualClock::new("2020-09-10T12:00:00Z".parse().unwrap());
    Sandbox::builder().vendor(Box::new(vendor)).clock(clock).seed(7).start()
}

#[tokio::test]
async fn the_wrapped_provider_and_vendor_keep_all() {
    let harness = harness_in(wrong_vendor(true, true), Wrong::Nothing);
    let report = run(&harness.callbacks(identkit_identity_tm::callbacks()).unknown_status(9_999)).await;
    report.assert_kept();
    assert!(report.to_string().lines().all(|line| line.starts_with("kept")), "{report}");
    assert!(report.promises().len() > 60, "{report}");
}

#[tokio::test]
async fn a_create_declared_safe_and_retried_is_caught() {
    let lost = || harness(Wrong::RepeatsCreate).faults([Fault::ResetAfterCommit]);
    assert_caught(lost(), "a disturbed call never creates a second case").await;
    assert_caught(lost(), "an operation that must not be repeated is sent once").await;
    let safe = declared(PutOrder::META.name, RetrySafety::Safe, AmbiguityPolicy::Retry(4));
    assert_caught(lost().operations(safe), "an operation that creates a case is declared as creating").await;
}

#[tokio::test]
async fn a_create_that_loses_the_reference_is_caught() {
    let lost = harness(Wrong::LosesReference).faults([Fault::ResetAfterCommit]);
    assert_caught(lost, "a case whose response was lost is found by its reference").await;
}

#[tokio::test]
async fn a_destructive_read_that_is_repeated_is_caught() {
    let declared = declared(GetIdentDataMethod::META.name, RetrySafety::DestructiveRead, AmbiguityPolicy::Never);
    let lost = harness(Wrong::RepeatsRead).operations(declared).faults([Fault::ResetAfterCommit]);
    assert_caught(lost, "an operation that must not be repeated is sent once").await;
}

#[tokio::test]
async fn a_name_in_a_refused_login_is_caught() {
    assert_caught(harness(Wrong::NameInLoginError), "an error text contains no personal data").await;
}

#[tokio::test]
async fn a_name_in_a_violation_is_caught() {
    assert_caught(harness(Wrong::NameInViolation), "an error text contains no personal data").await;
}

#[tokio::test]
async fn a_name_in_the_debug_of_a_message_is_caught() {
    let sample = Sample::new("getIdentData", r#"{"Name":"Mustermann"}"#, &["Mustermann"], |bytes| {
        Ok(Box::new(String::from_utf8_lossy(bytes).into_owned()))
    });
    assert_caught(harness(Wrong::Nothing).samples([sample]), "Debug of a message contains no personal data").await;
}

#[tokio::test]
async fn a_name_in_the_debug_of_the_provider_is_caught() {
    assert_caught(harness(Wrong::NameInDebug), "Debug output contains no personal data").await;
}

#[tokio::test]
async fn a_name_in_a_status_is_caught() {
    assert_caught(harness(Wrong::NameInStatus), "Debug output contains no personal data").await;
}

#[tokio::test]
async fn a_report_cut_to_100_bytes_is_caught() {
    assert_caught(harness(Wrong::CutsReport), "evidence can be read and has its type").await;
}

#[tokio::test]
async fn a_broken_stream_taken_for_whole_is_caught() {
    let broken = harness(Wrong::TakesBrokenStream).faults([Fault::TruncatedBody]);
    assert_caught(broken, "a disturbed response is read completely or is an error").await;
}

#[tokio::test]
async fn a_delete_that_always_succeeds_is_caught() {
    assert_caught(harness(Wrong::DeletesNothing), "deleting twice is not a success").await;
    let lost = harness(Wrong::DeletesNothing).faults(Fault::named("redirect"));
    assert_caught(lost, "a deletion that succeeds changed the case at the mock vendor").await;
}

#[tokio::test]
async fn a_delete_that_only_remembers_is_caught() {
    assert_caught(harness(Wrong::DeletesLocally), "deleting a case calls the vendor").await;
    assert_caught(harness(Wrong::DeletesLocally), "a deletion changes the case at the mock vendor").await;
    assert_caught(harness(Wrong::DeletesLocally), "deleted data is gone for every client").await;
}

#[tokio::test]
async fn a_delete_that_takes_404_for_success_is_caught() {
    assert_caught(harness(Wrong::TakesNotFoundForDeleted), "deleting an unknown case is not a success").await;
}

#[tokio::test]
async fn a_mock_vendor_that_deletes_nothing_is_caught() {
    let harness = harness_in(wrong_vendor(false, true), Wrong::Nothing);
    assert_caught(harness, "a deletion changes the case at the mock vendor").await;
}

#[tokio::test]
async fn a_wrong_outcome_is_caught() {
    use Outcome::{Negative, Pending, Positive, Terminated};
    for (scenario, vendor, reported) in [
        (Scenario::story("negative", Negative, false), Negative, Positive),
        (Scenario::story("cancelled", Terminated, false), Terminated, Pending),
        (Scenario::story("positive", Positive, true), Positive, Negative),
        (Scenario::status(78, Pending), Pending, Positive),
    ] {
        let harness = harness(Wrong::Outcome { vendor, reported }).scenarios([scenario]);
        assert_caught(harness, "each scenario has its declared outcome").await;
    }
}

#[tokio::test]
async fn an_unknown_status_as_an_error_is_caught() {
    let harness = harness(Wrong::UnknownStatusIsError).unknown_status(9_999);
    assert_caught(harness, "an unknown status is not an error").await;
}

#[tokio::test]
async fn a_wrong_webhook_is_caught() {
    for (wrong, promise) in [
        (WrongEvent::WithoutCase, "a webhook names its case"),
        (WrongEvent::ConstantKey, "the events of two cases have different keys"),
        (WrongEvent::NewKey, "two deliveries of an event have the same key"),
        (WrongEvent::InventsCase, "a webhook without data names no case"),
        (WrongEvent::Foreign, "a webhook URL contains the provider, the token and the event"),
        (WrongEvent::Foreign, "a webhook belongs to its provider"),
    ] {
        let callback: Arc<dyn Callback> = Arc::new(WrongCallback::new(wrong));
        assert_caught(harness(Wrong::Nothing).callbacks(vec![callback]), promise).await;
    }
}

#[tokio::test]
async fn a_response_about_another_case_is_caught() {
    assert_caught(harness(Wrong::AcceptsOtherCase), "a response about another case is rejected").await;
}

#[tokio::test]
async fn a_call_without_an_end_is_caught() {
    let endless = harness(Wrong::NeverEnds).limit(Duration::from_millis(20));
    assert_caught(endless, "a call ends within the limit in real time").await;
}

#[tokio::test]
async fn an_invented_case_is_caught() {
    let slow = harness(Wrong::InventsId).faults(Fault::named("latency"));
    assert_caught(slow, "an opened case exists at the mock vendor").await;
}

#[tokio::test]
async fn a_wrong_report_of_a_lost_response_is_caught() {
    for (wrong, promise) in [
        (Wrong::ReportsFailed, "a case that was created is not reported as failed"),
        (Wrong::ReportsNotSent, "a request that was sent is not reported as not sent"),
    ] {
        assert_caught(harness(wrong).faults([Fault::ResetAfterCommit]), promise).await;
    }
}

#[tokio::test]
async fn a_cancellation_that_always_succeeds_is_caught() {
    let lost = harness(Wrong::CancelsNothing).faults(Fault::named("redirect"));
    assert_caught(lost, "a case that was canceled has ended at the vendor").await;
}

#[tokio::test]
async fn an_event_of_another_case_that_counts_is_caught() {
    let harness = harness(Wrong::TakesAnyEvent).callbacks(identkit_identity_tm::callbacks());
    assert_caught(harness, "an event of another case announces no evidence").await;
}

#[tokio::test]
async fn an_unknown_field_as_an_error_is_caught() {
    assert_caught(harness(Wrong::RejectsUnknownFields), "unknown fields of a response change nothing").await;
}

#[tokio::test]
async fn a_mock_vendor_that_saves_nothing_is_caught() {
    let harness = harness_in(wrong_vendor(true, false), Wrong::Nothing);
    assert_caught(harness, "a restored world has the same cases").await;
}

#[tokio::test]
async fn every_section_to_read_exists() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/providers.md")).unwrap();
    let headings = page.lines().filter_map(|line| line.strip_prefix("### "));
    let anchors: Vec<_> = headings.map(|heading| heading.to_lowercase().replace(' ', "-")).collect();
    for wrong in [Wrong::NameInStatus, Wrong::LosesReference, Wrong::DeletesNothing, Wrong::AcceptsOtherCase] {
        let report = run(&harness(wrong).faults([Fault::ResetAfterCommit])).await;
        for broken in report.broken() {
            let (_, anchor) = broken.read.split_once('#').unwrap();
            assert!(anchors.iter().any(|one| one == anchor), "{anchor} is not in {anchors:?}");
        }
    }
}
