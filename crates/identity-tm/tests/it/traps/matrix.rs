//! The matrix of the contract's chapter 4: every code of every form of every call.

use std::collections::BTreeSet;

use identkit_conformance::mock_server::VirtualClock;
use identkit_core::{Clock, Instant};

use super::*;

/// What a call answers with, whatever the operation. `drain` before a name is the form without a period.
async fn call(client: &IdentityTm, name: &str) -> Error {
    fault(tried(client, name, options()).await)
}

async fn tried(client: &IdentityTm, name: &str, options: CallOptions) -> Result<(), Error> {
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
        "cancelOrder" => client.cancel_order(&id, &options).await,
        "requestSign" => client.request_sign(&id, &options).await.map(drop),
        "confirmSign" => client.confirm_sign(&id, &Secret::new("123456"), &options).await.map(drop),
        "requestResendSignTan" => client.resend_tan(&id, &options).await.map(drop),
        "serverStatus" => client.server_status(&options).await.map(drop),
        "getBankList" => client.banks(&options).await.map(drop),
        "checkSignmeUser" => client.signme_user(&"e.mustermann@example.com".into(), &options).await.map(drop),
        other => panic!("{other} is no operation of this crate"),
    }
}

const DRAINS: &[&str] = &["drain getAllStatus", "drain getAllStatus/ExtendedList"];

/// Each of them texts a person or burns a try.
const SIGNING: &[&str] = &["requestSign", "confirmSign", "requestResendSignTan"];

/// What changes something once, and cannot be taken back.
const ONCE: &[&str] = &["putOrder", "cancelOrder", "getVideoFileBinaryAsync"];

/// The documented error codes of every operation of this crate, contract, chapter 4: call, status, kind, advice, and a
/// part of what the error says. No code is documented for a wrong TAN (AT-54).
fn matrix() -> Vec<(&'static str, u16, &'static str, &'static str, &'static str)> {
    let rows = include_str!("matrix.tsv").lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
    rows.map(|row| (row[0], row[1].parse().unwrap(), row[2], row[3], row[4])).collect()
}

