//! The session and the client: shared logins, retries after a 401, calls that are never repeated, the neutral port.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use futures_util::future::join_all;
use identkit_conformance::example_case;
use identkit_core::{Capability, Document, Gender, NewCase, Purpose};
use identkit_transport::Response;

use crate::support::*;

fn ident_answer() -> Step {
    ok(fixture("S-017-ident-get-response.comma-added.json"))
}

fn id() -> IdentId {
    IdentId::new("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")
}

fn created_answer() -> Step {
    ok(fixture("S-013-ident-create-response.json"))
}

/// A vendor that accepts only the newest token and answers no login until `open` is set.
fn closed() -> Arc<Vendor> {
    let vendor = Vendor::expiring(ident_answer());
    vendor.open.store(false, Ordering::SeqCst);
    vendor
}

/// A call that borrows nothing.
fn read(client: &Identify24) -> Pin<Box<impl Future<Output = Result<Response<Ident>, Error>> + use<>>> {
    let client = client.clone();
    Box::pin(async move { client.get_ident(&id(), &options()).await })
}

/// Creates an ident against scripted responses. Returns the result and the requested paths.
async fn create(answers: Vec<Step>) -> (Result<Response<CreateIdentResponse>, Error>, Vec<String>) {
    let vendor = Vendor::script(answers);
    let created = client(&vendor).create_ident(&erika(), &options()).await;
    (created, vendor.paths())
}

const ONCE: [&str; 2] = ["/auth", "/ident/create"];
const AGAIN: [&str; 4] = ["/auth", "/ident/create", "/auth", "/ident/create"];

#[test]
fn callers_on_many_threads_share_one_login() {
    let vendor = Vendor::expiring(ident_answer());
    let client = client(&vendor);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                let calls = (0..10).map(|_| read(&client));
                assert!(runtime.block_on(join_all(calls)).into_iter().all(|answer| answer.is_ok()));
            });
        }
    });
    assert_eq!(vendor.logins(), 1);
}

#[tokio::test]
async fn abandoned_login_is_resumed_for_a_limited_time() {
    for (left, logins) in [(Duration::ZERO, 1), (Duration::from_secs(3600), 2)] {
        let (vendor, clock) = (closed(), TestClock::default());
        let client = client_with(&vendor, &clock, Dialect::new());
        let mut leader = read(&client);
        waits(&mut leader);
        drop(leader);
        clock.advance(left);
        let mut next = read(&client);
        waits(&mut next);
        vendor.open.store(true, Ordering::SeqCst);
        assert!(next.await.is_ok());
        let mut expected = vec!["/auth"; logins];
        expected.push("/ident/get/xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
        assert_eq!(vendor.paths(), expected);
    }
}

#[tokio::test]
async fn i_008_token_is_renewed_after_28_idle_minutes() {
    let vendor = Vendor::script(vec![ident_answer()]);
    let clock = TestClock::default();
    let client = client_with(&vendor, &clock, Dialect::new());
    client.get_ident(&id(), &options()).await.unwrap();
    for _ in 0..5 {
        clock.advance(Duration::from_secs(28 * 60 - 1));
        client.get_ident(&id(), &options()).await.unwrap();
    }
    assert_eq!(vendor.logins(), 1, "each call restarts the idle time");
    clock.advance(Duration::from_secs(28 * 60));
    client.get_ident(&id(), &options()).await.unwrap();
    assert_eq!(vendor.logins(), 2);
}

#[tokio::test]
async fn ai_09_ai_16_ai_26_every_call_has_token_and_content_type() {
    let vendor = Vendor::script(vec![
        created_answer(),
        ident_answer(),
        ok(fixture("S-021-project-get-all-response.json")),
        ok(fixture("S-026-project-get-response.json")),
    ]);
    let client = client(&vendor);
    client.create_ident(&erika(), &options()).await.unwrap();
    client.get_ident(&id(), &options()).await.unwrap();
    client.projects(&options()).await.unwrap();
    client.project(&"6".into(), &options()).await.unwrap();
    let arrived = vendor.arrived.lock().unwrap().clone();
    assert_eq!(arrived.len(), 5);
    for request in arrived {
        assert_eq!(request.header("content-type"), "application/json", "{}", request.path());
        let (partner, token) = if request.path() == "/auth" { ("", "") } else { (PARTNER, "token-1") };
        assert_eq!((request.header("x-api-partner"), request.header("x-api-token")), (partner, token));
        // AI-16: no idempotency header; not Authorization either (I-005).
        assert!(request.headers.keys().all(|name| !name.as_str().contains("idempot") && name != "authorization"));
        let shown = format!("{:?}", request.headers);
        assert!(!shown.contains(PARTNER) && !shown.contains("token-1"), "{shown}");
    }
}

#[tokio::test]
async fn ai_10_login_keys_are_in_upper_case() {
    let vendor = Vendor::script(vec![ident_answer()]);
    let answered = client(&vendor).login(&options()).await.unwrap();
    assert_eq!(answered.value.token().unwrap().expose(), "token-1");
    assert_eq!((answered.status.as_u16(), answered.attempts), (200, 1));
    let request = vendor.last();
    assert_eq!(json(&request.body), serde_json::json!({ "PARTNER": PARTNER, "APIKEY": API_KEY }));
}

#[tokio::test]
async fn ai_17_client_logs_in_again_after_a_401() {
    let vendor = Vendor::script(vec![status(401), created_answer()]);
    client(&vendor).create_ident(&erika(), &options()).await.unwrap();
    assert_eq!(vendor.paths(), AGAIN);
    assert_eq!(vendor.last().header("x-api-token"), "token-2");
}

#[tokio::test]
async fn ai_17_rejected_login_is_final_until_new_credentials() {
    let vendor = Vendor::script(vec![ident_answer()]);
    vendor.next_login(status(401));
    let client = client(&vendor);
    let error = client.create_ident(&erika(), &options()).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (Kind::Authentication, Some(401)));
    assert_eq!((error.delivery(), error.advice()), (Some(Delivery::NotSent), Advice::CheckCredentials));
    for _ in 0..3 {
        assert_eq!(client.get_ident(&id(), &options()).await.unwrap_err().kind(), Kind::Authentication);
        assert_eq!(client.login(&options()).await.unwrap_err().kind(), Kind::Authentication);
    }
    assert_eq!(vendor.paths(), ["/auth"], "nothing more was sent");

    assert!(client.set_credentials(&Credentials::new("", "x")).is_err());
    client.set_credentials(&Credentials::new("other", "new-key")).unwrap();
    client.get_ident(&id(), &options()).await.unwrap();
    assert_eq!(vendor.last().header("x-api-partner"), "other");
    assert_eq!(vendor.logins(), 2);
}

