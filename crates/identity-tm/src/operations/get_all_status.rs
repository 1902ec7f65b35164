//! `getAllStatus`, [T 4.2]: the status of many orders, either of a period (safe) or unreported so far (destructive).

use std::collections::BTreeMap;

use http::{Method, StatusCode, response};
use identkit_core::{Error, Kind, Violation};
use identkit_wire::{
    AmbiguityPolicy, BodyMode, Decoded, Dts, Encoded, Extra, Meta, Operation, Received, RetrySafety, Warning,
    is_failure, json, operation, states_failure,
};

use super::{BAD_REQUEST, ERROR, IDS, JSON_CAP, UNAUTHORIZED, refuse_default};
use crate::messages::{AllStatusRequest, General, OrderList, Paging, Period, has_list};
use crate::validate::{check_extra, listed_in_extra};
use crate::{Dialect, PROVIDER};
use serde_json::Value;

const SECTION: &str = "[T] 4.2";

/// Decodes a list. Status 304 to the POST means that there is nothing new (AT-07).
fn read<Op: Operation>(_: &Op, head: &response::Parts, body: Received) -> Result<Decoded<OrderList>, Error> {
    if head.status == StatusCode::NOT_MODIFIED {
        return Ok(OrderList::default().into());
    }
    let mut decoded = read_list(&body.whole()?)?;
    let general = general(Op::META);
    decoded.value.0.iter_mut().for_each(|order| order.general = general);
    Ok(decoded)
}

/// Whether a call reads the general codes only.
pub(super) fn general(meta: &Meta) -> General {
    General(!meta.path.ends_with("/ExtendedList"))
}

/// Decodes the body of a list. An object without orders is not a list: nothing new is status 304 or an empty list.
pub(crate) fn read_list(bytes: &[u8]) -> Result<Decoded<OrderList>, Error> {
    let (list, notes) = OrderList::read(bytes).map_err(json::JsonFault::answer)?;
    check_list(bytes, list.0.iter().any(|order| order.order_id.is_some()))?;
    let mut warnings = notes.warnings();
    let unreadable = list.0.iter().filter(|order| !order.is_whole()).count();
    if unreadable > 0 {
        let what = "they have no OrderID, or an element that cannot be read";
        warnings.push(Warning::new(format!("unreadable entries: {unreadable} of {}; {what}", list.0.len()), "AT-93"));
    }
    let error = states_failure(bytes) || list.0.iter().any(|order| has_error(&order.extra));
    warnings.extend(error_warning(error));
    Ok(Decoded::new(list, warnings))
}

/// Checks that a text without any order id is a list.
pub(super) fn check_list(bytes: &[u8], has_id: bool) -> Result<(), Error> {
    if has_id {
        return Ok(());
    }
    // An array has no error beside its entries.
    let beside = json::read::<BTreeMap<String, Value>>(bytes).unwrap_or_default();
    refuse_default(true, beside.iter().filter(|(name, _)| !has_list(name)))?;
    if is_list(bytes) {
        return Ok(());
    }
    Err(Error::new(Kind::Protocol, "the response is an object without the elements Order and OrderID"))
}

/// Whether the elements that the document does not list contain the vendor's error (AT-94).
pub(super) fn has_error(extra: &Extra) -> bool {
    extra.iter().any(|(name, value)| is_failure(name, value))
}

pub(super) fn error_warning(error: bool) -> Option<Warning> {
    Warning::when(error, "the vendor also reported an error", "AT-94")
}

/// Whether a text is an array, or an object with an array as `Order`.
fn is_list(bytes: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Wrapper {
        #[serde(rename = "Order")]
        _order: Vec<serde::de::IgnoredAny>,
    }
    json::read::<Vec<serde::de::IgnoredAny>>(bytes).is_ok() || json::read::<Wrapper>(bytes).is_ok()
}

