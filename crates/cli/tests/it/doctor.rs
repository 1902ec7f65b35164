//! `identkit doctor`: each line, right and wrong.

use std::io::Write as _;
use std::process::Command;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::connection::{Authority, peer};
use crate::support::{NO_SERVER, Reply, Run, Sandbox, Server, Vendor as _, accept, file, head, identkit, run};

/// Runs the checks and returns them.
fn checks(command: &mut Command, line: &str) -> (Run, Vec<Value>) {
    let words = line.split(' ').filter(|word| !word.is_empty());
    let run = run(command.arg("doctor").args(words).args(["--output", "json"]));
    let checks = run.json()["checks"].as_array().unwrap().clone();
    // An error says how to fix it.
    assert!(checks.iter().all(|check| check["result"] != "error" || check["remedy"].is_string()), "{run:?}");
    let has_error = checks.iter().any(|check| check["result"] == "error");
    run.ends_with(i32::from(has_error), &[]);
    assert_eq!(run.json()["ok"], !has_error);
    (run, checks)
}

/// The check of a vendor with this name, its detail and its remedy in one text.
fn found(checks: &[Value], name: &str) -> (String, String) {
    let check = checks.iter().find(|check| check["check"] == name).unwrap_or_else(|| panic!("{name}: {checks:#?}"));
    let text = |name: &str| check[name].as_str().unwrap_or_default().to_owned();
    (text("result"), format!("{} -> {}", text("detail"), text("remedy")))
}

/// Asserts the result of a check, and words about it.
#[track_caller]
fn assert_check(checks: &[Value], name: &str, result: &str, words: &[&str]) {
    let (found, text) = found(checks, name);
    assert_eq!(found, result, "{name}: {text}");
    for word in words {
        assert!(text.contains(word), "`{word}` is not in {text}");
    }
}

