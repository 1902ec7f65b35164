//! Customer-side signing, [T 5]: start it, confirm it with the TAN, ask for another TAN.
//!
//! Each of them texts a person or burns a try: none is ever repeated by itself.

use bytes::Bytes;
use http::{Method, Request, Response, response};
use identkit_core::{Advice, Content, Error, Kind, Secret, Violation};
use identkit_wire::{
    AmbiguityPolicy, BodyMode, Decoded, Encoded, Meta, Operation, Params, Received, Refusal, RetrySafety, Warning, json,
};

use super::cancel_order::accepted;
use super::{BAD_REQUEST, UNAUTHORIZED, order_id, order_operation};
use crate::messages::Tan;
use crate::validate::listed_in_extra;
use crate::{Dialect, OrderId, PROVIDER};

const GONE: Refusal = Refusal {
    status: 404,
    kind: Kind::NotFound,
    meaning: "the vendor does not know the order, or has deleted it",
    advice: Advice::DoNotRetry,
};
const PROCESSED: Refusal = Refusal {
    status: 410,
    kind: Kind::InvalidState,
    meaning: "the order has already been processed: it is probably signed",
    advice: Advice::ReadStatus,
};
const NOT_STARTED: Refusal = Refusal {
    status: 412,
    kind: Kind::InvalidState,
    meaning: "signing has not been started: call requestSign first",
    advice: Advice::ReadStatus,
};

order_operation! {
    /// Starts signing: the vendor texts a TAN to the person.
    RequestSign, POST "/requestSign/{OrderID}", name: "requestSign", section: "[T] 5.1",
    safety: RetrySafety::SideEffect, ambiguous: AmbiguityPolicy::Never, expect: &[202], reply: BodyMode::Whole { cap: 64 * 1024 },
    refusals: &[
        BAD_REQUEST,
        UNAUTHORIZED,
        GONE,
        Refusal {
            status: 406,
            kind: Kind::InvalidState,
            meaning: "the order is not in a state in which it can be signed",
            advice: Advice::ReadStatus,
        },
        PROCESSED,
    ],
    output: (),
    decode: |_: &Self, _, _| -> Result<Decoded<()>, Error> { Ok(().into()) },
    encode: |()| accepted()
}

order_operation! {
    /// Has another TAN texted to the person.
    RequestResendSignTan, POST "/requestResendSignTan/{OrderID}", name: "requestResendSignTan", section: "[T] 5.3",
    safety: RetrySafety::SideEffect, ambiguous: AmbiguityPolicy::Never, expect: &[202], reply: BodyMode::Whole { cap: 64 * 1024 },
    refusals: &[BAD_REQUEST, UNAUTHORIZED, GONE, PROCESSED, NOT_STARTED],
    output: (),
    decode: |_: &Self, _, _| -> Result<Decoded<()>, Error> { Ok(().into()) },
    encode: |()| accepted()
}

/// Signs, with the TAN that the person received. The document's example URL says `/confirm/` (AT-10).
#[derive(Clone, Debug, PartialEq)]
pub struct ConfirmSign {
    /// The order.
    pub order_id: OrderId,
    /// The body.
    pub request: Tan,
}

impl ConfirmSign {
    /// Signs this order.
    pub fn new(order_id: OrderId, tan: Secret) -> Self {
        Self { order_id, request: Tan::default().tan(tan) }
    }
}

impl Operation for ConfirmSign {
    const META: &'static Meta = &Meta {
        name: "confirmSign",
        provider: PROVIDER,
        method: Method::POST,
        path: "/confirmSign/{OrderID}",
        section: "[T] 5.2",
        safety: RetrySafety::SideEffect,
        on_ambiguous: AmbiguityPolicy::Never,
        expect: &[202],
        reply: BodyMode::Whole { cap: 64 * 1024 },
        refusals: &[
            // No code is listed for a single wrong TAN: this is the likely one, and any bad request answers it too.
            Refusal {
                status: 400,
                kind: Kind::TanRejected,
                meaning: "the TAN was probably wrong; how many tries are left is not told",
                advice: Advice::ReadStatus,
            },
            UNAUTHORIZED,
            GONE,
            // Seen in a later version of the API.
            Refusal {
                status: 409,
                kind: Kind::TanRejected,
                meaning: "the TAN was probably wrong; how many tries are left is not told",
                advice: Advice::ReadStatus,
            },
            PROCESSED,
            NOT_STARTED,
            // Never a rate limit (contract, chapter 8): the order is dead.
            Refusal {
                status: 429,
                kind: Kind::SigningCanceled,
                meaning: "too many tries with a wrong TAN: the vendor has cancelled the order",
                advice: Advice::DoNotRetry,
            },
        ],
    };
    type Output = ();
    type Dialect = Dialect;

    fn path_params(&self) -> Vec<(&'static str, &str)> {
        vec![("OrderID", self.order_id.expose())]
    }

    fn encode(&self, dialect: &Dialect) -> Result<Encoded, Error> {
        let tan = self.request.tan.as_ref().map_or("", Secret::expose);
        let fits = tan.chars().all(|c| c.is_ascii_alphanumeric())
            && if dialect.any_tan_length { !tan.is_empty() } else { tan.len() == 6 };
        let section = Self::META.section;
        let mut faults: Vec<Violation> = listed_in_extra("", &self.request.extra, Tan::KEYS, section).collect();
        if !fits {
            // A wrong length would burn a try (AT-56).
            let message =
                "must be exactly 6 letters or digits, leading zeros included; other lengths only by the dialect";
            faults.push(Violation::new("tan", message, "AT-56", section));
        }
        if !faults.is_empty() {
            return Err(Error::invalid(faults));
        }
        let mut warnings = Vec::new();
        if !tan.chars().all(|c| c.is_ascii_digit()) {
            warnings.push(Warning::new("the TAN is not made of digits only, as the document's example is", "AT-56"));
        }
        Ok(Encoded { headers: json::headers(), body: json::write(&self.request)?.into(), warnings })
    }

    fn decode(&self, _: &response::Parts, _: Received, _: &Dialect) -> Result<Decoded<()>, Error> {
        Ok(().into())
    }

    fn decode_request(params: &Params, request: &Request<Bytes>) -> Result<Self, Error> {
        let read = json::read(request.body()).map_err(json::JsonFault::input)?;
        Ok(Self { order_id: order_id(params), request: read })
    }

    fn encode_response((): ()) -> Result<Response<Content>, Error> {
        accepted()
    }
}