#[tokio::test]
async fn i_031_failed_login_does_not_block_later_ones() {
    let tokenless = Some(Kind::Authentication);
    for (answer, kind) in [
        (Step::Reset, None),
        (status(500), None),
        (status(403), None),
        (ok("not JSON: Mustermann"), None),
        (ok(r#"{"result":false,"messages":["Mustermann"]}"#), None),
        (ok(r#"{"result":false,"token":"x"}"#), tokenless),
        (ok(r#"{"result":true}"#), tokenless),
        (ok(r#"{"token":""}"#), tokenless),
        (ok(r#"{"token":"a\nb"}"#), None),
    ] {
        let vendor = Vendor::script(vec![created_answer()]);
        (0..3).for_each(|_| vendor.next_login(answer.clone()));
        let client = client(&vendor);
        let created = loop {
            let created = client.create_ident(&erika(), &options()).await;
            if created.is_ok() {
                break created;
            }
            let error = fault(created);
            assert_ne!(error.kind(), Kind::OutcomeUnknown, "{error}");
            assert!(kind.is_none_or(|kind| error.kind() == kind), "{answer:?}: {error}");
            assert_eq!(error.delivery(), Some(Delivery::NotSent), "{error}");
            assert!(!vendor.paths().iter().any(|path| path == "/ident/create"));
        };
        assert!(created.unwrap().value.ident_id.is_some());
    }
}

#[tokio::test]
async fn panicking_transport_does_not_block_later_logins() {
    let vendor = Vendor::script(vec![ident_answer()]);
    vendor.next_login(Step::Panic);
    let client = client(&vendor);
    assert!(AssertUnwindSafe(read(&client)).catch_unwind().await.is_err());
    assert!(read(&client).await.is_ok());
}

#[tokio::test]
async fn panicking_caller_does_not_cancel_the_shared_login() {
    let vendor = closed();
    let client = client(&vendor);
    let [mut waiting, mut unlucky, mut late] = [(); 3].map(|()| read(&client));
    waits(&mut waiting);
    waits(&mut unlucky);
    let panicked = std::panic::catch_unwind(AssertUnwindSafe(move || {
        let _held = unlucky;
        panic!("a bug in the caller");
    }));
    assert!(panicked.is_err());
    waits(&mut late);
    vendor.open.store(true, Ordering::SeqCst);
    assert!(waiting.await.is_ok() && late.await.is_ok());
    assert_eq!(vendor.paths().iter().filter(|path| *path == "/auth").count(), 1, "the login was shared");
}

#[tokio::test]
async fn new_credentials_replace_a_running_login() {
    let vendor = Vendor::script(vec![ident_answer()]);
    vendor.open.store(false, Ordering::SeqCst);
    let client = client(&vendor);
    let mut call = read(&client);
    waits(&mut call);
    client.set_credentials(&Credentials::new("other", "new-key")).unwrap();
    vendor.open.store(true, Ordering::SeqCst);
    assert!(call.await.is_ok());
    assert_eq!(vendor.last().header("x-api-partner"), "other");
    assert_eq!(vendor.last().header("x-api-token"), "token-2");
}

#[tokio::test]
async fn i_042_a_create_that_may_have_arrived_is_never_repeated() {
    let unreadable = ["{", "{}", r#"{"result":true,"response_status":500}"#].map(ok);
    let trouble = [500, 501, 502, 503, 504, 507, 511, 520, 599, 408].map(status);
    for answer in [Step::Reset].into_iter().chain(unreadable).chain(trouble) {
        let (created, paths) = create(vec![answer]).await;
        let error = fault(created);
        assert_eq!((error.kind(), error.advice()), (Kind::OutcomeUnknown, Advice::Reconcile), "{error}");
        assert_eq!(paths, ONCE, "{error}");
    }
    let (created, _) = create(vec![Step::NotSent, status(429), created_answer()]).await;
    assert_eq!(created.unwrap().attempts, 3);
}

#[tokio::test]
async fn ai_02_result_false_with_status_200_is_a_rejection() {
    let refused = r#"{"result":false,"messages":["Mustermann is known"]}"#;
    let vendor = Vendor::script(vec![ok(refused)]);
    let client = client(&vendor);
    let error = fault(client.create_ident(&erika(), &options()).await);
    assert_eq!((error.kind(), error.status(), error.delivery()), (Kind::Rejected, Some(200), Some(Delivery::Answered)));
    assert_eq!(error.vendor_text().unwrap().expose(), "Mustermann is known");
    assert_eq!(client.get_ident(&id(), &options()).await.unwrap_err().kind(), Kind::Rejected);
    assert_eq!(client.projects(&options()).await.unwrap_err().kind(), Kind::Rejected);
}

/// Responses with HTTP status 200 whose body reports a failure. A rejection that names an ident is an unknown outcome,
/// because the ident may exist. So is a `response_status` that is not an error status, unless `result` is false.
#[tokio::test]
async fn ai_30_the_worse_status_counts() {
    let answer = |code: &str, rest: &str| format!(r#""result":true,"response_status":{code}{rest}"#);
    let mut cases = vec![
        (r#""response_status":400"#.to_owned(), Kind::Rejected, Some(400), ""),
        (r#""result":false,"response_status":403"#.to_owned(), Kind::Forbidden, Some(403), ""),
        // A 429 in the body only does not make it safe to repeat a create.
        (r#""result":false,"response_status":429"#.to_owned(), Kind::RateLimited, Some(429), ""),
        (r#""result":false,"response_status":0"#.to_owned(), Kind::Rejected, Some(200), ""),
    ];
    // The body contradicts itself.
    let contradicted = ["0", "1000", "302", "400", "401", "403", "404", "429", "500"];
    cases.extend(contradicted.map(|code| (answer(code, ""), Kind::OutcomeUnknown, None, "")));
    let traces = [
        r#","ident_id":"kept""#,
        r#","conference_url":"https://identify24.de/apply/kept""#,
        r#","data":{"ident_id":"kept"}"#,
    ];
    for trace in traces {
        for (code, status) in [("401", Some(401)), ("404", Some(404)), ("429", Some(429)), ("0", None), ("1000", None)]
        {
            cases.push((answer(code, trace), Kind::OutcomeUnknown, status, trace));
        }
    }
    // Without ident_id at the top level.
    cases.extend(traces[1..].iter().map(|trace| (answer("200", trace), Kind::OutcomeUnknown, None, *trace)));
    for (body, kind, status, kept) in cases {
        let (created, paths) = create(vec![ok(format!("{{{body}}}"))]).await;
        let error = fault(created);
        assert_eq!(error.kind(), kind, "{body}");
        assert!(status.is_none() || error.status() == status, "{body}: {error}");
        assert!(kept.is_empty() || error.vendor_text().unwrap().expose().contains(kept), "{body}: the only copy");
        assert!(!format!("{error} {error:?}").contains("kept"));
        assert_eq!(paths, ONCE, "{body}");
    }
    // A successful body does not override a failing HTTP status.
    let vendor = Vendor::script(vec![Step::Answer(Reply::new(404, r#"{"result":true,"response_status":200}"#))]);
    assert_eq!(client(&vendor).get_ident(&id(), &options()).await.unwrap_err().kind(), Kind::NotFound);
}

#[tokio::test]
async fn ai_30_401_in_the_body_causes_one_more_login() {
    let expired = ok(r#"{"result":false,"response_status":"401"}"#);
    let vendor = Vendor::script(vec![expired.clone(), ok(r#"{"result":true,"data":{"id":"x","status":"y"}}"#)]);
    client(&vendor).get_ident(&IdentId::new("x"), &options()).await.unwrap();
    assert_eq!((vendor.paths().len(), vendor.logins()), (4, 2));
    // A create is not sent again: its status does not say that it was refused (AI-31). The next call logs in.
    let vendor = Vendor::script(vec![expired.clone(), created_answer()]);
    let caller = client(&vendor);
    assert_eq!(fault(caller.create_ident(&erika(), &options()).await).kind(), Kind::Authentication);
    assert_eq!(vendor.paths(), ONCE);
    caller.create_ident(&erika(), &options()).await.unwrap();
    assert_eq!(vendor.paths().len(), 4);
    // A 401 in the HTTP status and then one in the body: the second is final.
    let (created, paths) = create(vec![status(401), expired.clone()]).await;
    assert_eq!((fault(created).kind(), paths), (Kind::Authentication, AGAIN.map(str::to_owned).to_vec()));
    for answers in [vec![expired.clone()], vec![status(401), expired]] {
        let vendor = Vendor::script(answers);
        let error = client(&vendor).get_ident(&id(), &options()).await.unwrap_err();
        assert_eq!((error.kind(), vendor.paths().len()), (Kind::Authentication, 4));
    }
}

#[tokio::test]
async fn ai_15_any_vendor_id_is_one_path_segment() {
    let vendor = Vendor::script(vec![ok(r#"{"result":true,"data":{"id":"a/b ?ü","status":"Unidentified"}}"#)]);
    let client = client(&vendor);
    client.get_ident(&IdentId::new("a/b ?ü"), &options()).await.unwrap();
    assert_eq!(vendor.last().uri, "http://127.0.0.1:1/ident/get/a%2Fb%20%3F%C3%BC");
    for odd in ["", ".", ".."] {
        assert_eq!(client.get_ident(&odd.into(), &options()).await.unwrap_err().kind(), Kind::InvalidInput);
    }
}

#[tokio::test]
async fn invalid_ident_is_not_sent() {
    let vendor = Vendor::script(vec![ident_answer()]);
    let error = client(&vendor).create_ident(&erika().email("x"), &options()).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (Kind::InvalidInput, Some("ident/create")));
    assert!(vendor.paths().is_empty());
}

#[tokio::test]
async fn debug_of_the_client_prints_no_secret() {
    let vendor = Vendor::script(vec![ident_answer()]);
    let client = client(&vendor);
    let login = client.login(&options()).await.unwrap();
    let transport: Arc<dyn Transport> = Arc::clone(&vendor) as _;
    let builder = Identify24::builder(Credentials::new(PARTNER, API_KEY)).transport(transport);
    let shown = format!("{client:?} {builder:?} {login:?}");
    for secret in [PARTNER, API_KEY, "token-1"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn unusable_settings_are_rejected_by_build() {
    let vendor: Arc<dyn Transport> = Vendor::script(vec![ident_answer()]);
    let build = |partner: &str, key: &str, url: &str| {
        let credentials = Credentials::new(partner, key);
        Identify24::builder(credentials)
            .transport(Arc::clone(&vendor))
            .base_url(url)
            .build()
            .err()
            .map(|error| error.kind())
    };
    assert_eq!(build("p", "k", identkit_identify24::DEFAULT_BASE_URL), None);
    assert_eq!(build("Köln", "k", "https://example.com/"), None);
    for (partner, key, url) in [
        ("", "k", "https://example.com"),
        ("p", " ", "https://example.com"),
        ("p\n", "k", "https://example.com"),
        ("p", "k", "http://example.com"),
    ] {
        assert_eq!(build(partner, key, url), Some(Kind::InvalidInput));
    }
}

#[tokio::test]
async fn port_opens_a_case_and_reads_its_status() {
    let vendor = Vendor::script(vec![created_answer(), ident_answer()]);
    let client = client(&vendor);
    let mut case = example_case(Purpose::Signature);
    case.documents = vec![Document { name: "contract.pdf".into(), pdf: "%PDF-1.7\n".into() }];
    let opened = client.open(&case, &options()).await.unwrap();
    assert_eq!((opened.case.provider.as_str(), opened.case.id.expose()), ("identify24", id().expose()));
    assert!(opened.person_url.unwrap().expose().starts_with("https://identify24.de/apply/"));
    let sent = json(&vendor.last().body);
    assert_eq!(
        sent,
        serde_json::json!({
            "project_id": "6", "gender": "FEMALE", "person_first_name": "ERIKA", "person_last_name": "MUSTERMANN",
            "email": "e.mustermann@example.com", "street": "HEIDESTR.", "house_no": "17", "zip_code": "43000",
            "city": "KÖLN", "country": "DE", "mobile_phone": "+491711234567", "birthday": "1964-08-12",
            "birth_place": "BERLIN", "nationality": "DE", "custom_id": "conformance-1",
            "pdf_content": "data:@file/pdf;base64,JVBERi0xLjcK"
        })
    );

    let read = client.status(&opened.case, &options()).await.unwrap();
    assert_eq!(read.reference.as_ref().map(|reference| reference.expose().as_str()), Some("Optional"));
    assert_eq!((read.outcome, read.vendor_codes), (Outcome::Pending, vec!["Unidentified".to_owned()]));
    let elsewhere = CaseRef { provider: "identity-tm".into(), ..opened.case };
    assert_eq!(client.status(&elsewhere, &options()).await.unwrap_err().kind(), Kind::InvalidInput);
}

#[tokio::test]
async fn ai_12_other_statuses_are_mapped_by_the_caller() {
    let answer = |word: &str| ok(format!(r#"{{"result":true,"data":{{"id":"x","status":"{word}"}}}}"#));
    let vendor =
        Vendor::script(vec![answer("IDENTIFIED"), answer("Strange"), ok(r#"{"data":{"id":"x"}}"#), status(404)]);
    let client = client_by(&vendor, |builder| builder.outcome("Identified", Outcome::Positive));
    let case = CaseRef { provider: "identify24".into(), id: Secret::new("x"), state: None };
    for outcome in [Outcome::Positive, Outcome::Unknown] {
        assert_eq!(client.status(&case, &options()).await.unwrap().outcome, outcome);
    }
    // Without a status, nothing is known (AT-93).
    assert_eq!(client.status(&case, &options()).await.unwrap_err().kind(), Kind::Protocol);
    let error = client.status(&case, &options()).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (Kind::NotFound, Some("ident/get")));

    // A table can replace the default.
    let table =
        [("identified", Outcome::Positive), ("Rejected", Outcome::Negative), ("unidentified", Outcome::Unknown)];
    let vendor = Vendor::script(["Identified", "rejected ", "Unidentified", "Other"].map(answer).to_vec());
    let client = client_by(&vendor, |builder| builder.outcomes(table));
    for outcome in [Outcome::Positive, Outcome::Negative, Outcome::Unknown, Outcome::Unknown] {
        assert_eq!(client.status(&case, &options()).await.unwrap().outcome, outcome);
    }
}

#[tokio::test]
async fn i_020_expiry_is_a_timestamp_only_with_a_zone() {
    let vendor = Vendor::script(vec![ident_answer()]);
    let client = client(&vendor);
    let ident = client.get_ident(&id(), &options()).await.unwrap().value;
    assert_eq!(ident.expires_estimate(), Some(jiff::civil::date(2020, 1, 19).at(9, 57, 51, 0)));
    assert_eq!(client.expires_at(&ident), None, "there is no default zone");
    assert_eq!(client.timestamp(ident.created_at.as_ref().unwrap()), None);

    let berlin = jiff::tz::TimeZone::posix(identkit_identify24::messages::BERLIN).unwrap();
    let in_berlin = client_by(&vendor, |builder| builder.zone(berlin));
    assert_eq!(in_berlin.timestamp(ident.created_at.as_ref().unwrap()).unwrap().to_string(), "2019-10-21T07:57:51Z");
    assert_eq!(in_berlin.expires_at(&ident).unwrap().to_string(), "2020-01-19T08:57:51Z", "winter by then");
    assert_eq!(in_berlin.expires_at(&Ident::default()), None);
}

#[tokio::test]
async fn port_rejects_cases_that_the_vendor_cannot_handle() {
    let vendor = Vendor::script(vec![ident_answer()]);
    let client = client(&vendor);
    let pdf = Document { name: "a".into(), pdf: "%PDF-".into() };
    let refused = async |change: &dyn Fn(&mut NewCase)| {
        let mut case = example_case(Purpose::Identification);
        change(&mut case);
        let error = client.open(&case, &options()).await.unwrap_err();
        error.violations().iter().map(|fault| fault.field.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(refused(&|case| case.person.gender = Some(Gender::Other)).await, ["person.gender"]);
    assert_eq!(refused(&|case| case.purpose = Purpose::Signature).await, ["documents"]);
    assert_eq!(refused(&|case| case.documents = vec![pdf.clone()]).await, ["documents"]);
    assert_eq!(
        refused(&|case| {
            case.purpose = Purpose::Signature;
            case.documents = vec![pdf.clone(), pdf.clone()];
        })
        .await,
        ["documents"]
    );
    assert_eq!(refused(&|case| case.person.email = None).await, ["person.email"]);
    let many = refused(&|case| {
        case.person.gender = Some(Gender::Other);
        case.person.email = None;
        case.project = None;
    });
    assert_eq!(many.await, ["person.gender", "project", "person.email"], "all at once");
    assert!(vendor.paths().is_empty());
}

#[tokio::test]
async fn ai_28_capabilities_exclude_missing_calls() {
    // The conformance suite checks that all other calls are `Kind::Unsupported`.
    let vendor = Vendor::script(vec![ident_answer()]);
    let basic = [Capability::Open, Capability::Sign, Capability::Status];
    assert_eq!(client(&vendor).descriptor().capabilities, basic);
    for (outcome, judges) in
        [(Outcome::Positive, true), (Outcome::Signed, true), (Outcome::Negative, false), (Outcome::Identified, false)]
    {
        let client = client_by(&vendor, |builder| builder.outcome("Identified", outcome));
        assert_eq!(client.descriptor().can(Capability::Judge), judges, "{outcome:?}");
    }
}

#[tokio::test]
async fn ai_15_any_id_is_adopted_and_a_created_ident_too() {
    let vendor = Vendor::script(vec![ident_answer(), ident_answer()]);
    let client = client(&vendor);
    assert_eq!(client.adopt("a/b ä", Purpose::Signature).unwrap(), CaseRef::new("identify24", "a/b ä"));
    for text in ["", " ", ".", ".."] {
        assert_eq!(client.adopt(text, Purpose::Identification).unwrap_err().kind(), Kind::InvalidInput, "{text}");
    }
    assert!(vendor.paths().is_empty());
    let created = CreateIdentResponse::created(id(), "https://identify24.de/apply/x");
    let case = created.case_ref().unwrap();
    assert_eq!(case, client.adopt(id().expose(), Purpose::Identification).unwrap());
    assert_eq!(client.status(&case, &options()).await.unwrap().outcome, Outcome::Pending);
    let mut nameless = created;
    nameless.ident_id = None;
    assert_eq!(nameless.case_ref().unwrap_err().kind(), Kind::OutcomeUnknown);

    let foreign = case.with_state(r#"{"flavour":"qes"}"#);
    assert_eq!(client.status(&foreign, &options()).await.unwrap_err().kind(), Kind::InvalidInput);
}

#[tokio::test]
async fn a_404_page_of_another_server_is_no_missing_ident() {
    let page = Step::Answer(Reply::new(404, "<html>not found</html>"));
    let vendor = Vendor::script(vec![status(404), page]);
    let client = client(&vendor);
    let case = CaseRef::new("identify24", "x");
    for kind in [Kind::NotFound, Kind::Protocol] {
        assert_eq!(client.status(&case, &options()).await.unwrap_err().kind(), kind);
    }
}
