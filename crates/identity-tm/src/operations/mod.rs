//! The vendor's calls. Each operation encodes a request and decodes a response, without I/O. With the feature `server` it
//! also decodes the request and encodes the response.

/// Declares calls that send only the id of an order. By default they decode and respond with JSON.
macro_rules! order_calls {
    ($(
        $(#[$attribute:meta])*
        $name:ident: $meta:expr => $output:ty $(, decode: $decode:expr)? $(, respond: $respond:expr)?
    );+ $(;)?) => {$(
        identkit_wire::operation! {
            $(#[$attribute])*
            pub struct $name {
                /// Id of the order.
                "OrderID" => order_id: crate::OrderId as (crate::OrderId::expose, crate::OrderId::new),
            }
            meta: $meta, output: $output, dialect: crate::Dialect,
            $(decode: $decode,)? respond: identkit_wire::operation!(@or [$($respond)?] super::respond::json),
        }
    )+};
}

mod documents;
mod files;
mod get_all_status;
mod get_ident_data;
mod ident_data_body;
mod misc;
mod opaque;
mod order_state;
mod put_order;
mod recordings;
#[cfg(feature = "server")]
mod respond;
mod signing;
mod unread;

pub use documents::*;
pub use files::{FileStream, Streamed};
pub(crate) use get_all_status::read_list;
pub use get_all_status::*;
pub use get_ident_data::*;
pub(crate) use ident_data_body::AsReceived;
pub use ident_data_body::*;
pub use misc::*;
pub use order_state::*;
pub use recordings::*;
pub use signing::*;
pub use unread::{Unread, UnreadList};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, StatusCode};
use identkit_core::{Advice, Error, Kind, RawResponse};
use identkit_wire::{
    AmbiguityPolicy, BodyMode, Decoded, Message, Meta, Received, Refusal, RetrySafety, UnknownEnd, Warning, error_text,
    failure_beside_result, is_metadata, is_result_or_reason, is_same_name, json, trim_body,
};

use serde_json::Value;

use crate::id::is_regular;
use crate::{OrderId, PROVIDER};

/// Maximum size of a JSON response in bytes (AT-79).
const JSON_CAP: u64 = 256 * 1024 * 1024;
const PDF_CAP: u64 = 1024 * 1024 * 1024;

const BAD_REQUEST: Refusal = Refusal::new(400, Kind::Rejected, "the vendor rejected the request", Advice::FixInput);
const UNAUTHORIZED: Refusal = Refusal::new(
    401,
    Kind::Authentication,
    "the vendor rejected customer id and customer code",
    Advice::CheckCredentials,
);
const NOT_FOUND: Refusal =
    Refusal::new(404, Kind::NotFound, "the vendor does not know an order with this id", Advice::DoNotRetry);

const fn wrong_state(status: u16, meaning: &'static str) -> Refusal {
    Refusal::new(status, Kind::InvalidState, meaning, Advice::ReadStatus)
}

/// Name of the element that reports an error (AT-53, AT-94).
pub(crate) const ERROR: &str = "Error";

/// Name of the element that shows that a call did something (AT-97).
const IDS: &[&str] = &["OrderID"];

const READ: &[Refusal] = &[BAD_REQUEST, UNAUTHORIZED, NOT_FOUND];

/// Metadata of a call that reads an order's data, as JSON by default.
const fn read(name: &'static str, path: &'static str, section: &'static str) -> Meta {
    Meta::new(PROVIDER, name, Method::GET, path, RetrySafety::Safe, AmbiguityPolicy::Retry(4))
        .section(section)
        .error_member(ERROR)
        .body_mode(BodyMode::Whole { cap: JSON_CAP })
        .refusals(READ)
}

/// Rejects a body that is not a result in any form: an error, a page, or nothing (AT-94, AT-96). `expected` is e.g. `a video`.
fn refuse_no_result(head: &http::response::Parts, body: &[u8], expected: &str) -> Result<(), Error> {
    if let Some(text) = error_text(body, ERROR) {
        let detail = "the vendor reports an error in a response with a success status";
        return Err(Error::new(Kind::Rejected, detail).with_vendor_text(text));
    }
    let text = trim_body(body);
    let media_type = head.headers.get(CONTENT_TYPE).map(|value| value.as_bytes().to_ascii_lowercase());
    let begins = |with: &str| text.get(..with.len()).is_some_and(|first| first.eq_ignore_ascii_case(with.as_bytes()));
    let detail = if text.is_empty() {
        format!("the response is empty; {expected} is expected")
    } else if begins("<!doctype html") || begins("<html") || media_type.is_some_and(|it| it.starts_with(b"text/html")) {
        format!("the response is not {expected}: it is an HTML page")
    } else {
        return Ok(());
    };
    Err(Error::new(Kind::Protocol, detail))
}

/// Rejects a body in an opaque format that ended with the connection: a truncated one could not be detected.
fn require_end(head: &http::response::Parts) -> Result<(), Error> {
    match head.extensions.get::<UnknownEnd>() {
        Some(UnknownEnd) => {
            let detail = "the response has no length, so a truncated one could not be detected";
            Err(Error::new(Kind::Integrity, detail))
        }
        None => Ok(()),
    }
}

/// Decodes an object on whose elements `once` the result depends, with a warning about an error beside it (AT-93, AT-94,
/// AT-95). Checks that it names no other order.
fn decode_of_order<T: Message + serde::de::DeserializeOwned>(
    order_id: &OrderId,
    body: Received,
    once: &[&str],
) -> Result<Decoded<T>, Error> {
    let mut decoded = decode_object::<T>(body, once)?;
    check_named_order(order_id, &*decoded.value.extra())?;
    Ok(decoded)
}

/// As [`decode_of_order`], for a call without an order.
fn decode_object<T: Message + serde::de::DeserializeOwned>(body: Received, once: &[&str]) -> Result<Decoded<T>, Error> {
    let mut decoded = json::decode_once::<T>(body, once)?;
    decoded.warnings.extend(failure_beside_result(&*decoded.value.extra()));
    Ok(decoded)
}

/// Returns an element on which the result depends (AT-93). Its absence never means "none".
fn require<'a, T>(element: Option<&'a T>, name: &'static str) -> Result<&'a T, Error> {
    element.ok_or_else(|| {
        Error::new(Kind::Protocol, format!("the response has no element {name}, which the document requires"))
    })
}

/// Rejects a negative result, e.g. an empty list, beside a failure or another list: it does not mean "none" (AT-93, AT-94).
/// Programs that write every element of a type write such a result.
fn refuse_default<'a>(
    is_default: bool,
    beside: impl IntoIterator<Item = (&'a String, &'a Value)>,
) -> Result<(), Error> {
    match is_default && beside.into_iter().any(|(name, value)| is_result_or_reason(name, value)) {
        true => Err(Error::new(Kind::Protocol, "the response has an error or another element in place of a result")),
        false => Ok(()),
    }
}

