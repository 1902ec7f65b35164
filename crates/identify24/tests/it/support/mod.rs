//! What the integration tests share: fixtures, a clock and a transport under their control, snapshots.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::future::poll_fn;
pub(crate) use std::pin::Pin;
use std::sync::atomic::AtomicBool;
pub(crate) use std::sync::atomic::{AtomicUsize, Ordering};
pub(crate) use std::sync::{Arc, Mutex};
pub(crate) use std::task::{Context, Poll, Waker};
pub(crate) use std::time::Duration;

pub(crate) use bytes::Bytes;
pub(crate) use http::{Method, Request, Response};
pub(crate) use identkit_core::{
    Advice, CallOptions, CaseRef, Content, Delivery, Error, Event, IdentityProvider, Kind, Outcome, Secret, async_trait,
};
pub(crate) use identkit_identify24::messages::*;
pub(crate) use identkit_identify24::operations::*;
pub(crate) use identkit_identify24::*;
pub(crate) use identkit_testkit::{Reply, SentRequest, Step, TestClock, body_bytes};
pub(crate) use identkit_transport::{AttemptContext, Failure, Policy, Transport};
use identkit_transport::{BaseUrl, Driver, NoAuth};
pub(crate) use identkit_wire::{Body, Callback, Operation, ServedOperation};
use identkit_wire::{Encoded, Params};
use serde::Serialize;

pub(crate) const PARTNER: &str = "911-internet";
pub(crate) const API_KEY: &str = "key-4711";

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    identkit_testkit::fixture("identify24", name)
}

pub(crate) fn json(bytes: &[u8]) -> serde_json::Value {
    serde_json::from_slice(bytes).unwrap()
}

/// A POST or GET as the sandbox receives it.
pub(crate) fn request(body: impl Into<Bytes>) -> Request<Bytes> {
    Request::new(body.into())
}

pub(crate) fn encoded<Op: ServedOperation<Dialect = Dialect>>(operation: &Op, dialect: &Dialect) -> Encoded {
    operation.encode(dialect).unwrap()
}

/// The JSON that is sent.
pub(crate) fn written<Op: ServedOperation<Dialect = Dialect>>(operation: &Op, dialect: &Dialect) -> serde_json::Value {
    json(&body_bytes(&encoded(operation, dialect).body))
}

/// The error of a call, which prints nothing of the person.
pub(crate) fn fault<T>(result: Result<T, Error>) -> Error {
    let Err(error) = result else { panic!("it succeeded") };
    let shown = format!("{error} {error:?} {error:#?}");
    assert!(!shown.contains("Mustermann"), "{shown}");
    error
}

/// What the sandbox reads of what the client writes.
pub(crate) fn round_trip<Op: ServedOperation<Dialect = Dialect>>(operation: &Op, dialect: &Dialect) -> Op {
    let body = body_bytes(&encoded(operation, dialect).body);
    let path = Op::META.path(&operation.path_params()).unwrap();
    let params = Op::META.match_path(&path, false).unwrap();
    Op::decode_request(&params, &request(body)).unwrap()
}

pub(crate) fn decode<Op: ServedOperation<Dialect = Dialect>>(
    operation: &Op,
    body: impl Into<Bytes>,
) -> Result<Op::Output, Error> {
    let (head, ()) = Response::new(()).into_parts();
    let body = identkit_wire::Received::Whole(body.into());
    operation.decode(&head, body, &Dialect::new()).map(|decoded| decoded.value)
}

pub(crate) async fn answered<Op: ServedOperation>(output: Op::Output) -> Vec<u8> {
    let response = Op::encode_response(output).unwrap();
    assert_eq!(response.headers()["content-type"], "application/json");
    response.into_body().collect(1 << 20).await.unwrap().to_vec()
}

pub(crate) fn params() -> Params {
    Params::default()
}

/// An ident with the twelve required values.
pub(crate) fn erika() -> CreateIdent {
    CreateIdent::default()
        .project_id("6")
        .gender(Gender::Female)
        .birthday("1964-08-12")
        .nationality("DE")
        .person_first_name("Erika")
        .person_last_name("Mustermann")
        .birth_place("Berlin")
        .email("erika@example.com")
        .mobile_phone("+49 170 1234567")
        .zip_code("51147")
        .city("Köln")
        .country("DE")
}

pub(crate) fn ok(body: impl AsRef<[u8]>) -> Step {
    Step::Answer(Reply::new(200, body.as_ref().to_vec()))
}

