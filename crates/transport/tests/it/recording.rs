//! A call recorded over the wire plays back without one.

use std::sync::Arc;
use std::time::Duration;

use identkit_transport::record::{Recorder, Redaction, Replayer};
use identkit_wire::Body;
use tokio::io::AsyncWriteExt;

use crate::support::{create, hear, plain, server};

#[tokio::test]
async fn a_call_is_recorded_by_its_operation_and_plays_back() {
    let (address, _) = server(|mut stream, _| async move {
        hear(&mut stream, "}").await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n{\"Status\":15}").await.unwrap();
    })
    .await;
    let recorder = Arc::new(Recorder::new(plain(), Redaction::keeping(["Status"])));
    let body = || Body::from(br#"{"Name":"Mustermann"}"#.to_vec());
    let base = format!("http://{address}/a-secret-base");
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
