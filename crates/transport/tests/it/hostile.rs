//! Hostile servers: typed errors, bounded memory, no wrong success, no reused connection.

use std::sync::atomic::Ordering;
use std::time::Duration;

use identkit_core::{Delivery, Kind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{
    CAP, Delete, OK, answer_noted, answering, attempt, call, closed, create, endless, hear, noting, pause, plain, put,
    server, small, soon, text,
};

/// Kind and detail of a failure because of an unusable head.
async fn refused(url: &str) -> (Kind, &'static str) {
    let (sent, delivery) = attempt(&plain(), put(url, "body"), true).await;
    let failure = sent.expect_err("the head must be rejected");
    assert_eq!((failure.delivery, delivery), (Delivery::MaybeSent, Delivery::MaybeSent));
    (failure.kind, failure.detail)
}

/// A response with one header of `size` bytes.
fn large(size: usize) -> String {
    format!("HTTP/1.1 200 OK\r\nx: {}\r\ncontent-length: 2\r\n\r\nok", "y".repeat(size))
}

/// A response with `count` headers and one more.
fn many(count: usize) -> String {
    format!("HTTP/1.1 200 OK\r\n{}content-length: 2\r\n\r\nok", "x: y\r\n".repeat(count))
}

#[tokio::test]
async fn ambiguous_heads_are_rejected_and_unusual_ones_accepted() {
    let chunks = "2\r\nok\r\n0\r\n\r\n";
    let misleading = [
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n".to_owned(),
        many(200),
        large(64 * 1024),
        // Contradictory or invalid lengths.
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: 2, 3\r\n\r\nok".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\nok".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\nok".to_owned(),
        // A length and chunks together.
        format!("HTTP/1.1 200 OK\r\ncontent-length: 7\r\ntransfer-encoding: chunked\r\n\r\n{chunks}"),
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 7\r\n\r\n{chunks}"),
        // Codings that were not asked for.
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n{chunks}"),
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n{chunks}"),
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: identity\r\n\r\n{chunks}"),
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, chunked\r\n\r\n{chunks}"),
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n{chunks}"),
        // Other protocols.
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "SSH-2.0-OpenSSH\r\n\r\n".to_owned(),
    ];
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\n\r\n";
    let unusual = [
        format!("{interim}{OK}"),
        many(199),
        large(32 * 1024),
        // The same twice is one length (RFC 9110, section 8.6).
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nok".to_owned(),
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n{chunks}"),
        // Folded headers (RFC 9112, section 5.2).
        "HTTP/1.1 200 OK\r\nx: one\r\n\ttwo\r\n  three\r\ncontent-length:\r\n 2\r\n\r\nok".to_owned(),
    ];
    for (good, answer) in
        misleading.map(|answer| (false, answer)).into_iter().chain(unusual.map(|answer| (true, answer)))
    {
        let row = answer.chars().take(200).collect::<String>();
        let url = answering(answer).await;
        match good {
            false => assert_eq!(refused(&url).await.0, Kind::Protocol, "{row:?}"),
            true => assert_eq!(text(&plain(), &url, true).await.unwrap(), "ok", "{row:?}"),
        }
    }
}

#[tokio::test]
async fn at_97_a_response_that_is_not_valid_http_is_retained() {
    let body = r#"{"OrderID":"99"}"#;
    for head in [
        "HTTP/1.1 202 Accepted\r\nContent-Length: 16\r\nno colon\r\n",
        "HTTP/1.1 202 Accepted\r\nContent-Length: 16\r\nContent-Length: 17\r\n",
        "HTTP/1.1 202 Accepted\r\nContent-Length: 16\r\nTransfer-Encoding: chunked\r\n",
        &format!("HTTP/1.1 202 Accepted\r\n{}", "x: y\r\n".repeat(210)),
    ] {
        for interim in ["", "HTTP/1.1 100 Continue\r\n\r\n"] {
            let url = answering(format!("{interim}{head}\r\n{body}")).await;
            let error = create(plain(), &url, small(), Duration::from_secs(30)).await.unwrap_err();
            assert_eq!(error.kind(), Kind::OutcomeUnknown, "{head}");
            let answer = error.answer().expect("the answer is retained");
            assert_eq!((answer.status().as_u16(), answer.is_complete()), (202, false), "{head}");
            assert_eq!(answer.body(), format!("{head}\r\n{body}").as_bytes());
            assert!(!format!("{error} {error:?}").contains("99"), "{error:?}");
        }
    }
    for bytes in ["SSH-2.0-x\r\n", body, "HTTP/1.1 OK\r\n\r\n{}"] {
        let error = create(plain(), &answering(bytes).await, small(), Duration::from_secs(30)).await.unwrap_err();
        let answer = error.answer().expect("the bytes are retained");
        assert_eq!(
            (answer.status().as_u16(), answer.body().as_ref()),
            (600, bytes.as_bytes()),
            "without a status line"
        );
    }
    let error = create(plain(), &answering("").await, small(), Duration::from_secs(30)).await.unwrap_err();
    assert!(error.answer().is_none());
}

#[tokio::test]
async fn at_97_a_body_that_is_not_chunked_as_announced_is_retained() {
    let head = "HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n";
    let order = r#"{"OrderID":"99"}"#;
    for (sent, retained) in [
        (order.to_owned(), order.to_owned()),
        (format!("0x10\r\n{order}\r\n0\r\n\r\n"), format!("0x10\r\n{order}\r\n0\r\n\r\n")),
        (format!("10\n{order}\n0\n\n"), format!("10\n{order}\n0\n\n")),
        // The first chunk was passed on; the rest follows as received.
        (format!("1\r\n{{\r\n{}", order.trim_start_matches('{')), format!("{{\r\n{}", order.trim_start_matches('{'))),
        // Longer than one read.
        (format!("{}{order}", " ".repeat(200_000)), format!("{}{order}", " ".repeat(200_000))),
        // Nothing follows what was passed on.
        (format!("20\r\n{order}"), order.to_owned()),
    ] {
        for interim in ["", "HTTP/1.1 100 Continue\r\n\r\n"] {
            let url = answering(format!("{interim}{head}{sent}")).await;
            let error = create(plain(), &url, small(), Duration::from_secs(30)).await.unwrap_err();
            assert_eq!(error.kind(), Kind::OutcomeUnknown);
            let answer = error.answer().unwrap();
            let body = std::str::from_utf8(answer.body()).unwrap();
            assert_eq!((body, answer.is_complete()), (retained.as_str(), false), "{sent:.40}");
        }
    }
}

#[tokio::test]
async fn at_97_a_long_response_with_an_invalid_head_is_retained() {
    let head = "HTTP/1.1 202 Accepted\r\nno colon\r\n\r\n";
    // More interim responses than the client reads, before the one with the id: no byte between them is lost.
    let interim = "HTTP/1.1 100 C\r\n\r\n".repeat(20_000);
    let last = "HTTP/1.1 202 Accepted\r\n\r\n{\"OrderID\":\"99\"}";
    let error = create(plain(), &answering(format!("{interim}{last}")).await, small(), Duration::from_secs(30)).await;
    let answer = error.unwrap_err().answer().cloned().unwrap();
    assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (202, last.as_bytes()));
    for (filler, retained) in [(300_000, 300_000 + head.len() + 2), (2_000_000, 1024 * 1024)] {
        let url = answering(format!("{head}{}ok", "x".repeat(filler))).await;
        let error = create(plain(), &url, small(), Duration::from_secs(30)).await.unwrap_err();
        assert_eq!(error.answer().unwrap().body().len(), retained);
    }
}

