//! Servers that send what no server should: typed errors, bounded memory, no wrong success, no connection used again.

use std::sync::atomic::Ordering;
use std::time::Duration;

use identkit_core::{Delivery, Kind};
use identkit_wire::Body;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{CAP, attempt, closed, create, hear, pause, plain, put, server, text};

/// Answers a request with these bytes and closes.
async fn answering(bytes: impl Into<Vec<u8>>) -> String {
    let bytes = bytes.into();
    let (address, _) = server(move |mut stream, _| {
        let bytes = bytes.clone();
        async move {
            hear(&mut stream, "body").await;
            // The client may have hung up already.
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
            closed(&mut stream).await;
        }
    })
    .await;
    format!("http://{address}/")
}

/// A head, or a failure of this kind, whose delivery is not known.
async fn refused(bytes: impl Into<Vec<u8>>) -> Kind {
    let url = answering(bytes).await;
    let (sent, delivery) = attempt(&plain(), put(&url, "body"), true).await;
    let failure = sent.expect_err("a head that should have been refused");
    assert_eq!((failure.delivery, delivery), (Delivery::MaybeSent, Delivery::MaybeSent));
    failure.kind
}

#[tokio::test]
async fn interim_answers_without_end_are_cut_off() {
    let (address, _) = server(|mut stream, _| async move {
        hear(&mut stream, "body").await;
        let flood = "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".repeat(1000);
        while stream.write_all(flood.as_bytes()).await.is_ok() {}
    })
    .await;
    let (sent, _) = attempt(&plain(), put(&format!("http://{address}/"), "body"), true).await;
    let failure = sent.unwrap_err();
    assert_eq!((failure.kind, failure.delivery), (Kind::Protocol, Delivery::MaybeSent));
    assert!(failure.detail.contains("without end"), "{}", failure.detail);
}

#[tokio::test]
async fn a_few_interim_answers_do_no_harm() {
    let url = answering(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    )
    .await;
    assert_eq!(text(&plain(), &url, true).await.unwrap(), "ok");
}

#[tokio::test]
async fn switching_protocols_is_refused() {
    let head = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    assert_eq!(refused(head).await, Kind::Protocol);
}

#[tokio::test]
async fn more_than_100_headers_are_refused() {
    let head = |count: usize| format!("HTTP/1.1 200 OK\r\n{}content-length: 2\r\n\r\nok", "x: y\r\n".repeat(count));
    assert_eq!(refused(head(101)).await, Kind::Protocol);
    let url = answering(head(90)).await;
    assert_eq!(text(&plain(), &url, true).await.unwrap(), "ok");
}

#[tokio::test]
async fn a_head_of_more_than_64_kib_is_refused() {
    let head = |size: usize| format!("HTTP/1.1 200 OK\r\nx: {}\r\ncontent-length: 2\r\n\r\nok", "y".repeat(size));
    assert_eq!(refused(head(64 * 1024)).await, Kind::Protocol);
    let url = answering(head(32 * 1024)).await;
    assert_eq!(text(&plain(), &url, true).await.unwrap(), "ok");
    // A head that never ends at all.
    let (address, _) = server(|mut stream, _| async move {
        hear(&mut stream, "body").await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nx: ").await;
        while stream.write_all(&[b'y'; 4096]).await.is_ok() {}
    })
    .await;
    let (sent, _) = attempt(&plain(), put(&format!("http://{address}/"), "body"), true).await;
    assert_eq!(sent.unwrap_err().kind, Kind::Protocol);
}

#[tokio::test]
async fn lengths_that_contradict_each_other_are_refused() {
    let head = |lengths: &str| format!("HTTP/1.1 200 OK\r\n{lengths}\r\nok");
    assert_eq!(refused(head("content-length: 2\r\ncontent-length: 3\r\n")).await, Kind::Protocol);
    assert_eq!(refused(head("content-length: 2, 3\r\n")).await, Kind::Protocol);
    assert_eq!(refused(head("content-length: -2\r\n")).await, Kind::Protocol);
    assert_eq!(refused(head("content-length: 99999999999999999999\r\n")).await, Kind::Protocol);
    // The same twice is one length (RFC 9110, section 8.6).
    let url = answering(head("content-length: 2\r\ncontent-length: 2\r\n")).await;
    assert_eq!(text(&plain(), &url, true).await.unwrap(), "ok");
}