/// Checks that the response, if it names an order, names the requested one (AT-24).
fn check_order_id(requested: &OrderId, received: Option<&OrderId>) -> Result<(), Error> {
    match received {
        Some(received) if !received.expose().is_empty() && received != requested => {
            Err(Error::new(Kind::Integrity, "the response is about another order than the requested one"))
        }
        _ => Ok(()),
    }
}

/// Returns a warning if the response does not name its order: it may be about another one (AT-24).
fn unnamed_order(received: Option<&OrderId>) -> Option<Warning> {
    let is_unnamed = received.is_none_or(|received| received.expose().is_empty());
    let message = "the response does not name its order (OrderID), so it may be about another one";
    Warning::when(is_unnamed, message, "AT-24")
}

/// Rejects a response with several different OrderIDs: all but one of them are of other orders (AT-24, AT-95).
fn check_one_order(notes: &json::Notes) -> Result<(), Error> {
    match notes.has_different("OrderID") {
        true => Err(Error::new(Kind::Integrity, "the response has several different OrderIDs")),
        false => Ok(()),
    }
}

/// Whether an element is the id of an order, in any spelling, e.g. `order_id`.
fn is_order_id(name: &str) -> bool {
    is_same_name(name, "OrderID")
}

/// Like [`check_order_id`], for the elements of a response that the document does not list, at any depth.
fn check_named_order<'a>(
    requested: &OrderId,
    elements: impl IntoIterator<Item = (&'a String, &'a Value)>,
) -> Result<(), Error> {
    elements.into_iter().try_for_each(|(name, value)| check_named_orders(requested, name, value))
}

