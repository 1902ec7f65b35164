//! The samples of the document, and the requests that the client writes.

use identkit_core::Kind;
use identkit_example_provider::messages::{Case, CaseState, CreateCase};
use identkit_example_provider::{Dialect, FinishedCallback, operations};
use identkit_testkit::body_bytes;
use identkit_wire::{Callback, Operation, json};

pub(crate) const CREATE: &str = include_str!("../../fixtures/create-request.json");
pub(crate) const CASE: &str = include_str!("../../fixtures/case-response.json");
const EVENT: &str = include_str!("../../fixtures/finished-event.json");

#[test]
fn acme_03_the_request_is_as_in_the_sample() {
    let case: CreateCase = json::read(CREATE.as_bytes()).unwrap();
    let encoded = case.encode(&Dialect::new()).unwrap();
    let written = String::from_utf8(body_bytes(&encoded.body)).unwrap();
    let shown = format!("{} {}\n{written}\n{case:#?}", CreateCase::META.method, CreateCase::META.path);
    insta::assert_snapshot!("create_case", shown);
}

#[test]
fn acme_03_every_violation_is_reported_at_once() {
    let mut case: CreateCase = json::read(CREATE.as_bytes()).unwrap();
    case.callback_url = Some("ftp://example.com".into());
    case.person = case.person.map(|person| person.nationality("de").birth_date("12.08.1964").email(""));
    let error = case.encode(&Dialect::new()).unwrap_err();
    let mut fields: Vec<_> = error.violations().iter().map(|one| &*one.field).collect();
    fields.sort_unstable();
    assert_eq!(error.kind(), Kind::InvalidInput);
    assert_eq!(fields, ["callbackUrl", "person.birthDate", "person.email", "person.nationality"]);
}

#[test]
fn acme_06_an_unknown_word_survives_a_round_trip() {
    let case: Case = json::read(CASE.replace("success", "archived").as_bytes()).unwrap();
    assert!(matches!(case.status, Some(CaseState::Other(_))));
    assert!(String::from_utf8(json::write(&case).unwrap()).unwrap().contains(r#""status":"archived""#));
}

#[test]
fn acme_10_the_event_of_the_sample_names_its_case() {
    let event = FinishedCallback.parse(&http::Request::new(EVENT.into())).unwrap();
    assert_eq!(event.case_id.unwrap().expose(), "6f0a1b2c-0000-4000-8000-1234567890ab");
}

#[test]
fn acme_04_creating_is_never_repeated() {
    let repeated: Vec<_> = operations::all().into_iter().filter(|meta| meta.safety.forbids_repeat()).collect();
    assert!(matches!(&repeated[..], [one] if one.name == CreateCase::META.name));
}
