//! Shared by the tests: fixtures, a scripted transport, and orders and responses built from the types' keys.

use std::ops::Deref;
pub(crate) use std::sync::{Arc, Mutex};
pub(crate) use std::time::Duration;

pub(crate) use bytes::Bytes;
pub(crate) use http::{Method, Request, Response, Uri};
pub(crate) use identkit_core::{
    Advice, CallOptions, CaseRef, Content, Cursor, Delivery, Error, Event, IdentityProvider, Kind, Outcome, Pii,
    Purpose, Secret, Window, async_trait,
};
pub(crate) use identkit_identity_tm::messages::*;
pub(crate) use identkit_identity_tm::*;
pub(crate) use identkit_testkit::{Reply, Script, SentRequest, Step, block_on, body_bytes};
pub(crate) use identkit_transport::{AttemptContext, Failure, Policy, SystemClock, Transport};
pub(crate) use identkit_wire::json::Blob;
pub(crate) use identkit_wire::{
    Body, BodyMode, Callback, Decoded, Dts, OneOrMany, Operation, Params, Received, ServedOperation, Warning,
    encode_base64,
};
pub(crate) use serde_json::{Map, Value, json};

/// A minimal body that starts like a PDF.
pub(crate) const PDF: &[u8] = b"%PDF-1.7\n%%EOF\n";

/// The order id of the document's examples.
pub(crate) const ORDER: &str = "99921269855041";

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    identkit_testkit::fixture("identity-tm", name)
}

/// The order of the document's example, [T 3.1.6].
pub(crate) fn document_order() -> PutOrder {
    PutOrder::from_json(&fixture("S-035-put-order-request.json")).unwrap()
}

/// Returns an order with the required elements and a `Ref`.
pub(crate) fn plain_order() -> PutOrder {
    PutOrder::default()
        .reference("case-4711")
        .product(12_u32)
        .add(0_u64)
        .email("e.mustermann@example.com")
        .address(Address::default().firstname("Erika").surname("Mustermann").country("DE"))
}

/// Returns the sent body of an order.
pub(crate) fn sent_json(order: &PutOrder, dialect: &Dialect) -> Value {
    let encoded = order.encode(dialect).unwrap_or_else(|error| panic!("{error}"));
    serde_json::from_slice(&body_bytes(&encoded.body)).unwrap()
}

/// Returns a response with this media type.
pub(crate) fn answer(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    Reply::new(status, body).header("content-type", content_type)
}

pub(crate) fn json_answer(status: u16, body: impl Into<Bytes>) -> Reply {
    Reply::json(status, body)
}

pub(crate) fn collect(content: Content) -> Bytes {
    block_on(content.collect(u64::MAX)).unwrap()
}

/// Decodes a response by the operation's body mode, as the driver does.
pub(crate) fn decode<Op: Operation<Dialect = Dialect>>(
    operation: &Op,
    answer: &Reply,
) -> Result<Decoded<Op::Output>, Error> {
    let head = answer.head();
    let streams = match Op::META.body_mode {
        BodyMode::Whole { .. } => false,
        BodyMode::Stream { .. } => true,
        BodyMode::Sniff { stream, .. } => stream(&head.headers, &answer.body()),
    };
    let received = if streams {
        let mut rest = answer.content();
        let first = block_on(rest.next()).transpose()?.unwrap_or_default();
        Received::Stream { head: first, rest }
    } else {
        Received::Whole(answer.body())
    };
    operation.decode(&head, received, &Dialect::default())
}

/// Responds with JSON.
pub(crate) fn reply(status: u16, body: impl Into<Bytes>) -> Step {
    Step::Answer(json_answer(status, body))
}

/// Responds with a 200 whose Content-Length is larger than its body.
pub(crate) fn long(length: u64) -> Step {
    Step::Answer(Reply::new(200, "{").length(length))
}

/// Responds with a 202 whose body is truncated.
pub(crate) fn truncated() -> Step {
    Step::Answer(Reply::new(202, r#"{"OrderID":"#).length(1000))
}

/// Returns the error of a call and asserts that it shows no personal data.
pub(crate) fn error_of<T>(result: Result<T, Error>) -> Error {
    let Err(error) = result else { panic!("the call succeeded") };
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("Mustermann"), "{shown}");
    error
}

pub(crate) fn id() -> OrderId {
    OrderId::new(ORDER)
}

/// A client with a scripted transport. Panics unless exactly as many requests are sent as the script has steps.
pub(crate) struct Scripted {
    client: IdentityTm,
    script: Arc<Script>,
}

impl Scripted {
    pub(crate) fn sent(&self) -> Vec<SentRequest> {
        self.script.sent()
    }

    /// Returns method and path (without the base path) of each sent request.
    pub(crate) fn calls(&self) -> Vec<String> {
        let path = |sent: &SentRequest| sent.path().strip_prefix("/api/2.10").unwrap().to_owned();
        self.sent().iter().map(|sent| format!("{} {}", sent.method, path(sent))).collect()
    }
}

impl Deref for Scripted {
    type Target = IdentityTm;

    fn deref(&self) -> &IdentityTm {
        &self.client
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.sent();
        }
    }
}

