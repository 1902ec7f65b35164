//! `getStatus`, [T 3.2]: general codes only, or all of them (`ExtendedList`).

use http::response;
use identkit_core::Error;
use identkit_wire::{AmbiguityPolicy, BodyMode, Decoded, Received, RetrySafety, json};

use super::{JSON_CAP, READ, about, order_operation};
use crate::OrderId;
use crate::messages::{OrderStatus, mend};

/// Reads the answer and makes sure that it is about the order that was asked for (AT-24).
fn decode(order_id: &OrderId, _: &response::Parts, body: Received) -> Result<Decoded<OrderStatus>, Error> {
    let value: OrderStatus = mend::read(&body.whole()?).map_err(json::JsonFault::answer)?;
    about(order_id, value.order_id.as_ref())?;
    Ok(value.into())
}

order_operation! {
    /// The general codes. They may hide a suspicion of fraud (AT-13): judge an order by [`GetStatusExtended`].
    GetStatus, GET "/getStatus/{OrderID}", name: "getStatus", section: "[T] 3.2",
    safety: RetrySafety::Safe, ambiguous: AmbiguityPolicy::Retry(4), expect: &[200], reply: BodyMode::Whole { cap: JSON_CAP },
    refusals: READ, output: OrderStatus,
    decode: |this: &Self, head, body| decode(&this.order_id, head, body),
    encode: |output| json::response(200, &output)
}

order_operation! {
    /// All codes that the order has ever had.
    GetStatusExtended, GET "/getStatus/{OrderID}/ExtendedList", name: "getStatus/ExtendedList", section: "[T] 3.2",
    safety: RetrySafety::Safe, ambiguous: AmbiguityPolicy::Retry(4), expect: &[200], reply: BodyMode::Whole { cap: JSON_CAP },
    refusals: READ, output: OrderStatus,
    decode: |this: &Self, head, body| decode(&this.order_id, head, body),
    encode: |output| json::response(200, &output)
}
