//! `getAllStatus`, [T 4.2]: the status of many orders, by a period (safe) or what was not told before (destructive).

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, response};
use identkit_core::{Content, Error, Violation};
use identkit_wire::{
    AmbiguityPolicy, Body, BodyMode, Decoded, Encoded, Meta, Operation, Params, Received, RetrySafety, json,
};

use super::{BAD_REQUEST, JSON_CAP, UNAUTHORIZED};
use crate::messages::{AllStatusRequest, OrderList, Paging, Period, mend};
use crate::validate::listed_in_extra;
use crate::{Dialect, PROVIDER};

const SECTION: &str = "[T] 4.2";

/// 304 to a POST: nothing new (AT-07).
fn read(head: &response::Parts, body: Received) -> Result<Decoded<OrderList>, Error> {
    if head.status == StatusCode::NOT_MODIFIED {
        return Ok(OrderList::default().into());
    }
    let bytes = body.whole()?;
    mend::read::<OrderList>(&bytes).map(Into::into).map_err(json::JsonFault::answer)
}

fn respond(output: OrderList) -> Result<Response<Content>, Error> {
    if output.0.is_empty() {
        let mut response = Response::new(Content::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    json::response(200, &output)
}

/// The sandbox's side: no body, an empty one and `{}` are the same (AT-08).
fn request_of(request: &Request<Bytes>) -> Result<AllStatusRequest, Error> {
    if request.body().iter().all(u8::is_ascii_whitespace) {
        return Ok(AllStatusRequest::default());
    }
    json::read(request.body()).map_err(json::JsonFault::input)
}

/// Begin and End always both, and at most 1000 elements (AT-05).
fn check(request: &AllStatusRequest) -> Result<(), Error> {
    let mut faults: Vec<Violation> = listed_in_extra("", &request.extra, AllStatusRequest::KEYS, SECTION).collect();
    let period = request.period.as_ref();
    if let Some(period) = period {
        faults.extend(listed_in_extra("Period.", &period.extra, Period::KEYS, SECTION));
        if let Some(paging) = &period.paging {
            faults.extend(listed_in_extra("Period.Paging.", &paging.extra, Paging::KEYS, SECTION));
        }
    }
    let mut fault = |field: &'static str, message: &'static str, rule| {
        faults.push(Violation::new(field, message, rule, SECTION));
    };
    if request.extended_list.is_some() {
        let message = "stands in the document's example only: whether all codes are asked for is said by the URL";
        fault("ExtendedList", message, "AT-04");
    }
    match period {
        None => fault("Period", "is required: without it the read marks everything as reported", "T-100"),
        Some(period) => {
            let begin = period.begin.as_ref().and_then(identkit_wire::Dts::timestamp);
            let end = period.end.as_ref().and_then(identkit_wire::Dts::timestamp);
            if begin.is_none() {
                fault("Period.Begin", "is required, a date-time with offset", "AT-05");
            }
            if end.is_none() {
                fault("Period.End", "is required, a date-time with offset", "AT-05");
            }
            if begin.zip(end).is_some_and(|(begin, end)| begin > end) {
                fault("Period", "begins after its end", "AT-05");
            }
            if period.paging.as_ref().and_then(|paging| paging.elements).is_some_and(|count| count == 0 || count > 1000)
            {
                fault("Period.Paging.Elements", "must be 1 to 1000", "T-101");
            }
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::invalid(faults)) }
}

macro_rules! all_status {
    ($(#[$meta:meta])* $name:ident, $vendor:literal, $path:literal, period) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            /// The body: a period, perhaps in pages.
            pub request: AllStatusRequest,
        }

        impl $name {
            /// What happened in this period.
            pub fn new(period: Period) -> Self {
                Self { request: AllStatusRequest::default().period(period) }
            }
        }

        all_status!(@operation $name, $vendor, $path, RetrySafety::Safe, AmbiguityPolicy::Retry(4),
            |this: &Self, _: &Dialect| {
                check(&this.request)?;
                Ok(json::write(&this.request)?.into())
            },
            |request| Ok(Self { request: request_of(request)? })
        );
    };
    ($(#[$meta:meta])* $name:ident, $vendor:literal, $path:literal, unreported) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name;

        // A body of no bytes by default, as the document has it optional (AT-08).
        all_status!(@operation $name, $vendor, $path, RetrySafety::DestructiveRead, AmbiguityPolicy::Never,
            |_: &Self, dialect: &Dialect| {
                Ok(if dialect.empty_object_for_unreported { Body::from(b"{}".to_vec()) } else { Body::empty() })
            },
            |_| Ok(Self)
        );
    };
    (@operation $name:ident, $vendor:literal, $path:literal, $safety:expr, $ambiguous:expr, $body:expr, $read:expr) => {
        impl Operation for $name {
            const META: &'static Meta = &Meta {
                name: $vendor,
                provider: PROVIDER,
                method: Method::POST,
                path: $path,
                section: SECTION,
                safety: $safety,
                on_ambiguous: $ambiguous,
                expect: &[200, 304],
                reply: BodyMode::Whole { cap: JSON_CAP },
                refusals: &[BAD_REQUEST, UNAUTHORIZED],
            };
            type Output = OrderList;
            type Dialect = Dialect;

            fn path_params(&self) -> Vec<(&'static str, &str)> {
                Vec::new()
            }

            fn encode(&self, dialect: &Dialect) -> Result<Encoded, Error> {
                let write: fn(&Self, &Dialect) -> Result<Body, Error> = $body;
                Ok(Encoded { headers: json::headers(), body: write(self, dialect)?, warnings: Vec::new() })
            }

            fn decode(&self, head: &response::Parts, body: Received, _: &Dialect) -> Result<Decoded<OrderList>, Error> {
                read(head, body)
            }

            fn decode_request(_: &Params, request: &Request<Bytes>) -> Result<Self, Error> {
                let read: fn(&Request<Bytes>) -> Result<Self, Error> = $read;
                read(request)
            }

            fn encode_response(output: OrderList) -> Result<Response<Content>, Error> {
                respond(output)
            }
        }
    };
}

all_status! {
    /// The general codes of a period. Nothing is marked as reported.
    GetAllStatus, "getAllStatus", "/getAllStatus", period
}
all_status! {
    /// All codes of a period. Nothing is marked as reported.
    GetAllStatusExtended, "getAllStatus/ExtendedList", "/getAllStatus/ExtendedList", period
}
all_status! {
    /// The general codes not reported before. **Destructive**: what it answers is never told again, also when the
    /// answer is lost (AT-06).
    DrainUnreported, "getAllStatus", "/getAllStatus", unreported
}
all_status! {
    /// All codes not reported before. **Destructive**: what it answers is never told again, also when the answer is
    /// lost (AT-06).
    DrainUnreportedExtended, "getAllStatus/ExtendedList", "/getAllStatus/ExtendedList", unreported
}