/// Returns a client with a scripted transport and no backoff.
pub(crate) fn client(steps: impl IntoIterator<Item = Step>) -> Scripted {
    client_by(|builder| builder, steps)
}

/// As [`client`], with a modified builder.
pub(crate) fn client_by(change: impl FnOnce(Builder) -> Builder, steps: impl IntoIterator<Item = Step>) -> Scripted {
    let script = Arc::new(Script::new(steps));
    Scripted { client: client_over(change, Arc::clone(&script) as _), script }
}

/// Returns a client with any transport and no backoff.
pub(crate) fn client_over(change: impl FnOnce(Builder) -> Builder, transport: Arc<dyn Transport>) -> IdentityTm {
    let policy = Policy::default().backoff(Duration::ZERO);
    let builder = IdentityTm::builder(Credentials::new("4711", Secret::new("code"))).policy(policy);
    change(builder).transport(transport).clock(Arc::new(SystemClock::new())).build().unwrap()
}

/// Returns a period of one day.
pub(crate) fn period() -> Period {
    Period::default().begin(Dts::parse("2018-09-05T00:00:00+02:00")).end(Dts::parse("2018-09-06T00:00:00+02:00"))
}

/// A visitor of the crate's operations.
pub(crate) trait EachOperation {
    fn with<Op: ServedOperation<Dialect = Dialect>>(&mut self, operation: Op);
}

/// Visits every operation of the crate.
pub(crate) fn each_operation(each: &mut impl EachOperation) {
    each.with(plain_order());
    each.with(GetStatus::new(id()));
    each.with(GetStatusExtended::new(id()));
    each.with(GetIdentData::new(id()));
    each.with(GetIdentDataInitial::new(id()));
    each.with(GetIdentDataMethod::new(id()));
    each.with(GetIdentDataSigned::new(id()));
    each.with(GetIdentDataPdf::new(id()));
    each.with(GetESignPdf::new(id()));
    each.with(GetESignHash::new(id()));
    each.with(RequestVideo::new(id(), Secret::new("https://example.com/ready")));
    each.with(GetVideo::new(id()));
    each.with(GetVoiceFiles::new(id()));
    each.with(DelIdentData::new(id()));
    each.with(GetAllStatus::new(period()));
    each.with(GetAllStatusExtended::new(period()));
    each.with(DrainUnreported);
    each.with(DrainUnreportedExtended);
    each.with(CancelOrder::new(id()));
    each.with(RequestSign::new(id()));
    each.with(ConfirmSign::new(id(), Secret::new("123456")));
    each.with(RequestResendSignTan::new(id()));
    each.with(ServerStatus);
    each.with(GetBankList);
    each.with(CheckSignmeUser(SignmeUserRequest::default().email("e.mustermann@example.com")));
}

/// Objects of a message: the path without indexes, and the type's keys.
pub(crate) type Objects = &'static [(&'static str, &'static [&'static str])];

pub(crate) const PUT_ORDER: Objects = &[
    ("", PutOrder::KEYS),
    ("eIDSettings", EidSettings::KEYS),
    ("RedirectURL", RedirectUrl::KEYS),
    ("WebhookURL", WebhookUrl::KEYS),
    ("Address", Address::KEYS),
    ("IdentData", OrderIdentData::KEYS),
    ("IdentData.IDCard", IdCard::KEYS),
    ("IdentData.IDCard.Images", IdCardImages::KEYS),
    ("IdentData.DriverLicence", DriverLicense::KEYS),
    ("IdentData.Additional", &["detail"]),
    ("IdentData.Additional.detail", Additional::KEYS),
    ("LegitimationDocument", LegitimationDocument::KEYS),
    ("eSignPDF", SignPdf::KEYS),
    ("eSignHash", SignHash::KEYS),
    ("MultiSignOptions", MultiSignOptions::KEYS),
    ("MultiSignOptions.SignParameters", SignParameters::KEYS),
    ("EmailNotifications", EmailNotifications::KEYS),
];

pub(crate) const PUT_ORDER_ANSWER: Objects = &[("", PutOrderAnswer::KEYS), ("VideoHashes", VideoHashes::KEYS)];

pub(crate) const STATUS: Objects = &[("", OrderStatus::KEYS), ("Status", StatusEntry::KEYS)];

