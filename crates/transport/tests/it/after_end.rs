//! Bytes after the end of a response to a call that must not be repeated, e.g. because its length counts characters (AT-97).

use std::sync::atomic::Ordering;
use std::time::Duration;

use http::Method;
use identkit_core::{Instant, Kind};
use identkit_transport::{AttemptContext, Transport};
use identkit_wire::{AmbiguityPolicy, Meta, Operation, RetrySafety};
use tokio::io::AsyncWriteExt;

use crate::support::{Create, Log, answering, create, hear, noting, patient, pause, plain, put, server, small, soon};

const ORDER: &str = r#"{"OrderID":"99"}"#;
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn at_97_bytes_after_the_end_make_the_outcome_unknown() {
    for head in [
        "200 OK\r\nContent-Length: 9\r\n\r\n",
        "200 OK\r\nContent-Length: 14\r\nConnection: close\r\n\r\n",
        "200 OK\r\nContent-Length: 0\r\n\r\n",
        "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\n",
        "204 No Content\r\n\r\n",
        "400 Bad Request\r\nContent-Length: 9\r\n\r\n",
        "401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
        "429 Too Many Requests\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        "500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
    ] {
        let url = answering(format!("HTTP/1.1 {head}{ORDER}")).await;
        let error = create(plain(), &url, small(), PATIENCE).await.unwrap_err();
        assert_eq!(error.kind(), Kind::OutcomeUnknown, "{head} {error}");
        let answer = error.answer().expect("the answer is retained");
        assert_eq!((answer.body().as_ref(), answer.is_complete()), (ORDER.as_bytes(), false), "{head}");
        let found = error.salvaged_ids();
        assert_eq!(found.iter().map(|id| id.value.expose()).collect::<Vec<_>>(), ["99"], "{head}");
    }
    let url = answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n more").await;
    let error = create(plain(), &url, small(), PATIENCE).await.unwrap_err();
    assert_eq!(error.answer().unwrap().body(), "ok more");
}

/// A server that sends the pieces with pauses after a request, and keeps the connection open. Returns its URL and the
/// requests.
async fn in_pieces(pieces: &'static [&'static str]) -> (String, Log) {
    let (address, log) = noting(move |mut stream, log| async move {
        loop {
            let received = hear(&mut stream, "body").await;
            if received.is_empty() {
                return;
            }
            log.lock().unwrap().push(received);
            stream.set_nodelay(true).unwrap();
            for piece in pieces {
                // The client may have closed the connection.
                let _ = stream.write_all(piece.as_bytes()).await;
                pause(Duration::from_millis(100)).await;
            }
        }
    })
    .await;
    (format!("http://{address}"), log)
}

