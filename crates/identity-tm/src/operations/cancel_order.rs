//! `cancelOrder`, [T 4.3]: ends an open order; its data is kept.

use http::{Response, StatusCode};
use identkit_core::{Advice, Content, Error, Kind};
use identkit_wire::{AmbiguityPolicy, BodyMode, Decoded, Refusal, RetrySafety};

use super::{BAD_REQUEST, NOT_FOUND, UNAUTHORIZED, order_operation};

order_operation! {
    /// Ends an open order. After an ambiguous failure read the status before anything else: a 406 to a repeat may
    /// mean that the first try was carried out.
    CancelOrder, POST "/cancelOrder/{OrderID}", name: "cancelOrder", section: "[T] 4.3",
    safety: RetrySafety::IdempotentByEffect, ambiguous: AmbiguityPolicy::Probe, expect: &[202],
    reply: BodyMode::Whole { cap: 64 * 1024 },
    refusals: &[
        BAD_REQUEST,
        UNAUTHORIZED,
        NOT_FOUND,
        Refusal {
            status: 406,
            kind: Kind::InvalidState,
            meaning: "the order cannot be cancelled in its state",
            advice: Advice::ReadStatus,
        },
    ],
    output: (),
    decode: |_: &Self, _, _| -> Result<Decoded<()>, Error> { Ok(().into()) },
    encode: |()| accepted()
}

/// 202 without a body.
pub(crate) fn accepted() -> Result<Response<Content>, Error> {
    let mut response = Response::new(Content::empty());
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}
