//! Helpers of the integration tests: fixtures, a scripted vendor, clients, snapshots.

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

/// A request as the sandbox receives it.
pub(crate) fn request(body: impl Into<Bytes>) -> Request<Bytes> {
    Request::new(body.into())
}

pub(crate) fn encoded<Op: ServedOperation<Dialect = Dialect>>(operation: &Op, dialect: &Dialect) -> Encoded {
    operation.encode(dialect).unwrap()
}

/// The JSON of the request.
pub(crate) fn written<Op: ServedOperation<Dialect = Dialect>>(operation: &Op, dialect: &Dialect) -> serde_json::Value {
    json(&body_bytes(&encoded(operation, dialect).body))
}

/// Returns the error of a call. Panics if the error prints personal data.
pub(crate) fn fault<T>(result: Result<T, Error>) -> Error {
    let Err(error) = result else { panic!("the call succeeded") };
    let shown = format!("{error} {error:?} {error:#?}");
    assert!(!shown.contains("Mustermann"), "{shown}");
    error
}

/// Encodes the operation as the client and decodes it as the sandbox.
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

/// An ident with the twelve required fields.
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

/// A 429 with this `Retry-After`.
pub(crate) fn limited(after: &'static str) -> Step {
    Step::Answer(Reply::new(429, "{}").header("retry-after", after))
}

type Handler = Box<dyn Fn(&SentRequest) -> Step + Send + Sync>;

/// A scripted vendor. Each login returns a new token; the handler answers all other calls.
pub(crate) struct Vendor {
    handler: Handler,
    /// Whether only the newest token is valid.
    expires: bool,
    login: Mutex<VecDeque<Step>>,
    pub(crate) logins: AtomicUsize,
    /// Whether logins are answered.
    pub(crate) open: AtomicBool,
    pub(crate) arrived: Mutex<Vec<SentRequest>>,
}

impl Vendor {
    pub(crate) fn new(handler: impl Fn(&SentRequest) -> Step + Send + Sync + 'static) -> Arc<Self> {
        Self::with(Box::new(handler), false)
    }

    /// A vendor that accepts only the newest token.
    pub(crate) fn expiring(good: Step) -> Arc<Self> {
        Self::with(Box::new(move |_| good.clone()), true)
    }

    fn with(handler: Handler, expires: bool) -> Arc<Self> {
        Arc::new(Self {
            handler,
            expires,
            login: Mutex::default(),
            logins: AtomicUsize::new(0),
            open: AtomicBool::new(true),
            arrived: Mutex::default(),
        })
    }

    /// Returns these responses in order to all calls except logins, then repeats the last one.
    pub(crate) fn script(answers: Vec<Step>) -> Arc<Self> {
        let left = Mutex::new(VecDeque::from(answers));
        Self::new(move |_| {
            let mut left = left.lock().unwrap();
            if left.len() > 1 { left.pop_front().unwrap() } else { left.front().unwrap().clone() }
        })
    }

    /// Sets the response to the next login.
    pub(crate) fn next_login(&self, answer: Step) {
        self.login.lock().unwrap().push_back(answer);
    }

    pub(crate) fn logins(&self) -> usize {
        self.logins.load(Ordering::SeqCst)
    }

    /// The requested paths, in order.
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
        // Yields, so that other tasks run between request and response.
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

/// A client over this transport with a frozen clock, built with these changes.
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

/// Polls a call and checks that it is still pending.
pub(crate) fn waits<F: Future>(call: &mut Pin<Box<F>>) {
    for _ in 0..10 {
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
}

pub(crate) fn options() -> CallOptions {
    CallOptions::new()
}

/// Takes three snapshots of one operation: the request, the decoded response, and the `Debug` output of both.
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
