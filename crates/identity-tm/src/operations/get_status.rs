//! `getStatus`, [T 3.2]: general codes only, or all of them (`ExtendedList`).

use identkit_wire::{OnAmbiguous, Reply, Safety, json};

use super::{JSON_CAP, READ, order_operation, read_json};
use crate::messages::OrderStatus;

order_operation! {
    /// The general codes. They may hide a suspicion of fraud (AT-13): judge an order by [`GetStatusExtended`].
    GetStatus, GET "/getStatus/{OrderID}", name: "getStatus", section: "[T] 3.2",
    safety: Safety::Safe, ambiguous: OnAmbiguous::Retry(4), expect: &[200], reply: Reply::Whole { cap: JSON_CAP },
    refusals: READ, output: OrderStatus,
    decode: |_: &Self, head, body| read_json::<OrderStatus>(head, body).map(Into::into),
    encode: |output| json::response(200, &output)
}

order_operation! {
    /// All codes that the order has ever had.
    GetStatusExtended, GET "/getStatus/{OrderID}/ExtendedList", name: "getStatus/ExtendedList", section: "[T] 3.2",
    safety: Safety::Safe, ambiguous: OnAmbiguous::Retry(4), expect: &[200], reply: Reply::Whole { cap: JSON_CAP },
    refusals: READ, output: OrderStatus,
    decode: |_: &Self, head, body| read_json::<OrderStatus>(head, body).map(Into::into),
    encode: |output| json::response(200, &output)
}