#[cfg(feature = "server")]
fn respond(output: OrderList) -> Result<http::Response<identkit_core::Content>, Error> {
    if output.0.is_empty() {
        let mut response = http::Response::new(identkit_core::Content::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    super::respond::json(output)
}

/// Server side: no body, an empty body and `{}` mean the same (AT-08).
#[cfg(feature = "server")]
fn request_of(request: &http::Request<bytes::Bytes>) -> Result<AllStatusRequest, Error> {
    if request.body().iter().all(u8::is_ascii_whitespace) {
        return Ok(AllStatusRequest::default());
    }
    json::decode_request(request)
}

/// Checks that Begin and End are both set, and that a page has at most 1000 elements (AT-05).
fn check(request: &AllStatusRequest) -> Result<(), Error> {
    let mut faults: Vec<Violation> = Vec::new();
    let period = request.period.as_ref();
    if let Some(period) = period {
        faults.extend(listed_in_extra("Period.", &period.extra, Period::KEYS, SECTION));
        if let Some(paging) = &period.paging {
            faults.extend(listed_in_extra("Period.Paging.", &paging.extra, Paging::KEYS, SECTION));
        }
    }
    let mut fault = |broken: bool, field: &'static str, message: &'static str, rule| {
        if broken {
            faults.push(Violation::new(field, message, rule, SECTION));
        }
    };
    let message = "must not be in the body: the URL selects all codes; it is only in the document's example";
    fault(request.extended_list.is_some(), "ExtendedList", message, "AT-04");
    let message = "is required: without it the vendor marks everything as reported";
    fault(period.is_none(), "Period", message, "T-100");
    if let Some(period) = period {
        let [begin, end] = [&period.begin, &period.end].map(|time| time.as_ref().and_then(Dts::timestamp));
        fault(begin.is_none(), "Period.Begin", "is required, a date-time with offset", "AT-05");
        fault(end.is_none(), "Period.End", "is required, a date-time with offset", "AT-05");
        fault(begin.zip(end).is_some_and(|(begin, end)| begin > end), "Period", "begins after its end", "AT-05");
        let elements = period.paging.as_ref().and_then(|paging| paging.elements);
        let broken = elements.is_some_and(|count| !(1..=1000).contains(&count));
        fault(broken, "Period.Paging.Elements", "must be 1 to 1000", "T-101");
    }
    check_extra(&request.extra, AllStatusRequest::KEYS, SECTION, faults)
}

const fn list(name: &'static str, path: &'static str, safety: RetrySafety, ambiguity: AmbiguityPolicy) -> Meta {
    Meta::new(PROVIDER, name, Method::POST, path, safety, ambiguity)
        .section(SECTION)
        .expect(&[200, 304])
        .ids(IDS)
        .error_member(ERROR)
        .body_mode(BodyMode::Whole { cap: JSON_CAP })
        .refusals(&[BAD_REQUEST, UNAUTHORIZED])
}

macro_rules! period {
    ($(#[$attribute:meta])* $name:ident, $vendor:literal, $path:literal) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            /// Request body: a period, optionally with paging.
            pub request: AllStatusRequest,
        }

        impl $name {
            /// Creates a call for a period.
            pub fn new(period: Period) -> Self {
                Self { request: AllStatusRequest::default().period(period) }
            }
        }

        operation! {
            impl $name;
            meta: list($vendor, $path, RetrySafety::Safe, AmbiguityPolicy::Retry(4)),
            output: OrderList, dialect: Dialect,
            encode: |this, _| {
                check(&this.request)?;
                Encoded::json(&this.request)
            },
            decode: |this, head, body, _| read(this, head, body),
            request: |_, request| Ok(Self { request: request_of(request)? }),
            respond: respond,
        }
    };
}

period! {
    /// Reads the general codes of a period. Marks nothing as reported.
    GetAllStatus, "getAllStatus", "/getAllStatus"
}
period! {
    /// Reads all codes of a period. Marks nothing as reported.
    GetAllStatusExtended, "getAllStatus/ExtendedList", "/getAllStatus/ExtendedList"
}

/// Writes no body by default, since the document says it is optional (AT-08).
fn unreported(dialect: &Dialect) -> Encoded {
    if dialect.empty_object_for_unreported {
        Encoded::new(json::headers(), b"{}".to_vec())
    } else {
        Encoded::without_body()
    }
}

operation! {
    /// Reads the general codes not reported before. **Destructive**: the vendor does not report them again, even if the
    /// response is lost (AT-06).
    pub struct DrainUnreported;
    meta: list("getAllStatus", "/getAllStatus", RetrySafety::DestructiveRead, AmbiguityPolicy::Never),
    output: OrderList, dialect: Dialect,
    encode: |_, dialect| Ok(unreported(dialect)),
    decode: |this, head, body, _| read(this, head, body),
    respond: respond,
}

operation! {
    /// Reads all codes not reported before. **Destructive**: the vendor does not report them again, even if the response
    /// is lost (AT-06).
    pub struct DrainUnreportedExtended;
    meta: list(
        "getAllStatus/ExtendedList",
        "/getAllStatus/ExtendedList",
        RetrySafety::DestructiveRead,
        AmbiguityPolicy::Never,
    ),
    output: OrderList, dialect: Dialect,
    encode: |_, dialect| Ok(unreported(dialect)),
    decode: |this, head, body, _| read(this, head, body),
    respond: respond,
}