#[tokio::test]
async fn a_length_and_chunks_together_are_refused() {
    for lengths in
        ["content-length: 7\r\ntransfer-encoding: chunked\r\n", "transfer-encoding: chunked\r\ncontent-length: 7\r\n"]
    {
        assert_eq!(refused(format!("HTTP/1.1 200 OK\r\n{lengths}\r\n2\r\nok\r\n0\r\n\r\n")).await, Kind::Protocol);
    }
}

#[tokio::test]
async fn transfer_codings_that_were_not_asked_for_are_refused() {
    for coding in ["gzip, chunked", "gzip", "identity", "chunked, chunked", "chunked\r\ntransfer-encoding: chunked"] {
        let head = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: {coding}\r\n\r\n2\r\nok\r\n0\r\n\r\n");
        assert_eq!(refused(head).await, Kind::Protocol, "{coding}");
    }
    let url = answering("HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n").await;
    assert_eq!(text(&plain(), &url, true).await.unwrap(), "ok");
}

#[tokio::test]
async fn a_compressed_answer_that_was_not_asked_for_is_no_success() {
    for encodings in ["content-encoding: gzip", "content-encoding: identity\r\ncontent-encoding: gzip"] {
        let url = answering(format!("HTTP/1.1 200 OK\r\n{encodings}\r\ncontent-length: 2\r\n\r\nok")).await;
        let error = create(plain(), &url, Body::from(b"body".to_vec()), Duration::from_secs(30)).await.unwrap_err();
        assert_eq!((error.kind(), error.delivery()), (Kind::OutcomeUnknown, Some(Delivery::MaybeSent)));
        assert!(error.detail().contains("compressed"), "{error}");
    }
    // The name of no coding at all, in any case (RFC 9110, section 8.4.1).
    let url = answering("HTTP/1.1 200 OK\r\ncontent-encoding: Identity\r\ncontent-length: 2\r\n\r\nok").await;
    let answered = create(plain(), &url, Body::from(b"body".to_vec()), Duration::from_secs(30)).await.unwrap();
    assert_eq!(answered.value, "ok");
}

#[tokio::test]
async fn a_body_without_end_stops_at_its_cap() {
    for head in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"] {
        let chunked = head.contains("chunked");
        let (address, _) = server(move |mut stream, _| async move {
            hear(&mut stream, "body").await;
            let _ = stream.write_all(head.as_bytes()).await;
            let block = if chunked { format!("1000\r\n{}\r\n", "x".repeat(0x1000)) } else { "x".repeat(0x1000) };
            while stream.write_all(block.as_bytes()).await.is_ok() {}
        })
        .await;
        let url = format!("http://{address}");
        let error = create(plain(), &url, Body::from(b"body".to_vec()), Duration::from_secs(30)).await.unwrap_err();
        assert_eq!((error.kind(), error.delivery()), (Kind::OutcomeUnknown, Some(Delivery::MaybeSent)));
        assert!(error.detail().contains(&format!("longer than the {CAP} bytes")), "{error}");
    }
}

#[tokio::test]
async fn chunks_that_are_none_are_an_error_and_not_an_end() {
    for chunks in [
        "zz\r\nok\r\n0\r\n\r\n",
        "2\r\nokay\r\n0\r\n\r\n",
        "ffffffffffffffffff\r\nok",
        "2\r\nok\r\n",
        "2;a=b\nok\r\n0\r\n\r\n",
        "-1\r\n\r\n",
    ] {
        let url = answering(format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}")).await;
        assert!(text(&plain(), &url, true).await.is_err(), "{chunks:?}");
    }
}

#[tokio::test]
async fn a_body_shorter_than_its_length_is_an_error() {
    let url = answering("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok").await;
    assert!(text(&plain(), &url, true).await.is_err());
}

