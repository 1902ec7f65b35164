//! Who may call the admin API, and what it tells whom: beside the header `Host`, and as it happens.

use crate::support::*;

/// A connection on which this was asked.
async fn asked(address: std::net::SocketAddr, head: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{head}\r\n\r\n").as_bytes()).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_in_the_request_line_counts_as_much_as_the_header() {
    let sandbox = sandbox().start();
    let door = server::admin(&sandbox, "127.0.0.1:0".parse().unwrap()).await.unwrap();
    for (target, status) in [
        ("http://evil.example/_sandbox/v1/health", 403),
        ("http://localhost.evil.example/_sandbox/v1/health", 403),
        ("http://127.0.0.1@evil.example/_sandbox/v1/health", 403),
        ("http://localhost/_sandbox/v1/health", 200),
        ("http://[::1]:80/_sandbox/v1/health", 200),
    ] {
        let head = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close");
        let mut answer = String::new();
        asked(door.address(), &head).await.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{target}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_who_follows_nor_who_waits_is_told_a_secret() {
    let bench = Harness::new();
    let listening = server::admin(&bench.sandbox, "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let door = Door::of(&bench.sandbox).await;
    let mut order: serde_json::Value =
        serde_json::from_slice(&fixture("identity-tm", "S-035-put-order-request.json")).unwrap();
    order["WebhookURL"] = json!({ "OnFinal": "http://user:hunter2@127.0.0.1:9/h?token=hunter2" });
    bench.tm_call("PUT", "/putOrder?token=hunter2", order.to_string()).await;
    bench.tm_call("GET", "/serverStatus?the=end", "").await;

    let head = "GET /_sandbox/v1/events?since=0 HTTP/1.1\r\nHost: localhost";
    let (mut stream, mut told) = (asked(listening.address(), head).await, String::new());
    let reading = async {
        while !told.contains("the=end") {
            let mut piece = [0; 4096];
            let read = stream.read(&mut piece).await.unwrap();
            assert!(read > 0, "the stream ended: {told}");
            told.push_str(&String::from_utf8_lossy(&piece[..read]));
        }
    };
    // Comments come all the time.
    within(MINUTE, reading).await.expect("the end is told");
    let body =
        json!({ "path": "/x?token=hunter2", "headers": { "authorization": "hunter2" }, "timeout": 0 }).to_string();
    let late = door.problem("POST", "journal/wait", &body, 408, "admin-wait").await.to_string();
    let basic = identkit_wire::encode_base64(b"sandbox-customer:sandbox-code");
    for (told, words) in [(&told, "event: call"), (&late, "near_misses")] {
        assert!(told.contains(words) && told.contains("(masked)"), "{told}");
        assert!(!told.contains("hunter2") && !told.contains(&basic), "{told}");
    }
}
