//! `putOrder`, [T 3.1]: creates an order. The PUT is not idempotent (T-055, AT-77).

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use identkit_core::{Advice, Error, Kind, RawResponse};
use identkit_wire::json::{self, Blob};
use identkit_wire::url::WebUrl;
use identkit_wire::{
    AmbiguityPolicy, BodyMode, Decoded, Encoded, Meta, OneOrMany, Operation, RetrySafety, Source, Warning,
    can_be_new_id, has_blank_ends, is_failure, operation,
};
use serde_json::{Map, Value};

use super::{BAD_REQUEST, ERROR, IDS, UNAUTHORIZED};
use crate::id::is_regular;
use crate::messages::{LegitimationDocument, PutOrderAnswer};
use crate::{Dialect, PROVIDER, PutOrder, validate};

/// Minimum number of digits of an OrderID in a header. A shorter word is a part of a path, e.g. a version.
const SHORTEST: usize = 6;

impl PutOrder {
    /// Returns the order as the client sends it: e-mail addresses and phone numbers trimmed, a single document without an
    /// array around it.
    #[must_use]
    pub fn normalized(mut self) -> Self {
        validate::normalize(&mut self);
        self
    }

    /// Checks the [`normalized`](Self::normalized) order against every rule. Returns warnings about legal but unusual
    /// values.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] with all violations if the order breaks a rule.
    pub fn check(&self, dialect: &Dialect) -> Result<Vec<Warning>, Error> {
        self.as_sent().check_normalized(dialect)
    }

    fn as_sent(&self) -> Cow<'_, Self> {
        if validate::is_normal(self) { Cow::Borrowed(self) } else { Cow::Owned(self.clone().normalized()) }
    }

    fn check_normalized(&self, dialect: &Dialect) -> Result<Vec<Warning>, Error> {
        let (faults, warnings) = validate::check(self, dialect);
        if faults.is_empty() { Ok(warnings) } else { Err(Error::invalid(faults).with_operation(Self::META.name)) }
    }

    fn write(&self, dialect: &Dialect) -> Result<Encoded, Error> {
        // Copying an order costs more than writing it, so only an order that changes is copied.
        let mut order = self.as_sent();
        let warnings = order.check_normalized(dialect)?;
        if dialect.bare_legitimation_documents
            && order.legitimation_document.is_some()
            && let order = order.to_mut()
            && let Some(documents) = order.legitimation_document.take()
        {
            let text =
                |document: &LegitimationDocument| Some(Value::String(document.document.as_ref()?.expose().clone()));
            let bare = documents.iter().filter_map(text).collect();
            order.extra.insert("LegitimationDocument".to_owned(), Value::Array(bare));
        }
        let body = json::body(&*order, &order.sources())?;
        Ok(Encoded::new(json::headers(), body).with_warnings(warnings))
    }

    /// Returns the sources of large texts, in the sequence in which they are written.
    fn sources(&self) -> Vec<Arc<dyn Source>> {
        let images = self.ident_data.iter().flat_map(|data| &data.id_card).flat_map(|card| &card.images);
        let images = images.flat_map(|images| [&images.front, &images.back]).flatten();
        let pdfs = self.sign_pdf.iter().flat_map(OneOrMany::as_slice).flat_map(|pdf| &pdf.data);
        images.chain(pdfs).filter_map(Blob::source).cloned().collect()
    }
}

/// Decodes the readable elements of a response and puts the others into `extra`: an accepted order must not be lost
/// because another element cannot be decoded (AT-22).
fn salvage(bytes: &[u8]) -> Option<PutOrderAnswer> {
    let Value::Object(elements) = json::read::<Value>(bytes).ok()? else { return None };
    let readable = |key: &str, value: &Value| {
        let alone = Map::from_iter([(key.to_owned(), value.clone())]);
        serde_json::from_value::<PutOrderAnswer>(Value::Object(alone)).is_ok()
    };
    let (good, odd): (Map<_, _>, Map<_, _>) = elements.into_iter().partition(|(key, value)| readable(key, value));
    let mut answer: PutOrderAnswer = serde_json::from_value(Value::Object(good)).ok()?;
    answer.extra.extend(odd);
    Some(answer)
}

/// The warning about an OrderID without the documented shape.
fn odd_id(id: &str) -> &'static str {
    match has_blank_ends(id) || id.contains(char::is_control) {
        true => "the OrderID has blanks or control characters, which are part of it: use it unchanged",
        false => "the OrderID does not have the documented shape",
    }
}

