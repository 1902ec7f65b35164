//! What the test files share: fixtures, a scripted transport, and orders and answers built from the types' own keys.

use std::collections::VecDeque;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, response};
use identkit_core::{Content, Delivery, Error, Kind, Secret, async_trait};
use identkit_identity_tm::messages::{
    Additional, Address, AllStatusRequest, Bank, CheckedDriverLicence, CheckedIdCard, DriverLicence, EidSettings,
    EmailNotifications, IdCard, IdCardImages, IdentData, IdentDataAnswer, Image, LegitimationDocument, ListedOrder,
    MultiSignOptions, OrderIdentData, OrderStatus, Paging, Period, PutOrder, PutOrderAnswer, RedirectUrl, SignHash,
    SignParameters, SignPdf, SignedHashes, SignedPdf, SignedPdfList, SignmeUser, SignmeUserRequest, StatusEntry, Tan,
    TvSlot, VideoHashes, VideoRequest, VoiceFile, VoiceFiles, WebhookUrl,
};
use identkit_identity_tm::{Builder, Credentials, Dialect, IdentityTm};
use identkit_transport::{AttemptContext, Failure, Policy, SystemClock, Transport};
use identkit_wire::{Body, BodyMode, Decoded, Operation, Received, encode_base64};
use serde_json::{Map, Value};

/// The smallest text that begins like a PDF.
pub(crate) const PDF: &[u8] = b"%PDF-1.7\n%%EOF\n";

/// The order id of the document's examples.
pub(crate) const ORDER: &str = "99921269855041";

pub(crate) fn fixture_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(fixture_dir().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The order of the document's example, [T 3.1.6].
pub(crate) fn document_order() -> PutOrder {
    PutOrder::from_json(&fixture("S-035-put-order-request.json")).unwrap()
}

/// An order with what is required and a `Ref`, and nothing else.
pub(crate) fn plain_order() -> PutOrder {
    PutOrder::default()
        .reference("case-4711")
        .product(12_u32)
        .add(0_u64)
        .email("e.mustermann@example.com")
        .address(Address::default().firstname("Erika").surname("Mustermann").country("DE"))
}

pub(crate) fn sent_bytes(body: &Body) -> Vec<u8> {
    body.read().map(|chunk| chunk.unwrap()).collect::<Vec<_>>().concat()
}

/// The body that the order is sent as.
pub(crate) fn sent_json(order: &PutOrder, dialect: &Dialect) -> Value {
    let encoded = order.encode(dialect).unwrap_or_else(|error| panic!("{error}"));
    serde_json::from_slice(&sent_bytes(&encoded.body)).unwrap()
}

/// An answer of the vendor.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    body: Bytes,
}

pub(crate) fn answer(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    Answer { status, headers: vec![("content-type", content_type)], body: body.into() }
}

pub(crate) fn json(status: u16, body: impl Into<Bytes>) -> Answer {
    answer(status, "application/json", body)
}

impl Answer {
    pub(crate) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    fn head(&self) -> response::Parts {
        let mut head = Response::new(()).into_parts().0;
        head.status = StatusCode::from_u16(self.status).unwrap();
        for (name, value) in &self.headers {
            head.headers.insert(*name, value.parse().unwrap());
        }
        head
    }
}

pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}

pub(crate) fn collect(content: Content) -> Bytes {
    block_on(content.collect(u64::MAX)).unwrap()
}

/// Bytes as a stream that says how long it is, like a download.
pub(crate) fn stream(bytes: Bytes) -> Content {
    Content::new(u64::try_from(bytes.len()).ok(), Content::from_bytes(bytes))
}

/// Lets the operation read the answer in the way its description asks for, as the driver does.
pub(crate) fn decode<Op: Operation<Dialect = Dialect>>(
    operation: &Op,
    answer: &Answer,
) -> Result<Decoded<Op::Output>, Error> {
    let head = answer.head();
    let streams = match Op::META.reply {
        BodyMode::Whole { .. } => false,
        BodyMode::Stream { .. } => true,
        BodyMode::Sniff { stream, .. } => stream(&head.headers, &answer.body),
    };
    let received = if streams {
        let mut rest = stream(answer.body.clone());
        let first = block_on(rest.next()).transpose()?.unwrap_or_default();
        Received::Stream { head: first, rest }
    } else {
        Received::Whole(answer.body.clone())
    };
    operation.decode(&head, received, &Dialect::default())
}

/// What the transport does with the next request.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Answers.
    Answer(Answer),
    /// Breaks off in the body of a 202.
    Truncated,
    /// Cannot connect: nothing was sent.
    NotSent,
    /// The connection is reset after the request went out.
    Reset,
    /// Never answers, though the request went out.
    Hang,
    /// Begins a 200 that says it is so many bytes long.
    Long(u64),
}

