//! Every call against the vendor's table of HTTP codes (contract, 1.9): the resulting error and the number of attempts.

use identkit_conformance::mock_server::VirtualClock;
use identkit_core::Clock;

use crate::support::*;

const CALLS: [(&str, &str); 5] = [
    ("auth", "/auth"),
    ("ident/create", "/ident/create"),
    ("ident/get", "/ident/get/x"),
    ("project/getAll", "/project/getAll"),
    ("project/get", "/project/get"),
];

/// All codes of the table except 200.
fn codes() -> Vec<u16> {
    let contract = include_str!("../../../../docs/contract/contract.md");
    let table = contract.split("## 1.9 HTTP codes").nth(1).unwrap().split("\n\n").next().unwrap();
    let first = |line: &'static str| line.strip_prefix("| ").and_then(|row| row.split(" |").next());
    let cells = table.lines().filter_map(first).flat_map(|cell| cell.split('/'));
    let codes: Vec<u16> = cells.filter_map(|code| code.parse().ok()).filter(|code| *code != 200).collect();
    assert_eq!(codes, [400, 401, 402, 403, 404, 409, 429, 500, 502, 503, 504]);
    codes
}

/// Error that the contract requires for a code, for a reading call.
fn expected(code: u16) -> (Kind, Advice) {
    match code {
        400 => (Kind::Rejected, Advice::FixInput),
        401 => (Kind::Authentication, Advice::CheckCredentials),
        402 => (Kind::Rejected, Advice::DoNotRetry),
        403 => (Kind::Forbidden, Advice::DoNotRetry),
        404 => (Kind::NotFound, Advice::DoNotRetry),
        409 => (Kind::Conflict, Advice::DoNotRetry),
        429 => (Kind::RateLimited, Advice::RetryLater),
        _ => (Kind::Unavailable, Advice::RetryLater),
    }
}

async fn make(client: &Identify24, call: &str) -> Result<(), Error> {
    match call {
        "auth" => client.login(&options()).await.map(drop),
        "ident/create" => client.create_ident(&erika(), &options()).await.map(drop),
        "ident/get" => client.get_ident(&IdentId::new("x"), &options()).await.map(drop),
        "project/getAll" => client.projects(&options()).await.map(drop),
        "project/get" => client.project(&"6".into(), &options()).await.map(drop),
        other => panic!("unknown call {other}"),
    }
}

/// Number of requests if every response has this code and four attempts are allowed.
fn attempts(call: &str, code: u16) -> usize {
    match (call, code) {
        (_, 429) => 4,
        // A proxy that fails on a GET with a body always fails (AI-07).
        ("project/get", 500..) => 2,
        ("auth", 500..) => 3,
        // I-042: the ident may have been created.
        ("ident/create", 500..) => 1,
        (_, 500..) => 4,
        // I-008: a rejected login is final; any other call is repeated once after a new login.
        ("auth", 401) => 1,
        (_, 401) => 2,
        _ => 1,
    }
}

#[tokio::test]
async fn every_call_maps_every_code_to_a_kind() {
    for code in codes() {
        for (call, path) in CALLS {
            let vendor = Vendor::script(vec![status(code)]);
            if call == "auth" {
                (0..10).for_each(|_| vendor.next_login(status(code)));
            }
            let error = fault(make(&client(&vendor), call).await);
            let shown = format!("{call} {code}: {error}");

            let (kind, advice) = match (call, code) {
                ("ident/create", 409 | 500..) => (Kind::OutcomeUnknown, Advice::Reconcile),
                // The login was rejected, not the caller's input.
                ("auth", 400) => (Kind::Rejected, Advice::DoNotRetry),
                _ => expected(code),
            };
            assert_eq!((error.kind(), error.advice(), error.status()), (kind, advice, Some(code)), "{shown}");
            let delivery = match (call, kind) {
                // If the login fails, the call was not sent.
                ("auth", _) => Delivery::NotSent,
                (_, Kind::OutcomeUnknown) => Delivery::MaybeSent,
                _ => Delivery::Answered,
            };
            assert_eq!(error.delivery(), Some(delivery), "{shown}");
            if call != "auth" {
                assert_eq!(error.operation(), Some(call), "{shown}");
            }
            assert_eq!(error.vendor_text().unwrap().expose(), "Mustermann", "{shown}");

            let sent = vendor.paths().iter().filter(|sent| *sent == path).count();
            assert_eq!(sent, attempts(call, code), "{shown}");
            let listed = vendor.paths().iter().filter(|sent| *sent == "/project/getAll").count();
            if call == "project/get" {
                // AI-07: only where the body of the GET could be the cause.
                assert_eq!(listed, usize::from(matches!(code, 400 | 403)), "{shown}");
            }
        }
    }
}