/// What the operations say of themselves: name with method and path, and the documented codes.
#[derive(Default)]
struct Described {
    forms: BTreeSet<(&'static str, String)>,
    codes: Vec<(&'static str, u16)>,
}

impl EachOperation for Described {
    fn with<Op: ServedOperation<Dialect = Dialect>>(&mut self, _: Op) {
        let path = Op::META.path.replace("{OrderID}", ORDER);
        self.forms.insert((Op::META.name, format!("{} {path}", Op::META.method)));
        self.codes.extend(Op::META.refusals.iter().map(|refusal| (Op::META.name, refusal.status)));
    }
}

fn described() -> Described {
    let mut described = Described::default();
    each_operation(&mut described);
    assert_eq!(described.forms.len(), 23);
    described
}

/// Method and path of each operation stand in the snapshots of `operations.rs` too.
#[tokio::test]
async fn all_23_forms_of_the_calls_go_out_with_their_method_and_path_and_credentials() {
    for (name, expected) in described().forms {
        let client = client([reply(400, "")]);
        call(&client, name).await;
        assert_eq!(client.calls(), [expected]);
        let sent = client.sent();
        assert!(sent[0].headers.contains_key("authorization"), "{name}");
        assert_eq!(sent[0].headers["content-type"], "application/json", "{name}");
    }
}

#[test]
fn the_matrix_names_every_documented_code_of_the_descriptions() {
    let mut described = described().codes;
    // 500 means for serverStatus what it means anywhere.
    described.push(("serverStatus", 500));
    let named = |name: &'static str| name.strip_prefix("drain ").unwrap_or(name);
    let mut tested: Vec<_> = matrix().into_iter().map(|(name, status, ..)| (named(name), status)).collect();
    described.sort_unstable();
    tested.sort_unstable();
    assert_eq!(tested, described);
}

/// The good answer of every form: contract, chapter 4, first column.
#[tokio::test]
async fn the_documented_success_of_every_form_is_one_and_another_2xx_is_none() {
    let body = |name: &str| match name {
        "putOrder" => r#"{"OrderID":"99921269855041"}"#.to_owned(),
        "getESignHash" => r#"{"Hashes":[{"a.pdf":"c2ln"}]}"#.to_owned(),
        "getIdentDataPDF" | "getESignPDF" => String::from_utf8_lossy(PDF).into_owned(),
        "getIdentData/Signed" => "c2VhbGVk".to_owned(),
        "getAllStatus" | "getAllStatus/ExtendedList" | "getBankList" => "[]".to_owned(),
        _ => "{}".to_owned(),
    };
    for (name, _) in described().forms {
        let accepted = ["putOrder", "delIdentdata", "cancelOrder"].contains(&name) || SIGNING.contains(&name);
        let (good, other) = if accepted { (202, 200) } else { (200, 202) };
        let told = |status| Step::Answer(answer(status, "application/octet-stream", body(name)));
        tried(&client([told(good)]), name, options()).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        // Whether a cancellation was carried out is then read from the status.
        let status = (name == "cancelOrder").then(|| reply(200, "{}"));
        let error = call(&client([told(other)].into_iter().chain(status)), name).await;
        let unknown = accepted || name == "getVideoFileBinaryAsync";
        let kind = if unknown { Kind::OutcomeUnknown } else { Kind::Protocol };
        assert_eq!(error.kind(), kind, "{name}: {error}");
    }
}

/// Each is final, whatever it asks for: another try of a TAN would count (AT-54).
#[tokio::test]
async fn at_54_at_55_every_documented_code_has_its_kind_and_is_final() {
    for (name, status, kind, advice, says) in matrix() {
        let told = json_answer(status, r#"{"Error":"Mustermann"}"#).header("retry-after", "0");
        let error = fault(tried(&client([Step::Answer(told)]), name, options().attempts(9)).await);
        let shown = (format!("{:?}", error.kind()), format!("{:?}", error.advice()), error.status());
        assert_eq!(shown, (kind.to_owned(), advice.to_owned(), Some(status)), "{name} {status}");
        let operation = name.strip_prefix("drain ").unwrap_or(name);
        assert_eq!((error.operation(), error.delivery()), (Some(operation), Some(Delivery::Answered)), "{name}");
        assert_eq!(error.vendor_text().unwrap().expose(), "Mustermann");
        assert!(error.detail().contains(says), "{name} {status}: {error}");
    }
}

#[tokio::test]
async fn codes_that_are_not_documented_have_a_kind_of_their_own_too() {
    for (status, kind, advice) in [
        (403, Kind::Forbidden, Advice::DoNotRetry),
        (405, Kind::Rejected, Advice::DoNotRetry),
        (409, Kind::Conflict, Advice::DoNotRetry),
        (413, Kind::Rejected, Advice::DoNotRetry),
        (415, Kind::Rejected, Advice::DoNotRetry),
    ] {
        for (name, _) in described().forms.iter().filter(|(name, _)| status != 409 || *name != "confirmSign") {
            let error = call(&client([reply(status, "")]), name).await;
            assert_eq!((error.kind(), error.advice()), (kind, advice), "{name} {status}");
        }
    }
}

#[tokio::test]
async fn at_54_reads_and_the_delete_are_repeated_while_the_vendor_is_down_or_busy() {
    let forms = described().forms;
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

/// Everything after which nobody knows what the vendor did.
fn ambiguous() -> Vec<Step> {
    let mut steps = vec![Step::Reset, Step::Hang];
    steps.extend([500, 502, 503, 504].map(|status| Step::Answer(json_answer(status, "").header("retry-after", "0"))));
    steps
}

fn impatient() -> CallOptions {
    options().attempts(9).timeout(Duration::from_millis(40))
}

/// What places an order, texts a person, burns a try or marks as reported.
#[tokio::test]
async fn at_77_what_cannot_be_taken_back_is_sent_once() {
    let names = SIGNING.iter().chain(DRAINS).chain(&["putOrder"]);
    let cases = names.flat_map(|name| ambiguous().into_iter().map(move |step| (*name, step)));
    for (name, step) in cases.chain([("putOrder", truncated())]) {
        let error = fault(tried(&client([step.clone()]), name, impatient()).await);
        assert_eq!(error.kind(), Kind::OutcomeUnknown, "{name} {step:?}: {error}");
        assert_eq!((error.advice(), error.delivery()), (Advice::Reconcile, Some(Delivery::MaybeSent)), "{name}");
    }
    // It is tried again only when it was proved not to have been sent, and not after a refusal either.
    for (names, status, body) in
        [(SIGNING, 202, ""), (DRAINS, 304, ""), (&["putOrder"], 202, r#"{"OrderID":"99921269855041"}"#)]
    {
        for name in names {
            tried(&client([Step::NotSent, reply(status, body)]), name, options()).await.unwrap();
        }
    }
    for name in ["requestSign", "requestResendSignTan"] {
        let limited = Step::Answer(json_answer(429, "").header("retry-after", "0"));
        assert_eq!(call(&client([limited]), name).await.kind(), Kind::RateLimited, "{name}");
    }
}

#[tokio::test]
async fn a_video_is_asked_for_twice_at_most() {
    for step in [Step::Reset, reply(500, ""), reply(503, "")] {
        let client = client([step.clone(), step.clone()]);
        let error = client.request_video(&id(), &callback(), &options().attempts(9)).await.unwrap_err();
        assert!(matches!(error.kind(), Kind::Unreachable | Kind::Unavailable), "{error}");
    }
    // The time is for all attempts.
    let error = client([Step::Hang]).request_video(&id(), &callback(), &impatient()).await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (Kind::Timeout, Some(Delivery::MaybeSent)));
}

/// After this the status is all that tells what became of a cancellation.
#[tokio::test]
async fn a_cancellation_without_an_answer_is_sent_once_and_then_read_from_the_status() {
    let status = |kinds: &str| reply(200, format!(r#"{{"Status":[{kinds}]}}"#));
    let paths = [format!("POST /cancelOrder/{ORDER}"), format!("GET /getStatus/{ORDER}/ExtendedList")];
    for step in ambiguous().into_iter().filter(|step| !matches!(step, Step::Hang)) {
        for (second, cancelled) in [
            (status(r#"{"Kind":25},{"Kind":63}"#), true),
            (status(r#"{"Kind":22},{"Kind":25}"#), true),
            (status(r#"{"Kind":63},{"Kind":22}"#), true),
            (status(r#"{"Kind":25}"#), false),
            // The appointment was, not the order.
            (status(r#"{"Kind":64}"#), false),
            (status(""), false),
            (reply(404, ""), false),
            (reply(200, "no JSON"), false),
        ] {
            let client = client([step.clone(), second.clone()]);
            let told = client.cancel_order(&id(), &options().attempts(9)).await;
            assert_eq!(told.is_ok(), cancelled, "{second:?}");
            if let Err(error) = told {
                let seen = (error.kind(), error.operation(), error.delivery());
                assert_eq!(seen, (Kind::OutcomeUnknown, Some("cancelOrder"), Some(Delivery::MaybeSent)), "{second:?}");
            }
            assert_eq!(client.calls(), paths, "{step:?} {second:?}");
        }
    }
    // One that was never sent asks for no status.
    assert_eq!(call(&client(vec![Step::NotSent; 4]), "cancelOrder").await.kind(), Kind::Unreachable);
}

/// Remembers until when each request might be answered. A cancellation never is, a page of the feed after 5 seconds.
#[derive(Debug)]
struct Deadlines {
    seen: Mutex<Vec<Instant>>,
    clock: VirtualClock,
}

#[async_trait]
impl Transport for Deadlines {
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        context.mark_sent();
        self.seen.lock().unwrap().push(context.deadline());
        if request.uri().path().contains("/cancelOrder/") {
            std::future::pending::<()>().await;
        }
        if request.uri().path().contains("/getAllStatus/") {
            let later = self.clock.now().plus(Duration::from_secs(5));
            drop(self.clock.sleep_until(later).await);
            return Ok(Response::new(Content::from_bytes("[]")));
        }
        Ok(Response::new(Content::from_bytes(r#"{"Status":[{"Kind":63}]}"#)))
    }
}

/// What becomes of a call while a minute passes, and the seconds by which each of its requests had to be answered.
async fn deadlines<T>(call: impl AsyncFnOnce(&IdentityTm) -> T) -> (T, Vec<u64>) {
    let clock = VirtualClock::new(jiff::Timestamp::UNIX_EPOCH);
    let transport = Arc::new(Deadlines { seen: Mutex::default(), clock: clock.clone() });
    let builder = IdentityTm::builder(Credentials::new("4711", Secret::new("code")));
    let client = builder.transport(Arc::clone(&transport) as _).clock(Arc::new(clock)).build().unwrap();
    let time = async {
        transport.clock.advance(Duration::from_secs(60)).await;
        std::future::pending::<()>().await;
    };
    let told = tokio::select! {
        biased;
        told = call(&client) => told,
        () = time => panic!("time has no end"),
    };
    let seen = transport.seen.lock().unwrap().iter().map(|deadline| deadline.0.as_secs()).collect();
    (told, seen)
}

#[tokio::test]
async fn all_requests_of_one_call_have_one_deadline() {
    let limited = |seconds| options().timeout(Duration::from_secs(seconds));
    // A cancellation in time-out, and the status that is read then.
    for (options, whole) in [(limited(20), 20), (options(), 60)] {
        let (told, deadlines) = deadlines(async |client| client.cancel_order(&id(), &options).await).await;
        told.unwrap();
        assert_eq!(deadlines, [whole / 4 * 3, whole]);
    }
    // All pages that one call of the port reads.
    let window = Window { begin: jiff::Timestamp::UNIX_EPOCH, end: jiff::Timestamp::UNIX_EPOCH };
    let (told, deadlines) = deadlines(async |client| client.changes(window, None, &limited(20)).await).await;
    assert!(told.unwrap().next.is_none());
    assert_eq!(deadlines, [20, 20]);
}
