//! A sandbox with a frozen clock, raw calls to it, and a receiver of its webhooks.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Request, Response};
use identkit_core::{Content, Secret};
use identkit_mock_server::vendors::identify24::set_webhook;
use identkit_mock_server::{Profile, Sandbox, Transition, TransitionError, VirtualClock};
use identkit_testkit::body_bytes;
use identkit_transport::{AttemptContext, Failure, Transport};
use identkit_wire::{Body, encode_base64};
use serde_json::Value;

use crate::coverage::evidence::Stand;

/// Accepts every webhook and records the bodies.
#[derive(Clone, Debug, Default)]
struct Receiver(Arc<Mutex<Vec<Vec<u8>>>>);

#[async_trait]
impl Transport for Receiver {
    async fn send(&self, request: Request<Body>, _: &AttemptContext) -> Result<Response<Content>, Failure> {
        self.0.lock().unwrap().push(body_bytes(request.body()));
        Ok(Response::new(Content::empty()))
    }
}

pub(crate) struct Harness {
    pub(crate) sandbox: Sandbox,
    pub(crate) clock: VirtualClock,
    received: Receiver,
}

impl Harness {
    pub(crate) fn new(profile: Profile) -> Self {
        let clock = VirtualClock::new("2020-09-10T12:00:00Z".parse().unwrap());
        let received = Receiver::default();
        let builder = Sandbox::builder().clock(clock.clone()).seed(4711).profile(profile);
        let sandbox = builder.webhook_transport(Arc::new(received.clone())).start();
        let url = Secret::new("https://hooks.example/identify24/t0ken/status");
        sandbox.with_world(|world| set_webhook(world, Some(url)));
        Self { sandbox, clock, received }
    }

    pub(crate) async fn raw(&self, request: Request<Bytes>) -> Answer {
        let (head, body) = self.sandbox.handle(request).await.into_parts();
        Answer { status: head.status.as_u16(), body: body.collect(u64::MAX).await.unwrap() }
    }

    /// Returns the webhook bodies since the last call.
    pub(crate) fn webhooks(&self) -> Vec<Value> {
        let received = std::mem::take(&mut *self.received.0.lock().unwrap());
        received.iter().map(|body| serde_json::from_slice(body).expect("a webhook is JSON")).collect()
    }

    /// Sends a request with the account's credentials. `path` is below `/api/2.10` unless it starts with `/api/`.
    pub(crate) async fn call(&self, method: &str, path: &str, body: impl Into<Bytes>) -> Answer {
        let path = if path.starts_with("/api/") { path.to_owned() } else { format!("/api/2.10{path}") };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(AUTHORIZATION, format!("Basic {}", encode_base64(b"sandbox-customer:sandbox-code")))
            .header(CONTENT_TYPE, "application/json");
        self.raw(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn place(&self, order: &Value) -> String {
        let answer = self.call("PUT", "/putOrder", order.to_string()).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
        answer.json().unwrap()["OrderID"].as_str().unwrap().to_owned()
    }

    /// Plays a story and waits until everything that is due has happened.
    pub(crate) async fn play(&self, order: &str, story: &str) -> Result<(), TransitionError> {
        let played = self.sandbox.play(order, story);
        self.clock.settle().await;
        played
    }

    pub(crate) fn set_status(&self, order: &str, code: u32) {
        self.sandbox.transition(order, &Transition::Status(code.into())).unwrap();
    }
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns field and message of each violation.
    pub(crate) fn faults(&self) -> Vec<(String, String)> {
        let read = self.json().unwrap_or_default();
        let faults = read["Faults"].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        faults.iter().map(|fault| (text(&fault["field"]), text(&fault["message"]))).collect()
    }

    /// The gap of a row whose violation the sandbox does not reject. `named` is whether the response names the element.
    pub(crate) fn gap_of_rejection(&self, rule: &str, named: bool) -> Option<Stand> {
        (self.status != 400 || !named).then(|| {
            let (status, text) = (self.status, self.text());
            let expected = "instead of 400 with the name of the element";
            Stand::Missing(format!("broken ({rule}): the sandbox answers {status} {text} {expected}"))
        })
    }

    /// The gap of a row of a valid request that gets another status than these.
    pub(crate) fn gap_of_acceptance(&self, statuses: &[u16]) -> Option<Stand> {
        (!statuses.contains(&self.status)).then(|| {
            let (status, text) = (self.status, self.text());
            Stand::Missing(format!("the sandbox rejects a valid request with {status} {text}"))
        })
    }

    /// Whether the sandbox knows the call, even if it rejects the request.
    pub(crate) fn is_known_call(&self) -> bool {
        !(self.status == 405 || self.status == 501 || self.faults().iter().any(|(field, _)| field == "path"))
    }
}