#[tokio::test]
async fn at_97_a_slow_response_with_an_invalid_head_is_retained() {
    let (address, _) = server(|mut stream, _| async move {
        hear(&mut stream, "body").await;
        let _ = stream.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: x\r\n\r\n").await;
        // Longer than the pause that ends it.
        for piece in ["{\"Ord", "erID\"", ":\"9", "9\"}"] {
            pause(Duration::from_millis(400)).await;
            let _ = stream.write_all(piece.as_bytes()).await;
        }
        closed(&mut stream).await;
    })
    .await;
    let error = create(plain(), &format!("http://{address}"), small(), Duration::from_secs(30)).await.unwrap_err();
    assert!(error.answer().unwrap().body().ends_with(b"{\"OrderID\":\"99\"}"), "{error}");
}

#[tokio::test]
async fn other_protocols_are_errors() {
    for bytes in [
        &[0, 0, 0, 4, 0, 0, 0, 0, 0][..],
        b"HTTP/2 200\r\n\r\n",
        b"\0\0\0",
        b"220 mail\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        // No response.
        b"",
    ] {
        let (kind, _) = refused(&answering(bytes).await).await;
        assert!(matches!(kind, Kind::Protocol | Kind::Unreachable), "{bytes:?}");
    }
}

#[tokio::test]
async fn endless_heads_are_errors() {
    let flood = "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".repeat(1000);
    let address = endless("body", "", flood, Duration::ZERO).await;
    let (kind, detail) = refused(&format!("http://{address}/")).await;
    assert_eq!(kind, Kind::Protocol);
    assert!(detail.contains("endless"), "{detail}");
    let address = endless("body", "HTTP/1.1 200 OK\r\nx: ", "y".repeat(4096), Duration::ZERO).await;
    assert_eq!(refused(&format!("http://{address}/")).await.0, Kind::Protocol);
}