/// Both vendors' API on one server: what the checks call succeeds, with this header line.
fn vendor(header: impl Into<String>) -> Server {
    let header = header.into();
    Server::start(move |request| {
        let (status, body) = match request.path.as_str() {
            "/auth" => ("200 OK", r#"{"result":true,"token":"xxx"}"#),
            "/serverStatus" => ("200 OK", ""),
            _ => ("404 Not Found", "{}"),
        };
        let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{header}");
        Reply::Next(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes())
    })
}

/// The header `Date` of a server whose clock is ahead by some seconds.
fn date(seconds: i64) -> String {
    let time = Timestamp::now() + SignedDuration::from_secs(seconds);
    format!("date: {}\r\n", time.strftime("%a, %d %b %Y %H:%M:%S GMT"))
}

/// The program with an account at identity.TM.
fn with_account(base_url: &str) -> Command {
    let mut command = identkit();
    command.env("IDENTKIT_TM_BASE_URL", base_url);
    command.env("IDENTKIT_TM_CUSTOMER_ID", "customer").env("IDENTKIT_TM_CUSTOMER_CODE", "secret-code");
    command
}

#[test]
fn everything_is_ok_against_a_sandbox() {
    for sandbox in [Sandbox::start(), Sandbox::with(&["--plain", "--clock", "frozen"])] {
        let (run, checks) = checks(&mut sandbox.identkit(), "");
        let results: Vec<_> = checks.iter().map(|check| &check["result"]).collect();
        assert_eq!(results, [&json!("ok"); 12], "{run:?}");
        let vendors: Vec<_> = checks.iter().map(|check| check["vendor"].as_str().unwrap()).collect();
        assert_eq!([vendors[0], vendors[11]], ["identity-tm", "identify24"]);
        let requirements = run.json()["end_users"]["identity-tm"].to_string();
        assert!(requirements.contains("UDP port 3478") && requirements.contains("pusherapp"), "{requirements}");
        // The sandbox has its example cases, and no other one.
        let journal = sandbox.ask("journal", None).to_string();
        assert!(!journal.contains("putOrder") && !journal.contains("ident/create"), "{journal}");
        run.logs_none_of(&["sandbox-code", "sandbox-api-key"]);
    }
    let sandbox = Sandbox::start();
    let table = sandbox.run("doctor --provider tm");
    table.ends_with(0, &[]).shows(&["Vendor\tCheck\tResult\tDetail", "identity-tm\tTLS\tok\t", "- WebSocket: "]);
    assert!(!table.stdout.contains("identify24"), "{table:?}");
}

#[test]
fn wrong_or_missing_credentials_are_named() {
    let sandbox = Sandbox::plain();
    for (variable, provider) in [("IDENTKIT_TM_CUSTOMER_CODE", "tm"), ("IDENTKIT_IDENTIFY24_API_KEY", "identify24")] {
        let provider = format!("--provider {provider}");
        let (run, wrong) = checks(sandbox.identkit().env(variable, "wrong-secret"), &provider);
        assert_check(&wrong, "credentials", "error", &["HTTP 401", "check the credentials"]);
        assert_check(&wrong, "base URL", "ok", &[]);
        run.hides(&["wrong-secret"]);
        let (_, missing) = checks(sandbox.identkit().env_remove(variable), &provider);
        assert_check(&missing, "configuration", "error", &["is missing", variable]);
        assert_check(&missing, "credentials", "skipped", &["not complete"]);
    }
    run(identkit().arg("doctor")).fails_with(2, &["no credentials are given", "IDENTKIT_TM_CUSTOMER_ID"]);
}

#[test]
fn a_base_url_without_its_path_is_named() {
    let sandbox = Sandbox::plain();
    let listen = sandbox.ready_text("/listen");
    let (_, tm) = checks(&mut sandbox.identkit(), &format!("--provider tm --tm-base-url {listen}"));
    assert_check(&tm, "base URL", "error", &["below / (HTTP 404)", "IDENTKIT_TM_BASE_URL", "/api/2.10"]);
    assert_check(&tm, "credentials", "skipped", &[]);
    let (_, ident) =
        checks(&mut sandbox.identkit(), &format!("--provider identify24 --identify24-base-url {listen}/x"));
    assert_check(&ident, "base URL", "error", &["below /x/ (HTTP 404)", "--identify24-base-url"]);
    // Only one path leads to the API.
    let half = Server::start(|request| match request.path.contains("serverStatus") {
        true => Reply::bytes("text/plain", b""),
        false => Reply::answer("404 Not Found", "text/html", b"<html><h1>Not Found</h1></html>"),
    });
    let (_, page) = checks(&mut with_account(&half.url()), "");
    assert_check(&page, "credentials", "error", &["HTTP 404", "another server"]);
    let (_, down) = checks(&mut with_account(&Server::json("500 Internal Server Error", "{}").url()), "");
    assert_check(&down, "base URL", "error", &["HTTP 500"]);
    let (_, unreachable) = checks(&mut with_account(NO_SERVER), "");
    assert_check(&unreachable, "base URL", "error", &["no connection could be made"]);
    assert_check(&unreachable, "TLS", "skipped", &[]);
    let (_, invalid) = checks(&mut with_account("http://vendor.example.com"), "");
    assert_check(&invalid, "configuration", "error", &["must begin with https://", "this machine only"]);
    assert_eq!(invalid.len(), 1);
}

#[test]
fn an_expired_or_untrusted_certificate_is_named() {
    let authority = Authority::new();
    let ca_file = authority.ca_file();
    let with = |certificate| with_account(&format!("https://{}", peer(&certificate, None).0));
    let today = Timestamp::now().strftime("%Y-%m-%d").to_string();
    let (_, expired) =
        checks(with(authority.issue_until("127.0.0.1", 2020, 1, 1)).env("IDENTKIT_CA_FILE", &ca_file), "");
    assert_check(&expired, "TLS", "error", &["it has expired", "valid until 2020-01-01", "clock"]);
    assert_check(&expired, "base URL", "skipped", &["no TLS connection"]);
    let soon: jiff::civil::Date = today.parse().unwrap();
    let soon = soon + jiff::Span::new().days(20);
    let [month, day] = [soon.month(), soon.day()].map(|part| u8::try_from(part).unwrap());
    let soon = authority.issue_until("127.0.0.1", soon.year().into(), month, day);
    let (_, warned) = checks(with(soon).env("IDENTKIT_CA_FILE", &ca_file), "");
    assert_check(&warned, "TLS", "warning", &["must renew"]);
    let valid = || authority.issue_until("127.0.0.1", 4000, 1, 1);
    let (_, trusted) = checks(with(valid()).env("IDENTKIT_CA_FILE", &ca_file), "");
    assert_check(&trusted, "TLS", "ok", &["valid until 4000-01-01"]);
    let (_, untrusted) = checks(&mut with(valid()), "");
    assert_check(&untrusted, "TLS", "error", &["no trusted authority", "--ca-file"]);
    let other = authority.issue_until("other.example.com", 4000, 1, 1);
    let (_, other_host) = checks(with(other).env("IDENTKIT_CA_FILE", &ca_file), "");
    assert_check(&other_host, "TLS", "error", &["another host"]);
    let (plain, _) = accept(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    });
    let (_, plain) = checks(&mut with_account(&format!("https://{plain}")), "");
    assert_check(&plain, "TLS", "error", &["does not speak TLS"]);
}

#[test]
fn the_handshake_for_the_certificate_sends_nothing() {
    let authority = Authority::new();
    let (address, heard) = peer(&authority.issue_until("127.0.0.1", 4000, 1, 1), None);
    checks(with_account(&format!("https://{address}")).env_remove("IDENTKIT_CA_FILE"), "");
    assert_eq!(heard.lock().unwrap().as_str(), "");
}

#[test]
fn a_clock_that_differs_from_the_server_is_named() {
    for (ahead, result, words) in [
        (0, "ok", "the same time"),
        (25, "ok", "behind the server's"),
        (-90, "warning", "seconds ahead of the server's"),
        (90, "warning", "synchronize the clock"),
        (-3600, "error", "ahead of"),
        (3600, "error", "behind"),
    ] {
        let server = vendor(date(ahead));
        let (_, checks) = checks(&mut with_account(&server.url()), "");
        // Seconds may pass between the two times.
        let words = if ahead == 0 { "" } else { words };
        assert_check(&checks, "clock", result, &[words]);
    }
    for header in ["", "date: yesterday\r\n"] {
        let (_, checks) = checks(&mut with_account(&vendor(header).url()), "");
        assert_check(&checks, "clock", "skipped", &["no valid Date"]);
    }
}