pub(crate) fn status(status: u16) -> Step {
    Step::Answer(Reply::new(status, r#"{"result":false,"messages":["Mustermann"]}"#))
}

/// 429 with this `Retry-After`.
pub(crate) fn limited(after: &'static str) -> Step {
    Step::Answer(Reply::new(429, "{}").header("retry-after", after))
}

type Handler = Box<dyn Fn(&SentRequest) -> Step + Send + Sync>;

/// The vendor's side in the tests' hands: logins answer with a new token each, the rest comes from the handler.
pub(crate) struct Vendor {
    handler: Handler,
    /// Whether only the newest token of all is good.
    expires: bool,
    login: Mutex<VecDeque<Step>>,
    pub(crate) logins: AtomicUsize,
    /// While closed, logins do not answer.
    pub(crate) open: AtomicBool,
    pub(crate) arrived: Mutex<Vec<SentRequest>>,
}

impl Vendor {
    pub(crate) fn new(handler: impl Fn(&SentRequest) -> Step + Send + Sync + 'static) -> Arc<Self> {
        Self::of(Box::new(handler), false)
    }

    /// A vendor that knows only the newest token.
    pub(crate) fn expiring(good: Step) -> Arc<Self> {
        Self::of(Box::new(move |_| good.clone()), true)
    }

    fn of(handler: Handler, expires: bool) -> Arc<Self> {
        Arc::new(Self {
            handler,
            expires,
            login: Mutex::default(),
            logins: AtomicUsize::new(0),
            open: AtomicBool::new(true),
            arrived: Mutex::default(),
        })
    }

    /// Answers in turn to everything but logins; the last answer stays.
    pub(crate) fn script(answers: Vec<Step>) -> Arc<Self> {
        let left = Mutex::new(VecDeque::from(answers));
        Self::new(move |_| {
            let mut left = left.lock().unwrap();
            if left.len() > 1 { left.pop_front().unwrap() } else { left.front().unwrap().clone() }
        })
    }

    /// The next login answers this instead of a token.
    pub(crate) fn next_login(&self, answer: Step) {
        self.login.lock().unwrap().push_back(answer);
    }

    pub(crate) fn logins(&self) -> usize {
        self.logins.load(Ordering::SeqCst)
    }

    /// The paths that arrived, in order.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.arrived.lock().unwrap().iter().map(|arrived| arrived.path().to_owned()).collect()
    }

    pub(crate) fn last(&self) -> SentRequest {
        self.arrived.lock().unwrap().last().unwrap().clone()
    }
}

impl fmt::Debug for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vendor")
    }
}

#[async_trait]
impl Transport for Vendor {
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        let arrived = SentRequest::read(request);
        self.arrived.lock().unwrap().push(arrived.clone());
        context.mark_sent();
        // Others get their turn between request and answer.
        let mut turns = 3;
        poll_fn(|cx| {
            cx.waker().wake_by_ref();
            turns -= 1;
            if turns == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        let answer = if arrived.path() == "/auth" {
            poll_fn(|cx| {
                cx.waker().wake_by_ref();
                if self.open.load(Ordering::SeqCst) { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            let number = self.logins.fetch_add(1, Ordering::SeqCst) + 1;
            let token = format!(r#"{{"result":true,"response_status":200,"token":"token-{number}","messages":[]}}"#);
            self.login.lock().unwrap().pop_front().unwrap_or_else(|| ok(token))
        } else if self.expires && arrived.header("x-api-token") != format!("token-{}", self.logins()) {
            status(401)
        } else {
            (self.handler)(&arrived)
        };
        answer.play(context).await
    }
}

pub(crate) fn policy() -> Policy {
    Policy::default().backoff(Duration::ZERO)
}

/// A client over any transport, by a clock that stands still, built in any other way.
pub(crate) fn client_over(transport: Arc<dyn Transport>, change: impl FnOnce(Builder) -> Builder) -> Identify24 {
    let builder = Identify24::builder(Credentials::new(PARTNER, API_KEY)).transport(transport);
    let builder = builder.base_url("http://127.0.0.1:1").clock(Arc::new(TestClock::default())).policy(policy());
    change(builder).build().unwrap()
}

pub(crate) fn client_by(vendor: &Arc<Vendor>, change: impl FnOnce(Builder) -> Builder) -> Identify24 {
    client_over(Arc::clone(vendor) as _, change)
}

pub(crate) fn client_with(vendor: &Arc<Vendor>, clock: &TestClock, dialect: Dialect) -> Identify24 {
    client_by(vendor, |builder| builder.clock(Arc::new(clock.clone())).dialect(dialect))
}

pub(crate) fn client(vendor: &Arc<Vendor>) -> Identify24 {
    client_by(vendor, |builder| builder)
}

/// Polls a call that can only wait.
pub(crate) fn waits<F: Future>(call: &mut Pin<Box<F>>) {
    for _ in 0..10 {
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
}

pub(crate) fn options() -> CallOptions {
    CallOptions::new()
}

/// Three snapshots of one operation: the request as it is sent, the answer as it is read, and both as they are
/// printed.
pub(crate) async fn check_operation<Op>(name: &str, operation: Op, vendor_response: &[u8])
where
    Op: ServedOperation<Dialect = Dialect> + fmt::Debug,
    Op::Output: Serialize + fmt::Debug,
{
    let vendor = Vendor::script(vec![ok(vendor_response)]);
    let output = if Op::META.path == "/auth" {
        vendor.next_login(ok(vendor_response));
        let base = BaseUrl::parse("https://api.identify24.de").unwrap();
        let clock = Arc::new(TestClock::default());
        let driver = Driver::new(Arc::clone(&vendor) as _, clock, Arc::new(NoAuth), base, Dialect::new());
        driver.with_policy(policy()).call(&operation, &options()).await.unwrap().value
    } else {
        let client = client_by(&vendor, |builder| builder.base_url(DEFAULT_BASE_URL));
        client.call(&operation, &options()).await.unwrap().value
    };

    let SentRequest { method, uri, headers, body } = vendor.last();
    let mut shown = format!("{method} {uri}\n");
    let mut lines: Vec<_> =
        headers.iter().map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap())).collect();
    lines.sort();
    let version = env!("CARGO_PKG_VERSION");
    lines.iter().for_each(|line| shown.push_str(&line.replace(version, "[version]")));
    write!(shown, "\n{}", String::from_utf8(body).unwrap()).unwrap();

    let read = serde_json::to_string_pretty(&output).unwrap();
    let debug = format!("{operation:#?}\n{output:#?}");
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(format!("identify24__{name}__request"), shown);
        insta::assert_snapshot!(format!("identify24__{name}__output"), read);
        insta::assert_snapshot!(format!("identify24__{name}__debug"), debug);
    });
}