#[tokio::test]
async fn ai_30_login_is_repeated_after_503_or_429_in_the_body() {
    for (code, kind) in [(503, Kind::Unavailable), (429, Kind::RateLimited)] {
        let trouble = ok(format!(r#"{{"result":false,"messages":["Mustermann"],"response_status":{code}}}"#));
        let vendor = Vendor::script(vec![ok(fixture("S-021-project-get-all-response.json"))]);
        vendor.next_login(trouble.clone());
        vendor.next_login(trouble.clone());
        client(&vendor).projects(&options()).await.unwrap();
        assert_eq!(vendor.paths(), ["/auth", "/auth", "/auth", "/project/getAll"], "{code}");

        (0..9).for_each(|_| vendor.next_login(trouble.clone()));
        let error = client(&vendor).create_ident(&erika(), &options()).await.unwrap_err();
        assert_eq!((error.kind(), error.status(), error.delivery()), (kind, Some(code), Some(Delivery::NotSent)));
        assert_eq!(error.vendor_text().unwrap().expose(), "Mustermann");
    }
}

/// A vendor with scripted responses, and the arrival time of each request in milliseconds.
fn timed(clock: &VirtualClock, answers: Vec<Step>) -> (Arc<Vendor>, Arc<Mutex<Vec<u128>>>) {
    let (times, left) = (Arc::new(Mutex::new(Vec::new())), Mutex::new(answers));
    let (log, clock) = (Arc::clone(&times), clock.clone());
    let vendor = Vendor::new(move |_| {
        log.lock().unwrap().push(clock.now().0.as_millis());
        let mut left = left.lock().unwrap();
        if left.len() > 1 { left.remove(0) } else { left[0].clone() }
    });
    (vendor, times)
}

/// Executes a call in virtual time, with the default policy.
async fn in_time(clock: &VirtualClock, vendor: &Arc<Vendor>, call: &'static str) -> Result<(), Error> {
    let policy = Policy::default().timeout(Duration::from_secs(600));
    let client = client_by(vendor, |builder| builder.clock(Arc::new(clock.clone())).policy(policy));
    let calling = tokio::spawn(async move { make(&client, call).await });
    for _ in 0..100 {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        if calling.is_finished() {
            break;
        }
        clock.advance(Duration::from_secs(5)).await;
    }
    calling.await.unwrap()
}

fn clock() -> VirtualClock {
    VirtualClock::new("2020-09-10T12:00:00Z".parse().unwrap())
}

#[tokio::test]
async fn client_waits_as_long_as_retry_after_says() {
    let created = ok(fixture("S-013-ident-create-response.json"));
    let projects = ok(fixture("S-021-project-get-all-response.json"));
    for (call, good) in [("project/getAll", projects), ("ident/create", created)] {
        let clock = clock();
        let limits = ["7", "0", "120"].map(limited);
        let (vendor, times) = timed(&clock, limits.into_iter().chain([good]).collect());
        in_time(&clock, &vendor, call).await.unwrap();
        assert_eq!(*times.lock().unwrap(), [0, 7_000, 7_000, 127_000], "{call}");
    }
}

#[tokio::test]
async fn backoff_after_429_grows_and_is_random() {
    let mut waits = Vec::new();
    for _ in 0..50 {
        let clock = clock();
        let (vendor, times) = timed(&clock, vec![status(429)]);
        let error = in_time(&clock, &vendor, "project/getAll").await.unwrap_err();
        assert_eq!(error.kind(), Kind::RateLimited);
        let times = times.lock().unwrap();
        assert_eq!(times.len(), 4);
        waits.push([0, 1, 2].map(|k| times[k + 1] - times[k]));
    }
    for (k, limit) in [1_000, 2_000, 4_000].into_iter().enumerate() {
        let longest = waits.iter().map(|wait| wait[k]).max().unwrap();
        // With 50 random waits up to the limit, the longest is below half of it once in 2^50 runs.
        assert!(longest <= limit && longest >= limit / 2, "wait {k}: {longest} ms of {limit}");
    }
}
