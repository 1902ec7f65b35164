//! What the admin API refuses, so that nothing is done to another world or for a web page.

use crate::support::*;

/// An answer as it is written to a request with this head.
async fn raw(address: std::net::SocketAddr, head: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{head}\r\nConnection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_page_cannot_drive_the_sandbox() {
    let sandbox = sandbox().start();
    let door = server::admin(&sandbox, "127.0.0.1:0".parse().unwrap()).await.unwrap();
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
    assert_eq!(sandbox.journal().last(), before, "nothing was done");
    for headers in [
        format!("Host: {address}"),
        format!("Host: localhost:{}\r\nOrigin: http://localhost:{}", address.port(), address.port()),
        format!("Host: {address}\r\nSec-Fetch-Site: none"),
    ] {
        let answer = raw(address, &format!("GET /_sandbox/v1/health HTTP/1.1\r\n{headers}")).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{headers}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_misspelt_or_named_twice_is_refused_and_nothing_is_done() {
    let sandbox = sandbox().start();
    let worlds = Worlds::from(&sandbox);
    let mut wanted = NewWorld::default();
    wanted.id = Some("w1".to_owned());
    worlds.create(&wanted).unwrap();
    let door = Door::of(&worlds).await;
    let before = sandbox.journal().last();
    for (method, path) in [
        ("POST", "reset?wrold=w1"),
        ("POST", "reset?World=w1"),
        ("POST", "reset?world"),
        ("POST", "reset?world=w1&world=w1"),
        ("POST", "reset?world=w1&%77orld=default"),
        ("POST", "reset?w+orld=w1"),
        ("GET", "deliveries?ordr=1"),
        ("GET", "events?sinse=1"),
        ("GET", "journal?status=200&status=401"),
        ("GET", "worlds?world=w1"),
        ("DELETE", "worlds/w1?world=w2"),
        ("GET", "version?x=1"),
    ] {
        door.problem(method, path, "", 400, "admin-query").await;
    }
    let detail = async |path| door.problem("POST", path, "", 400, "admin-query").await["detail"].to_string();
    let told = detail("reset?wrold=w1").await;
    assert!(
        told.contains("unknown parameter `wrold`") && told.contains("this call has the parameters world"),
        "{told}"
    );
    // What does not look like a parameter may be a person's and is not repeated.
    for path in ["reset?Erika+Mustermann=1", "reset?M%C3%BCller=1", "reset?erika%00mustermann=1"] {
        let told = detail(path).await.to_lowercase();
        assert!(!told.contains("erika") && !told.contains("ller") && told.contains("letters"), "{told}");
    }
    for (path, body) in [
        ("clock/advance", r#"{"seconds":1,"minutes":1}"#),
        ("clock/advance", r#"{"seconds":1,"seconds":2}"#),
        ("clock/mode", r#"{"mode":"frozen","faktor":2}"#),
        ("orders/1/transition", r#"{"story":"positive","world":"w1"}"#),
        ("clock/run-to-next", r#"{"times":2}"#),
        ("clock/run-to-next", "2"),
        ("deliveries/1/duplicate", r#"{"times":2}"#),
        ("deliveries/release", r#"{"ordr":"reversed"}"#),
        ("webhooks", r#"{"mode":"hold","oder":"1"}"#),
        ("webhooks", r#"{"mode":"hold","mode":"drop"}"#),
        ("settings", r#"{"identity_tm":{"voice_files":true,"voice_files":false}}"#),
        ("faults", r#"{"fault":"timeout","fault":"reset"}"#),
        ("journal/wait", r#"{"count":1,"count":2}"#),
        ("worlds", r#"{"seeds":1}"#),
        ("worlds/w1/fork", r#"{"ID":"w2"}"#),
        ("worlds/w1/snapshot", r#"{"name":"a"}"#),
        ("reset", r#"{"world":"w1"}"#),
    ] {
        door.problem("POST", path, body, 400, "admin-body").await;
    }
    assert_eq!(sandbox.journal().last(), before, "nothing was done");
    assert_eq!(worlds.ids(), ["default", "w1"]);
    // What is written in another way is the same name.
    door.good("POST", "reset?%77orld=w%31", "{}").await;
    assert_eq!(
        door.problem("POST", "clock/advance", "", 400, "admin-body").await["detail"],
        r#"send a body, e.g. {"seconds":86400} or {"to":"2020-09-17T12:00:00Z"}"#
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_head_of_what_can_be_got_can_be_asked_for() {
    let sandbox = sandbox().start();
    let door = server::admin(&sandbox, "127.0.0.1:0".parse().unwrap()).await.unwrap();
    for (path, status) in [("health", 200), ("events", 200), ("health?world=w1", 404), ("reset", 405)] {
        let head = format!("HEAD /_sandbox/v1/{path} HTTP/1.1\r\nHost: localhost");
        let answer = raw(door.address(), &head).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.ends_with("\r\n\r\n"), "{path}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn worlds_and_snapshots_are_refused_with_what_fits() {
    let sandbox = sandbox().start();
    let door = Door::of(&sandbox).await;
    for (method, path, body, status, title) in [
        ("POST", "worlds", r#"{"id":"."}"#, 400, "Invalid id"),
        ("POST", "worlds", r#"{"id":".."}"#, 400, "Invalid id"),
        ("POST", "worlds/default/snapshot", r#"{"snapshot":".."}"#, 400, "Invalid id"),
        ("POST", "worlds/default/restore", "", 404, "Unknown snapshot"),
        ("POST", "worlds", r#"{"id":"default"}"#, 409, "Duplicate world"),
        ("DELETE", "worlds/default", "", 409, "Permanent default world"),
        ("DELETE", "worlds/w1", "", 404, "Unknown world"),
        ("GET", "clock?world=w1", "", 404, "Unknown world"),
    ] {
        let problem = door.problem(method, path, body, status, "admin-world").await;
        assert_eq!(problem["title"], title, "{problem}");
    }
    let problem = door.problem("GET", "clock?world=w1", "", 404, "admin-world").await;
    assert_eq!(problem["detail"], "the worlds are: default");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_notes_which_settings_were_changed_and_not_to_what() {
    let sandbox = sandbox().start();
    let door = Door::of(&sandbox).await;
    door.good("POST", "settings", r#"{"identity_tm":{"voice_files":true}}"#).await;
    let lines = sandbox.journal().canonical();
    let last = lines.lines().last().unwrap();
    assert!(last.contains("identity_tm.voice_files") && last.contains("settings"), "{last}");
    assert!(!last.contains("true"), "{last}");
}

/// An answer as it is written to these bytes; what is sent ends there, and the connection stays open.
async fn answered(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    within(10 * SECOND, stream.read_to_string(&mut answer)).await.expect("an answer, and the end").unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_or_breaks_off_or_is_no_call_is_a_problem_too_and_nothing_is_done() {
    let sandbox = sandbox().start();
    let door = server::admin(&sandbox, "127.0.0.1:0".parse().unwrap()).await.unwrap();
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
        let answer = answered(door.address(), &request).await;
        let (head, body) = answer.split_once("\r\n\r\n").expect(&request);
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {answer}");
        assert!(head.contains("content-type: application/problem+json"), "{request}: {answer}");
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!((&problem["status"], &problem["rule"]), (&status.into(), &rule.into()), "{request}: {problem}");
        assert_eq!(head.contains("allow: GET"), status == 405, "{answer}");
    }
    // What is no HTTP is refused before anybody is asked: by the status alone.
    for (request, status) in [
        ("nonsense\r\n\r\n".to_owned(), 400),
        (format!("GET /{} HTTP/1.1\r\n{close}", "a".repeat(70_000)), 414),
        (format!("GET / HTTP/1.1\r\n{}{close}", "a: b\r\n".repeat(200)), 431),
    ] {
        let answer = answered(door.address(), &request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(answer.contains("content-length: 0") && answer.ends_with("\r\n\r\n"), "{answer}");
    }
    assert_eq!(sandbox.journal().last(), before, "nothing was done");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_faults_a_hundred_are_told_and_how_many_more_there_are() {
    let sandbox = sandbox().start();
    let door = Door::of(&sandbox).await;
    for (wrong, told) in [(100, 100), (150, 101)] {
        let names: serde_json::Map<String, serde_json::Value> =
            (0..wrong).map(|number| (format!("none-{number}"), true.into())).collect();
        let body = serde_json::json!({ "identity_tm": names }).to_string();
        let problem = door.problem("POST", "settings", &body, 400, "sandbox").await;
        let faults = problem["faults"].as_array().unwrap();
        assert_eq!(faults.len(), told);
        let more = faults.last().unwrap()["message"] == "and 50 more faults";
        assert_eq!(more, wrong > 100, "{}", faults.last().unwrap());
        assert_eq!(problem["detail"].as_str().unwrap().contains("and 50 more faults"), more);
    }
}
