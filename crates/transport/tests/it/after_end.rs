//! Bytes after the end of a response to a call that must not be repeated, e.g. because its length counts characters (AT-97).

use std::sync::atomic::Ordering;
use std::time::Duration;

use identkit_core::{Instant, Kind};
use identkit_transport::{AttemptContext, Transport};
use identkit_wire::Operation;
use tokio::io::AsyncWriteExt;

use crate::support::{Create, answering, closed, create, hear, patient, pause, plain, put, server, small, soon};

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

#[tokio::test]
async fn at_97_bytes_after_the_end_are_read_without_waiting() {
    // More than one read, and a part that is sent too late.
    let (address, _) = server(|mut stream, _| async move {
        hear(&mut stream, "body").await;
        stream.set_nodelay(true).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no").await.unwrap();
        pause(Duration::from_millis(50)).await;
        let _ = stream.write_all(format!("k{}", "x".repeat(20_000)).as_bytes()).await;
        closed(&mut stream).await;
    })
    .await;
    let error = create(plain(), &format!("http://{address}"), small(), PATIENCE).await.unwrap_err();
    let body = error.answer().unwrap().body().len();
    assert!((3..=20_002).contains(&body), "{body}");
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
}
