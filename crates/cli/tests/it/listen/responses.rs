//! What the receiver answers, prints and stores.

use std::path::Path;

use identkit_testkit::block_on;
use serde_json::{Value, json};

use super::*;
use crate::support::open_store;

/// Reads the events of a store: name, id.
fn stored(folder: &Path) -> Vec<(String, String)> {
    block_on(async {
        let store = open_store(&folder.join("state.db")).await;
        let events = store.events(Default::default(), 100).await.unwrap();
        let event = |event: &identkit_store::StoredEvent| {
            let event = &event.delivery.event;
            (event.name.clone(), event.case_id.as_ref().unwrap().expose().to_owned())
        };
        events.iter().map(event).collect()
    })
}

#[test]
fn webhooks_in_every_form_are_stored_and_printed() {
    let folder = tempfile::tempdir().unwrap();
    let mut receiver = Receiver::on(&folder, &["--print"]);
    let ident = json!({ "ident_id": "A1", "custom_id": "c\u{202e}1", "status": "x" }).to_string();
    let mut expected = Vec::new();
    for (event, method) in
        [("AfterVideo", "GET"), ("AfterIdent", "POST"), ("OnFinal", "PUT"), ("OnFinal", "GET"), ("Video", "GET")]
    {
        assert_eq!(status(&receiver.order_url(event), method, ""), 202, "{method} {event}");
        let mut line = json!({ "provider": "identity-tm", "event": event, "order_id": ORDER });
        if event != "Video" {
            line["reference"] = "R/1".into();
        }
        expected.push(line);
    }
    assert_eq!(status(receiver.ident_url(), "POST", &ident), 202);
    expected.push(json!({
        "provider": "identify24", "event": "status", "ident_id": "A1", "reference": "c\u{202e}1", "payload": ident,
    }));
    let mut events = receiver.events(expected.len());
    let mut last = String::new();
    for event in &mut events {
        let received = event.as_object_mut().unwrap().remove("received_at").unwrap();
        let received = received.as_str().unwrap().to_owned();
        assert!(received.parse::<jiff::Timestamp>().is_ok() && received > last, "{received}");
        last = received;
    }
    assert_eq!(events, expected);
    receiver.stop();
    assert_eq!(stored(folder.path()).len(), expected.len());
}

#[test]
fn an_acknowledged_webhook_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut receiver = Receiver::on(&folder, &[]);
    assert_eq!(status(&receiver.order_url("OnFinal"), "GET", ""), 202);
    receiver.child.kill().unwrap();
    receiver.child.wait().unwrap();
    assert_eq!(stored(folder.path()), [("OnFinal".to_owned(), ORDER.to_owned())]);
    // The next start prints new events only.
    let mut receiver = Receiver::on(&folder, &["--print"]);
    assert_eq!(status(&receiver.order_url("AfterIdent"), "GET", ""), 202);
    assert_eq!(receiver.events(1)[0]["event"], "AfterIdent");
    receiver.stop();
}

#[test]
fn many_events_are_printed_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::on(&folder, &[]);
    for _ in 0..37 {
        assert_eq!(status(&receiver.order_url("OnFinal"), "GET", ""), 202);
    }
    receiver.stop();
    let mut receiver = Receiver::on(&folder, &["--print"]);
    let url = receiver.ident_url().to_owned();
    for number in 0..250 {
        assert_eq!(status(&url, "POST", &json!({ "ident_id": format!("I{number}") }).to_string()), 202);
    }
    let events = receiver.events(250);
    let ids: Vec<&str> = events.iter().map(|event| event["ident_id"].as_str().unwrap()).collect();
    assert_eq!(ids, (0..250).map(|number| format!("I{number}")).collect::<Vec<_>>());
}

#[test]
fn everything_unknown_gets_the_same_404() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::on(&folder, &[]);
    let without_date = |answer: String| -> String {
        answer.split_inclusive("\r\n").filter(|line| !line.starts_with("date:")).collect()
    };
    let expected = without_date(request(&receiver.url("/"), "GET", ""));
    assert!(expected.starts_with("HTTP/1.1 404 "), "{expected}");
    let good = receiver.order_url("OnFinal");
    let token = |url: &str| url.split('/').nth(4).unwrap().to_owned();
    let others = [
        good.replace(&token(&good), &"x".repeat(43)),
        good.replace(&token(&good), ""),
        // The token of another event, and of another vendor.
        good.replace(&token(&good), &token(&receiver.order_url("AfterVideo"))),
        good.replace("identity-tm", "identify24"),
        good.replace("OnFinal", "onfinal"),
        receiver.url("/healthz/x"),
        receiver.url("/metrics/"),
        receiver.url("/a/b/c"),
    ];
    for url in others {
        for method in ["GET", "POST", "PUT"] {
            assert_eq!(without_date(request(&url, method, "")), expected, "{method} {url}");
        }
    }
    assert_eq!(status(&good, "GET", ""), 202);
}

#[test]
fn at_68_what_cannot_be_read_is_400_or_405() {
    let folder = tempfile::tempdir().unwrap();
    let mut receiver = Receiver::on(&folder, &["--print"]);
    let order = receiver.order_url("OnFinal");
    for (url, method, body, expected) in [
        (receiver.ident_url(), "POST", "{\"ident_id\":", 400),
        (receiver.ident_url(), "POST", "", 400),
        (receiver.ident_url(), "POST", "{\"ident_id\":{}}", 400),
        (receiver.ident_url(), "GET", "", 405),
        (&order.replace(ORDER, ""), "GET", "", 400),
        (&order.replace(ORDER, "[OrderID]"), "GET", "", 400),
        (&order, "HEAD", "", 405),
        (&order, "DELETE", "", 405),
        // The last one shows that the others are not printed.
        (&order, "GET", "", 202),
    ] {
        assert_eq!(status(url, method, body), expected, "{method} {body}");
    }
    assert_eq!(receiver.events(1).len(), 1);
}

