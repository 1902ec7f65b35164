//! A sandbox of identify24 whose time stands still, asked without the client, and a receiver of its webhooks.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request, Response};
use identkit_core::{Content, Secret};
use identkit_identify24::{Credentials, Dialect, Identify24};
use identkit_mock_server::vendors::identify24::{Settings, configure, set_webhook};
use identkit_mock_server::{InProcess, Profile, Sandbox, Transition, VirtualClock};
use identkit_transport::{AttemptContext, Failure, Policy, Transport};
use identkit_wire::Body;
use serde_json::Value;

pub(super) const PARTNER: &str = "911-internet";
pub(super) const API_KEY: &str = "sandbox-api-key";
/// The ident of the document's examples.
pub(super) const EXAMPLE: &str = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

/// A receiver that has got every webhook, and keeps what they said.
#[derive(Clone, Debug, Default)]
struct Receiver(Arc<Mutex<Vec<Value>>>);

#[async_trait]
impl Transport for Receiver {
    async fn send(&self, request: Request<Body>, _: &AttemptContext) -> Result<Response<Content>, Failure> {
        let body = request.body().read().map(|chunk| chunk.unwrap()).collect::<Vec<_>>().concat();
        self.0.lock().unwrap().push(serde_json::from_slice(&body).expect("a webhook is JSON"));
        Ok(Response::new(Content::empty()))
    }
}

/// A transport that keeps the headers of what goes through it.
#[derive(Debug)]
pub(super) struct Heard {
    inner: InProcess,
    pub(super) headers: Mutex<Vec<(String, HeaderMap)>>,
}

#[async_trait]
impl Transport for Heard {
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        self.headers.lock().unwrap().push((request.uri().path().to_owned(), request.headers().clone()));
        self.inner.send(request, context).await
    }
}

pub(super) struct Harness {
    pub(super) sandbox: Sandbox,
    clock: VirtualClock,
    received: Receiver,
}

impl Harness {
    pub(super) fn new(profile: Profile) -> Self {
        let clock = VirtualClock::new("2020-09-10T12:00:00Z".parse().unwrap());
        let received = Receiver::default();
        let builder = Sandbox::builder().clock(clock.clone()).seed(4711).profile(profile);
        let sandbox = builder.webhooks_through(Arc::new(received.clone())).start();
        let url = Secret::new("https://hooks.example/identify24/t0ken/status");
        sandbox.with_world(|world| set_webhook(world, Some(url)));
        Self { sandbox, clock, received }
    }

    pub(super) fn set(&self, change: impl FnOnce(&mut Settings)) {
        self.sandbox.with_world(|world| configure(world, change));
    }

    /// The names of the stories that an ident can take.
    pub(super) fn stories(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.set(|settings| names = settings.stories.keys().cloned().collect());
        assert!(!names.is_empty(), "an account has stories");
        names
    }

    pub(super) async fn raw(&self, request: Request<Bytes>) -> Answer {
        let (head, body) = self.sandbox.handle(request).await.into_parts();
        Answer { status: head.status.as_u16(), body: body.collect(u64::MAX).await.unwrap() }
    }

    /// A call with the partner's name and this token.
    pub(super) async fn call(&self, token: &str, method: &str, path: &str, body: impl Into<Bytes>) -> Answer {
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
        let answer = self.call("", "POST", "/auth", login.to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    /// Plays a story and waits until all that follows from it at this time has happened.
    pub(super) async fn play(&self, ident: &str, story: &str) {
        self.sandbox.transition(ident, &Transition::Scenario(story.to_owned())).unwrap().unwrap();
        self.clock.settle().await;
    }

    pub(super) async fn advance(&self, by: Duration) {
        self.clock.advance(by).await;
    }

    /// What the webhooks have said since they were last asked for.
    pub(super) fn webhooks(&self) -> Vec<Value> {
        std::mem::take(&mut *self.received.0.lock().unwrap())
    }

    /// The client, which tries once, and what it sends.
    pub(super) fn client(&self, api_key: &str, dialect: Dialect) -> (Identify24, Arc<Heard>) {
        let heard = Arc::new(Heard { inner: InProcess(self.sandbox.clone()), headers: Mutex::default() });
        let client = Identify24::builder(Credentials::new(PARTNER, api_key))
            .transport(Arc::clone(&heard) as Arc<dyn Transport>)
            .clock(Arc::new(self.clock.clone()))
            .policy(Policy::default().attempts(1))
            .dialect(dialect)
            .build()
            .unwrap();
        (client, heard)
    }
}

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Bytes,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{} is no JSON", self.text()))
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether a fault of the refusal is about this element: `element: why (rule, section)`, several of them joined by
    /// `; `. What cannot be read is a fault of the body that tells the element's path.
    pub(super) fn names(&self, element: &str) -> bool {
        let told = self.json();
        let messages = told["messages"].as_array().cloned().unwrap_or_default();
        let texts = messages.iter().filter_map(Value::as_str).flat_map(|text| text.split("; "));
        texts.into_iter().any(|fault| {
            let fault = fault.strip_prefix("body: the JSON cannot be read: ").unwrap_or(fault);
            fault.split_once(": ").is_some_and(|(named, _)| named == element)
        })
    }
}