/// A request as it went out.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// A transport that does what its script says and remembers what it was given.
#[derive(Default)]
pub(crate) struct Script {
    steps: Mutex<VecDeque<Step>>,
    seen: Mutex<Vec<Seen>>,
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Script")
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        let (head, body) = request.into_parts();
        let step = self.steps.lock().unwrap().pop_front().expect("one request more than the script has steps");
        if matches!(step, Step::NotSent) {
            return Err(Failure::new(Delivery::NotSent, Kind::Unreachable, "refused"));
        }
        context.mark_sent();
        let seen = Seen { method: head.method, uri: head.uri, headers: head.headers, body: sent_bytes(&body) };
        self.seen.lock().unwrap().push(seen);
        match step {
            Step::Answer(answer) => Ok(Response::from_parts(answer.head(), stream(answer.body.clone()))),
            Step::Truncated => {
                let mut response = Response::new(Content::new(Some(1000), Content::from_bytes(r#"{"OrderID":"#)));
                *response.status_mut() = StatusCode::ACCEPTED;
                Ok(response)
            }
            Step::Hang => std::future::pending().await,
            Step::Long(length) => Ok(Response::new(Content::new(Some(length), Content::from_bytes("{")))),
            _ => Err(Failure::new(Delivery::MaybeSent, Kind::Unreachable, "reset")),
        }
    }
}

impl Script {
    /// A transport with this script.
    pub(crate) fn of(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: Mutex::new(steps.into_iter().collect()), ..Self::default() }
    }

    /// Everything that was sent; the whole script must have been played.
    pub(crate) fn sent(&self) -> Vec<Seen> {
        let left = self.steps.lock().unwrap().len();
        assert_eq!(left, 0, "fewer requests than the script has steps");
        self.seen.lock().unwrap().clone()
    }

    /// The path of each request below the documented base, after its method.
    pub(crate) fn calls(&self) -> Vec<String> {
        let base = "/api/2.10";
        self.sent()
            .iter()
            .map(|seen| format!("{} {}", seen.method, seen.uri.path().strip_prefix(base).unwrap()))
            .collect()
    }
}

/// A client over a script, without waits between its attempts.
pub(crate) fn client(steps: impl IntoIterator<Item = Step>) -> (IdentityTm, Arc<Script>) {
    client_by(|builder| builder, steps)
}

/// As [`client`], built in another way.
pub(crate) fn client_by(
    change: impl FnOnce(Builder) -> Builder,
    steps: impl IntoIterator<Item = Step>,
) -> (IdentityTm, Arc<Script>) {
    let script = Arc::new(Script::of(steps));
    (client_over(change, Arc::clone(&script) as _), script)
}

/// A client over any transport, without waits between its attempts.
pub(crate) fn client_over(change: impl FnOnce(Builder) -> Builder, transport: Arc<dyn Transport>) -> IdentityTm {
    let policy = Policy::default().backoff(Duration::ZERO);
    let builder = IdentityTm::builder(Credentials::new("4711", Secret::new("code"))).policy(policy);
    change(builder).transport(transport).clock(Arc::new(SystemClock::new())).build().unwrap()
}

/// Objects below another object: the path without indexes, and the keys that the type lists.
const ORDER_OBJECTS: &[(&str, &[&str])] = &[
    ("", PutOrder::KEYS),
    ("eIDSettings", EidSettings::KEYS),
    ("RedirectURL", RedirectUrl::KEYS),
    ("WebhookURL", WebhookUrl::KEYS),
    ("Address", Address::KEYS),
    ("IdentData", OrderIdentData::KEYS),
    ("IdentData.IDCard", IdCard::KEYS),
    ("IdentData.IDCard.Images", IdCardImages::KEYS),
    ("IdentData.DriverLicence", DriverLicence::KEYS),
    ("IdentData.Additional", &["detail"]),
    ("IdentData.Additional.detail", Additional::KEYS),
    ("LegitimationDocument", LegitimationDocument::KEYS),
    ("eSignPDF", SignPdf::KEYS),
    ("eSignHash", SignHash::KEYS),
    ("MultiSignOptions", MultiSignOptions::KEYS),
    ("MultiSignOptions.SignParameters", SignParameters::KEYS),
    ("EmailNotifications", EmailNotifications::KEYS),
];

const PUT_ORDER_ANSWER_OBJECTS: &[(&str, &[&str])] = &[("", PutOrderAnswer::KEYS), ("VideoHashes", VideoHashes::KEYS)];

const STATUS_OBJECTS: &[(&str, &[&str])] = &[("", OrderStatus::KEYS), ("Status", StatusEntry::KEYS)];

const IDENT_OBJECTS: &[(&str, &[&str])] = &[
    ("", IdentDataAnswer::KEYS),
    ("IdentData", IdentData::KEYS),
    ("IdentData.IDCard", CheckedIdCard::KEYS),
    ("IdentData.DriverLicence", CheckedDriverLicence::KEYS),
    ("IdentData.Additional", &["detail"]),
    ("IdentData.Images", Image::KEYS),
];

const SIGNED_OBJECTS: &[(&str, &[&str])] = &[("", SignedPdfList::KEYS), ("PDFs", SignedPdf::KEYS)];

/// The other messages, each by the name that this file gives it.
pub(crate) type Objects = &'static [(&'static str, &'static [&'static str])];

