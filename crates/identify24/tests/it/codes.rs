//! The vendor's table of HTTP codes (contract, 1.9) against every call: what becomes of each, and how often it is sent.

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

/// Every code of the table but 200.
fn codes() -> Vec<u16> {
    let contract = include_str!("../../../../docs/contract/contract.md");
    let table = contract.split("## 1.9 HTTP codes").nth(1).unwrap().split("\n\n").next().unwrap();
    let first = |line: &'static str| line.strip_prefix("| ").and_then(|row| row.split(" |").next());
    let cells = table.lines().filter_map(first).flat_map(|cell| cell.split('/'));
    let codes: Vec<u16> = cells.filter_map(|code| code.parse().ok()).filter(|code| *code != 200).collect();
    assert_eq!(codes, [400, 401, 402, 403, 404, 409, 429, 500, 502, 503, 504]);
    codes
}

/// What the contract makes of a code, for a call that only reads.
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
        other => panic!("no call {other}"),
    }
}

/// How often a call that always gets this code is sent, of four attempts allowed.
fn attempts(call: &str, code: u16) -> usize {
    match (call, code) {
        (_, 429) => 4,
        // A proxy that breaks on a GET with a body does so every time (AI-07).
        ("project/get", 500..) => 2,
        ("auth", 500..) => 3,
        // I-042: the ident may have been created.
        ("ident/create", 500..) => 1,
        (_, 500..) => 4,
        // I-008: a login of its own is refused once and for all, any other call is made once more after a new login.
        ("auth", 401) => 1,
        (_, 401) => 2,
        _ => 1,
    }
}

#[tokio::test]
async fn every_code_of_the_table_is_told_by_kind_for_every_call() {
    for code in codes() {
        for (call, path) in CALLS {
            let vendor = Vendor::script(vec![status(code)]);
            if call == "auth" {
                (0..10).for_each(|_| vendor.next_login(status(code)));
            }
            let error = fault(make(&client(&vendor), call).await);
            let shown = format!("{call} {code}: {error}");

            let (kind, advice) = match (call, code) {
                ("ident/create", 500..) => (Kind::OutcomeUnknown, Advice::Reconcile),
                // What the caller gave is not what the login was refused for.
                ("auth", 400) => (Kind::Rejected, Advice::DoNotRetry),
                _ => expected(code),
            };
            assert_eq!((error.kind(), error.advice(), error.status()), (kind, advice, Some(code)), "{shown}");
            let delivery = match (call, kind) {
                // The error of a login is that of a call that was not sent.
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
async fn ai_30_a_login_is_repeated_where_only_the_body_says_that_the_vendor_cannot_serve() {
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

/// A vendor that answers each read so, and when they came, in milliseconds.
fn timed(clock: &VirtualClock, answers: Vec<Step>) -> (Arc<Vendor>, Arc<Mutex<Vec<u128>>>) {
    let (times, left) = (Arc::new(Mutex::new(Vec::new())), Mutex::new(answers));
    let (noted, clock) = (Arc::clone(&times), clock.clone());
    let vendor = Vendor::new(move |_| {
        noted.lock().unwrap().push(clock.now().0.as_millis());
        let mut left = left.lock().unwrap();
        if left.len() > 1 { left.remove(0) } else { left[0].clone() }
    });
    (vendor, times)
}

/// Makes a call in virtual time, under the default policy.
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
async fn a_429_waits_as_long_as_retry_after_says() {
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
async fn a_429_without_retry_after_waits_longer_each_time_and_not_for_all_callers_alike() {
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
        // Of 50 draws from zero to the limit the longest is below half of it once in 2^50 runs.
        assert!(longest <= limit && longest >= limit / 2, "wait {k}: {longest} ms of {limit}");
    }
}
