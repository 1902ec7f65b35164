use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use ::http::{Method, Request, Response};
use async_trait::async_trait;
use identkit_core::{Content, Delivery, Instant, Kind};
use identkit_wire::{AmbiguityPolicy, Body, BodyMode, Meta, RetrySafety};

use super::*;
use crate::{AttemptContext, Failure, Transport};

static STATUS: Meta =
    Meta::new("test", "getStatus", Method::POST, "/getStatus/{OrderID}", RetrySafety::Safe, AmbiguityPolicy::Never)
        .body_mode(BodyMode::Whole { cap: 1000 });

/// A transport with scripted responses: status, content type and body.
#[derive(Debug)]
struct Script(Mutex<VecDeque<Step>>);

type Step = Result<(u16, &'static str, Content), Failure>;

#[async_trait]
impl Transport for Script {
    async fn send(&self, _: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        let Some(step) = self.0.lock().unwrap().pop_front() else { return std::future::pending().await };
        context.mark_sent();
        let (status, kind, content) = step?;
        let response = Response::builder().status(status).header("content-type", kind);
        Ok(response.header("set-cookie", "CANARY-cookie").body(content).unwrap())
    }
}

fn recorder(steps: impl IntoIterator<Item = Step>, redaction: Redaction) -> Recorder<Script> {
    Recorder::new(Script(Mutex::new(steps.into_iter().collect())), redaction)
}

/// Sends a request and reads the response.
async fn exchange(recorder: &Recorder<Script>, body: &'static [u8]) {
    let response = recorder.send(request(body), &context()).await.unwrap();
    let _ = response.into_body().collect(2000).await;
}

fn request(body: &'static [u8]) -> Request<Body> {
    let mut request = Request::new(Body::from(body.to_vec()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = "https://vendor.invalid/getStatus/CANARY-id?key=CANARY-query".parse().unwrap();
    request.headers_mut().insert("authorization", "Basic CANARY-password".parse().unwrap());
    request
}

fn context() -> AttemptContext {
    AttemptContext::new(false, Instant::NEVER).with_operation(&STATUS)
}

fn redaction() -> Redaction {
    Redaction::keeping(["Status", "Codes"])
}

const REQUEST: &[u8] =
    br#"{"CustomerID": "CANARY-customer", "Codes": [1, 2], "Deep": {"Status": 7, "Name": "CANARY-name"}}"#;
const RESPONSE: &str = r#"{"Status": 15, "OrderID": "CANARY-order", "Amount": 71717171, "Paid": true, "None": null,
    "Codes": ["kept"], "List": [{"Status": "open", "CANARY Mustermann": 1}]}"#;

/// A recording with exchanges of all kinds.
async fn recorded() -> String {
    let pdf = Content::from_bytes(b"%PDF-1.7 CANARY-pdf".to_vec());
    let broken = Content::new(Some(1000), Content::from_bytes("CANARY-half"));
    let steps = [
        Ok((200, "application/json; name=\"CANARY-file\"", Content::from_bytes(RESPONSE))),
        Ok((404, "text/plain", Content::from_bytes("CANARY-text"))),
        Ok((200, "application/pdf", pdf)),
        Ok((200, "video/mp4", broken)),
        // Neither UTF-8 nor a known kind of file.
        Ok((200, "text/plain", Content::from_bytes(b"Mustermann, K\xf6ln".to_vec()))),
        Ok((204, "text/plain", Content::empty())),
        Err(Failure::new(Delivery::NotSent, Kind::Unreachable, "refused").permanent()),
    ];
    let recorder = recorder(steps, redaction());
    for _ in 0..6 {
        exchange(&recorder, REQUEST).await;
    }
    assert!(recorder.send(request(b""), &context()).await.is_err());
    // The eighth is abandoned: the script has ended.
    assert!(futures_util::FutureExt::now_or_never(recorder.send(request(b"CANARY"), &context())).is_none());
    recorder.recording()
}

#[tokio::test]
async fn only_allowed_values_are_recorded() {
    let mut recording = recorded().await;
    // JSON without any field.
    let bare = ["\"CANARY-bare\"", "[\"CANARY-bare\", 71717171, [true]]"];
    let bare = recorder(bare.map(|text| Ok((200, "x/y", Content::from_bytes(text)))), redaction());
    for _ in 0..2 {
        exchange(&bare, b"\"CANARY-bare\"").await;
    }
    recording.push_str(&bare.recording());
    for secret in ["CANARY", "71717171", "\"Paid\": true", "4d75737465726d61", "Mustermann", "Basic", "cookie"] {
        assert!(!recording.contains(secret), "{secret} in {recording}");
    }
    for allowed in
        ["\"Status\": 15", "\"Status\": \"open\"", "\"Status\": 7", "\"kept\"", "/getStatus/{OrderID}", "getStatus"]
    {
        assert!(recording.contains(allowed), "{allowed} is missing in {recording}");
    }
    // Counter-check: an allowed field shows its canary.
    let step = Ok((200, "text/plain", Content::from_bytes(RESPONSE)));
    let recorder = recorder([step], Redaction::keeping(["OrderID", "CustomerID"]));
    exchange(&recorder, REQUEST).await;
    assert!(recorder.recording().contains("CANARY-order") && recorder.recording().contains("CANARY-customer"));
}

#[tokio::test]
async fn a_recording_is_readable_json() {
    let step = Ok((200, "application/json", Content::from_bytes(r#"{"Status":15}"#)));
    let recorder = recorder([step], redaction());
    exchange(&recorder, b"{\"OrderID\":\"A1\"}").await;
    let expected = r#"{
  "exchanges": [
    {
      "answer": {
        "json": {
          "Status": 15
        }
      },
      "content_type": "application/json",
      "method": "POST",
      "operation": "getStatus",
      "path": "/getStatus/{OrderID}",
      "request": {
        "json": {
          "OrderID": "[redacted]"
        }
      },
      "status": 200
    }
  ],
  "format": "identkit recording",
  "version": 1
}
"#;
    assert_eq!(recorder.recording(), expected);
}

#[tokio::test]
async fn a_recording_is_replayed_in_order() {
    let replayer = Arc::new(Replayer::new(&recorded().await, redaction()).unwrap());
    let pdf = [b"%PDF-1.7", &[0; 11][..]].concat();
    for (status, expected) in [
        (200, None),
        (404, Some(&[b' '; 11][..])),
        (200, Some(&pdf)),
        // The body broke off.
        (200, None),
        (200, Some(&[0; 16])),
        (204, Some(b"")),
    ] {
        let attempt = context();
        let response = replayer.send(request(REQUEST), &attempt).await.unwrap();
        assert_eq!((response.status().as_u16(), attempt.delivery()), (status, Delivery::MaybeSent));
        match (response.into_body().collect(2000).await, expected) {
            (Ok(body), Some(expected)) => assert_eq!(body, expected),
            (Ok(body), None) => {
                let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
                assert_eq!((json["Status"].as_u64(), json["OrderID"].as_str()), (Some(15), Some("[redacted]")));
            }
            (Err(error), _) => assert_eq!((error.kind(), expected), (Kind::Integrity, None)),
        }
    }

    let left = replayer.verify().unwrap_err().to_string();
    assert!(left.starts_with("6 of 8 exchanges were requested; the next is getStatus"), "{left}");
    let failure = replayer.send(request(b""), &context()).await.unwrap_err();
    assert_eq!((failure.delivery, failure.kind, failure.permanent), (Delivery::NotSent, Kind::Unreachable, true));
    let failure = replayer.send(request(b"CANARY"), &context()).await.unwrap_err();
    assert_eq!((failure.delivery, failure.kind), (Delivery::NotSent, Kind::Timeout));
    replayer.verify().unwrap();
}

#[tokio::test]
async fn a_different_request_fails_with_the_difference() {
    let recording = recorded().await;
    let why = async |request: Request<Body>, context: AttemptContext| {
        let replayer = Replayer::new(&recording, redaction()).unwrap();
        let failure = replayer.send(request, &context).await.unwrap_err();
        assert_eq!((failure.delivery, failure.kind, failure.permanent), (Delivery::NotSent, Kind::InvalidInput, true));
        let message = replayer.verify().unwrap_err().to_string();
        assert_eq!(failure.source.unwrap().to_string(), message);
        // Later requests fail too.
        assert!(replayer.send(self::request(REQUEST), &self::context()).await.is_err());
        assert!(!message.contains("CANARY"), "{message}");
        message
    };
    let without = why(request(REQUEST), AttemptContext::new(false, Instant::NEVER)).await;
    assert_eq!(without, "exchange 1 of 8 is getStatus (POST /getStatus/{OrderID}), but the request is POST /*/*");
    for (body, expected) in [
        (&br#"{"CustomerID": "x", "Codes": [1, 3], "Deep": {"Status": 7, "Name": "x"}}"#[..], "body.json.Codes[1]"),
        (
            br#"{"CustomerID": "x", "Codes": [1], "Deep": {"Status": 7, "Name": "x"}}"#,
            "body.json.Codes: 1 elements instead of 2",
        ),
        (br#"{"CustomerID": "x", "Codes": [1, 2], "Deep": {"Status": 7}}"#, "body.json.Deep: Name is missing"),
        (
            br#"{"CustomerID": "x", "Codes": [1, 2], "Deep": {"Status": 7, "Name": "x"}, "More": 1}"#,
            "body.json: More was not recorded",
        ),
        (br#"{"CustomerID": 7, "Codes": [1, 2], "Deep": {"Status": 7, "Name": "x"}}"#, "body.json.CustomerID"),
        (b"CANARY", "body: json is missing"),
    ] {
        let message = why(request(body), context()).await;
        assert!(message.ends_with(&format!("the request differs in its {expected}")), "{message}");
    }
    // The value of a redacted field does not matter.
    let other = br#"{"CustomerID": "other", "Codes": [1, 2], "Deep": {"Status": 7, "Name": ""}}"#;
    assert!(Replayer::new(&recording, redaction()).unwrap().send(request(other), &context()).await.is_ok());

    let empty =
        Replayer::new(r#"{"format": "identkit recording", "version": 1, "exchanges": []}"#, redaction()).unwrap();
    empty.verify().unwrap();
    assert!(empty.send(request(REQUEST), &context()).await.is_err());
    assert!(empty.verify().unwrap_err().to_string().contains("the recording ends after 0"));
}

#[test]
fn invalid_recordings_are_rejected() {
    let listed = |exchange| format!(r#"{{"format": "identkit recording", "version": 1, "exchanges": [{exchange}]}}"#);
    for (text, message) in [
        ("{".to_owned(), "line 1, column 1"),
        ("{}".to_owned(), "must contain \"format\""),
        (r#"{"format": "identkit recording", "version": 2, "exchanges": []}"#.to_owned(), "\"version\": 1"),
        (r#"{"format": "identkit recording", "version": 1}"#.to_owned(), "no array"),
        (listed(r#"{"status": 200}"#), "exchange 1 needs"),
        (listed(r#"{"status": 2000, "answer": "empty"}"#), "exchange 1"),
        (listed(r#"{"status": 200, "answer": {"binary": 1, "starts": "zz"}}"#), "exchange 1"),
        (listed(r#"{"failure": {"delivery": "not sent", "kind": "odd"}}"#), "exchange 1"),
        (listed(r#"["empty", null, false]"#), "exchange 1: expected an object"),
        (listed(r#"{"failure": ["not sent", "timeout"]}"#), "exchange 1: failure: expected an object"),
        (listed(r#"{"statsu": 200}"#), "exchange 1: *: unknown field; allowed: answer, content_type, "),
    ] {
        let error = Replayer::new(&text, Redaction::everything()).unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidInput);
        assert!(error.detail().contains(message), "{error}");
    }
}
