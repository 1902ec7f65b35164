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

/// Answers what it was given: a status, a type and a body.
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

/// Sends a request and reads the answer.
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

const ASKED: &[u8] =
    br#"{"CustomerID": "CANARY-customer", "Codes": [1, 2], "Deep": {"Status": 7, "Name": "CANARY-name"}}"#;
const TOLD: &str = r#"{"Status": 15, "OrderID": "CANARY-order", "Amount": 71717171, "Paid": true, "None": null,
    "Codes": ["kept"], "List": [{"Status": "open", "CANARY Mustermann": 1}]}"#;

/// One exchange after another of all kinds.
async fn recorded() -> String {
    let pdf = Content::from_bytes(b"%PDF-1.7 CANARY-pdf".to_vec());
    let broken = Content::new(Some(1000), Content::from_bytes("CANARY-half"));
    let steps = [
        Ok((200, "application/json; name=\"CANARY-file\"", Content::from_bytes(TOLD))),
        Ok((404, "text/plain", Content::from_bytes("CANARY-text"))),
        Ok((200, "application/pdf", pdf)),
        Ok((200, "video/mp4", broken)),
        // No UTF-8, and no kind of file that is known: "Musterma" and so on.
        Ok((200, "text/plain", Content::from_bytes(b"Mustermann, K\xf6ln".to_vec()))),
        Ok((204, "text/plain", Content::empty())),
        Err(Failure::new(Delivery::NotSent, Kind::Unreachable, "refused").permanent()),
    ];
    let recorder = recorder(steps, redaction());
    for _ in 0..6 {
        exchange(&recorder, ASKED).await;
    }
    assert!(recorder.send(request(b""), &context()).await.is_err());
    // The eighth is given up: the script has no more.
    assert!(futures_util::FutureExt::now_or_never(recorder.send(request(b"CANARY"), &context())).is_none());
    recorder.recording()
}

#[tokio::test]
async fn nothing_is_recorded_that_is_not_on_the_list() {
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
    for kept in
        ["\"Status\": 15", "\"Status\": \"open\"", "\"Status\": 7", "\"kept\"", "/getStatus/{OrderID}", "getStatus"]
    {
        assert!(recording.contains(kept), "{kept} is missing in {recording}");
    }
    // The scanner sees what is there: keeping a field shows its canary.
    let step = Ok((200, "text/plain", Content::from_bytes(TOLD)));
    let recorder = recorder([step], Redaction::keeping(["OrderID", "CustomerID"]));
    exchange(&recorder, ASKED).await;
    assert!(recorder.recording().contains("CANARY-order") && recorder.recording().contains("CANARY-customer"));
}

#[tokio::test]
async fn a_recording_is_read_by_people() {
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
async fn a_recording_plays_back_in_order() {
    let replayer = Arc::new(Replayer::new(&recorded().await, redaction()).unwrap());
    let pdf = [b"%PDF-1.7", &[0; 11][..]].concat();
    for (status, expected) in [
        (200, None),
        (404, Some(&[b' '; 11][..])),
        (200, Some(&pdf)),
        // It broke off.
        (200, None),
        (200, Some(&[0; 16])),
        (204, Some(b"")),
    ] {
        let attempt = context();
        let response = replayer.send(request(ASKED), &attempt).await.unwrap();
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
    assert!(left.starts_with("6 of 8 exchanges were asked for; the next would be getStatus"), "{left}");
    let failure = replayer.send(request(b""), &context()).await.unwrap_err();
    assert_eq!((failure.delivery, failure.kind, failure.permanent), (Delivery::NotSent, Kind::Unreachable, true));
    let failure = replayer.send(request(b"CANARY"), &context()).await.unwrap_err();
    assert_eq!((failure.delivery, failure.kind), (Delivery::NotSent, Kind::Timeout));
    replayer.verify().unwrap();
}

#[tokio::test]
async fn a_request_that_does_not_fit_is_explained_and_not_answered() {
    let recording = recorded().await;
    let why = async |request: Request<Body>, context: AttemptContext| {
        let replayer = Replayer::new(&recording, redaction()).unwrap();
        let failure = replayer.send(request, &context).await.unwrap_err();
        assert_eq!((failure.delivery, failure.kind, failure.permanent), (Delivery::NotSent, Kind::InvalidInput, true));
        let told = replayer.verify().unwrap_err().to_string();
        assert_eq!(failure.source.unwrap().to_string(), told);
        // What comes after a request that did not fit is not answered either.
        assert!(replayer.send(self::request(ASKED), &self::context()).await.is_err());
        assert!(!told.contains("CANARY"), "{told}");
        told
    };
    let without = why(request(ASKED), AttemptContext::new(false, Instant::NEVER)).await;
    assert_eq!(without, "exchange 1 of 8 is getStatus (POST /getStatus/{OrderID}), and the request is POST /*/*");
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
        let told = why(request(body), context()).await;
        assert!(told.ends_with(&format!("the request differs in its {expected}")), "{told}");
    }
    // Another value of a field that is not kept fits.
    let other = br#"{"CustomerID": "other", "Codes": [1, 2], "Deep": {"Status": 7, "Name": ""}}"#;
    assert!(Replayer::new(&recording, redaction()).unwrap().send(request(other), &context()).await.is_ok());

    let empty =
        Replayer::new(r#"{"format": "identkit recording", "version": 1, "exchanges": []}"#, redaction()).unwrap();
    empty.verify().unwrap();
    assert!(empty.send(request(ASKED), &context()).await.is_err());
    assert!(empty.verify().unwrap_err().to_string().contains("the recording ends after 0"));
}

#[test]
fn what_is_no_recording_is_told() {
    let listed = |exchange| format!(r#"{{"format": "identkit recording", "version": 1, "exchanges": [{exchange}]}}"#);
    for (text, told) in [
        ("{".to_owned(), "line 1, column 1"),
        ("{}".to_owned(), "does not say"),
        (r#"{"format": "identkit recording", "version": 2, "exchanges": []}"#.to_owned(), "version 1"),
        (r#"{"format": "identkit recording", "version": 1}"#.to_owned(), "no list of exchanges"),
        (listed(r#"{"status": 200}"#), "exchange 1 has neither"),
        (listed(r#"{"status": 2000, "answer": "empty"}"#), "exchange 1"),
        (listed(r#"{"status": 200, "answer": {"binary": 1, "starts": "zz"}}"#), "exchange 1"),
        (listed(r#"{"failure": {"delivery": "not sent", "kind": "odd"}}"#), "exchange 1"),
    ] {
        let error = Replayer::new(&text, Redaction::everything()).unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidInput);
        assert!(error.detail().contains(told), "{error}");
    }
}
