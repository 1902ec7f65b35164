//! The matrix of the contract's chapter 4: every code of every form of every call.

use std::sync::Mutex;

use http::{Request, Response};
use identkit_conformance::mock_server::VirtualClock;
use identkit_core::{Clock, Content, Instant, Window, async_trait};
use identkit_transport::{AttemptContext, Failure, Transport};
use identkit_wire::Body;

use super::*;

/// What a call answers with, whatever the operation. `drain` before a name is the form without a period.
async fn call(client: &IdentityTm, name: &str) -> Error {
    tried(client, name, options()).await.unwrap_err()
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

const READS: &[&str] = &[
    "getStatus",
    "getStatus/ExtendedList",
    "getIdentData",
    "getIdentData/IncludeInitialData",
    "getIdentData/IncludeIdentifyMethod",
    "getIdentData/Signed",
    "getIdentDataPDF",
    "getESignPDF",
    "getESignHash",
    "getVideoFileBinary",
    "getVoiceFiles",
];

/// Reads that name no order: 404 is not among their codes.
const QUERIES: &[&str] = &["getAllStatus", "getAllStatus/ExtendedList", "getBankList", "checkSignmeUser"];

const DRAINS: &[&str] = &["drain getAllStatus", "drain getAllStatus/ExtendedList"];

/// Each of them texts a person or burns a try.
const SIGNING: &[&str] = &["requestSign", "confirmSign", "requestResendSignTan"];

/// The documented error codes of every operation of this crate: contract, chapter 4.
fn matrix() -> Vec<(&'static str, u16, Kind, Advice)> {
    let bad = (400, Kind::Rejected, Advice::FixInput);
    let unauthorized = (401, Kind::Authentication, Advice::CheckCredentials);
    let unknown = (404, Kind::NotFound, Advice::DoNotRetry);
    let state = |status| (status, Kind::InvalidState, Advice::ReadStatus);
    let wrong_tan = |status| (status, Kind::TanRejected, Advice::ReadStatus);
    let mut cells = vec![
        ("putOrder", bad),
        ("delIdentdata", bad),
        ("delIdentdata", (404, Kind::NotFound, Advice::ReadStatus)),
        ("delIdentdata", state(406)),
        ("getVideoFileBinaryAsync", bad),
        ("getVideoFileBinaryAsync", unknown),
        ("cancelOrder", bad),
        ("cancelOrder", unknown),
        ("cancelOrder", state(406)),
        ("requestSign", bad),
        ("requestSign", unknown),
        ("requestSign", state(406)),
        ("requestSign", state(410)),
        // No code is documented for a wrong TAN (AT-54).
        ("confirmSign", wrong_tan(400)),
        ("confirmSign", unknown),
        ("confirmSign", wrong_tan(409)),
        ("confirmSign", state(410)),
        ("confirmSign", state(412)),
        ("confirmSign", (429, Kind::SigningCanceled, Advice::DoNotRetry)),
        ("requestResendSignTan", bad),
        ("requestResendSignTan", unknown),
        ("requestResendSignTan", state(410)),
        ("requestResendSignTan", state(412)),
        ("serverStatus", (500, Kind::Unavailable, Advice::RetryLater)),
    ];
    let changing = ["putOrder", "delIdentdata", "getVideoFileBinaryAsync", "cancelOrder"];
    cells.extend(changing.iter().chain(SIGNING).map(|name| (*name, unauthorized)));
    for name in READS {
        cells.extend([(*name, bad), (*name, unauthorized), (*name, unknown)]);
    }
    for name in QUERIES.iter().chain(DRAINS) {
        cells.extend([(*name, bad), (*name, unauthorized)]);
    }
    cells.into_iter().map(|(name, (status, kind, advice))| (name, status, kind, advice)).collect()
}

/// Method and path of every form of a call.
const FORMS: [(&str, &str); 23] = [
    ("putOrder", "PUT /putOrder"),
    ("getStatus", "GET /getStatus/99921269855041"),
    ("getStatus/ExtendedList", "GET /getStatus/99921269855041/ExtendedList"),
    ("getIdentData", "GET /getIdentData/99921269855041"),
    ("getIdentData/IncludeInitialData", "GET /getIdentData/99921269855041/IncludeInitialData"),
    ("getIdentData/IncludeIdentifyMethod", "GET /getIdentData/99921269855041/IncludeIdentifyMethod"),
    ("getIdentData/Signed", "GET /getIdentData/99921269855041/Signed"),
    ("getIdentDataPDF", "GET /getIdentDataPDF/99921269855041"),
    ("getESignPDF", "GET /getESignPDF/99921269855041"),
    ("getESignHash", "GET /getESignHash/99921269855041"),
    ("getVideoFileBinaryAsync", "POST /getVideoFileBinaryAsync/99921269855041"),
    ("getVideoFileBinary", "GET /getVideoFileBinary/99921269855041"),
    ("getVoiceFiles", "GET /getVoiceFiles/99921269855041"),
    ("delIdentdata", "DELETE /delIdentdata/99921269855041"),
    ("getAllStatus", "POST /getAllStatus"),
    ("getAllStatus/ExtendedList", "POST /getAllStatus/ExtendedList"),
    ("cancelOrder", "POST /cancelOrder/99921269855041"),
    ("requestSign", "POST /requestSign/99921269855041"),
    ("confirmSign", "POST /confirmSign/99921269855041"),
    ("requestResendSignTan", "POST /requestResendSignTan/99921269855041"),
    ("serverStatus", "GET /serverStatus"),
    ("getBankList", "GET /getBankList"),
    ("checkSignmeUser", "POST /checkSignmeUser"),
];

#[tokio::test]
async fn all_23_forms_of_the_calls_go_out_with_their_method_and_path_and_credentials() {
    for (name, expected) in FORMS {
        let (client, script) = client([Step::Answer(json_answer(400, ""))]);
        call(&client, name).await;
        assert_eq!(calls(&script), [expected]);
        let sent = script.sent();
        assert!(sent[0].headers.contains_key("authorization"), "{name}");
        assert_eq!(sent[0].headers["content-type"], "application/json", "{name}");
    }
    let mut tested: Vec<_> = matrix().into_iter().map(|(name, ..)| name).collect();
    tested.retain(|name| !DRAINS.contains(name));
    tested.sort_unstable();
    tested.dedup();
    let mut forms: Vec<_> = FORMS.iter().map(|(name, _)| *name).collect();
    forms.sort_unstable();
    assert_eq!(tested, forms, "every form has its row in the matrix");
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
    for (name, _) in FORMS {
        let accepted = ["putOrder", "delIdentdata", "cancelOrder"].contains(&name) || SIGNING.contains(&name);
        let (good, other) = if accepted { (202, 200) } else { (200, 202) };
        let told = |status| Step::Answer(answer(status, "application/octet-stream", body(name)));
        let (vendor, script) = client([told(good)]);
        tried(&vendor, name, options()).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(script.sent().len(), 1, "{name}");
        let mut steps = vec![told(other)];
        if name == "cancelOrder" {
            // Whether it was carried out is then read from the status.
            steps.push(Step::Answer(json_answer(200, "{}")));
        }
        let (client, _) = client(steps);
        let error = call(&client, name).await;
        let unknown = accepted || name == "getVideoFileBinaryAsync";
        let kind = if unknown { Kind::OutcomeUnknown } else { Kind::Protocol };
        assert_eq!(error.kind(), kind, "{name}: {error}");
    }
}

#[tokio::test]
async fn every_documented_code_of_every_operation_has_its_kind_and_advice_and_is_final() {
    for (name, status, kind, advice) in matrix() {
        let (client, script) = client([Step::Answer(json_answer(status, r#"{"Error":"Mustermann"}"#))]);
        let error = call(&client, name).await;
        assert_eq!((error.kind(), error.advice(), error.status()), (kind, advice, Some(status)), "{name} {status}");
        let operation = name.strip_prefix("drain ").unwrap_or(name);
        assert_eq!((error.operation(), error.delivery()), (Some(operation), Some(Delivery::Answered)), "{name}");
        assert_eq!(error.vendor_text().unwrap().expose(), "Mustermann");
        assert_eq!(script.sent().len(), 1, "{name} {status}");
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
        for (name, _) in FORMS.iter().filter(|(name, _)| status != 409 || *name != "confirmSign") {
            let (client, script) = client([Step::Answer(json_answer(status, ""))]);
            let error = call(&client, name).await;
            assert_eq!((error.kind(), error.advice()), (kind, advice), "{name} {status}");
            assert_eq!(script.sent().len(), 1, "{name} {status}");
        }
    }
}

#[tokio::test]
async fn reads_and_the_delete_are_repeated_while_the_vendor_is_down_or_busy() {
    for name in READS.iter().chain(QUERIES).chain(&["delIdentdata"]) {
        for (status, kind) in [(500, Kind::Unavailable), (503, Kind::Unavailable), (429, Kind::RateLimited)] {
            let (client, script) = client(vec![Step::Answer(json_answer(status, "")); 4]);
            let error = call(&client, name).await;
            assert_eq!((error.kind(), error.advice()), (kind, Advice::RetryLater), "{name} {status}");
            assert_eq!(script.sent().len(), 4, "{name} {status}");
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

#[tokio::test]
async fn what_texts_a_person_burns_a_try_or_marks_as_reported_is_sent_once_and_its_outcome_is_unknown() {
    for step in ambiguous() {
        for name in SIGNING.iter().chain(DRAINS) {
            let (client, script) = client([step.clone()]);
            let error = tried(&client, name, impatient()).await.unwrap_err();
            assert_eq!(error.kind(), Kind::OutcomeUnknown, "{name} {step:?}: {error}");
            assert_eq!((error.advice(), error.delivery()), (Advice::Reconcile, Some(Delivery::MaybeSent)), "{name}");
            assert_eq!(script.sent().len(), 1, "{name} {step:?}");
        }
    }
}

#[tokio::test]
async fn what_texts_a_person_is_tried_again_only_when_it_was_proved_not_to_have_been_sent() {
    for name in SIGNING {
        let (client, script) = client([Step::NotSent, Step::Answer(json_answer(202, ""))]);
        tried(&client, name, options()).await.unwrap();
        assert_eq!(script.sent().len(), 1, "{name}");
    }
    for name in DRAINS {
        let (client, script) = client([Step::NotSent, Step::Answer(json_answer(304, ""))]);
        tried(&client, name, options()).await.unwrap();
        assert_eq!(script.sent().len(), 1, "{name}");
    }
}

#[tokio::test]
async fn what_texts_a_person_is_not_repeated_after_a_refusal_either() {
    for name in ["requestSign", "requestResendSignTan"] {
        let (client, script) = client([Step::Answer(json_answer(429, "").header("retry-after", "0"))]);
        assert_eq!(call(&client, name).await.kind(), Kind::RateLimited, "{name}");
        assert_eq!(script.sent().len(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_video_is_asked_for_twice_at_most() {
    for step in [Step::Reset, Step::Answer(json_answer(500, "")), Step::Answer(json_answer(503, ""))] {
        let (client, script) = client([step.clone(), step.clone()]);
        let error = client.request_video(&id(), &callback(), &options().attempts(9)).await.unwrap_err();
        assert!(matches!(error.kind(), Kind::Unreachable | Kind::Unavailable), "{error}");
        assert_eq!(script.sent().len(), 2, "{step:?}");
    }
    let (client, script) = client([Step::Hang]);
    let error = client.request_video(&id(), &callback(), &impatient()).await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (Kind::Timeout, Some(Delivery::MaybeSent)));
    assert_eq!(script.sent().len(), 1, "the time was for all attempts");
}

/// After this the status is all that tells what became of a cancellation.
#[tokio::test]
async fn a_cancellation_without_an_answer_is_sent_once_and_then_read_from_the_status() {
    let status = |kinds: &str| Step::Answer(json_answer(200, format!(r#"{{"Status":[{kinds}]}}"#)));
    let paths = [format!("POST /cancelOrder/{ORDER}"), format!("GET /getStatus/{ORDER}/ExtendedList")];
    for step in ambiguous().into_iter().filter(|step| !matches!(step, Step::Hang)) {
        for (kinds, cancelled) in [
            (r#"{"Kind":25},{"Kind":63}"#, true),
            (r#"{"Kind":22},{"Kind":25}"#, true),
            (r#"{"Kind":63},{"Kind":22}"#, true),
            (r#"{"Kind":25}"#, false),
            // The appointment was, not the order.
            (r#"{"Kind":64}"#, false),
            ("", false),
        ] {
            let (client, script) = client([step.clone(), status(kinds)]);
            let told = client.cancel_order(&id(), &options().attempts(9)).await;
            match told {
                Ok(()) => assert!(cancelled, "{kinds}"),
                Err(error) => {
                    assert!(!cancelled, "{kinds}: {error}");
                    assert_eq!((error.kind(), error.operation()), (Kind::OutcomeUnknown, Some("cancelOrder")));
                    assert_eq!(error.delivery(), Some(Delivery::MaybeSent));
                }
            }
            assert_eq!(calls(&script), paths, "{step:?} {kinds}");
        }
    }
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
async fn a_cancellation_in_time_out_and_the_status_that_is_read_then_have_one_deadline() {
    for (given, whole) in [(Some(Duration::from_secs(20)), 20), (None, 60)] {
        let options = given.map_or_else(options, |given| options().timeout(given));
        let (told, deadlines) = deadlines(async |client| client.cancel_order(&id(), &options).await).await;
        told.unwrap();
        assert_eq!(deadlines, [whole / 4 * 3, whole]);
    }
}

#[tokio::test]
async fn all_pages_that_one_call_of_the_port_reads_have_one_deadline() {
    let window = Window { begin: jiff::Timestamp::UNIX_EPOCH, end: jiff::Timestamp::UNIX_EPOCH };
    let options = options().timeout(Duration::from_secs(20));
    let (told, deadlines) = deadlines(async |client| client.changes(window, None, &options).await).await;
    assert!(told.unwrap().next.is_none());
    assert_eq!(deadlines, [20, 20]);
}

#[tokio::test]
async fn a_cancellation_whose_status_cannot_be_read_has_an_unknown_outcome() {
    for second in [Step::Answer(json_answer(404, "")), Step::Answer(json_answer(200, "no JSON"))] {
        let (client, script) = client([Step::Reset, second]);
        let error = client.cancel_order(&id(), &options()).await.unwrap_err();
        assert_eq!((error.kind(), error.operation()), (Kind::OutcomeUnknown, Some("cancelOrder")), "{error}");
        assert_eq!(script.sent().len(), 2);
    }
}

#[tokio::test]
async fn a_cancellation_that_was_refused_or_never_sent_asks_for_no_status() {
    for (status, kind) in [(400, Kind::Rejected), (404, Kind::NotFound), (406, Kind::InvalidState)] {
        let (client, script) = client([Step::Answer(json_answer(status, ""))]);
        assert_eq!(client.cancel_order(&id(), &options()).await.unwrap_err().kind(), kind);
        assert_eq!(script.sent().len(), 1);
    }
    let (client, script) = client(vec![Step::NotSent; 4]);
    assert_eq!(client.cancel_order(&id(), &options()).await.unwrap_err().kind(), Kind::Unreachable);
    assert_eq!(script.sent().len(), 0);
}

#[test]
fn the_matrix_names_every_documented_code_of_the_descriptions() {
    fn listed<Op: Operation>() -> Vec<(&'static str, u16)> {
        Op::META.refusals.iter().map(|refusal| (Op::META.name, refusal.status)).collect()
    }
    let mut described = [
        listed::<PutOrder>(),
        listed::<GetStatus>(),
        listed::<GetStatusExtended>(),
        listed::<GetIdentData>(),
        listed::<GetIdentDataInitial>(),
        listed::<GetIdentDataMethod>(),
        listed::<GetIdentDataSigned>(),
        listed::<GetESignHash>(),
        listed::<RequestVideo>(),
        listed::<GetVideo>(),
        listed::<GetVoiceFiles>(),
        listed::<GetAllStatus>(),
        listed::<GetAllStatusExtended>(),
        listed::<DrainUnreported>(),
        listed::<DrainUnreportedExtended>(),
        listed::<CancelOrder>(),
        listed::<RequestSign>(),
        listed::<ConfirmSign>(),
        listed::<RequestResendSignTan>(),
        listed::<GetBankList>(),
        listed::<CheckSignmeUser>(),
        listed::<GetIdentDataPdf>(),
        listed::<GetESignPdf>(),
        listed::<DelIdentData>(),
        listed::<ServerStatus>(),
    ]
    .concat();
    // 500 means for serverStatus what it means anywhere.
    described.push(("serverStatus", 500));
    let named = |name: &'static str| name.strip_prefix("drain ").unwrap_or(name);
    let mut tested: Vec<_> = matrix().into_iter().map(|(name, status, ..)| (named(name), status)).collect();
    described.sort_unstable();
    tested.sort_unstable();
    assert_eq!(tested, described);
}

#[test]
fn unknown_status_codes_survive_a_round_trip() {
    let text = json!({"Status": [{"Kind": 4711, "Time": "2018-09-05T11:06:21+02:00"}]});
    let status: OrderStatus = decode(&GetStatus::new(id()), &json_answer(200, text.to_string())).unwrap().value;
    assert_eq!(status.kinds().collect::<Vec<_>>(), [StatusKind(4711)]);
    assert_eq!(serde_json::to_value(&status).unwrap(), text);
}
