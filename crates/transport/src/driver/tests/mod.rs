//! Calls over a scripted transport.

mod limits;
mod observer;
mod raw;
mod streams;
mod verdicts;

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use ::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{FutureExt as _, stream};
use http_body::Frame;
use http_body_util::StreamBody;
use identkit_core::{Advice, Content, Delivery};
use identkit_wire::{AmbiguityPolicy, Answer, Body, BodyMode, Refusal, RetrySafety};

use super::*;
use crate::{AttemptContext, CallInfo, Failure, Generation, NoAuth, SystemClock};

type Sent = Result<Response<Content>, Failure>;
type Headers = &'static [(&'static str, &'static str)];

struct FnTransport<F>(F);

impl<F> fmt::Debug for FnTransport<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FnTransport")
    }
}

#[async_trait]
impl<F, Fut> Transport for FnTransport<F>
where
    F: Fn(Request<Body>, AttemptContext) -> Fut + Send + Sync,
    Fut: Future<Output = Sent> + Send,
{
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Sent {
        (self.0)(request, context.clone()).await
    }
}

/// A driver whose transport is a function.
fn driver_by<F, Fut>(auth: Arc<dyn Authenticator>, send: F) -> Driver<()>
where
    F: Fn(Request<Body>, AttemptContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Sent> + Send + 'static,
{
    let base = BaseUrl::parse("http://127.0.0.1:1").unwrap();
    Driver::new(Arc::new(FnTransport(send)), Arc::new(SystemClock::new()), auth, base, ())
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Answer(u16, Headers, &'static str),
    Lengthless(Headers, &'static str),
    /// A response of this status whose body breaks off.
    Broken(u16),
    /// A response of this status whose body never ends.
    Stalled(u16),
    NotSent,
    Untrusted,
    Ambiguous,
    HangBefore,
    HangAfter,
}

const fn answer(status: u16, body: &'static str) -> Step {
    Step::Answer(status, &[], body)
}

const OK: Step = answer(200, "ok");
const LIMITED: Step = Step::Answer(429, &[("retry-after", "0")], "");

impl Step {
    async fn play(self, context: AttemptContext) -> Sent {
        if !matches!(self, Self::NotSent | Self::Untrusted | Self::HangBefore) {
            context.mark_sent();
        }
        let failed = |detail| Failure::new(context.delivery(), Kind::Unreachable, detail);
        let (status, headers, content) = match self {
            Self::Answer(status, headers, body) => (status, headers, Content::from_bytes(body)),
            Self::Lengthless(headers, body) => (200, headers, Content::new(None, Content::from_bytes(body))),
            Self::Broken(status) => (status, &[][..], Content::new(Some(100), Content::from_bytes("half"))),
            Self::Stalled(status) => (
                status,
                &[][..],
                Content::new(Some(100), StreamBody::new(stream::pending::<Result<Frame<Bytes>, Error>>())),
            ),
            Self::NotSent => return Err(failed("refused")),
            Self::Untrusted => return Err(failed("untrusted").permanent()),
            Self::Ambiguous => return Err(failed("reset")),
            Self::HangBefore | Self::HangAfter => std::future::pending().await,
        };
        let mut response = Response::new(content);
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        for (name, value) in headers {
            response.headers_mut().insert(*name, HeaderValue::from_static(value));
        }
        Ok(response)
    }
}

/// The next steps, and of each request its token and whether it needs a fresh connection.
struct Script {
    steps: Mutex<VecDeque<Step>>,
    requests: Mutex<Vec<(Option<String>, bool)>>,
}

impl Script {
    /// Number of requests. The script must have been played to its end.
    fn sent(&self) -> usize {
        assert!(self.steps.lock().unwrap().is_empty(), "fewer requests than the script has steps");
        self.requests.lock().unwrap().len()
    }
}

fn driver_with(auth: Arc<dyn Authenticator>, steps: &[Step]) -> (Driver<()>, Arc<Script>) {
    let script = Arc::new(Script { steps: Mutex::new(steps.to_vec().into()), requests: Mutex::default() });
    let played = Arc::clone(&script);
    let driver = driver_by(auth, move |request, context| {
        let token = request.headers().get("x-token").map(|value| value.to_str().unwrap().to_owned());
        played.requests.lock().unwrap().push((token, context.fresh()));
        let step = played.steps.lock().unwrap().pop_front().expect("one request more than the script has steps");
        step.play(context)
    });
    (driver.with_policy(Policy::default().backoff(Duration::ZERO)), script)
}

fn driver(steps: &[Step]) -> (Driver<()>, Arc<Script>) {
    driver_with(Arc::new(NoAuth), steps)
}

/// The result of a call that plays the whole script, as text: value and attempts, or the parts of the error.
async fn called<Op>(operation: &Op, options: &CallOptions, steps: &[Step]) -> String
where
    Op: Operation<Dialect = (), Output = String>,
{
    let (driver, script) = driver(steps);
    let called = driver.call(operation, options).await;
    assert_eq!(script.sent(), steps.len());
    match called {
        Ok(answered) => format!("{} after {}", answered.value, answered.attempts),
        Err(error) => {
            let delivery = error.delivery().map_or(String::new(), |delivery| format!("{delivery:?}"));
            format!("{:?} {delivery} {:?} {}", error.kind(), error.advice(), error.status().unwrap_or(0))
        }
    }
}

async fn call<Op>(operation: &Op, steps: &[Step]) -> String
where
    Op: Operation<Dialect = (), Output = String>,
{
    called(operation, &CallOptions::new(), steps).await
}

/// A status that the operation's document lists.
const fn documented(status: u16, kind: Kind) -> Refusal {
    Refusal::new(status, kind, "documented", Advice::DoNotRetry)
}

macro_rules! operation {
    ($name:ident: $output:ty, $safety:ident, $ambiguous:expr, $reply:expr, $refusal:expr, $encode:expr, $decode:expr) => {
        operation!($name: $output, $safety, $ambiguous, |meta| meta.body_mode($reply).refusals(&[$refusal]), $encode, $decode);
    };
    ($name:ident: $output:ty, $safety:ident, $ambiguous:expr, |$meta:ident| $with:expr, $encode:expr, $decode:expr) => {
        #[derive(Debug)]
        struct $name;
        identkit_wire::operation! {
            impl $name;
            meta: {
                let $meta = Meta::new("test", stringify!($name), Method::PUT, "/x", RetrySafety::$safety, $ambiguous)
                    .expect(&[200, 202]);
                $with
            },
            output: $output, dialect: (),
            encode: |_, ()| {
                let body: Result<Body, Error> = $encode;
                Ok(Encoded::new(HeaderMap::new(), body?))
            },
            decode: |_, _, body, ()| {
                let decode: fn(Received) -> Result<$output, Error> = $decode;
                Ok(decode(body)?.into())
            },
        }
    };
    ($name:ident, $safety:ident, $ambiguous:expr, $reply:expr, $refusal:expr) => {
        operation!($name: String, $safety, $ambiguous, $reply, $refusal, Ok(Body::from(b"body".to_vec())), text);
    };
}

use operation;

fn text(body: Received) -> Result<String, Error> {
    let bytes = match body {
        Received::Whole(bytes) => bytes,
        Received::Stream { head, .. } => head,
    };
    match std::str::from_utf8(&bytes) {
        Ok("unauthorized") => Err(Error::new(Kind::Authentication, "status: 401").with_status(401)),
        Ok("refused") => Err(Error::new(Kind::Rejected, "result: false")),
        Ok(text) if text != "garbage" => Ok(text.to_owned()),
        _ => Err(Error::new(Kind::Protocol, "unreadable")),
    }
}

const WHOLE: BodyMode = BodyMode::Whole { cap: 100 };
const STREAM: BodyMode = BodyMode::Stream { cap: 1000 };
const GONE: Refusal = documented(410, Kind::SigningCanceled);

operation!(Read, Safe, AmbiguityPolicy::Retry(3), WHOLE, GONE);
operation!(Create, Creating, AmbiguityPolicy::Never, WHOLE, GONE);
operation!(CreateLimited, Creating, AmbiguityPolicy::Never, WHOLE, documented(429, Kind::RateLimited));
operation!(Delete, IdempotentByEffect, AmbiguityPolicy::Retry(2), WHOLE, GONE);
operation!(Text, SideEffect, AmbiguityPolicy::Never, WHOLE, GONE);
operation!(Cancel, IdempotentByEffect, AmbiguityPolicy::Probe, WHOLE, GONE);
operation!(Download, Safe, AmbiguityPolicy::Never, STREAM, GONE);
operation!(Large, Safe, AmbiguityPolicy::Never, BodyMode::Whole { cap: 100_000 }, GONE);
operation!(Long: String, Creating, AmbiguityPolicy::Never, WHOLE, GONE, Ok(Body::from(vec![0; 10_000_000])), text);
operation!(
    Unsendable: String, Creating, AmbiguityPolicy::Never, WHOLE, GONE, Err(Error::new(Kind::InvalidInput, "a fault")), text
);
operation!(Open: Opened, Safe, AmbiguityPolicy::Never, STREAM, GONE, Ok(Body::empty()), |body| match body {
    Received::Stream { head, rest } => Ok(Opened(rest.preceded_by(head))),
    Received::Whole(bytes) => Ok(Opened(Content::from_bytes(bytes))),
});

/// A stream that is handed out.
#[derive(Debug)]
struct Opened(Content);

/// Starts a call and drops it as soon as it waits.
async fn begin<T>(call: impl Future<Output = T>) {
    assert!(call.now_or_never().is_none(), "the call did not wait");
}

#[tokio::test]
async fn a_create_that_may_have_arrived_is_not_repeated() {
    for (step, status) in [
        (Step::Ambiguous, 0),
        (answer(500, ""), 500),
        (answer(503, "busy"), 503),
        (Step::Broken(200), 200),
        (answer(202, "garbage"), 202),
        // Never a success (AT-89).
        (answer(205, "an order"), 205),
        // Statuses that do not prove that nothing was created (AT-97).
        (answer(302, ""), 302),
        (answer(409, ""), 409),
        (answer(425, ""), 425),
        (answer(429, ""), 429),
        (answer(600, ""), 600),
        // An incomplete refusal does not count as answered.
        (Step::Broken(400), 400),
        (Step::Broken(401), 401),
        (Step::Broken(404), 404),
    ] {
        let expected = format!("OutcomeUnknown MaybeSent Reconcile {status}");
        assert_eq!(call(&Create, &[step]).await, expected, "{step:?}");
    }
}

#[tokio::test]
async fn ai_02_a_refusal_in_a_success_response_is_a_refusal() {
    assert_eq!(call(&Create, &[answer(200, "refused")]).await, "Rejected Answered DoNotRetry 200");
}

#[tokio::test]
async fn attempts_are_repeated_as_the_operation_allows() {
    use Step::{Ambiguous, Broken, NotSent, Untrusted};
    let once = CallOptions::new().attempts(1);
    for (row, result, expected) in [
        ("never sent", call(&Create, &[NotSent, NotSent, answer(202, "ok")]).await, "ok after 3"),
        ("400", call(&Create, &[answer(400, "")]).await, "Rejected Answered DoNotRetry 400"),
        ("404", call(&Create, &[answer(404, "")]).await, "NotFound Answered DoNotRetry 404"),
        ("410, documented", call(&Create, &[answer(410, "")]).await, "SigningCanceled Answered DoNotRetry 410"),
        ("302", call(&Read, &[answer(302, "")]).await, "Protocol Answered DoNotRetry 302"),
        ("201, not listed", call(&Create, &[answer(201, "ok")]).await, "ok after 1"),
        ("205, never a success", call(&Read, &[answer(205, "ok")]).await, "Protocol Answered DoNotRetry 205"),
        ("a deletion is limited", call(&Delete, &[LIMITED, OK]).await, "ok after 2"),
        ("a create is limited, as documented", call(&CreateLimited, &[LIMITED, OK]).await, "ok after 2"),
        (
            "a create is limited, undocumented",
            call(&Create, &[LIMITED]).await,
            "OutcomeUnknown MaybeSent Reconcile 429",
        ),
        ("a read, incomplete refusal", call(&Read, &[Broken(404), OK]).await, "ok after 2"),
        ("a text is limited", call(&Text, &[LIMITED]).await, "OutcomeUnknown MaybeSent Reconcile 429"),
        ("a text was never sent", call(&Text, &[NotSent, answer(202, "ok")]).await, "ok after 2"),
        (
            "a read, three times",
            call(&Read, &[Ambiguous, Broken(200), answer(500, "")]).await,
            "Unavailable Answered RetryLater 500",
        ),
        ("a deletion", call(&Delete, &[Ambiguous, OK]).await, "ok after 2"),
        ("a read, once", called(&Read, &once, &[Ambiguous]).await, "Unreachable MaybeSent RetryLater 0"),
        ("a permanent failure", call(&Read, &[Untrusted]).await, "Unreachable NotSent CheckConnection 0"),
    ] {
        assert_eq!(result, expected, "{row}");
    }
}

#[tokio::test]
async fn unrepeatable_calls_need_a_fresh_connection() {
    async fn needs<Op: Operation<Dialect = ()>>(operation: &Op, fresh: bool, steps: &[Step]) -> Vec<bool> {
        let (driver, script) = driver(steps);
        let driver = driver.with_policy(Policy::default().backoff(Duration::ZERO).fresh_connections(fresh));
        let _ = driver.call(operation, &CallOptions::new()).await;
        assert_eq!(script.sent(), steps.len());
        script.requests.lock().unwrap().iter().map(|(_, fresh)| *fresh).collect()
    }
    assert_eq!(needs(&Create, true, &[Step::NotSent, OK]).await, [true, true]);
    assert_eq!(needs(&Cancel, true, &[OK]).await, [true]);
    assert_eq!(needs(&Delete, true, &[OK]).await, [false]);
    // A create on an idle connection is not repeated either.
    assert_eq!(needs(&Create, false, &[Step::Ambiguous]).await, [false]);
}

#[tokio::test]
async fn a_long_error_body_is_truncated() {
    let long: &'static str = Box::leak(format!("because {}", "x".repeat(200_000)).into_boxed_str());
    let error = driver(&[answer(400, long)]).0.call(&Read, &CallOptions::new()).await.unwrap_err();
    assert!(error.vendor_text().unwrap().expose().starts_with("because xxx"));
    assert_eq!(error.answer().unwrap().body(), long);
}

#[tokio::test]
async fn a_long_retry_after_fails_and_an_invalid_one_is_ignored() {
    let long = "RateLimited Answered RetryLater 429";
    let rows: [(Headers, &[Step], &str); 6] = [
        (&[("retry-after", "121")], &[], long),
        // A number that does not fit, and a date centuries away.
        (&[("retry-after", "99999999999999999999999")], &[], long),
        (&[("retry-after", "Fri, 31 Dec 2399 23:59:59 GMT")], &[], long),
        (&[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")], &[OK], "ok after 2"),
        (&[("retry-after", "soon")], &[OK], "ok after 2"),
        (&[("retry-after", "-1")], &[OK], "ok after 2"),
    ];
    for (headers, then, expected) in rows {
        let steps = [&[Step::Answer(429, headers, "")], then].concat();
        assert_eq!(call(&Read, &steps).await, expected, "{headers:?}");
    }
}

#[tokio::test]
async fn an_earlier_ambiguous_attempt_changes_the_error() {
    use Step::{Ambiguous, NotSent};
    let twice = CallOptions::new().attempts(2);
    let result = called(&Delete, &twice, &[Ambiguous, NotSent]).await;
    assert_eq!(result, "Unreachable MaybeSent RetryLater 0");
    let (driver, _) = driver(&[Ambiguous, answer(404, "")]);
    let error = driver.call(&Delete, &twice).await.unwrap_err();
    assert_eq!((error.kind(), error.advice()), (Kind::NotFound, Advice::Reconcile));
    assert!(error.to_string().contains("an earlier attempt"), "{error}");
    let result = called(&Delete, &twice, &[NotSent, answer(404, "")]).await;
    assert_eq!(result, "NotFound Answered DoNotRetry 404", "the first attempt was not sent");
    let result = called(&Read, &twice, &[Ambiguous, NotSent]).await;
    assert_eq!(result, "Unreachable NotSent RetryLater 0", "a read changes nothing");
}

#[test]
fn a_refusal_after_an_ambiguous_attempt_decides_nothing() {
    use super::outcome::after_ambiguous_attempt;

    let meta = |answer| {
        let meta =
            Meta::new("test", "x", Method::PUT, "/x", RetrySafety::IdempotentByEffect, AmbiguityPolicy::Retry(2));
        meta.answer(answer)
    };
    for (kind, expected) in [
        (Kind::Conflict, Kind::OutcomeUnknown),
        (Kind::Rejected, Kind::OutcomeUnknown),
        (Kind::Forbidden, Kind::OutcomeUnknown),
        (Kind::Authentication, Kind::OutcomeUnknown),
        (Kind::RateLimited, Kind::OutcomeUnknown),
        (Kind::Unavailable, Kind::Unavailable),
        (Kind::NotFound, Kind::NotFound),
        (Kind::InvalidState, Kind::InvalidState),
    ] {
        let error = || Error::new(kind, "test").with_delivery(Delivery::Answered);
        let after = after_ambiguous_attempt(&meta(Answer::Empty), error());
        assert_eq!((after.kind(), after.advice() == Advice::DoNotRetry), (expected, false), "{kind:?}");
        // A login can be made again.
        let after = after_ambiguous_attempt(&meta(Answer::Body), error());
        assert_eq!(after.kind(), kind, "{kind:?}");
    }
}

#[tokio::test]
async fn an_expired_deadline_reports_whether_it_was_sent() {
    let short = CallOptions::new().timeout(Duration::from_millis(20));
    let result = called(&Create, &short, &[Step::HangBefore]).await;
    assert_eq!(result, "Timeout NotSent RetryLater 0");
    let result = called(&Create, &short, &[Step::HangAfter]).await;
    assert_eq!(result, "OutcomeUnknown MaybeSent Reconcile 0");
    let result = called(&Read, &short, &[Step::HangAfter]).await;
    assert_eq!(result, "Timeout MaybeSent RetryLater 0");
}

#[tokio::test]
async fn incomplete_or_too_long_responses_are_errors() {
    let identity: Headers = &[("transfer-encoding", "chunked, identity")];
    let zipped: Headers = &[("content-encoding", "br")];
    let leak = |length| &*Box::leak("x".repeat(length).into_boxed_str());
    let (longest, long): (&'static str, &'static str) = (leak(100), leak(101));
    for (row, result, expected) in [
        ("no length", call(&Download, &[Step::Lengthless(&[], "%PDF-")]).await, "Integrity"),
        ("identity", call(&Download, &[Step::Lengthless(identity, "%PDF-")]).await, "Integrity"),
        ("compressed", call(&Download, &[Step::Answer(200, zipped, "x")]).await, "Protocol"),
        ("as long as its cap", call(&Read, &[answer(200, longest)]).await, longest),
        ("longer than its cap", call(&Read, &[answer(200, long)]).await, "Protocol"),
        ("coded, of a deletion", call(&Delete, &[Step::Answer(202, zipped, "x")]).await, "OutcomeUnknown"),
        ("coded, of a read", call(&Read, &[Step::Answer(200, zipped, "x")]).await, "Protocol"),
    ] {
        assert_eq!(result.split(' ').next(), Some(expected), "{row}");
    }
}

#[derive(Debug, Default)]
struct Sessions(Mutex<u64>);

#[async_trait]
impl Authenticator for Sessions {
    fn apply(&self, headers: &mut HeaderMap) -> Option<Generation> {
        let now = *self.0.lock().unwrap();
        headers.insert("x-token", HeaderValue::from(now));
        (now > 0).then_some(Generation(now))
    }
    fn rejected(&self, _: Generation) -> bool {
        true
    }
    async fn renew(&self, former: Option<Generation>) -> Result<Generation, Error> {
        let mut now = self.0.lock().unwrap();
        if former.is_none_or(|former| former.0 == *now) {
            *now += 1;
        }
        Ok(Generation(*now))
    }
}

#[tokio::test]
async fn after_a_401_the_credentials_are_renewed_once() {
    let (driver, script) = driver_with(Arc::<Sessions>::default(), &[answer(401, ""), answer(202, "ok")]);
    let answered = driver.call(&Create, &CallOptions::new()).await.unwrap();
    assert_eq!(answered.attempts, 1, "a refused token is not an attempt");
    let tokens: Vec<_> = script.requests.lock().unwrap().iter().map(|(token, _)| token.clone().unwrap()).collect();
    assert_eq!(tokens, ["1", "2"]);

    let (driver, script) = driver_with(Arc::<Sessions>::default(), &[answer(401, ""), answer(401, "")]);
    assert_eq!(driver.call(&Read, &CallOptions::new()).await.unwrap_err().kind(), Kind::Authentication);
    assert_eq!(script.sent(), 2);
}

#[tokio::test]
async fn ai_30_a_401_in_a_body_renews_only_for_a_repeatable_call() {
    let (driver, script) = driver_with(Arc::<Sessions>::default(), &[answer(200, "unauthorized"), OK]);
    assert_eq!(driver.call(&Read, &CallOptions::new()).await.unwrap().value, "ok");
    assert_eq!(script.sent(), 2);

    // The status contradicts the body, so it is not sure that nothing was created (AI-31).
    let (driver, script) = driver_with(Arc::<Sessions>::default(), &[answer(200, "unauthorized")]);
    assert_eq!(driver.call(&Create, &CallOptions::new()).await.unwrap_err().kind(), Kind::Authentication);
    assert_eq!(script.sent(), 1);
}

#[test]
fn debug_output_of_a_driver_shows_base_and_policy() {
    let output = format!("{:?}", driver(&[]).0);
    assert!(output.contains("127.0.0.1:1") && output.contains("attempts: 4"), "{output}");
}
