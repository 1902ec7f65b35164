//! `delIdentdata`, [T 3.10]: deletes the data of an order. The text spells it `delIdentData` (AT-09).

use identkit_core::{Advice, Error, Kind};
use identkit_wire::{AmbiguityPolicy, BodyMode, Decoded, Refusal, RetrySafety};

use super::cancel_order::accepted;
use super::{BAD_REQUEST, UNAUTHORIZED, order_operation};

order_operation! {
    /// Deletes the identification data for good. A 404 is "not found or already deleted": never taken for success.
    DelIdentData, DELETE "/delIdentdata/{OrderID}", name: "delIdentdata", section: "[T] 3.10",
    safety: RetrySafety::IdempotentByEffect, ambiguous: AmbiguityPolicy::Retry(4), expect: &[202],
    reply: BodyMode::Whole { cap: 64 * 1024 },
    refusals: &[
        BAD_REQUEST,
        UNAUTHORIZED,
        Refusal {
            status: 404,
            kind: Kind::NotFound,
            meaning: "the vendor does not know the order, or its data is deleted already",
            advice: Advice::ReadStatus,
        },
        Refusal {
            status: 406,
            kind: Kind::InvalidState,
            meaning: "the order is not in a state in which its data can be deleted",
            advice: Advice::ReadStatus,
        },
    ],
    output: (),
    decode: |_: &Self, _, _| -> Result<Decoded<()>, Error> { Ok(().into()) },
    encode: |()| accepted()
}