#[tokio::test]
async fn at_97_late_bytes_after_the_end_make_the_outcome_unknown() {
    for pieces in [
        &["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", "{\"OrderID\":", "\"99\"}"][..],
        &["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n", "{\"OrderID\":\"99\"}"],
        &["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{\"OrderID\"", ":\"99\"}"],
        &["HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "{\"OrderID\":\"99\"}"],
        &["HTTP/1.1 429 Too Many\r\nContent-Length: 0\r\nRetry-After: 0\r\n\r\n", "{\"OrderID\":\"99\"}"],
        // The status allows no body.
        &["HTTP/1.1 204 No Content\r\nContent-Length: 16\r\n\r\n", "{\"OrderID\":\"99\"}"],
        &["HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", "10\r\n{\"OrderID\":\"99\"}\r\n0\r\n\r\n"],
        &["HTTP/1.1 304 Not Modified\r\nContent-Length: 16\r\n\r\n", "{\"OrderID\":\"99\"}"],
    ] {
        let (url, log) = in_pieces(pieces).await;
        let error = create(plain(), &url, small(), PATIENCE).await.unwrap_err();
        assert_eq!(error.kind(), Kind::OutcomeUnknown, "{pieces:?} {error}");
        let found = error.salvaged_ids();
        assert_eq!(found.iter().map(|id| id.value.expose()).collect::<Vec<_>>(), ["99"], "{pieces:?}");
        let log = log.lock().unwrap();
        assert_eq!(log.len(), 1, "{log:?}");
        assert!(log[0].to_lowercase().contains("connection: close\r\n"), "{log:?}");
    }
}

#[tokio::test]
async fn at_97_a_declared_body_without_a_byte_is_no_success() {
    let (url, _) = in_pieces(&["HTTP/1.1 204 No Content\r\nContent-Length: 16\r\n\r\n"]).await;
    let error = create(plain(), &url, small(), Duration::from_millis(300)).await.unwrap_err();
    assert_eq!((error.kind(), error.answer().unwrap().status().as_u16()), (Kind::OutcomeUnknown, 204), "{error}");
}

#[tokio::test]
async fn at_97_late_bytes_after_a_success_make_it_unknown() {
    const CLEAR: &str = "HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"OrderID\":\"99\"}";
    let (url, _) = in_pieces(&[CLEAR, "{\"OrderID\":\"77\"}"]).await;
    let error = create(plain(), &url, small(), PATIENCE).await.unwrap_err();
    assert_eq!(error.kind(), Kind::OutcomeUnknown, "{error}");
    assert_eq!(error.answer().unwrap().body(), "{\"OrderID\":\"99\"}{\"OrderID\":\"77\"}");
    let (url, _) = in_pieces(&[CLEAR]).await;
    assert_eq!(create(plain(), &url, small(), PATIENCE).await.unwrap().value, ORDER);
}

#[tokio::test]
async fn at_97_a_complete_response_at_the_deadline_is_an_answer() {
    // The server never closes the connection, and the deadline is shorter than the wait for its end.
    let (address, _) = server(|mut stream, _| async move {
        hear(&mut stream, "body").await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    let called = create(plain(), &format!("http://{address}"), small(), Duration::from_millis(400)).await;
    assert_eq!(called.unwrap().value, "ok");
}

#[tokio::test]
async fn bytes_after_the_end_of_a_read_are_an_error() {
    static READ: Meta = Meta::new("test", "read", Method::GET, "/", RetrySafety::Safe, AmbiguityPolicy::Never);
    for (after, is_read) in [("", true), ("\r\n", true), ("{}", false)] {
        for head in ["Content-Length: 2\r\n\r\nok", "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"] {
            let url = answering(format!("HTTP/1.1 200 OK\r\n{head}{after}")).await;
            let context = AttemptContext::new(false, Instant::NEVER).with_operation(&READ);
            let response = soon("an attempt", plain().send(put(&url, "body"), &context)).await.unwrap();
            let body = soon("a body", response.into_body().collect(100)).await;
            assert_eq!(body.is_ok(), is_read, "{head} {after:?} {body:?}");
        }
    }
}

#[tokio::test]
async fn ai_31_an_id_in_a_trailer_is_kept() {
    let head = "HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\nTrailer: Location\r\n\r\n";
    let url = answering(format!("{head}2\r\n{{}}\r\n0\r\nLocation: https://example.com/status/1\r\n\r\n")).await;
    let error = create(plain(), &url, small(), PATIENCE).await.unwrap_err();
    assert_eq!(error.answer().unwrap().headers()["location"], "https://example.com/status/1");
    assert_eq!(error.kind(), Kind::OutcomeUnknown, "{error}");
}

#[tokio::test]
async fn a_connection_without_bytes_after_the_end_is_reused() {
    let (address, count) = server(patient).await;
    let (transport, url) = (plain(), format!("http://{address}/"));
    for _ in 0..3 {
        let context = AttemptContext::new(false, Instant::NEVER).with_operation(Create::META);
        let response = soon("an attempt", transport.send(put(&url, "body"), &context)).await.unwrap();
        assert_eq!(soon("a body", response.into_body().collect(100)).await.unwrap(), "ok");
    }
    assert_eq!(count.load(Ordering::SeqCst), 1);
    let context = AttemptContext::new(false, Instant::NEVER).with_operation(Create::META).ending_connection(true);
    let response = soon("an attempt", transport.send(put(&url, "body"), &context)).await.unwrap();
    assert_eq!(soon("a body", response.into_body().collect(100)).await.unwrap(), "ok");
    let context = AttemptContext::new(false, Instant::NEVER).with_operation(Create::META);
    let response = soon("an attempt", transport.send(put(&url, "body"), &context)).await.unwrap();
    assert_eq!(soon("a body", response.into_body().collect(100)).await.unwrap(), "ok");
    assert_eq!(count.load(Ordering::SeqCst), 2, "the third connection follows one that was ended");
}