#[tokio::test]
async fn letters_cut_in_two_arrive_whole() {
    let (address, _) = server(|mut stream, _| async move {
        hear(&mut stream, "body").await;
        stream.set_nodelay(true).unwrap();
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nKölné".as_bytes();
        for byte in answer {
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
async fn http_1_0_is_understood_and_its_connection_not_kept() {
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

#[tokio::test]
async fn other_protocols_are_no_answer() {
    let settings: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
    for bytes in [
        &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..],
        settings,
        b"HTTP/2 200\r\n\r\n",
        b"\0\0\0",
        b"220 mail\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
    ] {
        let kind = refused(bytes).await;
        assert!(matches!(kind, Kind::Protocol | Kind::Unreachable), "{bytes:?}");
    }
    assert_eq!(refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await, Kind::Protocol);
}

/// Answers each request of a connection, with something behind the first answer.
async fn poisoned(mut stream: TcpStream, number: usize, late: bool) {
    hear(&mut stream, "body").await;
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{number}");
    let poison = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\npoisoned";
    if number > 0 {
        stream.write_all(answer.as_bytes()).await.unwrap();
    } else if late {
        stream.write_all(answer.as_bytes()).await.unwrap();
        pause(Duration::from_millis(50)).await;
        let _ = stream.write_all(poison.as_bytes()).await;
    } else {
        stream.write_all(format!("{answer}{poison}").as_bytes()).await.unwrap();
    }
    closed(&mut stream).await;
}

#[tokio::test]
async fn bytes_behind_an_answer_are_never_the_next_answer() {
    for late in [false, true] {
        let (address, count) = server(move |stream, number| poisoned(stream, number, late)).await;
        let transport = plain();
        let url = format!("http://{address}/");
        assert_eq!(text(&transport, &url, false).await.unwrap(), "0");
        pause(Duration::from_millis(200)).await;
        assert_eq!(text(&transport, &url, false).await.unwrap(), "1", "late: {late}");
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }
}

/// Reads a request from a blocking socket.
fn hear_blocking(stream: &mut std::net::TcpStream) {
    let (mut heard, mut block) = (Vec::new(), [0; 4096]);
    while !heard.ends_with(b"body") {
        let count = std::io::Read::read(stream, &mut block).unwrap();
        assert!(count > 0, "the request broke off");
        heard.extend_from_slice(&block[..count]);
    }
}

#[tokio::test]
async fn bytes_that_came_while_the_runtime_was_busy_are_not_the_next_answer() {
    use std::io::Write;
    use std::sync::mpsc;

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (read, answer_was_read) = mpsc::channel();
    let (poison_was_sent, sent) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut first, _) = listener.accept().unwrap();
        hear_blocking(&mut first);
        first.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").unwrap();
        answer_was_read.recv().unwrap();
        first.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\npoisoned").unwrap();
        poison_was_sent.send(()).unwrap();
        let (mut second, _) = listener.accept().unwrap();
        hear_blocking(&mut second);
        second.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").unwrap();
    });
    let transport = plain();
    assert_eq!(text(&transport, &url, false).await.unwrap(), "ok");
    // Blocks the runtime, so that it cannot hear of the bytes before the next request.
    read.send(()).unwrap();
    sent.recv().unwrap();
    assert_eq!(text(&transport, &url, false).await.unwrap(), "ok");
}

#[tokio::test]
async fn a_poisoned_connection_is_closed_at_once() {
    let (told, heard) = tokio::sync::oneshot::channel();
    let told = std::sync::Mutex::new(Some(told));
    let told = std::sync::Arc::new(told);
    let (address, _) = server(move |mut stream, _| {
        let told = std::sync::Arc::clone(&told);
        async move {
            hear(&mut stream, "body").await;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            let mut block = [0; 1];
            let _ = stream.read(&mut block).await;
            told.lock().unwrap().take().unwrap().send(()).unwrap();
        }
    })
    .await;
    let transport = plain();
    assert_eq!(text(&transport, &format!("http://{address}/"), false).await.unwrap(), "ok");
    crate::support::soon("closing", heard).await.unwrap();
}

#[tokio::test]
async fn a_server_that_drips_is_left_when_the_deadline_strikes() {
    let (address, _) = server(|mut stream, _| async move {
        hear(&mut stream, "body").await;
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n{}", "x".repeat(100_000));
        for byte in answer.as_bytes() {
            if stream.write_all(std::slice::from_ref(byte)).await.is_err() {
                return;
            }
            pause(Duration::from_millis(2)).await;
        }
    })
    .await;
    let body = Body::from(b"body".to_vec());
    let error = create(plain(), &format!("http://{address}"), body, Duration::from_millis(400)).await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (Kind::OutcomeUnknown, Some(Delivery::MaybeSent)));
}
