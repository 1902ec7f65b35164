//! Requests that the admin API rejects, so that a mistake or a web page changes nothing.

use crate::support::*;

/// Returns the raw response to a request with this head.
async fn raw(address: SocketAddr, head: &str) -> String {
    identkit_testkit::exchange(address, &format!("{head}\r\nConnection: close\r\n\r\n")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_page_cannot_drive_the_sandbox() {
    let sandbox = sandbox().start();
    let door = server::admin(&sandbox, any()).await.unwrap();
    let (address, before) = (door.address(), sandbox.journal().last());
    for headers in [
        format!("Host: {address}\r\nOrigin: https://evil.example"),
        format!("Host: {address}\r\nOrigin: null"),
        format!("Host: {address}\r\nSec-Fetch-Site: cross-site"),
        format!("Host: {address}\r\nSec-Fetch-Site: same-site"),
        format!("Host: evil.example:{}", address.port()),
        "Host: evil.example\r\nOrigin: http://evil.example\r\nSec-Fetch-Site: same-origin".to_owned(),
    ] {
        for call in ["DELETE /_sandbox/v1/journal", "POST /_sandbox/v1/reset", "GET /_sandbox/v1/nonsense"] {
            let answer = raw(address, &format!("{call} HTTP/1.1\r\n{headers}")).await;
            assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("\"admin-origin\""), "{headers}: {answer}");
            assert!(answer.contains("application/problem+json"), "{answer}");
        }
    }
    assert_eq!(sandbox.journal().last(), before, "nothing was changed");
    for headers in [
        format!("Host: {address}"),
        format!("Host: localhost:{}\r\nOrigin: http://localhost:{}", address.port(), address.port()),
        format!("Host: {address}\r\nSec-Fetch-Site: none"),
    ] {
        let answer = raw(address, &format!("GET /_sandbox/v1/health HTTP/1.1\r\n{headers}")).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{headers}: {answer}");
    }
}

/// Method, path, body, status, rule, and words of title or detail, of each row of `fixtures/admin-refusals.json`.
type Refusal = (String, String, String, u16, String, Vec<String>);

#[tokio::test(flavor = "multi_thread")]
async fn m_04_invalid_requests_are_rejected_and_change_nothing() {
    let bench = Harness::new();
    let worlds = Worlds::from(&bench.sandbox);
    worlds.create(&named("w1")).unwrap();
    let (door, id) = (Door::of(&worlds).await, bench.place(order()).await);
    let state = || (bench.sandbox.journal().last(), bench.sandbox.snapshot().to_json(&vendors::all()).unwrap());
    let before = state();
    for (method, path, body, status, rule, words) in table::<Vec<Refusal>>("admin-refusals") {
        let problem = door.problem(&method, &path.replace("{order}", id.expose()), &body, status, &rule).await;
        let output = format!("{} {}", problem["title"], problem["detail"]).replace(r#"\""#, "\"");
        assert!(words.iter().all(|word| output.contains(word)), "{method} {path} {body}: {words:?} in {output}");
        // Values, and names that do not look like parameters, may be personal data and are not repeated.
        let values = "anarienvogel rika \u{fc}ller BCller nope zzz T-999 \"fire getStatsu upside-down secnds";
        for sent in values.split(' ') {
            assert!(!output.contains(sent), "{method} {path} {body}: {output}");
        }
    }
    assert!(state() == before, "nothing was changed");
    assert_eq!(worlds.ids(), ["default", "w1"]);
    // An escaped name is the same name.
    door.good("POST", "reset?%77orld=w%31", "{}").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn time_cannot_be_advanced_beyond_its_end() {
    let bench = Harness::since("9999-12-30T00:00:00Z".parse().unwrap(), |builder| builder);
    let door = Door::of(&bench.sandbox).await;
    let problem = door.problem("POST", "clock/advance", r#"{"seconds":86400}"#, 400, "admin-clock").await;
    assert!(problem["detail"].as_str().unwrap().contains("must not lead beyond 9999-12-30T22:00:00"), "{problem}");
    assert_eq!(door.good("POST", "clock/advance", r#"{"seconds":3600}"#).await["now"], "9999-12-30T01:00:00Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_get_supports_head() {
    let sandbox = sandbox().start();
    let door = server::admin(&sandbox, any()).await.unwrap();
    for (path, status) in [("health", 200), ("events", 200), ("health?world=w1", 404), ("reset", 405)] {
        let head = format!("HEAD /_sandbox/v1/{path} HTTP/1.1\r\nHost: localhost");
        let answer = raw(door.address(), &head).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.ends_with("\r\n\r\n"), "{path}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_has_names_of_changed_settings_not_values() {
    let sandbox = sandbox().start();
    let door = Door::of(&sandbox).await;
    door.good("POST", "settings", r#"{"identity_tm":{"voice_files":true}}"#).await;
    let lines = sandbox.journal().canonical();
    let last = lines.lines().last().unwrap();
    assert!(last.contains("identity_tm.voice_files") && last.contains("settings"), "{last}");
    assert!(!last.contains("true"), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_http_and_unknown_calls_are_problems() {
    let sandbox = sandbox().start();
    let door = server::admin(&sandbox, any()).await.unwrap();
    let before = sandbox.journal().last();
    let post = |more: &str| format!("POST /_sandbox/v1/reset HTTP/1.1\r\nHost: localhost\r\n{more}");
    let close = "Host: localhost\r\nConnection: close\r\n\r\n";
    for (request, status, rule) in [
        (post("Content-Length: 268435457\r\n\r\n"), 413, "admin-body"),
        (post("Transfer-Encoding: chunked\r\n\r\nno length\r\n"), 400, "admin-body"),
        (format!("GET /nonsense HTTP/1.1\r\n{close}"), 404, "admin-path"),
        (format!("OPTIONS * HTTP/1.1\r\n{close}"), 404, "admin-path"),
        (format!("BREW /_sandbox/v1/health HTTP/1.1\r\n{close}"), 405, "admin-method"),
    ] {
        let answer = identkit_testkit::exchange(door.address(), &request).await;
        let (head, body) = answer.split_once("\r\n\r\n").expect(&request);
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {answer}");
        assert!(head.contains("content-type: application/problem+json"), "{request}: {answer}");
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!((&problem["status"], &problem["rule"]), (&status.into(), &rule.into()), "{request}: {problem}");
        assert_eq!(head.contains("allow: GET, HEAD\r\n"), status == 405, "{answer}");
    }
    // Invalid HTTP is rejected with a status only.
    for (request, status) in [
        ("nonsense\r\n\r\n".to_owned(), 400),
        (format!("GET /{} HTTP/1.1\r\n{close}", "a".repeat(70_000)), 414),
        (format!("GET / HTTP/1.1\r\n{}{close}", "a: b\r\n".repeat(200)), 431),
    ] {
        let answer = identkit_testkit::exchange(door.address(), &request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(answer.contains("content-length: 0") && answer.ends_with("\r\n\r\n"), "{answer}");
    }
    assert_eq!(sandbox.journal().last(), before, "nothing was changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_has_at_most_100_violations_and_a_count() {
    let sandbox = sandbox().start();
    let door = Door::of(&sandbox).await;
    for (wrong, output) in [(100, 100), (150, 101)] {
        let names: serde_json::Map<String, serde_json::Value> =
            (0..wrong).map(|number| (format!("none-{number}"), true.into())).collect();
        let body = serde_json::json!({ "identity_tm": names }).to_string();
        let problem = door.problem("POST", "settings", &body, 400, "sandbox").await;
        let faults = problem["faults"].as_array().unwrap();
        assert_eq!(faults.len(), output);
        let more = faults.last().unwrap()["message"] == "and 50 more violations";
        assert_eq!(more, wrong > 100, "{}", faults.last().unwrap());
        assert_eq!(problem["detail"].as_str().unwrap().contains("and 50 more violations"), more);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_in_the_request_line_is_checked() {
    let sandbox = sandbox().start();
    let door = server::admin(&sandbox, any()).await.unwrap();
    for (target, status) in [
        ("http://evil.example/_sandbox/v1/health", 403),
        ("http://localhost.evil.example/_sandbox/v1/health", 403),
        ("http://127.0.0.1@evil.example/_sandbox/v1/health", 403),
        ("http://localhost/_sandbox/v1/health", 200),
        ("http://[::1]:80/_sandbox/v1/health", 200),
    ] {
        let head = format!("GET {target} HTTP/1.1\r\nHost: localhost");
        let answer = raw(door.address(), &head).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{target}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_deeper_than_64_levels_are_rejected() {
    let (bench, door) = Harness::with_door().await;
    let before = bench.sandbox.journal().last();
    // Including the level of the body itself.
    let body =
        |name: &str, levels: usize| format!(r#"{{"{name}":{}1{}}}"#, "[".repeat(levels - 1), "]".repeat(levels - 1));
    for (path, name, judged) in [
        ("clock/advance", "seconds", "admin-clock"),
        ("clock/mode", "mode", "admin-clock"),
        ("faults", "fault", "sandbox"),
        ("settings", "identity_tm", "sandbox"),
        ("webhooks", "mode", "admin-webhooks"),
        ("worlds", "seed", "admin-world"),
        ("journal/wait", "timeout", "admin-wait"),
    ] {
        for levels in [65, 100, 127, 1_000, 100_000] {
            let problem = door.problem("POST", path, &body(name, levels), 400, "admin-body").await;
            assert!(problem["detail"].as_str().unwrap().contains("64 levels"), "{path}, {levels}: {problem}");
        }
        door.problem("POST", path, &body(name, 64), 400, judged).await;
    }
    assert_eq!(bench.sandbox.journal().last(), before, "nothing was changed");
}
