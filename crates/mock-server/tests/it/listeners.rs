//! Requests that the listeners reject or end: unclear, too large, or too slow.

use crate::support::net::any;
use crate::support::*;

/// The listeners of one sandbox: that of the vendors, and that of the admin API.
async fn listeners() -> (Worlds, Listener, Listener) {
    let worlds = Worlds::from(&Sandbox::builder().start());
    let vendors = server::vendors(&worlds, any(), None).await.unwrap();
    let admin = server::admin(&worlds, any()).await.unwrap();
    (worlds, vendors, admin)
}

/// Sends bytes on a new connection and returns everything until the server closes it.
async fn answers(address: SocketAddr, bytes: &[u8]) -> String {
    let (mut reads, mut writes) = TcpStream::connect(address).await.unwrap().into_split();
    let sending = async {
        // The server may close the connection before it has read everything.
        let _ = writes.write_all(bytes).await;
        writes
    };
    let mut answer = Vec::new();
    let (writes, _) = tokio::join!(sending, reads.read_to_end(&mut answer));
    drop(writes);
    String::from_utf8_lossy(&answer).into_owned()
}

const STATUS: &str = "GET /api/2.10/serverStatus HTTP/1.1\r\n";
const CLOCK: &str = "GET /_sandbox/v1/clock HTTP/1.1\r\n";
const CLOSE: &str = "connection: close\r\n\r\n";

#[tokio::test]
async fn a_request_needs_one_valid_host() {
    let (_worlds, vendors, admin) = listeners().await;
    for (listener, line) in [(&vendors, STATUS), (&admin, CLOCK)] {
        for (hosts, valid) in [
            ("host: localhost\r\n", true),
            ("HOST: 127.0.0.1:8443\r\n", true),
            ("host: [::1]:1\r\n", true),
            ("", false),
            ("host:\r\n", false),
            ("host: localhost\r\nhost: localhost\r\n", false),
            ("host: localhost:99999\r\n", false),
            ("host: user@localhost\r\n", false),
            ("host: local host\r\n", false),
        ] {
            let answer = answers(listener.address(), format!("{line}{hosts}{CLOSE}").as_bytes()).await;
            let status = if valid { "HTTP/1.1 200 " } else { "HTTP/1.1 400 " };
            assert!(answer.starts_with(status), "{line}{hosts}: {answer}");
            assert!(valid || answer.contains("one Host header"), "{answer}");
        }
        let old = line.replace("HTTP/1.1", "HTTP/1.0");
        for host in ["", "host: localhost\r\n"] {
            let answer = answers(listener.address(), format!("{old}{host}\r\n").as_bytes()).await;
            assert!(answer.contains(" 400 ") && answer.contains("must be HTTP/1.1"), "{answer}");
        }
    }
}

#[tokio::test]
async fn length_and_transfer_coding_together_are_rejected() {
    let (_worlds, vendors, admin) = listeners().await;
    let get = format!("{CLOCK}host: localhost\r\n\r\n");
    for (listener, line) in [(&vendors, "POST /api/2.10/cancelOrder/1"), (&admin, "POST /_sandbox/v1/clock/mode")] {
        for headers in [
            "content-length: 5\r\ntransfer-encoding: chunked\r\n",
            "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
        ] {
            // The next request is hidden in the body of the first one, as one of the headers sees it.
            let request = format!("{line} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n0\r\n\r\n{get}");
            for before in ["", &get] {
                let answer = answers(listener.address(), format!("{before}{request}").as_bytes()).await;
                // If hyper reads two requests at once, both are rejected. The hidden one is never answered.
                assert!(answer.matches("HTTP/1.1 ").count() <= 1 + usize::from(!before.is_empty()), "{answer}");
                let last = answer.rfind("HTTP/1.1 ").unwrap();
                assert!(answer[last..].starts_with("HTTP/1.1 400 ") && answer.contains("RFC 9112"), "{answer}");
            }
        }
        // Alone, each of them is fine. After a transfer coding, the connection ends.
        let chunked = format!("{line} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{get}");
        let answer = answers(listener.address(), chunked.as_bytes()).await;
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
        assert!(!answer.contains("RFC 9112") && answer.contains("connection: close"), "{answer}");
    }
}