fn check_named_orders(requested: &OrderId, name: &str, value: &Value) -> Result<(), Error> {
    match value {
        Value::Null => Ok(()),
        Value::Array(many) => many.iter().try_for_each(|one| check_named_orders(requested, name, one)),
        Value::Object(members) => check_named_order(requested, members),
        Value::String(text) if is_order_id(name) => check_order_id(requested, Some(&OrderId::new(text.as_str()))),
        other if is_order_id(name) => check_order_id(requested, Some(&OrderId::new(other.to_string()))),
        _ => Ok(()),
    }
}

/// Like [`check_order_id`], for a response whose body the document does not describe.
pub(crate) fn check_found_orders(requested: &OrderId, body: &Bytes) -> Result<(), Error> {
    const NAMES: &[&str] = &["OrderID", "order_id", "order-id"];
    let body = RawResponse::new(StatusCode::ACCEPTED, HeaderMap::new(), body.clone(), true).with_id_names(NAMES);
    body.ids().iter().try_for_each(|id| check_order_id(requested, Some(&OrderId::new(id.value.expose()))))
}

/// Minimum length of a word that can be the id of an order by its form. A shorter one can be another number.
const ORDER_WORD: usize = 10;

/// Like [`check_found_orders`], also for the id of an order that has no name, or another one. The engine has checked that
/// no element is repeated.
pub(crate) fn check_mentioned_orders(requested: &OrderId, body: &Bytes) -> Result<(), Error> {
    check_found_orders(requested, body)?;
    let text = trim_body(body);
    match serde_json::from_slice(text) {
        Ok(value) => check_words(requested, &value),
        Err(_) => check_words_of(requested, &String::from_utf8_lossy(text)),
    }
}

/// Checks the words of a value, but not those of elements about the request.
fn check_words(requested: &OrderId, value: &Value) -> Result<(), Error> {
    match value {
        Value::Null | Value::Bool(_) => Ok(()),
        Value::Number(number) => check_words_of(requested, &number.to_string()),
        Value::String(text) => check_words_of(requested, text),
        Value::Array(many) => many.iter().try_for_each(|one| check_words(requested, one)),
        Value::Object(members) => members.iter().try_for_each(|(name, value)| {
            check_words_of(requested, name)?;
            if is_metadata(name) { Ok(()) } else { check_words(requested, value) }
        }),
    }
}

fn check_words_of(requested: &OrderId, text: &str) -> Result<(), Error> {
    // An id of another shape has several words (AT-22).
    let text = text.replace(requested.expose(), " ");
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let words = text.split(|c| !is_part(c)).filter(|word| !is_uuid(word)).flat_map(|word| word.split('-'));
    let can_be_order =
        |word: &str| word.len() >= ORDER_WORD && is_regular(word) && word.contains(|c: char| c.is_ascii_digit());
    words.filter(|word| can_be_order(word)).try_for_each(|word| check_order_id(requested, Some(&OrderId::new(word))))
}

/// Whether a word has the shape of a UUID, e.g. the id of a request.
fn is_uuid(word: &str) -> bool {
    let parts = word.split('-').map(|part| (part.len(), part.bytes().all(|byte| byte.is_ascii_hexdigit())));
    parts.eq([8, 4, 4, 4, 12].map(|length| (length, true)))
}

/// Decodes a response without a documented body. The engine has checked that it has no error.
fn decode_done(order_id: &OrderId, body: Received) -> Result<Decoded<()>, Error> {
    check_mentioned_orders(order_id, &body.whole()?).map(Decoded::from)
}
