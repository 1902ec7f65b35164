//! `--forward`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::support::{ReceivedRequest, Reply, Server, run};

/// A service that accepts events as soon as it is ready.
fn service() -> (Server, Arc<AtomicBool>) {
    let ready = Arc::new(AtomicBool::new(false));
    let is_ready = Arc::clone(&ready);
    let status = move || if is_ready.load(Ordering::SeqCst) { "204 No Content" } else { "503 Service Unavailable" };
    (Server::always(move || Reply::json(status(), "")), ready)
}

fn wait_for(server: &Server, count: usize) -> Vec<ReceivedRequest> {
    let began = Instant::now();
    while server.requests().len() < count {
        assert!(began.elapsed() < HANGS, "{} of {count} requests", server.requests().len());
        std::thread::sleep(Duration::from_millis(5));
    }
    server.requests()
}

fn inbox(folder: &TempDir) -> Value {
    let store = format!("sqlite:{}", folder.path().join("state.db").display());
    run(identkit().args(["inbox", "list", "--store", &store, "--output", "json"])).json()
}

#[test]
fn an_event_is_repeated_until_the_service_accepts_it() {
    let folder = tempfile::tempdir().unwrap();
    let (server, ready) = service();
    let url = format!("{}/events?secret=url-canary", server.url());
    let receiver = Receiver::on(&folder, &["--forward", &url]);
    assert_eq!(status(&receiver.order_url("OnFinal"), "GET", ""), 202);
    let refused = wait_for(&server, 1).remove(0);
    assert_eq!(inbox(&folder)[0]["state"], "pending");
    // The process is killed, and the next one continues.
    let stderr = receiver.stderr();
    receiver.end("KILL");
    assert!(!stderr.contains("url-canary") && !stderr.contains(ORDER), "{stderr}");
    ready.store(true, Ordering::SeqCst);
    let receiver = Receiver::on(&folder, &["--forward", &url]);
    let began = Instant::now();
    while inbox(&folder)[0]["state"] != "done" {
        assert!(began.elapsed() < HANGS, "{}", inbox(&folder));
        std::thread::sleep(Duration::from_millis(20));
    }
    let accepted = server.requests().pop().unwrap();
    receiver.stop();
    let key = |request: &ReceivedRequest| {
        let head = request.head.to_ascii_lowercase();
        head.lines().find_map(|line| line.strip_prefix("idempotency-key: ").map(str::to_owned)).unwrap()
    };
    assert_eq!(key(&accepted), key(&refused), "the same event has the same key");
    let event: Value = serde_json::from_str(&accepted.body).unwrap();
    assert_eq!(
        (&event["event"], &event["order_id"], &event["reference"]),
        (&"OnFinal".into(), &ORDER.into(), &"R/1".into())
    );
}

#[test]
fn an_option_of_forward_that_is_wrong_is_2() {
    let folder = tempfile::tempdir().unwrap();
    for (options, words) in [
        (&["--forward", "http://example.com/x"][..], &["--forward", "https://"][..]),
        (&["--forward", "ftp://example.com"], &["--forward"]),
        (&["--forward-attempts", "3"], &["--forward"]),
    ] {
        run(&mut command(&folder, options)).fails_with(2, words);
    }
}