#[tokio::test]
async fn unknown_transfer_codings_and_invalid_chunks_get_400() {
    let (_worlds, vendors, admin) = listeners().await;
    for (listener, line) in [(&vendors, "POST /api/2.10/cancelOrder/1"), (&admin, "POST /_sandbox/v1/clock/mode")] {
        for (codings, chunks, message) in [
            (&["chunked"][..], "2\r\n{}\r\n0\r\n\r\n", None),
            (&["Chunked"], "2;a=b\r\n{}\r\n0\r\nx: y\r\n\r\n", None),
            (&["gzip, chunked"], "2\r\n{}\r\n0\r\n\r\n", Some("must be chunked")),
            (&["gzip", "chunked"], "2\r\n{}\r\n0\r\n\r\n", Some("must be chunked")),
            (&["chunked", "chunked"], "2\r\n{}\r\n0\r\n\r\n", Some("must be chunked")),
            (&["chunked"], "-2\r\n{}\r\n0\r\n\r\n", Some("framing is invalid")),
            (&["chunked"], "fffffffffffffffff\r\n{}", Some("framing is invalid")),
            (&["chunked"], "2\r\n{}XX0\r\n\r\n", Some("framing is invalid")),
        ] {
            let codings: String = codings.iter().map(|coding| format!("transfer-encoding: {coding}\r\n")).collect();
            let request = format!("{line} HTTP/1.1\r\nhost: localhost\r\n{codings}\r\n{chunks}");
            let answer = answers(listener.address(), request.as_bytes()).await;
            assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{request}: {answer}");
            if let Some(message) = message {
                assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains(message), "{request}: {answer}");
            } else {
                assert!(!answer.contains("chunked") && !answer.contains("framing"), "{request}: {answer}");
            }
        }
    }
}

#[tokio::test]
async fn a_large_body_needs_known_credentials() {
    let (worlds, vendors, _admin) = listeners().await;
    let account = |user: &str| format!("Basic {}", identkit_wire::encode_base64(format!("{user}:wrong").as_bytes()));
    let body = "x".repeat(2 << 20);
    let put = |path: &str, user: &str, body: &str| {
        let length = body.len();
        let authorization = account(user);
        format!(
            "PUT {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: {authorization}\r\ncontent-length: {length}\r\n{CLOSE}{body}"
        )
    };
    for (path, user, status, kept) in [
        ("/api/2.10/putOrder", "nobody", 401, 0),
        ("/api/2.10/putOrder", "sandbox-customer", 401, body.len() as u64),
        ("/elsewhere", "nobody", 413, 0),
    ] {
        let answer = answers(vendors.address(), put(path, user, &body).as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path} {user}: {answer}");
        let call = worlds.default_world().with_world(|world| world.journal.calls().next_back().unwrap().1.clone());
        assert_eq!(call.body.len, kept, "{path} {user}");
    }
}

#[tokio::test]
async fn the_admin_api_limits_bodies_and_checks_the_host_first() {
    let (_worlds, _vendors, admin) = listeners().await;
    let post = |host: &str, length: usize| {
        format!("POST /_sandbox/v1/settings HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}\r\n{CLOSE}")
    };
    let large = [post("localhost", 17 << 20).into_bytes(), vec![b' '; 17 << 20]].concat();
    let answer = answers(admin.address(), &large).await;
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("larger than 16 MiB"), "{answer}");
    // The body never arrives, so a response proves that it is not read.
    let answer = answers(admin.address(), post("evil.example", 1 << 20).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
}

/// The clock advances whenever every task waits, so the test takes no time.
#[tokio::test(start_paused = true)]
async fn slow_and_idle_connections_end() {
    let (_worlds, vendors, admin) = listeners().await;
    for (listener, line) in [(&vendors, "POST /api/2.10/cancelOrder/1"), (&admin, "POST /_sandbox/v1/clock/mode")] {
        let whole = format!("{line} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n");
        let half = format!("{line} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n12345");
        for (bytes, responses) in [("", 0), ("POST /", 0), (&*whole, 1)] {
            let answer = answers(listener.address(), bytes.as_bytes()).await;
            assert_eq!(answer.matches("HTTP/1.1 ").count(), responses, "{bytes:?}: {answer}");
        }
        let answer = answers(listener.address(), half.as_bytes()).await;
        assert!(!answer.contains("HTTP/1.1 2"), "{answer}");
    }
}
