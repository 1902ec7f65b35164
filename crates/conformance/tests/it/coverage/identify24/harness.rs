//! Calls to the mock vendor identify24, raw and with the client.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request, Response};
use identkit_core::Content;
use identkit_identify24::{Credentials, Dialect, Identify24};
use identkit_mock_server::InProcess;
use identkit_mock_server::vendors::identify24::{Settings, configure};
use identkit_transport::{AttemptContext, Failure, Policy, Transport};
use identkit_wire::Body;
use serde_json::Value;

pub(super) use crate::coverage::harness::{Answer, Harness};

pub(super) const PARTNER: &str = "911-internet";
pub(super) const API_KEY: &str = "sandbox-api-key";
/// The ident id in the document's examples.
pub(super) const EXAMPLE: &str = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

/// A transport that records the headers of requests.
#[derive(Debug)]
pub(super) struct HeaderRecorder {
    inner: InProcess,
    pub(super) headers: Mutex<Vec<(String, HeaderMap)>>,
}

#[async_trait]
impl Transport for HeaderRecorder {
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        self.headers.lock().unwrap().push((request.uri().path().to_owned(), request.headers().clone()));
        self.inner.send(request, context).await
    }
}

impl Harness {
    pub(super) fn set(&self, change: impl FnOnce(&mut Settings)) {
        self.sandbox.with_world(|world| configure(world, change));
    }

    /// Returns the names of the stories of an ident.
    pub(super) fn stories(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.set(|settings| names = settings.stories.keys().cloned().collect());
        assert!(!names.is_empty(), "the account has no stories");
        names
    }

    /// Sends a request with the partner's name and this token.
    pub(super) async fn send(&self, token: &str, method: &str, path: &str, body: impl Into<Bytes>) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("X-API-PARTNER", PARTNER)
            .header("X-API-TOKEN", token)
            .header(CONTENT_TYPE, "application/json");
        self.raw(request.body(body.into()).unwrap()).await
    }

    pub(super) async fn token(&self) -> String {
        let login = serde_json::json!({ "PARTNER": PARTNER, "APIKEY": API_KEY });
        let answer = self.send("", "POST", "/auth", login.to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json().unwrap()["token"].as_str().unwrap().to_owned()
    }

    pub(super) async fn advance(&self, by: Duration) {
        self.clock.advance(by).await;
    }

    /// Creates a client without retries, and the record of its headers.
    pub(super) fn client(&self, api_key: &str, dialect: Dialect) -> (Identify24, Arc<HeaderRecorder>) {
        let recorder = Arc::new(HeaderRecorder { inner: InProcess(self.sandbox.clone()), headers: Mutex::default() });
        let client = Identify24::builder(Credentials::new(PARTNER, api_key))
            .transport(Arc::clone(&recorder) as Arc<dyn Transport>)
            .clock(Arc::new(self.clock.clone()))
            .policy(Policy::default().attempts(1))
            .dialect(dialect)
            .build()
            .unwrap();
        (client, recorder)
    }
}

impl Answer {
    /// Whether a violation names this element. Violations have the form `element: text (rule, section)` and are joined
    /// by `; `. A JSON error contains the path of the element.
    pub(super) fn names(&self, element: &str) -> bool {
        let read = self.json().unwrap();
        let messages = read["messages"].as_array().cloned().unwrap_or_default();
        let texts = messages.iter().filter_map(Value::as_str).flat_map(|text| text.split("; "));
        texts.into_iter().any(|fault| {
            let fault = fault.strip_prefix("body: the JSON cannot be read: ").unwrap_or(fault);
            fault.split_once(": ").is_some_and(|(named, _)| named == element)
        })
    }
}
