//! The session and the client: one login for all, resending once, what is never repeated, the neutral port.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::support::{
    API_KEY, Answer, PARTNER, TestClock, Vendor, client, client_with, erika, fixture, json, ok, options, status,
};
use futures_util::FutureExt;
use futures_util::future::join_all;
use identkit_core::{
    Advice, Capability, CaseRef, DeletePermit, Delivery, Document, Error, Gender, IdentityProvider, Kind, NewCase,
    Outcome, Person, Purpose, Secret, Window,
};
use identkit_identify24::messages::{Ident, IdentId};
use identkit_identify24::{Credentials, Dialect, Identify24};
use identkit_transport::{Response, Transport};

fn ident_answer() -> Answer {
    ok(fixture("S-017-ident-get-response.comma-added.json"))
}

fn id() -> IdentId {
    IdentId::new("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")
}

/// A vendor that knows only the newest token.
fn expiring() -> Arc<Vendor> {
    Arc::new_cyclic(|vendor: &std::sync::Weak<Vendor>| {
        let vendor = vendor.clone();
        Arc::into_inner(Vendor::new(move |arrived| {
            let newest = format!("token-{}", vendor.upgrade().unwrap().logins());
            if arrived.header("x-api-token") == newest { ident_answer() } else { status(401) }
        }))
        .unwrap()
    })
}

/// A call that owns what it needs.
fn read(client: &Identify24) -> impl Future<Output = Result<Response<Ident>, Error>> + use<> {
    let client = client.clone();
    async move { client.get_ident(&id(), &options()).await }
}

fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    std::pin::Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test]
async fn one_hundred_callers_share_one_login() {
    for _ in 0..200 {
        let vendor = expiring();
        let client = client(&vendor);
        let calls = (0..100).map(|_| read(&client));
        assert!(join_all(calls).await.into_iter().all(|answer| answer.is_ok()));
        assert_eq!(vendor.logins(), 1);
        // The token dies at the vendor: again one login for all.
        vendor.logins.fetch_add(1, Ordering::SeqCst);
        let calls = (0..100).map(|_| read(&client));
        assert!(join_all(calls).await.into_iter().all(|answer| answer.is_ok()));
        assert_eq!(vendor.logins(), 3, "one real login after the one that was only counted");
    }
}

