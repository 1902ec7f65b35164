//! The matrix of the contract's chapter 4: every status code of every form of every call.

use std::collections::BTreeSet;

use identkit_conformance::mock_server::VirtualClock;
use identkit_core::{Clock, Instant};

use super::*;

/// Returns the error of a call by name. `drain` before a name means the form without a period.
async fn call(client: &IdentityTm, name: &str) -> Error {
    error_of(attempt(client, name, options()).await)
}

async fn attempt(client: &IdentityTm, name: &str, options: CallOptions) -> Result<(), Error> {
    let id = id();
    match name {
        "putOrder" => client.put_order(&plain_order(), &options).await.map(drop),
        "getStatus" => client.status_general(&id, &options).await.map(drop),
        "getStatus/ExtendedList" => client.status(&id, &options).await.map(drop),
        "getIdentData" => client.ident_data(&id, &options).await.map(drop),
        "getIdentData/IncludeInitialData" => client.ident_data_with_initial(&id, &options).await.map(drop),
        "getIdentData/IncludeIdentifyMethod" => client.ident_data_with_method(&id, &options).await.map(drop),
        "getIdentData/Signed" => client.ident_data_signed(&id, &options).await.map(drop),
        "getIdentDataPDF" => client.ident_data_pdf(&id, &options).await.map(drop),
        "getESignPDF" => client.signed_pdfs(&id, &options).await.map(drop),
        "getESignHash" => client.signed_hashes(&id, &options).await.map(drop),
        "getVideoFileBinaryAsync" => client.request_video(&id, &callback(), &options).await.map(drop),
        "getVideoFileBinary" => client.video(&VideoReady::force(id), &options).await.map(drop),
        "getVoiceFiles" => client.voice_files(&id, &options).await.map(drop),
        "delIdentdata" => client.delete_ident_data(&id, &options).await.map(drop),
        "getAllStatus" => client.call(&GetAllStatus::new(period()), &options).await.map(drop),
        "getAllStatus/ExtendedList" => client.call(&GetAllStatusExtended::new(period()), &options).await.map(drop),
        "drain getAllStatus" => client.call(&DrainUnreported, &options).await.map(drop),
        "drain getAllStatus/ExtendedList" => client.drain_unreported(&options).await.map(drop),
        "cancelOrder" => client.cancel_order(&id, &options).await.map(drop),
        "requestSign" => client.request_sign(&id, &options).await.map(drop),
        "confirmSign" => client.confirm_sign(&id, &Secret::new("123456"), &options).await.map(drop),
        "requestResendSignTan" => client.resend_tan(&id, &options).await.map(drop),
        "serverStatus" => client.server_status(&options).await.map(drop),
        "getBankList" => client.banks(&options).await.map(drop),
        "checkSignmeUser" => client.signme_user(&"e.mustermann@example.com".into(), &options).await.map(drop),
        other => panic!("{other} is not an operation of this crate"),
    }
}

const DRAINS: &[&str] = &["drain getAllStatus", "drain getAllStatus/ExtendedList"];

/// Calls that text the person or use up an attempt.
const SIGNING: &[&str] = &["requestSign", "confirmSign", "requestResendSignTan"];

/// Other calls that are not retried without limit.
const ONCE: &[&str] = &["putOrder", "cancelOrder", "getVideoFileBinaryAsync"];

/// Returns the documented error codes of every operation (contract, chapter 4): call, status, kind, advice, part of the
/// error text. No code is documented for a wrong TAN (AT-54).
fn matrix() -> Vec<(&'static str, u16, &'static str, &'static str, &'static str)> {
    let rows = include_str!("matrix.tsv").lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
    rows.map(|row| (row[0], row[1].parse().unwrap(), row[2], row[3], row[4])).collect()
}