/// The request of getAllStatus.
pub(crate) const ALL_STATUS_REQUEST: Objects =
    &[("", AllStatusRequest::KEYS), ("Period", Period::KEYS), ("Period.Paging", Paging::KEYS)];
/// One order of its answer.
pub(crate) const LISTED_ORDER: Objects =
    &[("", ListedOrder::KEYS), ("Status", StatusEntry::KEYS), ("TVSlot", TvSlot::KEYS)];
/// The answer of getESignHash, with one name.
pub(crate) const SIGNED_HASHES: Objects = &[("", SignedHashes::KEYS), ("Hashes", &["name"])];
/// The request of getVideoFileBinaryAsync.
pub(crate) const VIDEO_REQUEST: Objects = &[("", VideoRequest::KEYS)];
/// The answer of getVoiceFiles.
pub(crate) const VOICE_FILES: Objects = &[("", VoiceFiles::KEYS), ("Voicefiles", VoiceFile::KEYS)];
/// The request of confirmSign.
pub(crate) const TAN: Objects = &[("", Tan::KEYS)];
/// One bank of getBankList.
pub(crate) const BANK: Objects = &[("", Bank::KEYS)];
/// The request of checkSignmeUser.
pub(crate) const SIGNME_REQUEST: Objects = &[("", SignmeUserRequest::KEYS)];
/// Its answer.
pub(crate) const SIGNME_USER: Objects = &[("", SignmeUser::KEYS)];

/// As [`order_json`], for one of the messages above.
pub(crate) fn message_json(objects: Objects, mut leaf: impl FnMut(&str) -> Value) -> Value {
    build(objects, "", &mut leaf)
}

/// Which elements are arrays of objects; in the answer of getIdentData, `IdentData` may be either.
const ARRAYS: &[&str] =
    &["LegitimationDocument", "MultiSignOptions.SignParameters", "Status", "IdentData.Images", "PDFs", "Voicefiles"];

fn build(objects: &[(&str, &[&str])], path: &str, leaf: &mut dyn FnMut(&str) -> Value) -> Value {
    let (_, keys) = objects.iter().find(|(at, _)| *at == path).unwrap();
    let mut object = Map::new();
    for key in *keys {
        let at = if path.is_empty() { (*key).to_owned() } else { format!("{path}.{key}") };
        let value = if objects.iter().any(|(inner, _)| *inner == at) {
            let inner = build(objects, &at, leaf);
            if ARRAYS.contains(&at.as_str()) { Value::Array(vec![inner]) } else { inner }
        } else {
            leaf(&at)
        };
        object.insert((*key).to_owned(), value);
    }
    Value::Object(object)
}

/// The JSON of an order with every element that the types list; `leaf` gives the value at a path such as
/// `Address.Firstname`, `null` for none.
pub(crate) fn order_json(mut leaf: impl FnMut(&str) -> Value) -> Value {
    build(ORDER_OBJECTS, "", &mut leaf)
}

/// As [`order_json`], for the answer to putOrder.
pub(crate) fn put_order_answer_json(mut leaf: impl FnMut(&str) -> Value) -> Value {
    build(PUT_ORDER_ANSWER_OBJECTS, "", &mut leaf)
}

/// As [`order_json`], for the answer to getStatus.
pub(crate) fn status_json(mut leaf: impl FnMut(&str) -> Value) -> Value {
    build(STATUS_OBJECTS, "", &mut leaf)
}

/// As [`order_json`], for the answer to getIdentData.
pub(crate) fn ident_data_json(mut leaf: impl FnMut(&str) -> Value) -> Value {
    build(IDENT_OBJECTS, "", &mut leaf)
}

/// As [`order_json`], for a list of signed documents.
pub(crate) fn signed_json(mut leaf: impl FnMut(&str) -> Value) -> Value {
    build(SIGNED_OBJECTS, "", &mut leaf)
}