pub(crate) const IDENT_DATA: Objects = &[
    ("", IdentDataAnswer::KEYS),
    ("IdentData", IdentData::KEYS),
    ("IdentData.IDCard", CheckedIdCard::KEYS),
    ("IdentData.DriverLicence", CheckedDriverLicense::KEYS),
    ("IdentData.Additional", &["detail"]),
    ("IdentData.Images", Image::KEYS),
];

pub(crate) const SIGNED_PDFS: Objects = &[("", SignedPdfList::KEYS), ("PDFs", SignedPdf::KEYS)];

pub(crate) const ALL_STATUS_REQUEST: Objects =
    &[("", AllStatusRequest::KEYS), ("Period", Period::KEYS), ("Period.Paging", Paging::KEYS)];
pub(crate) const LISTED_ORDER: Objects =
    &[("", ListedOrder::KEYS), ("Status", StatusEntry::KEYS), ("TVSlot", TvSlot::KEYS)];
pub(crate) const SIGNED_HASHES: Objects = &[("", SignedHashes::KEYS), ("Hashes", &["name"])];
pub(crate) const VIDEO_REQUEST: Objects = &[("", VideoRequest::KEYS)];
pub(crate) const VOICE_FILES: Objects = &[("", VoiceFiles::KEYS), ("Voicefiles", VoiceFile::KEYS)];
pub(crate) const TAN: Objects = &[("", Tan::KEYS)];
pub(crate) const BANK: Objects = &[("", Bank::KEYS)];
pub(crate) const SIGNME_REQUEST: Objects = &[("", SignmeUserRequest::KEYS)];
pub(crate) const SIGNME_USER: Objects = &[("", SignmeUser::KEYS)];

/// Every message of the crate.
pub(crate) const MESSAGES: [Objects; 14] = [
    PUT_ORDER,
    PUT_ORDER_ANSWER,
    STATUS,
    IDENT_DATA,
    SIGNED_PDFS,
    ALL_STATUS_REQUEST,
    LISTED_ORDER,
    SIGNED_HASHES,
    VIDEO_REQUEST,
    VOICE_FILES,
    TAN,
    BANK,
    SIGNME_REQUEST,
    SIGNME_USER,
];

/// Returns the paths of all elements that contain no others.
pub(crate) fn leaves(objects: Objects) -> Vec<String> {
    let mut paths = Vec::new();
    message_json(objects, |path| {
        paths.push(path.to_owned());
        Value::Null
    });
    paths
}

/// Returns the JSON of a message with every listed element; `leaf` returns the value at a path such as
/// `Address.Firstname`.
pub(crate) fn message_json(objects: Objects, mut leaf: impl FnMut(&str) -> Value) -> Value {
    build(objects, "", &mut leaf)
}

/// Elements that are arrays of objects. In the response of getIdentData, `IdentData` may also be an array.
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

/// Returns a value of an element that is not a text; `None` for texts. Add new elements here.
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

/// Returns a valid value for an element of an order, made from a number and a text without control characters.
/// `AfterVideo` and the signature field are left out, since they exclude `AfterIdent` and the position.
pub(crate) fn valid(path: &str, pick: u32, text: &str) -> Value {
    let short: String = text.chars().take(4).collect();
    let last = path.rsplit('.').next().unwrap_or(path);
    match (path, last) {
        ("Ref", _) => format!("ref-{pick}").into(),
        ("getGiroLink", _) => format!("BANK{pick}").into(),
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
        (path, _) if path.starts_with("RedirectURL.") || path.starts_with("WebhookURL.") => {
            format!("https://example.com/{pick}").into()
        }
        (_, "SignaturePosX" | "SignaturePosY" | "SignatureHeight" | "SignatureWidth") => (f64::from(pick) / 8.0).into(),
        (_, "SignaturePage") => pick.into(),
        // Names that must not be empty, and file names that must differ.
        ("Address.Firstname" | "Address.Surname", _) | (_, "Filename") => format!("{last} {pick} {text}").into(),
        _ => not_text(path).unwrap_or_else(|| format!("{text} {pick}").into()),
    }
}

/// Whether an element is required, always or by another element.
pub(crate) fn is_required(path: &str) -> bool {
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

/// Returns a valid order with every element. It has documents and hashes, which the dialect must allow (AT-34).
pub(crate) fn full_order_json() -> Value {
    let mut pick = 0;
    message_json(PUT_ORDER, |path| {
        pick += 1;
        valid(path, pick * 1009, "Müßter")
    })
}

/// Sets an element of a JSON order by its path. In an array, the first element is used.
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

/// Returns the dialect that accepts [`full_order_json`].
pub(crate) fn both_signatures() -> Dialect {
    let mut dialect = Dialect::default();
    dialect.pdf_and_hash_together = true;
    dialect
}
