mod limits;
mod observer;
mod raw;
mod streams;

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Mutex;
use std::time::Duration;

use ::http::{HeaderMap, Method, Request, Response, StatusCode};
use async_trait::async_trait;
use bytes::Bytes;
use identkit_core::{Advice, Content, Delivery};
use identkit_wire::{AmbiguityPolicy, Body, BodyMode, Refusal, RetrySafety};

use super::*;
use crate::{AttemptContext, CallInfo, Failure, Generation, NoAuth, SystemClock};

enum Step {
    Answer(u16, &'static [(&'static str, &'static str)], &'static str),
    Lengthless(&'static str),
    LengthlessIdentity(&'static str),
    BrokenRefusal(u16),
    Broken,
    NotSent,
    Untrusted,
    Ambiguous,
    HangBefore,
    HangAfter,
}

#[derive(Default)]
struct Script {
    steps: Mutex<VecDeque<Step>>,
    seen: Mutex<Vec<(Option<String>, bool)>>,
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Script")
    }
}

struct Ends(bool);

impl http_body::Body for Ends {
    type Data = Bytes;
    type Error = Error;
    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Error>>> {
        if std::mem::replace(&mut self.0, true) {
            return std::task::Poll::Ready(None);
        }
        std::task::Poll::Ready(Some(Ok(http_body::Frame::data(Bytes::from_static(b"half")))))
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        let token = request.headers().get("x-token").map(|value| value.to_str().unwrap().to_owned());
        self.seen.lock().unwrap().push((token, context.fresh()));
        let step = self.steps.lock().unwrap().pop_front().expect("one request more than the script has steps");
        let answer = |status: u16, content| {
            let mut response = Response::new(content);
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            response
        };
        match step {
            Step::Answer(status, headers, body) => {
                context.mark_sent();
                let mut response = answer(status, Content::from_bytes(body));
                for (name, value) in headers {
                    response.headers_mut().insert(*name, HeaderValue::from_static(value));
                }
                Ok(response)
            }
            Step::Lengthless(body) => {
                context.mark_sent();
                let whole = Content::from_bytes(body);
                Ok(answer(200, Content::new(None, whole)))
            }
            Step::LengthlessIdentity(body) => {
                let mut response = answer(200, Content::new(None, Content::from_bytes(body)));
                response.headers_mut().insert("transfer-encoding", HeaderValue::from_static("chunked, identity"));
                Ok(response)
            }
            Step::BrokenRefusal(status) => {
                context.mark_sent();
                Ok(answer(status, Content::new(Some(100), Ends(false))))
            }
            Step::Broken => {
                context.mark_sent();
                Ok(answer(200, Content::new(Some(100), Ends(false))))
            }
            Step::NotSent => Err(Failure::new(Delivery::NotSent, Kind::Unreachable, "refused")),
            Step::Untrusted => Err(Failure::new(Delivery::NotSent, Kind::Unreachable, "untrusted").permanent()),
            Step::Ambiguous => {
                context.mark_sent();
                Err(Failure::new(Delivery::MaybeSent, Kind::Unreachable, "reset"))
            }
            Step::HangBefore => std::future::pending().await,
            Step::HangAfter => {
                context.mark_sent();
                std::future::pending().await
            }
        }
    }
}

/// A status that the operation's document lists.
const fn documented(status: u16, kind: Kind) -> Refusal {
    Refusal::new(status, kind, "documented", Advice::DoNotRetry)
}

macro_rules! operation {
    ($name:ident, $safety:expr, $ambiguous:expr, $reply:expr) => {
        operation!($name, $safety, $ambiguous, $reply, documented(410, Kind::SigningCanceled));
    };
    ($name:ident, $safety:expr, $ambiguous:expr, $reply:expr, $refusal:expr) => {
        #[derive(Debug)]
        struct $name;
        identkit_wire::operation! {
            impl $name;
            meta: Meta::new("test", stringify!($name), Method::PUT, "/x", $safety, $ambiguous)
                .expect(&[200, 202])
                .body_mode($reply)
                .refusals(&[$refusal]),
            output: String, dialect: (),
            encode: |_, ()| Ok(Encoded::new(HeaderMap::new(), b"body".to_vec())),
            decode: |_, _, body, ()| {
                let bytes = match body {
                    Received::Whole(bytes) => bytes,
                    Received::Stream { head, .. } => head,
                };
                match std::str::from_utf8(&bytes) {
                    Ok("refused") => Err(Error::new(Kind::Rejected, "result: false")),
                    Ok(text) if text != "garbage" => Ok(text.to_owned().into()),
                    _ => Err(Error::new(Kind::Protocol, "unreadable")),
                }
            },
        }
    };
}

operation!(Read, RetrySafety::Safe, AmbiguityPolicy::Retry(3), BodyMode::Whole { cap: 100 });
operation!(Create, RetrySafety::Creating, AmbiguityPolicy::Never, BodyMode::Whole { cap: 100 });
operation!(
    CreateLimited,
    RetrySafety::Creating,
    AmbiguityPolicy::Never,
    BodyMode::Whole { cap: 100 },
    documented(429, Kind::RateLimited)
);
operation!(Delete, RetrySafety::IdempotentByEffect, AmbiguityPolicy::Retry(2), BodyMode::Whole { cap: 100 });
operation!(Text, RetrySafety::SideEffect, AmbiguityPolicy::Never, BodyMode::Whole { cap: 100 });
operation!(Cancel, RetrySafety::IdempotentByEffect, AmbiguityPolicy::Probe, BodyMode::Whole { cap: 100 });
operation!(Download, RetrySafety::Safe, AmbiguityPolicy::Never, BodyMode::Stream { cap: 100 });

/// A stream that is handed out.
#[derive(Debug)]
struct Opened(Content);

impl PartialEq for Opened {
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

macro_rules! special {
    ($name:ident, $output:ty, $safety:expr, $reply:expr, $encode:expr, $decode:expr) => {
        #[derive(Debug)]
        struct $name;
        identkit_wire::operation! {
            impl $name;
            meta: Meta::new("test", stringify!($name), Method::PUT, "/x", $safety, AmbiguityPolicy::Never)
                .body_mode($reply),
            output: $output, dialect: (),
            encode: |_, ()| {
                let body: Result<Body, Error> = $encode;
                Ok(Encoded::new(HeaderMap::new(), body?))
            },
            decode: |_, _, body, ()| {
                let decode: fn(Received) -> $output = $decode;
                Ok(decode(body).into())
            },
        }
    };
}

special!(Open, Opened, RetrySafety::Safe, BodyMode::Stream { cap: 1000 }, Ok(Body::empty()), |body| match body {
    Received::Stream { head, rest } => Opened(rest.preceded_by(head)),
    Received::Whole(bytes) => Opened(Content::from_bytes(bytes)),
});
special!(Long, (), RetrySafety::Creating, BodyMode::Whole { cap: 100 }, Ok(Body::from(vec![0; 10_000_000])), |_| ());
special!(
    Unsendable,
    (),
    RetrySafety::Creating,
    BodyMode::Whole { cap: 100 },
    Err(Error::new(Kind::InvalidInput, "a fault")),
    |_| ()
);

/// Begins a call and drops it once it waits for something.
async fn begin<T>(call: impl Future<Output = T>) {
    let mut call = pin!(call);
    let waits = std::future::poll_fn(|cx| std::task::Poll::Ready(call.as_mut().poll(cx).is_pending())).await;
    assert!(waits, "the call was over at once");
}

fn driver_with(auth: Arc<dyn Authenticator>, steps: Vec<Step>) -> (Driver<()>, Arc<Script>) {
    let script = Arc::new(Script { steps: Mutex::new(steps.into()), ..Script::default() });
    let base = BaseUrl::parse("http://127.0.0.1:1").unwrap();
    let quick = Policy::default().backoff(Duration::ZERO);
    let transport: Arc<dyn Transport> = Arc::clone(&script) as _;
    (Driver::new(transport, Arc::new(SystemClock::new()), auth, base, ()).with_policy(quick), script)
}

fn driver(steps: Vec<Step>) -> (Driver<()>, Arc<Script>) {
    driver_with(Arc::new(NoAuth), steps)
}

fn sent(script: &Script) -> usize {
    assert!(script.steps.lock().unwrap().is_empty(), "fewer requests than the script has steps");
    script.seen.lock().unwrap().len()
}

#[tokio::test]
async fn a_create_that_may_have_arrived_is_sent_once() {
    for step in [
        Step::Ambiguous,
        Step::Answer(500, &[], ""),
        Step::Answer(503, &[], "busy"),
        Step::Broken,
        Step::Answer(202, &[], "garbage"),
        Step::Answer(201, &[], "a success that the document does not list"),
    ] {
        let (driver, script) = driver(vec![step]);
        let error = driver.call(&Create, &CallOptions::new()).await.unwrap_err();
        assert_eq!((error.kind(), error.delivery()), (Kind::OutcomeUnknown, Some(Delivery::MaybeSent)), "{error}");
        assert_eq!(error.advice(), Advice::Reconcile);
        assert_eq!(sent(&script), 1);
    }
}

#[tokio::test]
async fn ai_02_a_refusal_in_an_answer_of_success_is_a_refusal() {
    let (driver, script) = driver(vec![Step::Answer(200, &[], "refused")]);
    let error = driver.call(&Create, &CallOptions::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (Kind::Rejected, Some(Delivery::Answered)));
    assert_eq!(sent(&script), 1);
}

#[tokio::test]
async fn a_create_that_was_not_sent_is_tried_again_on_fresh_connections() {
    let (driver, script) = driver(vec![Step::NotSent, Step::NotSent, Step::Answer(202, &[], "ok")]);
    let answered = driver.call(&Create, &CallOptions::new()).await.unwrap();
    assert_eq!((answered.value.as_str(), answered.attempts), ("ok", 3));
    assert!(script.seen.lock().unwrap().iter().all(|(_, fresh)| *fresh));
}

#[tokio::test]
async fn a_refusal_is_final_and_a_rate_limit_is_not() {
    for (status, kind) in
        [(400, Kind::Rejected), (404, Kind::NotFound), (410, Kind::SigningCanceled), (302, Kind::Protocol)]
    {
        let (driver, script) = driver(vec![Step::Answer(status, &[], "")]);
        let error = driver.call(&Create, &CallOptions::new()).await.unwrap_err();
        assert_eq!((error.kind(), error.status()), (kind, Some(status)));
        assert_eq!(sent(&script), 1);
    }
    let limited = || vec![Step::Answer(429, &[("retry-after", "0")], ""), Step::Answer(202, &[], "ok")];
    let (driver, _) = driver(limited());
    assert_eq!(driver.call(&Delete, &CallOptions::new()).await.unwrap().attempts, 2);
    let (driver, _) = self::driver(limited());
    assert_eq!(driver.call(&CreateLimited, &CallOptions::new()).await.unwrap().attempts, 2, "documented");
    let (driver, script) = self::driver(vec![Step::Answer(429, &[("retry-after", "0")], "")]);
    let error = driver.call(&Create, &CallOptions::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (Kind::RateLimited, Some(Delivery::Answered)));
    assert_eq!(sent(&script), 1, "a create whose document knows no 429 is not repeated on one");
}

#[tokio::test]
async fn a_refusal_that_broke_off_is_no_answer() {
    for status in [400, 401, 404] {
        let (driver, script) = driver(vec![Step::BrokenRefusal(status)]);
        let error = driver.call(&Create, &CallOptions::new()).await.unwrap_err();
        assert_eq!((error.kind(), error.delivery()), (Kind::OutcomeUnknown, Some(Delivery::MaybeSent)), "{status}");
        assert_eq!(sent(&script), 1);
    }
    let (driver, _) = driver(vec![Step::BrokenRefusal(404), Step::Answer(200, &[], "ok")]);
    assert_eq!(driver.call(&Read, &CallOptions::new()).await.unwrap().attempts, 2);
}

#[tokio::test]
async fn what_texts_a_person_is_never_repeated_once_answered() {
    let (driver, script) = driver(vec![Step::Answer(429, &[("retry-after", "0")], "")]);
    assert_eq!(driver.call(&Text, &CallOptions::new()).await.unwrap_err().kind(), Kind::RateLimited);
    assert_eq!(sent(&script), 1);
    let (driver, script) = self::driver(vec![Step::NotSent, Step::Answer(202, &[], "ok")]);
    driver.call(&Text, &CallOptions::new()).await.unwrap();
    assert_eq!(sent(&script), 2);
}

#[tokio::test]
async fn what_cannot_be_repeated_asks_for_a_fresh_connection() {
    for (fresh, expected) in [(Some(driver(vec![Step::Answer(200, &[], "ok")])), true), (None, false)] {
        let (driver, script) = fresh.unwrap_or_else(|| driver(vec![Step::Answer(200, &[], "ok")]));
        if expected {
            driver.call(&Cancel, &CallOptions::new()).await.unwrap();
        } else {
            driver.call(&Delete, &CallOptions::new()).await.unwrap();
        }
        assert_eq!(script.seen.lock().unwrap()[0].1, expected);
    }
}

#[tokio::test]
async fn a_create_uses_a_kept_connection_only_when_the_policy_says_so_and_is_sent_once_all_the_same() {
    let (driver, script) = driver(vec![Step::Ambiguous]);
    let driver = driver.with_policy(Policy::default().backoff(Duration::ZERO).fresh_connections(false));
    let error = driver.call(&Create, &CallOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::OutcomeUnknown);
    assert_eq!(sent(&script), 1);
    assert!(!script.seen.lock().unwrap()[0].1);
}

#[tokio::test]
async fn a_long_explanation_is_cut_and_not_lost() {
    let long: &'static str = Box::leak(format!("because {}", "x".repeat(200_000)).into_boxed_str());
    let (driver, _) = driver(vec![Step::Answer(400, &[], long)]);
    let error = driver.call(&Read, &CallOptions::new()).await.unwrap_err();
    assert!(error.vendor_text().unwrap().expose().starts_with("because xxx"));
}

#[tokio::test]
async fn a_long_retry_after_is_an_error_instead_of_a_wait() {
    let limited: [&[(&str, &str)]; 3] = [
        &[("retry-after", "121")],
        // More seconds than there are numbers for, and a day that is centuries away.
        &[("retry-after", "99999999999999999999999")],
        &[("retry-after", "Fri, 31 Dec 2399 23:59:59 GMT")],
    ];
    for headers in limited {
        let (driver, script) = driver(vec![Step::Answer(429, headers, "")]);
        assert_eq!(driver.call(&Read, &CallOptions::new()).await.unwrap_err().kind(), Kind::RateLimited);
        assert_eq!(sent(&script), 1, "{headers:?}");
    }
}

#[tokio::test]
async fn a_retry_after_that_is_over_or_unreadable_leaves_the_wait_to_the_backoff() {
    let limited: [&[(&str, &str)]; 3] =
        [&[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")], &[("retry-after", "soon")], &[("retry-after", "-1")]];
    for headers in limited {
        let (driver, script) = driver(vec![Step::Answer(429, headers, ""), Step::Answer(200, &[], "ok")]);
        assert_eq!(driver.call(&Read, &CallOptions::new()).await.unwrap().attempts, 2);
        assert_eq!(sent(&script), 2, "{headers:?}");
    }
}

#[tokio::test]
async fn reads_are_repeated_as_often_as_their_operation_says() {
    let (driver, script) = driver(vec![Step::Ambiguous, Step::Broken, Step::Answer(500, &[], "")]);
    let error = driver.call(&Read, &CallOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
    assert_eq!(sent(&script), 3);
    let (driver, script) = self::driver(vec![Step::Ambiguous, Step::Answer(200, &[], "ok")]);
    assert_eq!(driver.call(&Delete, &CallOptions::new()).await.unwrap().attempts, 2);
    assert_eq!(sent(&script), 2);
    let (driver, script) = self::driver(vec![Step::Ambiguous]);
    driver.call(&Read, &CallOptions::new().attempts(1)).await.unwrap_err();
    assert_eq!(sent(&script), 1);
}

#[tokio::test]
async fn what_an_earlier_try_may_have_done_is_not_forgotten() {
    let twice = CallOptions::new().attempts(2);
    let (driver, script) = driver(vec![Step::Ambiguous, Step::NotSent]);
    let error = driver.call(&Delete, &twice).await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (Kind::Unreachable, Some(Delivery::MaybeSent)));
    assert_eq!(sent(&script), 2);
    let (driver, _) = self::driver(vec![Step::Ambiguous, Step::Answer(404, &[], "")]);
    let error = driver.call(&Delete, &twice).await.unwrap_err();
    assert_eq!((error.kind(), error.advice()), (Kind::NotFound, Advice::Reconcile));
    assert!(error.to_string().contains("an earlier try"), "{error}");
    // The first try was refused or never left: nothing is in doubt.
    let (driver, _) = self::driver(vec![Step::NotSent, Step::Answer(404, &[], "")]);
    assert_eq!(driver.call(&Delete, &twice).await.unwrap_err().advice(), Advice::DoNotRetry);
    let (driver, _) = self::driver(vec![Step::Ambiguous, Step::NotSent]);
    assert_eq!(
        driver.call(&Read, &twice).await.unwrap_err().delivery(),
        Some(Delivery::NotSent),
        "a read changes nothing"
    );
}

#[tokio::test]
async fn what_cannot_change_is_not_tried_again() {
    let (driver, script) = driver(vec![Step::Untrusted]);
    let error = driver.call(&Read, &CallOptions::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.advice()), (Kind::Unreachable, Advice::CheckConnection));
    assert_eq!(sent(&script), 1);
}

#[tokio::test]
async fn a_deadline_knows_whether_anything_was_sent() {
    let short = CallOptions::new().timeout(Duration::from_millis(20));
    let (driver, _) = driver(vec![Step::HangBefore]);
    let error = driver.call(&Create, &short).await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (Kind::Timeout, Some(Delivery::NotSent)));
    let (driver, _) = self::driver(vec![Step::HangAfter]);
    let error = driver.call(&Create, &short).await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (Kind::OutcomeUnknown, Some(Delivery::MaybeSent)));
    let (driver, _) = self::driver(vec![Step::HangAfter]);
    assert_eq!(driver.call(&Read, &short).await.unwrap_err().kind(), Kind::Timeout);
}

#[tokio::test]
async fn an_answer_without_a_length_is_never_a_whole_binary() {
    let (driver, _) = driver(vec![Step::Lengthless("%PDF-")]);
    assert_eq!(driver.call(&Download, &CallOptions::new()).await.unwrap_err().kind(), Kind::Integrity);
    let (driver, _) = self::driver(vec![Step::LengthlessIdentity("%PDF-")]);
    assert_eq!(driver.call(&Download, &CallOptions::new()).await.unwrap_err().kind(), Kind::Integrity);
    let (driver, _) = self::driver(vec![Step::Answer(200, &[("content-encoding", "gzip")], "x")]);
    assert_eq!(driver.call(&Download, &CallOptions::new()).await.unwrap_err().kind(), Kind::Protocol);
}

#[tokio::test]
async fn answers_longer_than_their_cap_are_refused() {
    let long: &'static str = Box::leak("x".repeat(101).into_boxed_str());
    let (driver, _) = driver(vec![Step::Answer(200, &[], long)]);
    assert_eq!(driver.call(&Read, &CallOptions::new()).await.unwrap_err().kind(), Kind::Protocol);
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
    async fn renew(&self, seen: Option<Generation>) -> Result<Generation, Error> {
        let mut now = self.0.lock().unwrap();
        if seen.is_none_or(|seen| seen.0 == *now) {
            *now += 1;
        }
        Ok(Generation(*now))
    }
}

#[tokio::test]
async fn a_401_is_answered_by_new_credentials_once() {
    let (driver, script) =
        driver_with(Arc::<Sessions>::default(), vec![Step::Answer(401, &[], ""), Step::Answer(202, &[], "ok")]);
    let answered = driver.call(&Create, &CallOptions::new()).await.unwrap();
    assert_eq!(answered.attempts, 1, "a refused token is no failed attempt");
    let tokens: Vec<_> = script.seen.lock().unwrap().iter().map(|(token, _)| token.clone().unwrap()).collect();
    assert_eq!(tokens, ["1", "2"]);

    let (driver, script) =
        driver_with(Arc::<Sessions>::default(), vec![Step::Answer(401, &[], ""), Step::Answer(401, &[], "")]);
    assert_eq!(driver.call(&Read, &CallOptions::new()).await.unwrap_err().kind(), Kind::Authentication);
    assert_eq!(sent(&script), 2);
}
