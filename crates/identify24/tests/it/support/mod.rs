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
use http::header::RETRY_AFTER;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use identkit_core::{BoxFuture, CallOptions, Clock, Content, Delivery, Instant, Kind, WorkGuard, async_trait};
use identkit_identify24::messages::{CreateIdent, Gender};
use identkit_identify24::{Credentials, Dialect, Identify24};
use identkit_transport::{AttemptContext, BaseUrl, Driver, Failure, NoAuth, Policy, Transport};
use identkit_wire::{Body, Encoded, Operation, Params};
use serde::Serialize;

pub(crate) const PARTNER: &str = "911-internet";
pub(crate) const API_KEY: &str = "key-4711";

pub(crate) fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(fixtures().join(name)).unwrap()
}

pub(crate) fn json(bytes: &[u8]) -> serde_json::Value {
    serde_json::from_slice(bytes).unwrap()
}

pub(crate) fn sent(body: &Body) -> Vec<u8> {
    body.read().map(|chunk| chunk.unwrap()).collect::<Vec<_>>().concat()
}

/// A POST or GET as the sandbox receives it.
pub(crate) fn request(body: impl Into<Bytes>) -> Request<Bytes> {
    Request::new(body.into())
}

pub(crate) fn encoded<Op: Operation<Dialect = Dialect>>(operation: &Op, dialect: &Dialect) -> Encoded {
    operation.encode(dialect).unwrap()
}

/// What the sandbox reads of what the client writes.
pub(crate) fn round_trip<Op: Operation<Dialect = Dialect>>(operation: &Op, dialect: &Dialect) -> Op {
    let body = sent(&encoded(operation, dialect).body);
    let path = Op::META.path(&operation.path_params()).unwrap();
    let params = Op::META.match_path(&path, false).unwrap();
    Op::decode_request(&params, &request(body)).unwrap()
}

pub(crate) fn decode<Op: Operation<Dialect = Dialect>>(
    operation: &Op,
    body: impl Into<Bytes>,
) -> Result<Op::Output, identkit_core::Error> {
    let (head, ()) = Response::new(()).into_parts();
    let body = identkit_wire::Received::Whole(body.into());
    operation.decode(&head, body, &Dialect::new()).map(|decoded| decoded.value)
}

pub(crate) async fn answered<Op: Operation>(output: Op::Output) -> Vec<u8> {
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

/// A clock that moves only when it is told to.
#[derive(Clone, Debug, Default)]
pub(crate) struct TestClock(Arc<Mutex<Duration>>);

impl TestClock {
    pub(crate) fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for TestClock {
    fn wall(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }

    fn now(&self) -> Instant {
        Instant(*self.0.lock().unwrap())
    }

    fn sleep_until(&self, at: Instant) -> BoxFuture<'static, WorkGuard> {
        let clock = self.clone();
        Box::pin(poll_fn(move |_| if clock.now() >= at { Poll::Ready(WorkGuard::idle()) } else { Poll::Pending }))
    }

    fn hold(&self) -> WorkGuard {
        WorkGuard::idle()
    }
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    pub(crate) method: Method,
    pub(crate) uri: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Arrived {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// An answer of the script.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Json(u16, String),
    /// 429 with this `Retry-After`.
    Limited(&'static str),
    NotSent,
    Reset,
    Panic,
}

pub(crate) fn ok(body: impl AsRef<[u8]>) -> Answer {
    Answer::Json(200, String::from_utf8(body.as_ref().to_vec()).unwrap())
}

pub(crate) fn status(status: u16) -> Answer {
    Answer::Json(status, r#"{"result":false,"messages":["Mustermann"]}"#.into())
}

type Handler = Box<dyn Fn(&Arrived) -> Answer + Send + Sync>;

/// The vendor's side in the tests' hands: logins answer with a new token each, the rest comes from the handler.
pub(crate) struct Vendor {
    handler: Handler,
    login: Mutex<VecDeque<Answer>>,
    pub(crate) logins: AtomicUsize,
    /// While closed, logins do not answer.
    pub(crate) open: AtomicBool,
    pub(crate) arrived: Mutex<Vec<Arrived>>,
}

impl Vendor {
    pub(crate) fn new(handler: impl Fn(&Arrived) -> Answer + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            handler: Box::new(handler),
            login: Mutex::default(),
            logins: AtomicUsize::new(0),
            open: AtomicBool::new(true),
            arrived: Mutex::default(),
        })
    }

    /// Answers in turn to everything but logins; the last answer stays.
    pub(crate) fn script(answers: Vec<Answer>) -> Arc<Self> {
        let left = Mutex::new(VecDeque::from(answers));
        Self::new(move |_| {
            let mut left = left.lock().unwrap();
            if left.len() > 1 { left.pop_front().unwrap() } else { left.front().unwrap().clone() }
        })
    }

    /// The next login answers this instead of a token.
    pub(crate) fn next_login(&self, answer: Answer) {
        self.login.lock().unwrap().push_back(answer);
    }

    pub(crate) fn logins(&self) -> usize {
        self.logins.load(Ordering::SeqCst)
    }

    /// The paths that arrived, in order.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.arrived.lock().unwrap().iter().map(|arrived| arrived.path.clone()).collect()
    }

    pub(crate) fn last(&self) -> Arrived {
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
        let (head, body) = request.into_parts();
        let arrived = Arrived {
            method: head.method,
            uri: head.uri.to_string(),
            path: head.uri.path().to_owned(),
            headers: head.headers,
            body: sent(&body),
        };
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
        let answer = if arrived.path == "/auth" {
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
        match answer {
            Answer::Json(status, body) => {
                let mut response = Response::new(Content::from_bytes(body));
                *response.status_mut() = StatusCode::from_u16(status).unwrap();
                Ok(response)
            }
            Answer::Limited(after) => {
                let mut response = Response::new(Content::from_bytes("{}"));
                *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
                response.headers_mut().insert(RETRY_AFTER, after.parse().unwrap());
                Ok(response)
            }
            Answer::NotSent => Err(Failure::new(Delivery::NotSent, Kind::Unreachable, "refused")),
            Answer::Panic => panic!("a transport with a bug"),
            Answer::Reset => Err(Failure::new(Delivery::MaybeSent, Kind::Unreachable, "reset")),
        }
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
    Op: Operation<Dialect = Dialect> + fmt::Debug,
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

    let Arrived { method, uri, headers, body, .. } = vendor.last();
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
