//! One request and one response: the bytes sent, and the delivery.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use identkit_core::{Delivery, Instant, Kind};
use identkit_transport::record::{Recorder, Redaction, Replayer};
use identkit_transport::{AttemptContext, Transport};
use identkit_wire::{Body, FileSource, Part};

use crate::support::{Log, answer_noted, answering, attempt, create, noting, plain, put, text, within};

/// The URL of a server that answers each request after the needle, and its log.
async fn hearing(needle: &'static str) -> (String, Log) {
    let (address, log) = noting(move |stream, log| answer_noted(stream, needle, log)).await;
    (format!("http://{address}/path?q=1"), log)
}

#[tokio::test]
async fn ai_07_a_get_has_a_body_with_its_length() {
    let (url, log) = hearing("\"project_id\"").await;
    let mut get = put(&url, r#"{"project_id": 6}"#);
    *get.method_mut() = http::Method::GET;
    let answer = attempt(&plain(), get, false).await.0.unwrap();
    assert_eq!(answer.into_body().collect(10).await.unwrap(), "ok");
    let received = log.lock().unwrap()[0].to_lowercase();
    assert!(received.starts_with("get /path?q=1 http/1.1\r\n"), "{received}");
    let host = url.split('/').nth(2).unwrap();
    assert!(received.contains(&format!("host: {host}")) && received.contains("content-length: 17"), "{received}");
    assert!(!received.contains("transfer-encoding"), "{received}");
}

#[tokio::test]
async fn at_91_an_empty_body_has_its_length_except_of_a_get() {
    for (method, has_length) in
        [("POST", true), ("PUT", true), ("PATCH", true), ("GET", false), ("HEAD", false), ("DELETE", false)]
    {
        let (url, log) = hearing("\r\n\r\n").await;
        let mut request = put(&url, "");
        *request.method_mut() = method.parse().unwrap();
        assert_eq!(attempt(&plain(), request, false).await.0.unwrap().status(), 200);
        let received = log.lock().unwrap()[0].to_lowercase();
        assert_eq!(received.contains("\r\ncontent-length: 0\r\n"), has_length, "{received}");
        assert_eq!(received.contains("content-length"), has_length, "{received}");
        assert!(!received.contains("transfer-encoding"), "{received}");
    }
}

#[tokio::test]
async fn a_folded_header_is_one_line_of_text() {
    let url = answering("HTTP/1.1 200 OK\r\nx: one\r\n\ttwo\r\n   three\r\ncontent-length: 0\r\n\r\n").await;
    let response = attempt(&plain(), put(&url, "body"), true).await.0.unwrap();
    let value = response.headers()["x"].to_str().unwrap();
    assert_eq!(value.split_ascii_whitespace().collect::<Vec<_>>(), ["one", "two", "three"], "{value:?}");
    assert!(!value.contains(['\r', '\n']), "{value:?}");
}

#[tokio::test]
async fn at_99_a_uri_with_an_invalid_port_or_a_user_is_not_sent() {
    let (address, log) = noting(move |stream, log| answer_noted(stream, "body", log)).await;
    for uri in [
        "http://127.0.0.1:65536/".to_owned(),
        "http://127.0.0.1:0/".to_owned(),
        "http://127.0.0.1:/".to_owned(),
        format!("http://user:password@{address}/"),
    ] {
        let (sent, delivery) = attempt(&plain(), put(&uri, "body"), true).await;
        let failure = sent.unwrap_err();
        assert_eq!((failure.kind, delivery), (Kind::InvalidInput, Delivery::NotSent), "{uri}");
        assert!(failure.permanent && failure.detail.contains("port from 1 to 65535"), "{failure:?}");
    }
    assert!(log.lock().unwrap().is_empty());
}

fn file(path: &Path) -> Arc<FileSource> {
    std::fs::write(path, b"%PDF-1.7 and more").unwrap();
    Arc::new(FileSource::new(path).unwrap())
}

#[tokio::test]
async fn a_file_is_uploaded_as_base64_with_its_length() {
    let folder = tempfile::tempdir().unwrap();
    let (url, log) = hearing("\"}").await;
    let mut request = put(&url, "");
    *request.body_mut() = Body::from_parts(vec![
        Part::Bytes(Bytes::from_static(b"{\"Data\":\"")),
        Part::Base64(file(&folder.path().join("x.pdf"))),
        Part::Bytes(Bytes::from_static(b"\"}")),
    ]);
    assert_eq!(attempt(&plain(), request, true).await.0.unwrap().status(), 200);
    let received = log.lock().unwrap()[0].clone();
    assert!(received.contains("content-length: 35\r\n"), "{received}");
    assert!(received.ends_with("{\"Data\":\"JVBERi0xLjcgYW5kIG1vcmU=\"}"), "{received}");
}

#[tokio::test]
async fn a_missing_file_is_not_sent_and_a_changed_one_may_be() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.pdf");
    for (gone, delivery) in [(true, Delivery::NotSent), (false, Delivery::MaybeSent)] {
        let (url, log) = hearing("never").await;
        let mut request = put(&url, "");
        *request.body_mut() = Body::from_parts(vec![Part::Raw(file(&path))]);
        if gone {
            std::fs::remove_file(&path).unwrap()
        } else {
            std::fs::write(&path, b"short").unwrap()
        }
        let failure = attempt(&plain(), request, true).await.0.unwrap_err();
        assert_eq!((failure.delivery, failure.kind), (delivery, Kind::Storage));
        assert!(!gone || log.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn without_a_listener_nothing_is_sent() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let unused = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    for (url, delivery) in [(unused, Delivery::NotSent), (answering("").await, Delivery::MaybeSent)] {
        let (sent, known) = attempt(&plain(), put(&url, "body"), true).await;
        let failure = sent.unwrap_err();
        assert_eq!((failure.delivery, known, failure.kind), (delivery, delivery, Kind::Unreachable));
    }
}

#[tokio::test]
async fn an_abandoned_request_may_have_been_sent() {
    let (url, log) = hearing("body").await;
    let transport = plain();
    assert_eq!(text(&transport, &url, false).await.unwrap(), "ok");
    let context = AttemptContext::new(false, Instant::NEVER);
    assert!(within(Duration::from_millis(200), transport.send(put(&url, "body"), &context)).await.is_none());
    assert_eq!(context.delivery(), Delivery::MaybeSent);
    assert_eq!(log.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_body_that_ends_with_the_connection_has_no_length() {
    let url = answering("HTTP/1.1 200 OK\r\n\r\nok").await;
    let response = attempt(&plain(), put(&url, "body"), true).await.0.unwrap();
    assert_eq!(response.body().len(), None);
    assert!(!response.headers().contains_key("transfer-encoding"));
}

#[tokio::test]
async fn a_call_is_recorded_and_replayed() {
    let recorder = Arc::new(Recorder::new(plain(), Redaction::keeping(["Status"])));
    let body = || Body::from(br#"{"Name":"Mustermann body"}"#.to_vec());
    let base = answering("HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n{\"Status\":15}").await + "a-secret-base";
    let created = create(Arc::clone(&recorder), &base, body(), Duration::from_secs(30)).await.unwrap();
    assert_eq!(created.value, "{\"Status\":15}");

    let recording = recorder.recording();
    for allowed in ["\"operation\": \"create\"", "\"path\": \"/create\"", "\"Status\": 15"] {
        assert!(recording.contains(allowed), "{recording}");
    }
    assert!(!recording.contains("Mustermann") && !recording.contains("secret"), "{recording}");

    let replayer = Arc::new(Replayer::new(&recording, Redaction::keeping(["Status"])).unwrap());
    let again = create(Arc::clone(&replayer), "https://vendor.invalid", body(), Duration::from_secs(30)).await.unwrap();
    assert_eq!(again.value, created.value);
    replayer.verify().unwrap();
}