/// Metadata of the operations: name with method and path, and the documented codes.
#[derive(Default)]
struct Metadata {
    forms: BTreeSet<(&'static str, String)>,
    codes: Vec<(&'static str, u16)>,
}

impl EachOperation for Metadata {
    fn with<Op: ServedOperation<Dialect = Dialect>>(&mut self, _: Op) {
        let path = Op::META.path.replace("{OrderID}", ORDER);
        self.forms.insert((Op::META.name, format!("{} {path}", Op::META.method)));
        self.codes.extend(Op::META.refusals.iter().map(|refusal| (Op::META.name, refusal.status)));
    }
}

fn metadata() -> Metadata {
    let mut metadata = Metadata::default();
    each_operation(&mut metadata);
    assert_eq!(metadata.forms.len(), 23);
    metadata
}

/// Method and path of each operation are in the snapshots of `operations.rs` too.
#[tokio::test]
async fn all_23_calls_send_their_method_path_and_credentials() {
    for (name, expected) in metadata().forms {
        let client = client([reply(400, "")]);
        call(&client, name).await;
        assert_eq!(client.calls(), [expected]);
        let sent = client.sent();
        assert!(sent[0].headers.contains_key("authorization"), "{name}");
        assert_eq!(sent[0].headers["content-type"], "application/json", "{name}");
    }
}

#[test]
fn the_matrix_has_every_documented_status() {
    let mut metadata = metadata().codes;
    // 500 has no special meaning for serverStatus, so it is not in the metadata.
    metadata.push(("serverStatus", 500));
    let named = |name: &'static str| name.strip_prefix("drain ").unwrap_or(name);
    let mut tested: Vec<_> = matrix().into_iter().map(|(name, status, ..)| (named(name), status)).collect();
    metadata.sort_unstable();
    tested.sort_unstable();
    assert_eq!(tested, metadata);
}

/// A gateway in front of the vendor does not know the order.
#[tokio::test]
async fn at_54_at_55_a_page_says_nothing_about_the_order() {
    let decisive = |kind: &str| matches!(kind, "InvalidState" | "TanRejected" | "SigningCanceled");
    for (name, status, ..) in matrix().into_iter().filter(|(_, _, kind, ..)| decisive(kind)) {
        let page = Step::Answer(answer(status, "text/html", "<html><h1>Too many requests</h1></html>"));
        let error = error_of(attempt(&client([page]), name, options()).await);
        assert!(!decisive(&format!("{:?}", error.kind())), "{name} {status}: {error}");
    }
}

/// None is retried: another attempt with a TAN would count (AT-54).
#[tokio::test]
async fn at_54_at_55_documented_errors_have_a_kind_and_no_retry() {
    for (name, status, kind, advice, says) in matrix() {
        let response = json_answer(status, r#"{"Error":"Mustermann"}"#).header("retry-after", "0");
        let error = error_of(attempt(&client([Step::Answer(response)]), name, options().attempts(9)).await);
        let shown = (format!("{:?}", error.kind()), format!("{:?}", error.advice()), error.status());
        assert_eq!(shown, (kind.to_owned(), advice.to_owned(), Some(status)), "{name} {status}");
        let operation = name.strip_prefix("drain ").unwrap_or(name);
        assert_eq!((error.operation(), error.delivery()), (Some(operation), Some(Delivery::Answered)), "{name}");
        assert_eq!(error.vendor_text().unwrap().expose(), "Mustermann");
        assert!(error.detail().contains(says), "{name} {status}: {error}");
    }
}

#[tokio::test]
async fn undocumented_error_statuses_have_a_kind() {
    for (status, kind) in [(403, Kind::Forbidden), (405, Kind::Rejected), (413, Kind::Rejected), (415, Kind::Rejected)]
    {
        for (name, _) in metadata().forms {
            let error = call(&client([reply(status, "")]), name).await;
            assert_eq!((error.kind(), error.advice()), (kind, Advice::DoNotRetry), "{name} {status}");
            assert!(
                error.detail().contains("https://customer.identity.tm/api/2.10/"),
                "{error}: a prefix can be missing"
            );
        }
    }
}

#[tokio::test]
async fn at_54_reads_and_delete_are_retried_on_5xx_and_429() {
    let forms = metadata().forms;
    let repeated = |name: &&str| !SIGNING.contains(name) && !ONCE.contains(name) && *name != "serverStatus";
    let names: Vec<_> = forms.iter().map(|(name, _)| *name).filter(repeated).collect();
    assert_eq!(names.len(), 16);
    for name in names {
        for (status, kind) in [(500, Kind::Unavailable), (503, Kind::Unavailable), (429, Kind::RateLimited)] {
            let error = call(&client(vec![reply(status, ""); 4]), name).await;
            assert_eq!((error.kind(), error.advice()), (kind, Advice::RetryLater), "{name} {status}");
        }
    }
}

/// Failures after which the outcome at the vendor is unknown.
fn ambiguous() -> Vec<Step> {
    let mut steps = vec![Step::Reset, Step::Hang];
    steps.extend([500, 502, 503, 504].map(|status| Step::Answer(json_answer(status, "").header("retry-after", "0"))));
    steps
}

fn short_timeout() -> CallOptions {
    options().attempts(9).timeout(Duration::from_millis(40))
}

/// Calls that place an order, text the person, use up an attempt or mark statuses as reported.
#[tokio::test]
async fn at_77_irreversible_calls_are_sent_once() {
    let names = SIGNING.iter().chain(DRAINS).chain(&["putOrder"]);
    let cases = names.flat_map(|name| ambiguous().into_iter().map(move |step| (*name, step)));
    for (name, step) in cases.chain([("putOrder", truncated())]) {
        let error = error_of(attempt(&client([step.clone()]), name, short_timeout()).await);
        assert_eq!(error.kind(), Kind::OutcomeUnknown, "{name} {step:?}: {error}");
        assert_eq!((error.advice(), error.delivery()), (Advice::Reconcile, Some(Delivery::MaybeSent)), "{name}");
    }
    // They are retried only if the request was not sent, and not after an error status either.
    for (names, status, body) in
        [(SIGNING, 202, ""), (DRAINS, 304, ""), (&["putOrder"], 202, r#"{"OrderID":"99921269855041"}"#)]
    {
        for name in names {
            attempt(&client([Step::NotSent, reply(status, body)]), name, options()).await.unwrap();
        }
    }
    for name in ["requestSign", "requestResendSignTan"] {
        let limited = Step::Answer(json_answer(429, "").header("retry-after", "0"));
        assert_eq!(call(&client([limited]), name).await.kind(), Kind::OutcomeUnknown, "{name}");
    }
}

#[tokio::test]
async fn a_video_request_is_sent_at_most_twice() {
    for step in [Step::Reset, reply(500, ""), reply(503, "")] {
        let client = client([step.clone(), step.clone()]);
        let error = client.request_video(&id(), &callback(), &options().attempts(9)).await.unwrap_err();
        assert!(matches!(error.kind(), Kind::Unreachable | Kind::Unavailable), "{error}");
    }
    // The timeout covers all attempts.
    let error = client([Step::Hang]).request_video(&id(), &callback(), &short_timeout()).await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (Kind::Timeout, Some(Delivery::MaybeSent)));
}

/// After an ambiguous failure only the status shows whether the order was canceled.
#[tokio::test]
async fn an_unanswered_cancellation_is_read_from_the_status() {
    let status = |kinds: &str| reply(200, format!(r#"{{"OrderID":"{ORDER}","Status":[{kinds}]}}"#));
    let paths = [format!("POST /cancelOrder/{ORDER}"), format!("GET /getStatus/{ORDER}/ExtendedList")];
    for step in ambiguous().into_iter().filter(|step| !matches!(step, Step::Hang)) {
        for (second, canceled) in [
            (status(r#"{"Kind":25},{"Kind":63}"#), true),
            (status(r#"{"Kind":22},{"Kind":25}"#), true),
            (status(r#"{"Kind":63},{"Kind":22}"#), true),
            (status(r#"{"Kind":25}"#), false),
            // The appointment was canceled, not the order.
            (status(r#"{"Kind":64}"#), false),
            (status(""), false),
            // It may be about another order (AT-24).
            (reply(200, r#"{"Status":[{"Kind":63}]}"#), false),
            (reply(404, ""), false),
            (reply(200, "no JSON"), false),
        ] {
            let client = client([step.clone(), second.clone()]);
            let result = client.cancel_order(&id(), &options().attempts(9)).await;
            assert_eq!(result.is_ok(), canceled, "{second:?}");
            if let Err(error) = result {
                let actual = (error.kind(), error.operation(), error.delivery());
                assert_eq!(
                    actual,
                    (Kind::OutcomeUnknown, Some("cancelOrder"), Some(Delivery::MaybeSent)),
                    "{second:?}"
                );
            }
            assert_eq!(client.calls(), paths, "{step:?} {second:?}");
        }
    }
    // If the request was never sent, the status is not read.
    assert_eq!(call(&client(vec![Step::NotSent; 4]), "cancelOrder").await.kind(), Kind::Unreachable);
}

/// Records the deadline of each request. Never responds to a cancellation, and to a page of the feed after 5 seconds.
#[derive(Debug)]
struct Deadlines {
    deadlines: Mutex<Vec<Instant>>,
    clock: VirtualClock,
}

#[async_trait]
impl Transport for Deadlines {
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        context.mark_sent();
        self.deadlines.lock().unwrap().push(context.deadline());
        if request.uri().path().contains("/cancelOrder/") {
            std::future::pending::<()>().await;
        }
        if request.uri().path().contains("/getAllStatus/") {
            let later = self.clock.now().plus(Duration::from_secs(5));
            drop(self.clock.sleep_until(later).await);
            return Ok(Response::new(Content::from_bytes("[]")));
        }
        Ok(Response::new(Content::from_bytes(format!(r#"{{"OrderID":"{ORDER}","Status":[{{"Kind":63}}]}}"#))))
    }
}

/// Runs a call while a minute passes. Returns its result and the deadline of each request in seconds.
async fn deadlines<T>(call: impl AsyncFnOnce(&IdentityTm) -> T) -> (T, Vec<u64>) {
    let clock = VirtualClock::new(jiff::Timestamp::UNIX_EPOCH);
    let transport = Arc::new(Deadlines { deadlines: Mutex::default(), clock: clock.clone() });
    let builder = IdentityTm::builder(Credentials::new("4711", Secret::new("code")));
    let client = builder.transport(Arc::clone(&transport) as _).clock(Arc::new(clock)).build().unwrap();
    let time = async {
        transport.clock.advance(Duration::from_secs(60)).await;
        std::future::pending::<()>().await;
    };
    let result = tokio::select! {
        biased;
        result = call(&client) => result,
        () = time => panic!("the clock task does not end"),
    };
    let deadlines = transport.deadlines.lock().unwrap().iter().map(|deadline| deadline.0.as_secs()).collect();
    (result, deadlines)
}

#[tokio::test]
async fn all_requests_of_one_call_have_one_deadline() {
    let limited = |seconds| options().timeout(Duration::from_secs(seconds));
    // A cancellation that times out, and the status that is read then.
    for (options, whole) in [(limited(20), 20), (options(), 60)] {
        let (result, deadlines) = deadlines(async |client| client.cancel_order(&id(), &options).await).await;
        result.unwrap();
        assert_eq!(deadlines, [whole / 4 * 3, whole]);
    }
    // All pages of one call of the port.
    let window = Window { begin: jiff::Timestamp::UNIX_EPOCH, end: jiff::Timestamp::UNIX_EPOCH };
    let (result, deadlines) = deadlines(async |client| client.changes(window, None, &limited(20)).await).await;
    assert!(result.unwrap().next.is_none());
    assert_eq!(deadlines, [20, 20]);
}