/// A response with these headers and this body.
fn coded(headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\n{headers}\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// The text "ok" in gzip.
const GZIP: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\xcf\x06\x00\x47\xdd\xdc\x79\x02\x00\x00\x00";

#[tokio::test]
async fn at_90_gzip_is_decoded_and_other_codings_are_errors() {
    for (headers, body, warnings) in [
        ("content-encoding: gzip", GZIP, &["AT-90"][..]),
        ("content-encoding: identity\r\ncontent-encoding: X-GZIP", GZIP, &["AT-90"]),
        // `identity` means no coding, in upper or lower case (RFC 9110, section 8.4.1).
        ("content-encoding: Identity", b"ok", &[]),
        // A proxy that decodes a body can leave the header.
        ("content-encoding: gzip", b"ok", &["AT-90"]),
    ] {
        let url = answering(coded(headers, body)).await;
        let response = create(plain(), &url, small(), Duration::from_secs(30)).await.unwrap();
        assert_eq!(response.value, "ok", "{headers}");
        assert_eq!(response.warnings.iter().map(|warning| warning.rule).collect::<Vec<_>>(), warnings, "{headers}");
        let raw = response.raw().unwrap();
        assert_eq!(raw.body(), "ok", "the decoded body is retained");
    }
    for (headers, body) in [
        ("content-encoding: br", &b"\x0b\x00\x80ok\x03"[..]),
        ("content-encoding: gzip, gzip", GZIP),
        ("content-encoding: deflate", b"\x4b\xcf\x06\0"),
    ] {
        let url = answering(coded(headers, body)).await;
        let error = create(plain(), &url, small(), Duration::from_secs(30)).await.unwrap_err();
        assert_eq!((error.kind(), error.delivery()), (Kind::OutcomeUnknown, Some(Delivery::MaybeSent)), "{headers}");
        assert!(error.detail().contains("content coding"), "{error}");
        assert_eq!(error.answer().unwrap().body(), body, "the bytes are retained");
    }
    // Damaged, and with bytes after its end.
    for body in [&GZIP[..GZIP.len() - 1], &[GZIP, b"x"].concat()] {
        let url = answering(coded("content-encoding: gzip", body)).await;
        let error = create(plain(), &url, small(), Duration::from_secs(30)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::OutcomeUnknown);
        assert!(error.detail().contains("gzip, which is damaged"), "{error}");
        assert_eq!(error.answer().unwrap().body(), "ok", "what can be decoded is retained");
    }
}

#[tokio::test]
async fn at_90_every_request_asks_for_no_coding() {
    let (address, log) = noting(move |stream, log| answer_noted(stream, "body", log)).await;
    create(plain(), &format!("http://{address}"), small(), Duration::from_secs(30)).await.unwrap();
    let received = log.lock().unwrap()[0].to_lowercase();
    assert_eq!(received.matches("accept-encoding: identity\r\n").count(), 1, "{received}");
    assert_eq!(received.matches("accept-encoding").count(), 1, "{received}");
}

#[tokio::test]
async fn an_endless_body_ends_at_its_limit_or_the_deadline() {
    let longer = format!("longer than the {CAP} bytes");
    let (block, chunk) = ("x".repeat(0x1000), format!("1000\r\n{}\r\n", "x".repeat(0x1000)));
    for (head, more, rest, timeout, detail) in [
        ("HTTP/1.1 200 OK\r\n\r\n", block, 0, 30_000, longer.as_str()),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", chunk, 0, 30_000, longer.as_str()),
        ("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n", "x".to_owned(), 2, 400, "within the timeout"),
    ] {
        let address = endless("body", head, more, Duration::from_millis(rest)).await;
        let called = create(plain(), &format!("http://{address}"), small(), Duration::from_millis(timeout)).await;
        let error = called.unwrap_err();
        assert_eq!((error.kind(), error.delivery()), (Kind::OutcomeUnknown, Some(Delivery::MaybeSent)), "{head}");
        assert!(error.detail().contains(detail), "{head}: {error}");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error() {
    for body in [
        "content-length: 3\r\n\r\nok",
        "transfer-encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\nok",
        "transfer-encoding: chunked\r\n\r\n2\r\nok\r\n",
        "transfer-encoding: chunked\r\n\r\n2;a=b\nok\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n-1\r\n\r\n",
    ] {
        let url = answering(format!("HTTP/1.1 200 OK\r\n{body}")).await;
        assert!(text(&plain(), &url, true).await.is_err(), "{body:?}");
    }
}

#[tokio::test]
async fn a_split_utf_8_character_arrives_complete() {
    let (address, _) = server(|mut stream, _| async move {
        hear(&mut stream, "body").await;
        stream.set_nodelay(true).unwrap();
        for byte in "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nKölné".as_bytes() {
            stream.write_all(std::slice::from_ref(byte)).await.unwrap();
            stream.flush().await.unwrap();
            tokio::task::yield_now().await;
        }
        closed(&mut stream).await;
    })
    .await;
    assert_eq!(text(&plain(), &format!("http://{address}/"), true).await.unwrap(), "Kölné");
}

#[tokio::test]
async fn http_1_0_is_accepted_without_reuse() {
    let (address, count) = server(|mut stream, _| async move {
        hear(&mut stream, "body").await;
        let _ = stream.write_all(b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
        closed(&mut stream).await;
    })
    .await;
    let transport = plain();
    for _ in 0..2 {
        assert_eq!(text(&transport, &format!("http://{address}/"), false).await.unwrap(), "ok");
    }
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

const POISON: &str = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\npoisoned";

#[tokio::test]
async fn bytes_after_a_response_are_not_the_next_response() {
    for late in [0, 50] {
        // The first connection contains the poison and is closed; the second answers correctly.
        let (sender, mut received) = tokio::sync::mpsc::unbounded_channel();
        let (address, count) = server(move |mut stream, number| {
            let sender = sender.clone();
            async move {
                hear(&mut stream, "body").await;
                let poison = if number == 0 { POISON } else { "" };
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{number}");
                if late > 0 {
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    pause(Duration::from_millis(late)).await;
                    let _ = stream.write_all(poison.as_bytes()).await;
                } else {
                    stream.write_all(format!("{answer}{poison}").as_bytes()).await.unwrap();
                }
                let _ = stream.read(&mut [0; 1]).await;
                let _ = sender.send(number);
            }
        })
        .await;
        let transport = plain();
        let url = format!("http://{address}/");
        assert_eq!(text(&transport, &url, false).await.unwrap(), "0");
        if late == 0 {
            assert_eq!(soon("closing", received.recv()).await, Some(0), "a poisoned connection is closed at once");
        }
        pause(Duration::from_millis(late * 4)).await;
        assert_eq!(text(&transport, &url, false).await.unwrap(), "1", "{late} ms later");
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }
}

/// Reads a request from a blocking socket.
fn hear_blocking(stream: &std::net::TcpStream) {
    let mut received = Vec::new();
    for byte in std::io::Read::bytes(stream) {
        received.push(byte.unwrap());
        if received.ends_with(b"body") {
            return;
        }
    }
    panic!("the request broke off");
}

#[tokio::test]
async fn bytes_during_a_busy_runtime_are_not_the_next_response() {
    use std::io::Write;
    use std::sync::mpsc;

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (read, answer_was_read) = mpsc::channel();
    let (poison_was_sent, sent) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut first, _) = listener.accept().unwrap();
        hear_blocking(&first);
        first.write_all(OK.as_bytes()).unwrap();
        answer_was_read.recv().unwrap();
        first.write_all(POISON.as_bytes()).unwrap();
        poison_was_sent.send(()).unwrap();
        let (mut second, _) = listener.accept().unwrap();
        hear_blocking(&second);
        second.write_all(OK.as_bytes()).unwrap();
    });
    let transport = plain();
    assert_eq!(text(&transport, &url, false).await.unwrap(), "ok");
    // Blocks the runtime, so that it cannot poll the socket before the next request.
    read.send(()).unwrap();
    sent.recv().unwrap();
    assert_eq!(text(&transport, &url, false).await.unwrap(), "ok");
}

#[tokio::test]
async fn at_97_a_change_keeps_an_answer_that_is_not_valid_http() {
    for answer in [
        "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        "HTTP/1.1 202 Accepted\r\nContent-Length: +2\r\n\r\n{}",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/0.9 202 Accepted\r\n\r\n",
        "accepted",
    ] {
        let url = answering(answer).await;
        let error = call(plain(), &url, &Delete, Duration::from_secs(30)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::OutcomeUnknown, "{answer:?} {error}");
        let raw = error.answer().expect(answer);
        assert_eq!((raw.body().as_ref(), raw.is_complete()), (answer.as_bytes(), false), "{answer:?}");
    }
}

#[tokio::test]
async fn at_97_a_cut_head_of_a_success_is_not_repeated() {
    for (head, kind, times) in [
        ("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n", Kind::OutcomeUnknown, 1),
        ("HTTP/1.1 200 OK\r\nContent-T", Kind::OutcomeUnknown, 1),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\n", Kind::OutcomeUnknown, 1),
        // hyper rejects it.
        ("HTTP/1.1 202 Accepted\r\nno colon\r\n\r\n", Kind::OutcomeUnknown, 1),
        ("HTTP/1.1 503 Unavailable\r\nContent-T", Kind::Unreachable, 3),
        ("HTTP/1.1 20", Kind::Unreachable, 3),
    ] {
        let treat = move |mut stream: tokio::net::TcpStream, log: crate::support::Log| async move {
            let received = hear(&mut stream, "body").await;
            log.lock().unwrap().push(received);
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.shutdown().await;
            closed(&mut stream).await;
        };
        let (address, log) = noting(treat).await;
        let error = call(plain(), &format!("http://{address}/"), &Delete, Duration::from_secs(30)).await.unwrap_err();
        assert_eq!((error.kind(), log.lock().unwrap().len()), (kind, times), "{head}");
        if kind == Kind::OutcomeUnknown {
            assert!(error.answer().unwrap().body().starts_with(b"HTTP/1.1 20"), "{head}");
        }
    }
}

#[tokio::test]
async fn at_97_a_head_cut_by_the_deadline_is_not_repeated() {
    for (head, kind) in [
        ("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n", Kind::OutcomeUnknown),
        ("HTTP/1.1 503 Unavailable\r\n", Kind::Timeout),
        ("", Kind::Timeout),
    ] {
        let (address, _) = server(move |mut stream, _| async move {
            hear(&mut stream, "body").await;
            let _ = stream.write_all(head.as_bytes()).await;
            closed(&mut stream).await;
        })
        .await;
        let error = call(plain(), &format!("http://{address}/"), &Delete, Duration::from_secs(1)).await.unwrap_err();
        assert_eq!((error.kind(), error.answer().is_some()), (kind, !head.is_empty()), "{head}");
    }
}