fn read_answer(bytes: &Bytes) -> Result<Decoded<PutOrderAnswer>, Error> {
    let (answer, notes, odd) = match json::read_answer::<PutOrderAnswer>(bytes) {
        Ok((answer, notes)) => (answer, notes, false),
        Err(fault) => (salvage(bytes).ok_or_else(|| fault.answer())?, json::Notes::default(), true),
    };
    let answered = RawResponse::new(StatusCode::ACCEPTED, HeaderMap::new(), bytes.clone(), true).with_id_names(IDS);
    if notes.has_different("OrderID") || answered.ids().len() > 1 {
        // The error contains both: `Error::salvaged_ids` (AT-95).
        return Err(Error::new(Kind::Protocol, "the response has several different OrderIDs"));
    }
    // A text with blanks is a sentence.
    let is_id = |id: &str| can_be_new_id(id) && !id.trim().contains(char::is_whitespace);
    let Some(id) = answer.order_id.as_ref().filter(|id| is_id(id.expose())) else {
        // The order may exist: never send it again, find it by its Ref (AT-53).
        let error = Error::new(Kind::Protocol, "the vendor accepted the order without naming its OrderID")
            .with_advice(Advice::Reconcile);
        return Err(match answer.error {
            Some(text) => error.with_vendor_text(text),
            None => error,
        });
    };
    let url = answer.target_url.as_ref().map_or("", identkit_core::Secret::expose);
    let warnings = [
        Warning::when(
            !url.is_empty() && WebUrl::parse(url).is_err(),
            "TargetURL is not a valid URL; it is returned unchanged",
            "AT-99",
        ),
        Warning::when(
            odd,
            "an element of the response does not have the documented type: it was moved to `extra`",
            "AT-22",
        ),
        Warning::when(
            answer.error.as_ref().is_some_and(|error| !error.expose().is_empty())
                || answer.extra.iter().any(|(name, value)| is_failure(name, value)),
            "the vendor accepted the order but also reported an error",
            "AT-53",
        ),
        Warning::when(!id.is_regular(), odd_id(id.expose()), "AT-22"),
    ];
    let warnings = warnings.into_iter().flatten().chain(notes.warnings()).collect();
    Ok(Decoded::new(answer, warnings))
}

/// Whether a header names an order, e.g. the URL of the order that was created (AT-97).
fn names_order(headers: &HeaderMap) -> bool {
    let has_number = |text: &str| {
        let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
        words.any(is_numbered)
    };
    headers.iter().any(|(name, value)| {
        matches!(name.as_str(), "location" | "content-location" | "orderid" | "order-id" | "x-order-id" | "x-orderid")
            && value.to_str().is_ok_and(has_number)
    }) || ["link", "refresh"].iter().any(|name| {
        let url = headers.get(*name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        url.to_ascii_lowercase().contains("status/") && has_number(url)
    })
}

/// Whether the text of a refusal mentions an order, e.g. one that was created before a later step failed (AT-97), or has the
/// codes that only a placed order has. A compressed text cannot be checked.
fn mentions_order(body: &[u8]) -> bool {
    /// Words between the name of an id and the id, also of HTML.
    const BETWEEN: [&str; 20] = [
        "id", "nr", "no", "num", "number", "nummer", "with", "the", "mit", "der", "quot", "td", "th", "tr", "b",
        "strong", "span", "code", "is", "was",
    ];
    if body.starts_with(b"\x1f\x8b") {
        return true;
    }
    let text = String::from_utf8_lossy(body).to_lowercase();
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let is_order = |word: &str| word.starts_with("order") || word.starts_with("auftrag") || word == "existingorderid";
    let follows_a_label = |at: usize| {
        let before = words.get(..at).unwrap_or_default();
        let label = before.iter().rev().take(6).find(|word| !BETWEEN.contains(word));
        before.last() == Some(&"id") || label.is_some_and(|word| is_order(word))
    };
    let has_code = |pair: &[&str]| matches!(pair, ["shortcode" | "longcode", code] if *code != "null");
    words.iter().enumerate().any(|(at, word)| is_numbered(word) && follows_a_label(at))
        || words.windows(2).any(has_code)
}

/// Whether a word can be an OrderID by its form and its digits.
fn is_numbered(word: &str) -> bool {
    is_regular(word) && word.bytes().filter(u8::is_ascii_digit).count() >= SHORTEST
}

operation! {
    impl PutOrder;
    meta: Meta::new(
        PROVIDER,
        "putOrder",
        Method::PUT,
        "/putOrder",
        RetrySafety::Creating,
        AmbiguityPolicy::Never,
    )
    .section("[T] 3.1")
    .expect(&[202])
    .ids(IDS)
    .id_urls(&[("TargetURL", "/status/")])
    .contradicts(|_, headers, body| names_order(headers) || mentions_order(body))
    .error_member(ERROR)
    .body_mode(BodyMode::Whole { cap: super::JSON_CAP })
    .refusals(&[BAD_REQUEST, UNAUTHORIZED]),
    output: PutOrderAnswer, dialect: Dialect,
    encode: Self::write,
    decode: |_, _, body, _| read_answer(&body.whole()?),
    // A server decides itself about an element that occurs twice (AT-95).
    request: |_, request| json::read(request.body()).map_err(|fault| fault.input().with_operation("putOrder")),
    respond: |output| json::response(202, &output),
}