#[test]
fn callers_on_many_threads_share_one_login() {
    let vendor = expiring();
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
async fn a_cancelled_leader_does_not_lose_the_login() {
    let vendor = expiring();
    vendor.open.store(false, Ordering::SeqCst);
    let client = client(&vendor);
    let mut calls: Vec<_> = (0..100).map(|_| Box::pin(read(&client))).collect();
    for _ in 0..10 {
        assert!(calls.iter_mut().all(|call| poll_once(call).is_pending()));
    }
    // The one that began it and half of the others go away.
    drop(calls.drain(..50));
    vendor.open.store(true, Ordering::SeqCst);
    assert!(join_all(calls).await.into_iter().all(|answer| answer.is_ok()));
    assert_eq!(vendor.logins(), 1);
    assert_eq!(vendor.paths().iter().filter(|path| *path == "/auth").count(), 1, "sent once, taken over");
}

#[tokio::test]
async fn a_login_that_everybody_left_is_taken_up_again() {
    let vendor = expiring();
    vendor.open.store(false, Ordering::SeqCst);
    let client = client(&vendor);
    let mut leader = Box::pin(read(&client));
    for _ in 0..10 {
        assert!(poll_once(&mut leader).is_pending());
    }
    drop(leader);
    vendor.open.store(true, Ordering::SeqCst);
    client.get_ident(&id(), &options()).await.unwrap();
    assert_eq!(vendor.paths(), ["/auth", "/ident/get/xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"]);
}

#[tokio::test]
async fn a_login_that_everybody_left_for_too_long_is_begun_anew() {
    let vendor = expiring();
    vendor.open.store(false, Ordering::SeqCst);
    let clock = TestClock::default();
    let client = client_with(&vendor, &clock, Dialect::new());
    let mut leader = Box::pin(read(&client));
    for _ in 0..10 {
        assert!(poll_once(&mut leader).is_pending());
    }
    drop(leader);
    clock.advance(Duration::from_secs(3600));
    let mut next = Box::pin(read(&client));
    for _ in 0..10 {
        assert!(poll_once(&mut next).is_pending(), "the old login's time is over, a new one waits");
    }
    vendor.open.store(true, Ordering::SeqCst);
    assert!(next.await.is_ok());
    assert_eq!(vendor.paths().iter().filter(|path| *path == "/auth").count(), 2);
}

#[tokio::test]
async fn i_008_a_token_is_renewed_ahead_of_time_after_28_idle_minutes() {
    let vendor = Vendor::script(vec![ident_answer()]);
    let clock = TestClock::default();
    let client = client_with(&vendor, &clock, Dialect::new());
    client.get_ident(&id(), &options()).await.unwrap();
    for _ in 0..5 {
        clock.advance(Duration::from_secs(28 * 60 - 1));
        client.get_ident(&id(), &options()).await.unwrap();
    }
    assert_eq!(vendor.logins(), 1, "each use keeps it alive");
    clock.advance(Duration::from_secs(28 * 60));
    client.get_ident(&id(), &options()).await.unwrap();
    assert_eq!(vendor.logins(), 2);
}

#[tokio::test]
async fn ai_09_ai_16_ai_26_partner_token_and_content_type_are_on_every_call() {
    let vendor = Vendor::script(vec![
        ok(fixture("S-013-ident-create-response.json")),
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
        assert_eq!(request.header("content-type"), "application/json", "{}", request.path);
        let (partner, token) = if request.path == "/auth" { ("", "") } else { (PARTNER, "token-1") };
        assert_eq!((request.header("x-api-partner"), request.header("x-api-token")), (partner, token));
        // AI-16: no idempotency header; not Authorization either (I-005).
        assert!(request.headers.keys().all(|name| !name.as_str().contains("idempot") && name != "authorization"));
        let shown = format!("{:?}", request.headers);
        assert!(!shown.contains(PARTNER) && !shown.contains("token-1"), "{shown}");
    }
}

#[tokio::test]
async fn ai_10_the_login_has_upper_case_keys() {
    let vendor = Vendor::script(vec![ident_answer()]);
    let answered = client(&vendor).login(&options()).await.unwrap();
    assert_eq!(answered.value.token().unwrap().expose(), "token-1");
    assert_eq!((answered.status.as_u16(), answered.attempts), (200, 1));
    let request = vendor.last();
    assert_eq!(json(&request.body), serde_json::json!({ "PARTNER": PARTNER, "APIKEY": API_KEY }));
}

#[tokio::test]
async fn ai_17_a_401_means_log_in_again_once() {
    let vendor = Vendor::script(vec![status(401), ok(fixture("S-013-ident-create-response.json"))]);
    let client = client(&vendor);
    client.create_ident(&erika(), &options()).await.unwrap();
    assert_eq!(vendor.paths(), ["/auth", "/ident/create", "/auth", "/ident/create"]);
    assert_eq!(vendor.last().header("x-api-token"), "token-2");

    let vendor = Vendor::script(vec![status(401)]);
    let error = self::client(&vendor).create_ident(&erika(), &options()).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (Kind::Authentication, Some(401)));
    assert_eq!(vendor.paths().len(), 4, "the second is final");
}

#[tokio::test]
async fn ai_17_a_401_to_the_login_is_final_until_there_are_new_credentials() {
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
async fn a_failed_login_leaves_the_way_free_and_says_that_the_call_was_not_sent() {
    for answer in [
        Answer::Reset,
        status(500),
        status(403),
        ok("no JSON: Mustermann"),
        ok(r#"{"result":false,"messages":["Mustermann"]}"#),
        ok(r#"{"result":true}"#),
        ok(r#"{"token":"a\nb"}"#),
    ] {
        let vendor = Vendor::script(vec![ok(fixture("S-013-ident-create-response.json"))]);
        for _ in 0..3 {
            vendor.next_login(answer.clone());
        }
        let client = client(&vendor);
        let error = loop {
            match client.create_ident(&erika(), &options()).await {
                Err(error) => {
                    assert_ne!(error.kind(), Kind::OutcomeUnknown, "{error}");
                    assert_eq!(error.delivery(), Some(Delivery::NotSent), "{error}");
                    assert!(!vendor.paths().iter().any(|path| path == "/ident/create"));
                    assert!(!format!("{error} {error:?}").contains("Mustermann"));
                }
                Ok(created) => break created,
            }
        };
        assert!(error.value.ident_id.is_some());
    }
}

#[tokio::test]
async fn a_transport_that_panicked_does_not_block_later_logins() {
    let vendor = Vendor::script(vec![ident_answer()]);
    vendor.next_login(Answer::Panic);
    let client = client(&vendor);
    assert!(AssertUnwindSafe(read(&client)).catch_unwind().await.is_err());
    assert!(read(&client).await.is_ok());
}

#[tokio::test]
async fn a_caller_that_panics_while_it_waits_takes_the_login_of_the_others_not_away() {
    let vendor = expiring();
    vendor.open.store(false, Ordering::SeqCst);
    let client = client(&vendor);
    let mut waiting = Box::pin(read(&client));
    let mut unlucky = Box::pin(read(&client));
    for _ in 0..10 {
        assert!(poll_once(&mut waiting).is_pending());
        assert!(poll_once(&mut unlucky).is_pending());
    }
    let panicked = std::panic::catch_unwind(AssertUnwindSafe(move || {
        let _held = unlucky;
        panic!("a bug of the caller's own");
    }));
    assert!(panicked.is_err());
    let mut late = Box::pin(read(&client));
    for _ in 0..10 {
        assert!(poll_once(&mut late).is_pending());
    }
    vendor.open.store(true, Ordering::SeqCst);
    assert!(waiting.await.is_ok() && late.await.is_ok());
    assert_eq!(vendor.paths().iter().filter(|path| *path == "/auth").count(), 1, "one login, which nobody took away");
}

#[tokio::test]
async fn i_031_a_login_without_a_token_is_an_authentication_failure() {
    for answer in [r#"{"result":false,"token":"x"}"#, r#"{"result":true}"#, r#"{"token":""}"#] {
        let vendor = Vendor::script(vec![ident_answer()]);
        vendor.next_login(ok(answer));
        let error = client(&vendor).get_ident(&id(), &options()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Authentication, "{answer}");
        assert_eq!(vendor.paths(), ["/auth"]);
    }
}

#[tokio::test]
async fn replaced_credentials_win_over_a_login_under_way() {
    let vendor = Vendor::script(vec![ident_answer()]);
    vendor.open.store(false, Ordering::SeqCst);
    let client = client(&vendor);
    let mut call = Box::pin(read(&client));
    for _ in 0..10 {
        assert!(poll_once(&mut call).is_pending());
    }
    client.set_credentials(&Credentials::new("other", "new-key")).unwrap();
    vendor.open.store(true, Ordering::SeqCst);
    assert!(call.await.is_ok());
    assert_eq!(vendor.last().header("x-api-partner"), "other");
    assert_eq!(vendor.last().header("x-api-token"), "token-2");
}

#[tokio::test]
async fn i_042_a_create_that_may_have_arrived_is_never_repeated() {
    for answer in
        [Answer::Reset, status(500), status(503), ok("{"), ok("{}"), ok(r#"{"result":true,"response_status":500}"#)]
    {
        let vendor = Vendor::script(vec![answer]);
        let error = client(&vendor).create_ident(&erika(), &options()).await.unwrap_err();
        assert_eq!((error.kind(), error.advice()), (Kind::OutcomeUnknown, Advice::Reconcile), "{error}");
        assert_eq!(vendor.paths(), ["/auth", "/ident/create"]);
    }
    let vendor = Vendor::script(vec![Answer::NotSent, status(429), ok(fixture("S-013-ident-create-response.json"))]);
    assert_eq!(client(&vendor).create_ident(&erika(), &options()).await.unwrap().attempts, 3);
}

#[tokio::test]
async fn ai_02_a_refusal_in_an_answer_of_success_is_a_refusal() {
    let refused = r#"{"result":false,"messages":["Mustermann is known"]}"#;
    let vendor = Vendor::script(vec![ok(refused)]);
    let client = client(&vendor);
    let error = client.create_ident(&erika(), &options()).await.unwrap_err();
    assert_eq!((error.kind(), error.status(), error.delivery()), (Kind::Rejected, Some(200), Some(Delivery::Answered)));
    assert_eq!(error.vendor_text().unwrap().expose(), "Mustermann is known");
    assert!(!format!("{error} {error:?}").contains("Mustermann"));
    assert_eq!(client.get_ident(&id(), &options()).await.unwrap_err().kind(), Kind::Rejected);
    assert_eq!(client.projects(&options()).await.unwrap_err().kind(), Kind::Rejected);
}

#[tokio::test]
async fn ai_30_the_worse_of_both_statuses_counts() {
    for (code, kind) in [(400, Kind::Rejected), (403, Kind::Forbidden), (404, Kind::NotFound), (429, Kind::RateLimited)]
    {
        let body = format!(r#"{{"result":true,"response_status":{code}}}"#);
        let error = client(&Vendor::script(vec![ok(&body)])).create_ident(&erika(), &options()).await.unwrap_err();
        assert_eq!((error.kind(), error.status()), (kind, Some(code)), "{error}");
    }
    // A refusal that names an ident: it may exist, so that it is neither sent again nor thrown away.
    for code in ["401", "404", "0", "1000"] {
        let vendor =
            Vendor::script(vec![ok(format!(r#"{{"result":true,"response_status":{code},"ident_id":"kept"}}"#))]);
        let error = client(&vendor).create_ident(&erika(), &options()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::OutcomeUnknown, "{code}");
        let answer: serde_json::Value = serde_json::from_str(error.vendor_text().unwrap().expose()).unwrap();
        assert_eq!(answer["ident_id"], "kept", "the only copy");
        assert!(!format!("{error} {error:?}").contains("kept"));
        assert_eq!(vendor.paths(), ["/auth", "/ident/create"]);
    }
    // The same where only its URL, or another place for its id, is a trace of it.
    for trace in [r#""conference_url":"https://identify24.de/apply/abc""#, r#""data":{"ident_id":"abc"}"#] {
        for code in [401, 429] {
            let body = format!(r#"{{"result":true,"response_status":{code},{trace}}}"#);
            let vendor = Vendor::script(vec![ok(body)]);
            let error = client(&vendor).create_ident(&erika(), &options()).await.unwrap_err();
            assert_eq!((error.kind(), error.status()), (Kind::OutcomeUnknown, Some(code)), "{trace}");
            assert!(error.vendor_text().unwrap().expose().contains(trace), "the only copy");
            assert_eq!(vendor.paths(), ["/auth", "/ident/create"], "{code} {trace}");
        }
        let vendor = Vendor::script(vec![ok(format!(r#"{{"result":true,{trace}}}"#))]);
        let error = client(&vendor).create_ident(&erika(), &options()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::OutcomeUnknown, "{trace}");
        assert!(error.vendor_text().unwrap().expose().contains(trace), "no ident_id where it should be");
    }
    // What only the body tells does not make a create harmless to repeat.
    let vendor = Vendor::script(vec![ok(r#"{"result":true,"response_status":429}"#)]);
    client(&vendor).create_ident(&erika(), &options()).await.unwrap_err();
    assert_eq!(vendor.paths(), ["/auth", "/ident/create"]);
    // A status that is none, or no error's, around no ident: a success that cannot be read, unless it says that it is
    // none.
    for code in ["0", "1000", "302"] {
        let vendor = Vendor::script(vec![ok(format!(r#"{{"result":true,"response_status":{code}}}"#))]);
        let error = client(&vendor).create_ident(&erika(), &options()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::OutcomeUnknown, "{code}");
        assert_eq!(vendor.paths(), ["/auth", "/ident/create"]);
    }
    let vendor = Vendor::script(vec![ok(r#"{"result":false,"response_status":0}"#)]);
    let error = client(&vendor).create_ident(&erika(), &options()).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (Kind::Rejected, Some(200)));
    // An expired token that is told by the body alone: one further login, one further try.
    let expired = ok(r#"{"result":false,"response_status":"401"}"#);
    let vendor = Vendor::script(vec![expired.clone(), ok(fixture("S-013-ident-create-response.json"))]);
    client(&vendor).create_ident(&erika(), &options()).await.unwrap();
    assert_eq!(vendor.paths(), ["/auth", "/ident/create", "/auth", "/ident/create"]);
    let vendor = Vendor::script(vec![expired]);
    let error = client(&vendor).get_ident(&id(), &options()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Authentication);
    assert_eq!(vendor.paths().len(), 4);
    // Told by the status once and by the body then: still the second refusal, and final.
    let vendor = Vendor::script(vec![status(401), ok(r#"{"result":false,"response_status":"401"}"#)]);
    let error = client(&vendor).create_ident(&erika(), &options()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Authentication);
    assert_eq!(vendor.paths(), ["/auth", "/ident/create", "/auth", "/ident/create"]);
    // A good body does not heal a bad HTTP status.
    let vendor = Vendor::script(vec![Answer::Json(404, r#"{"result":true,"response_status":200}"#.into())]);
    assert_eq!(client(&vendor).get_ident(&id(), &options()).await.unwrap_err().kind(), Kind::NotFound);
}

#[tokio::test]
async fn the_general_table_of_statuses_is_told_by_kind() {
    for (code, kind) in [
        (400, Kind::Rejected),
        (402, Kind::Rejected),
        (403, Kind::Forbidden),
        (404, Kind::NotFound),
        (409, Kind::Conflict),
        (429, Kind::RateLimited),
        (500, Kind::Unavailable),
        (504, Kind::Unavailable),
    ] {
        let error = client(&Vendor::script(vec![status(code)])).get_ident(&id(), &options()).await.unwrap_err();
        assert_eq!((error.kind(), error.status(), error.operation()), (kind, Some(code), Some("ident/get")));
        assert_eq!(error.vendor_text().unwrap().expose(), "Mustermann");
    }
}

#[tokio::test]
async fn ai_15_any_id_of_the_vendor_is_one_segment_of_the_path() {
    let vendor = Vendor::script(vec![ok(r#"{"result":true,"data":{"id":"a/b ?ü","status":"Unidentified"}}"#)]);
    let client = client(&vendor);
    client.get_ident(&IdentId::new("a/b ?ü"), &options()).await.unwrap();
    assert_eq!(vendor.last().uri, "http://127.0.0.1:1/ident/get/a%2Fb%20%3F%C3%BC");
    for odd in ["", ".", ".."] {
        assert_eq!(client.get_ident(&odd.into(), &options()).await.unwrap_err().kind(), Kind::InvalidInput);
    }
}

#[tokio::test]
async fn nothing_is_sent_for_an_invalid_ident() {
    let vendor = Vendor::script(vec![ident_answer()]);
    let error = client(&vendor).create_ident(&erika().email("x"), &options()).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (Kind::InvalidInput, Some("ident/create")));
    assert!(vendor.paths().is_empty());
}

#[tokio::test]
async fn neither_client_nor_session_prints_a_secret() {
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
fn unusable_settings_are_refused_before_anything_is_sent() {
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

fn case() -> NewCase {
    let mut person = Person {
        given_names: "Erika".into(),
        family_name: "Mustermann".into(),
        birth_date: Some(jiff::civil::date(1964, 8, 12).into()),
        birthplace: Some("Berlin".into()),
        nationality: Some("DE".into()),
        gender: Some(Gender::Female),
        email: Some("erika@example.com".into()),
        mobile: Some("+491701234567".into()),
        ..Person::default()
    };
    person.address.postal_code = Some("51147".into());
    person.address.city = Some("Köln".into());
    person.address.country = Some("DE".into());
    let reference = Some("2f1c6b0e-7d6a-4c55-9b6f-1f0d6a0a2c11".into());
    NewCase { project: Some("6".into()), reference, person, ..NewCase::default() }
}

#[tokio::test]
async fn the_port_opens_a_case_and_reads_its_status() {
    let vendor = Vendor::script(vec![ok(fixture("S-013-ident-create-response.json")), ident_answer()]);
    let client = client(&vendor);
    let mut case = case();
    case.purpose = Purpose::Signature;
    case.documents = vec![Document { name: "contract.pdf".into(), pdf: "%PDF-1.7\n".into() }];
    let opened = client.open(&case, &options()).await.unwrap();
    assert_eq!((opened.case.provider.as_str(), opened.case.id.expose()), ("identify24", id().expose()));
    assert!(opened.person_url.unwrap().expose().starts_with("https://identify24.de/apply/"));
    let sent = json(&vendor.last().body);
    assert_eq!(
        sent,
        serde_json::json!({
            "project_id": "6", "gender": "FEMALE", "person_first_name": "ERIKA", "person_last_name": "MUSTERMANN",
            "email": "erika@example.com", "zip_code": "51147", "city": "KÖLN", "country": "DE",
            "mobile_phone": "+491701234567", "birthday": "1964-08-12", "birth_place": "BERLIN", "nationality": "DE",
            "pdf_content": "data:@file/pdf;base64,JVBERi0xLjcK",
            "custom_id": "2f1c6b0e-7d6a-4c55-9b6f-1f0d6a0a2c11"
        })
    );

    let read = client.status(&opened.case, &options()).await.unwrap();
    assert_eq!((read.outcome, read.vendor_codes), (Outcome::Pending, vec!["Unidentified".to_owned()]));
    let elsewhere = CaseRef { provider: "identity-tm".into(), ..opened.case };
    assert_eq!(client.status(&elsewhere, &options()).await.unwrap_err().kind(), Kind::InvalidInput);
}

#[tokio::test]
async fn ai_12_other_statuses_mean_what_the_user_says() {
    let answer = |word: &str| ok(format!(r#"{{"result":true,"data":{{"id":"x","status":"{word}"}}}}"#));
    let vendor = Vendor::script(vec![answer("IDENTIFIED"), answer("Strange"), ok(r#"{"data":{}}"#), status(404)]);
    let transport: Arc<dyn Transport> = Arc::clone(&vendor) as _;
    let client = Identify24::builder(Credentials::new(PARTNER, API_KEY))
        .transport(transport)
        .base_url("http://127.0.0.1:1")
        .clock(Arc::new(TestClock::default()))
        .outcome("Identified", Outcome::Positive)
        .build()
        .unwrap();
    let case = CaseRef { provider: "identify24".into(), id: Secret::new("x"), state: None };
    for outcome in [Outcome::Positive, Outcome::Unknown, Outcome::Unknown] {
        assert_eq!(client.status(&case, &options()).await.unwrap().outcome, outcome);
    }
    let error = client.status(&case, &options()).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (Kind::NotFound, Some("ident/get")));
}

#[tokio::test]
async fn ai_12_a_table_of_statuses_is_taken_as_a_whole_and_may_replace_the_default() {
    let answer = |word: &str| ok(format!(r#"{{"result":true,"data":{{"status":"{word}"}}}}"#));
    let words = ["Identified", "rejected ", "Unidentified", "Other"];
    let vendor = Vendor::script(words.map(answer).to_vec());
    let transport: Arc<dyn Transport> = Arc::clone(&vendor) as _;
    let table =
        [("identified", Outcome::Positive), ("Rejected", Outcome::Negative), ("unidentified", Outcome::Unknown)];
    let client = Identify24::builder(Credentials::new(PARTNER, API_KEY))
        .transport(transport)
        .base_url("http://127.0.0.1:1")
        .clock(Arc::new(TestClock::default()))
        .outcomes(table)
        .build()
        .unwrap();
    let case = CaseRef { provider: "identify24".into(), id: Secret::new("x"), state: None };
    for outcome in [Outcome::Positive, Outcome::Negative, Outcome::Unknown, Outcome::Unknown] {
        assert_eq!(client.status(&case, &options()).await.unwrap().outcome, outcome);
    }
}

#[tokio::test]
async fn i_020_the_end_of_an_ident_is_an_estimate_and_a_point_of_time_only_in_a_zone_that_was_set() {
    let vendor = Vendor::script(vec![ident_answer()]);
    let client = client(&vendor);
    let ident = client.get_ident(&id(), &options()).await.unwrap().value;
    assert_eq!(ident.expires_estimate(), Some(jiff::civil::date(2020, 1, 19).at(9, 57, 51, 0)));
    assert_eq!(client.expires_at(&ident), None, "no zone is assumed");
    assert_eq!(client.timestamp(ident.created_at.as_ref().unwrap()), None);

    let transport: Arc<dyn Transport> = Arc::clone(&vendor) as _;
    let in_berlin = Identify24::builder(Credentials::new(PARTNER, API_KEY))
        .transport(transport)
        .zone(jiff::tz::TimeZone::posix(identkit_identify24::messages::BERLIN).unwrap())
        .build()
        .unwrap();
    assert_eq!(in_berlin.timestamp(ident.created_at.as_ref().unwrap()).unwrap().to_string(), "2019-10-21T07:57:51Z");
    assert_eq!(in_berlin.expires_at(&ident).unwrap().to_string(), "2020-01-19T08:57:51Z", "winter by then");
    assert_eq!(in_berlin.expires_at(&Ident::default()), None);
}

#[tokio::test]
async fn the_port_refuses_what_the_vendor_has_no_place_for() {
    let vendor = Vendor::script(vec![ident_answer()]);
    let client = client(&vendor);
    let pdf = Document { name: "a".into(), pdf: "%PDF-".into() };
    let refused = async |change: &dyn Fn(&mut NewCase)| {
        let mut case = case();
        change(&mut case);
        let error = client.open(&case, &options()).await.unwrap_err();
        error.violations().iter().map(|fault| fault.field.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(refused(&|case| case.person.gender = Some(Gender::Other)).await, ["gender"]);
    assert_eq!(refused(&|case| case.purpose = Purpose::Signature).await, ["pdf_content"]);
    assert_eq!(refused(&|case| case.documents = vec![pdf.clone()]).await, ["pdf_content"]);
    assert_eq!(
        refused(&|case| {
            case.purpose = Purpose::Signature;
            case.documents = vec![pdf.clone(), pdf.clone()];
        })
        .await,
        ["pdf_content"]
    );
    assert_eq!(refused(&|case| case.person.email = None).await, ["email"]);
    let many = refused(&|case| {
        case.person.gender = Some(Gender::Other);
        case.person.email = None;
        case.project = None;
    });
    assert_eq!(many.await, ["gender", "project_id", "email"], "all at once");
    assert!(vendor.paths().is_empty());
}

#[tokio::test]
async fn ai_28_what_the_vendor_lacks_is_unsupported() {
    let client = client(&Vendor::script(vec![ident_answer()]));
    let descriptor = client.descriptor();
    assert_eq!(descriptor.capabilities, [Capability::Open, Capability::Sign, Capability::Status]);
    let case = CaseRef { provider: "identify24".into(), id: Secret::new("x"), state: None };
    let now = jiff::Timestamp::UNIX_EPOCH;
    let kinds = [
        client.evidence_list(&case, &options()).await.unwrap_err().kind(),
        client.cancel(&case, &options()).await.unwrap_err().kind(),
        client.delete(&case, &DeletePermit::Operator, &options()).await.unwrap_err().kind(),
        client.changes(Window { begin: now, end: now }, None, &options()).await.unwrap_err().kind(),
    ];
    assert_eq!(kinds, [Kind::Unsupported; 4]);
}