/// The value of an element that is no text; `None` for texts. A new element that is no text fails to be read until
/// it is entered here.
pub(crate) fn not_text(path: &str) -> Option<Value> {
    let last = path.rsplit('.').next().unwrap_or(path);
    Some(match (path, last) {
        ("Product", _) => 15.into(),
        ("Add", _) => 0.into(),
        ("getTargetLink" | "getVideoHashes", _) => true.into(),
        (path, _) if path.starts_with("eIDSettings.") => true.into(),
        (_, "SignaturePosX" | "SignaturePosY" | "SignatureHeight" | "SignatureWidth") => 12.5.into(),
        (_, "SignaturePage") => 1.into(),
        ("IdentData.Additional.detail.Type" | "IdentData.Type", _) => 1.into(),
        ("Status.Kind", _) => 6.into(),
        ("ExtendedList" | "UserExists" | "UserIsAbleToSign", _) => true.into(),
        ("Period.Paging.Elements" | "Period.Paging.Page", _) => 1.into(),
        ("blz", _) => 16_050_202.into(),
        _ => return None,
    })
}

/// A value that is right at this path of an order, made from a number and a text without control characters.
/// `AfterVideo` is left out for the sake of `AfterIdent`, and the signature field for the sake of the position.
pub(crate) fn valid(path: &str, pick: u32, text: &str) -> Value {
    let short: String = text.chars().take(4).collect();
    let last = path.rsplit('.').next().unwrap_or(path);
    match (path, last) {
        ("Ref", _) => format!("ref-{pick}").into(),
        ("Add", _) => {
            let adds: [u64; 6] = [0, 16, 32 | 131_072, 4096 | 8192, 4_194_304, 1 << 33];
            adds[usize::try_from(pick).unwrap() % adds.len()].into()
        }
        ("Email" | "IdentData.Email", _) => format!("e{pick}@example.com").into(),
        (path, _) if path.starts_with("EmailNotifications.") => format!("n{pick}@example.com").into(),
        ("Phone" | "Mobile" | "IdentData.Mobile", _) => format!("+491701{pick:010}").get(..15).unwrap().into(),
        (_, "Country") => ["DE", "AT", "NL"][usize::try_from(pick % 3).unwrap()].into(),
        (_, "ZipCode") => format!("{short}Z").into(),
        (_, "Birthdate" | "DateOfIssue" | "ValidUntil") => {
            format!("{}-{:02}-{:02}", 1900 + pick % 200, 1 + pick % 12, 1 + pick % 28).into()
        }
        (_, "Gender") => ["female", "male", ""][usize::try_from(pick % 3).unwrap()].into(),
        (_, "Front" | "Back") => encode_base64(format!("JPEG {pick} {text}").as_bytes()).into(),
        ("eSignPDF.Data", _) => encode_base64(format!("%PDF-1.7 {pick} {text}").as_bytes()).into(),
        ("eSignHash.Hash", _) => encode_base64(format!("hash {pick}").as_bytes()).into(),
        ("MultiSignOptions.FirstOrderID", _) => format!("999{pick}").into(),
        ("WebhookURL.AfterVideo", _) | (_, "SignatureFieldName") => Value::Null,
        (_, "SignaturePosX" | "SignaturePosY" | "SignatureHeight" | "SignatureWidth") => (f64::from(pick) / 8.0).into(),
        (_, "SignaturePage") => pick.into(),
        // Names that may not be empty, and file names that must differ.
        ("Address.Firstname" | "Address.Surname", _) | (_, "Filename") => format!("{last} {pick} {text}").into(),
        _ => not_text(path).unwrap_or_else(|| format!("{text} {pick}").into()),
    }
}

/// Elements that an order must have, or that its other elements need.
pub(crate) fn needed(path: &str) -> bool {
    matches!(
        path,
        "Product"
            | "Add"
            | "Email"
            | "Address.Firstname"
            | "Address.Surname"
            | "Address.Country"
            | "eSignPDF.Data"
            | "eSignHash.Hash"
            | "eSignHash.Filename"
            | "MultiSignOptions.FirstOrderID"
            | "IdentData.Additional.detail.Type"
            | "IdentData.Additional.detail.Label"
    ) || path.ends_with(".SignaturePosX")
        || path.ends_with(".SignaturePosY")
}

/// An order with every element, each of them right. It has documents and hashes, which needs the dialect (AT-34).
pub(crate) fn full_order_json() -> Value {
    let mut pick = 0;
    order_json(|path| {
        pick += 1;
        valid(path, pick * 1009, "Müßter")
    })
}

/// Sets an element of a JSON order by its path; steps into the first element of an array by itself.
pub(crate) fn set(order: &mut Value, path: &str, value: Value) {
    let mut at = order;
    for step in path.split('.') {
        if at.is_array() {
            at = &mut at[0];
        }
        at = &mut at[step];
    }
    *at = value;
}

/// The dialect under which [`full_order_json`] is without a fault.
pub(crate) fn both_signatures() -> Dialect {
    let mut dialect = Dialect::default();
    dialect.pdf_and_hash_together = true;
    dialect
}