#[test]
fn at_69_networks_can_be_limited_also_behind_a_proxy() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::on(&folder, &["--allow", "identity-tm=192.0.2.0/24"]);
    assert_eq!(status(&receiver.order_url("OnFinal"), "GET", ""), 404);
    assert_eq!(status(receiver.ident_url(), "POST", "{\"ident_id\":\"1\"}"), 202, "the other vendor");
    receiver.stop();
    let receiver = Receiver::on(&folder, &["--allow", "identity-tm=192.0.2.0/24", "--trust-proxy", "127.0.0.1"]);
    for (forwarded, expected) in [("192.0.2.7", 202), ("198.51.100.1", 404)] {
        let url = receiver.order_url("OnFinal");
        let path = url.strip_prefix("http://").unwrap();
        let (authority, path) = path.split_at(path.find('/').unwrap());
        let mut stream = TcpStream::connect(authority).unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nx-forwarded-for: {forwarded}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let answer = response(stream);
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected} ")), "{forwarded}: {answer}");
    }
}

#[test]
fn the_pages_show_health_and_metrics_without_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::on(&folder, &[]);
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(status(&receiver.url(path), "GET", ""), 200, "{path}");
        assert_eq!(status(&receiver.url(path), "HEAD", ""), 200, "{path}");
        assert_eq!(status(&receiver.url(path), "POST", ""), 404, "{path}");
    }
    for event in EVENTS {
        assert_eq!(status(&receiver.order_url(event), "GET", ""), 202, "{event}");
    }
    assert_eq!(status(receiver.ident_url(), "POST", "{"), 400);
    let page = request(&receiver.url("/metrics"), "GET", "");
    for line in [
        "identkit_webhooks_total{provider=\"identity-tm\",event=\"OnFinal\",status=\"202\"} 1\n",
        "identkit_webhooks_total{provider=\"identify24\",event=\"status\",status=\"400\"} 1\n",
        // The pages with another method.
        "identkit_webhooks_total{provider=\"\",event=\"\",status=\"404\"} 3\n",
        "identkit_webhook_acceptance_seconds_count 4\n",
    ] {
        assert!(page.contains(line), "{line} is missing: {page}");
    }
    assert!(!page.contains(ORDER) && !page.contains(receiver.ident_url().split('/').nth(4).unwrap()), "{page}");
    receiver.stop();
}

#[test]
fn a_removed_store_means_503() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::on(&folder, &[]);
    assert_eq!(status(&receiver.url("/readyz"), "GET", ""), 200);
    std::fs::remove_file(folder.path().join("state.db")).unwrap();
    assert_eq!(status(&receiver.order_url("OnFinal"), "GET", ""), 503);
    // An answer of the store is valid for a second.
    let began = Instant::now();
    while status(&receiver.url("/readyz"), "GET", "") != 503 {
        assert!(began.elapsed() < HANGS, "the receiver is not ready");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(status(&receiver.url("/healthz"), "GET", ""), 200);
    let run = receiver.stop();
    assert_eq!(run.stderr.matches("was answered with 503").count(), 1, "{}", run.stderr);
    run.ends_with(0, &["removed or replaced"]);
}

#[test]
fn the_ready_line_has_every_url() {
    let folder = tempfile::tempdir().unwrap();
    let public = "https://hooks.example.com/kyc";
    let receiver = Receiver::on(&folder, &["--public-url", public]);
    let ready = &receiver.ready;
    assert!(ready["listen"].as_str().unwrap().starts_with("http://127.0.0.1:"), "{ready}");
    assert!(receiver.ident_url().starts_with(&format!("{public}/identify24/")), "{ready}");
    let urls = ready["identity_tm_webhooks"].as_object().unwrap();
    assert_eq!(urls.len(), EVENTS.len());
    for (event, url) in urls {
        let url = url.as_str().unwrap();
        assert!(EVENTS.contains(&event.as_str()) && url.starts_with(&format!("{public}/identity-tm/")), "{url}");
        assert!(url.contains(&format!("/{event}?orderId=[OrderID]")) && url.len() <= 150, "{url}");
    }
    // 256 bits, and another token for each event.
    let mut tokens: Vec<&str> = urls.values().map(|url| url.as_str().unwrap().split('/').nth(5).unwrap()).collect();
    tokens.push(receiver.ident_url().split('/').nth(5).unwrap());
    assert!(tokens.iter().all(|token| token.len() == 43), "{tokens:?}");
    tokens.sort_unstable();
    tokens.dedup();
    assert_eq!(tokens.len(), 5);
    assert_eq!(receiver.stop().stderr.lines().count(), 1, "only the note about the key");
}

#[test]
fn values_of_a_webhook_cannot_end_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut receiver = Receiver::on(&folder, &["--print"]);
    let url = receiver.order_url("OnFinal").replace("R%2F1", "%0A%7B%7D%22");
    assert_eq!(status(&url, "GET", ""), 202);
    assert_eq!(receiver.events(1)[0]["reference"], Value::from("\n{}\""));
    receiver.stop();
}
