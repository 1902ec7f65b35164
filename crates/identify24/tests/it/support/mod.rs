//! What the integration tests share: fixtures, a clock and a transport under their control, snapshots.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::future::poll_fn;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use identkit_core::{CallOptions, Clock, Content, async_trait};
use identkit_identify24::messages::{CreateIdent, Gender};
use identkit_identify24::{Credentials, Dialect, Identify24};
pub(crate) use identkit_testkit::{Reply, SentRequest, Step, TestClock, body_bytes};
use identkit_transport::{AttemptContext, BaseUrl, Driver, Failure, NoAuth, Policy, Transport};
use identkit_wire::{Body, Encoded, Params, ServedOperation};
use serde::Serialize;

pub(crate) const PARTNER: &str = "911-internet";
pub(crate) const API_KEY: &str = "key-4711";

pub(crate) fn fixtures() -> PathBuf {
    identkit_testkit::workspace("crates/identify24/fixtures")
}

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
) -> Result<Op::Output, identkit_core::Error> {
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
    login: Mutex<VecDeque<Step>>,
    pub(crate) logins: AtomicUsize,
    /// While closed, logins do not answer.
    pub(crate) open: AtomicBool,
    pub(crate) arrived: Mutex<Vec<SentRequest>>,
}

impl Vendor {
    pub(crate) fn new(handler: impl Fn(&SentRequest) -> Step + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            handler: Box::new(handler),
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
        } else {
            (self.handler)(&arrived)
        };
        answer.play(context).await
    }
}

pub(crate) fn policy() -> Policy {
    Policy::default().backoff(Duration::ZERO)
}

pub(crate) fn client_with(vendor: &Arc<Vendor>, clock: &TestClock, dialect: Dialect) -> Identify24 {
    let transport: Arc<dyn Transport> = Arc::clone(vendor) as _;
    Identify24::builder(Credentials::new(PARTNER, API_KEY))
        .transport(transport)
        .base_url("http://127.0.0.1:1")
        .clock(Arc::new(clock.clone()))
        .policy(policy())
        .dialect(dialect)
        .build()
        .unwrap()
}

pub(crate) fn client(vendor: &Arc<Vendor>) -> Identify24 {
    client_with(vendor, &TestClock::default(), Dialect::new())
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
    let transport: Arc<dyn Transport> = Arc::clone(&vendor) as _;
    let clock: Arc<dyn Clock> = Arc::new(TestClock::default());
    let output = if Op::META.path == "/auth" {
        vendor.next_login(ok(vendor_response));
        let base = BaseUrl::parse("https://api.identify24.de").unwrap();
        let driver = Driver::new(transport, clock, Arc::new(NoAuth), base, Dialect::new()).with_policy(policy());
        driver.call(&operation, &options()).await.unwrap().value
    } else {
        let builder = Identify24::builder(Credentials::new(PARTNER, API_KEY)).transport(transport).clock(clock);
        builder.policy(policy()).build().unwrap().call(&operation, &options()).await.unwrap().value
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