#[test]
fn a_proxy_that_cannot_be_used_is_named() {
    // Nothing listens at its port.
    let dead = "http://proxy-user:proxy-secret@127.0.0.1:1";
    let url = "https://vendor.example.com";
    let (run, unreachable) = checks(with_account(url).env("IDENTKIT_PROXY", dead), "");
    assert_check(&unreachable, "proxy", "error", &["no connection to the proxy", "IDENTKIT_PROXY"]);
    assert_check(&unreachable, "TLS", "skipped", &["the proxy cannot be used"]);
    run.hides(&["proxy-secret", "proxy-user", "secret-code"]);
    let (address, _) = accept(|mut stream| {
        head(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n");
    });
    let (_, rejected) = checks(&mut with_account(url), &format!("--proxy http://{address}"));
    assert_check(&rejected, "proxy", "error", &["requires credentials", "--proxy-auth-file"]);
    let server = vendor("");
    let local = server.url();
    let (run, spared) = checks(with_account(&local).env("https_proxy", dead), "");
    assert_check(&spared, "proxy", "ok", &["127.0.0.1 is reached without the proxy 127.0.0.1:1 (https_proxy)"]);
    run.hides(&["proxy-secret", "proxy-user"]);
    let ignored = [("https_proxy", dead), ("no_proxy", "a b/c")];
    let (_, ignored) = checks(with_account(&local).envs(ignored), "");
    assert_check(&ignored, "proxy", "warning", &["items that are ignored"]);
}

#[test]
fn an_unusable_connection_option_is_named() {
    let (_, checks) = checks(with_account(NO_SERVER).env("IDENTKIT_CA_FILE", "missing.pem"), "");
    assert_check(&checks, "configuration", "error", &["--ca-file missing.pem", "correct the option"]);
}

#[test]
fn a_webhook_url_must_be_public_and_have_tls() {
    let wrong = |url: &str| checks(&mut identkit(), &format!("--webhook-url {url}")).1;
    assert_check(&wrong("http://hooks.example.com"), "webhook address", "error", &["https://"]);
    assert_check(&wrong("https://127.0.0.1:1"), "webhook address", "error", &["not a public address"]);
    assert_check(&wrong("https://nothing.invalid"), "webhook address", "error", &["cannot be resolved", "DNS"]);
    run(identkit().args(["doctor", "--webhook-url", "ftp://a"])).fails_with(2, &["--webhook-url"]);
}

#[test]
fn a_webhook_receiver_is_called_with_an_unknown_token() {
    let sandbox = Sandbox::plain();
    let check = |url: &str| checks(&mut sandbox.identkit(), &format!("--provider tm --webhook-url {url}")).1;
    let receiver = Server::json("404 Not Found", "{}");
    let right = check(&receiver.url());
    for name in ["webhook address", "webhook TLS", "webhook response"] {
        assert_check(&right, name, "ok", &[]);
    }
    assert_eq!(receiver.calls(), ["GET /identkit-doctor/unknown-token/check"]);
    let any = Server::json("200 OK", "{}");
    assert_check(&check(&format!("{}/hooks/", any.url())), "webhook response", "warning", &["gets 200"]);
    assert_eq!(any.calls(), ["GET /hooks/identkit-doctor/unknown-token/check"]);
    let broken = Server::json("502 Bad Gateway", "{}");
    assert_check(&check(&broken.url()), "webhook response", "error", &["gets 502", "identkit listen"]);
    assert_check(&check(NO_SERVER), "webhook response", "error", &["cannot be reached", "start the receiver"]);
}

#[test]
fn the_certificate_of_a_webhook_receiver_is_checked() {
    let sandbox = Sandbox::plain();
    let authority = Authority::new();
    let ca_file = authority.ca_file();
    for (expires, ca_file, result, words) in [
        (4000, Some(&ca_file), "ok", "valid until 4000"),
        (2020, Some(&ca_file), "error", "it has expired; the certificate is valid until 2020"),
        (4000, None, "error", "no trusted authority"),
    ] {
        let (address, _) = peer(&authority.issue_until("127.0.0.1", expires, 1, 1), None);
        let option = ca_file.map(|file| format!("--webhook-ca {file}")).unwrap_or_default();
        let line = format!("--provider tm --webhook-url https://{address} {option}");
        let (_, checks) = checks(&mut sandbox.identkit(), &line);
        assert_check(&checks, "webhook TLS", result, &[words]);
    }
    let folder = tempfile::tempdir().unwrap();
    let line = format!("--provider tm --webhook-url https://127.0.0.1:1 --webhook-ca {}", file(&folder, "ca.pem", "x"));
    let (_, checks) = checks(&mut sandbox.identkit(), &line);
    assert_check(&checks, "webhook TLS", "error", &["--webhook-ca"]);
}
