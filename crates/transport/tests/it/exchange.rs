//! One request and one answer: what is on the wire, and what is known of the delivery.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use identkit_core::{Delivery, Instant, Kind};
use identkit_transport::record::{Recorder, Redaction, Replayer};
use identkit_transport::{AttemptContext, Transport};
use identkit_wire::{Body, FileSource, Part};

use crate::support::{Log, answer_noted, answering, attempt, create, noting, plain, put, text, within};

/// The URL of a server that answers each request once it heard the needle, and what it heard.
async fn hearing(needle: &'static str) -> (String, Log) {
    let (address, log) = noting(move |stream, log| answer_noted(stream, needle, log)).await;
    (format!("http://{address}/path?q=1"), log)
}

#[tokio::test]
async fn ai_07_a_get_keeps_its_sized_body() {
    let (url, log) = hearing("\"project_id\"").await;
    let mut get = put(&url, r#"{"project_id": 6}"#);
    *get.method_mut() = http::Method::GET;
    let answer = attempt(&plain(), get, false).await.0.unwrap();
    assert_eq!(answer.into_body().collect(10).await.unwrap(), "ok");
    let heard = log.lock().unwrap()[0].to_lowercase();
    assert!(heard.starts_with("get /path?q=1 http/1.1\r\n"), "{heard}");
    let host = url.split('/').nth(2).unwrap();
    assert!(heard.contains(&format!("host: {host}")) && heard.contains("content-length: 17"), "{heard}");
    assert!(!heard.contains("transfer-encoding"), "{heard}");
}

fn file(path: &Path) -> Arc<FileSource> {
    std::fs::write(path, b"%PDF-1.7 and more").unwrap();
    Arc::new(FileSource::new(path).unwrap())
}

#[tokio::test]
async fn a_file_goes_up_as_base64_with_its_exact_length() {
    let folder = tempfile::tempdir().unwrap();
    let (url, log) = hearing("\"}").await;
    let mut request = put(&url, "");
    *request.body_mut() = Body::from_parts(vec![
        Part::Bytes(Bytes::from_static(b"{\"Data\":\"")),
        Part::Base64(file(&folder.path().join("x.pdf"))),
        Part::Bytes(Bytes::from_static(b"\"}")),
    ]);
    assert_eq!(attempt(&plain(), request, true).await.0.unwrap().status(), 200);
    let heard = log.lock().unwrap()[0].clone();
    assert!(heard.contains("content-length: 35\r\n"), "{heard}");
    assert!(heard.ends_with("{\"Data\":\"JVBERi0xLjcgYW5kIG1vcmU=\"}"), "{heard}");
}

#[tokio::test]
async fn a_file_that_is_gone_is_not_sent_and_one_that_changed_may_have_been() {
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
async fn nobody_listening_is_not_sent_and_a_connection_that_is_cut_may_have_been() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    for (url, delivery) in [(nobody, Delivery::NotSent), (answering("").await, Delivery::MaybeSent)] {
        let (sent, known) = attempt(&plain(), put(&url, "body"), true).await;
        let failure = sent.unwrap_err();
        assert_eq!((failure.delivery, known, failure.kind), (delivery, delivery, Kind::Unreachable));
    }
}

#[tokio::test]
async fn a_request_given_up_on_a_used_connection_is_not_proved_unsent() {
    let (url, log) = hearing("body").await;
    let transport = plain();
    assert_eq!(text(&transport, &url, false).await.unwrap(), "ok");
    let context = AttemptContext::new(false, Instant::NEVER);
    assert!(within(Duration::from_millis(200), transport.send(put(&url, "body"), &context)).await.is_none());
    assert_eq!(context.delivery(), Delivery::MaybeSent);
    assert_eq!(log.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_body_that_ends_with_its_connection_has_no_length() {
    let url = answering("HTTP/1.1 200 OK\r\n\r\nok").await;
    let response = attempt(&plain(), put(&url, "body"), true).await.0.unwrap();
    assert_eq!(response.body().len(), None);
    assert!(!response.headers().contains_key("transfer-encoding"));
}

#[tokio::test]
async fn a_call_is_recorded_by_its_operation_and_plays_back() {
    let recorder = Arc::new(Recorder::new(plain(), Redaction::keeping(["Status"])));
    let body = || Body::from(br#"{"Name":"Mustermann body"}"#.to_vec());
    let base = answering("HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n{\"Status\":15}").await + "a-secret-base";
    let told = create(Arc::clone(&recorder), &base, body(), Duration::from_secs(30)).await.unwrap();
    assert_eq!(told.value, "{\"Status\":15}");

    let recording = recorder.recording();
    for kept in ["\"operation\": \"create\"", "\"path\": \"/create\"", "\"Status\": 15"] {
        assert!(recording.contains(kept), "{recording}");
    }
    assert!(!recording.contains("Mustermann") && !recording.contains("secret"), "{recording}");

    let replayer = Arc::new(Replayer::new(&recording, Redaction::keeping(["Status"])).unwrap());
    let again = create(Arc::clone(&replayer), "https://vendor.invalid", body(), Duration::from_secs(30)).await.unwrap();
    assert_eq!(again.value, told.value);
    replayer.verify().unwrap();
}
