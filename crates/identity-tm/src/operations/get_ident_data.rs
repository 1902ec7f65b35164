//! `getIdentData`, [T 3.3]: the result of an identification, in its JSON variants.

use http::response;
use identkit_core::{Error, Kind};
use identkit_wire::{Decoded, OnAmbiguous, Received, Reply, Safety, json};

use super::{JSON_CAP, READ, order_operation, read_json};
use crate::OrderId;
use crate::messages::IdentDataAnswer;

/// Reads the answer and makes sure that it is about the order that was asked for (AT-24).
fn decode(order_id: &OrderId, head: &response::Parts, body: Received) -> Result<Decoded<IdentDataAnswer>, Error> {
    let answer: IdentDataAnswer = read_json(head, body)?;
    match &answer.order_id {
        Some(told) if told != order_id => {
            Err(Error::new(Kind::Integrity, "the answer is about another order than the one asked for"))
        }
        _ => Ok(answer.into()),
    }
}

order_operation! {
    /// The checked data.
    GetIdentData, GET "/getIdentData/{OrderID}", name: "getIdentData", section: "[T] 3.3",
    safety: Safety::Safe, ambiguous: OnAmbiguous::Retry(4), expect: &[200], reply: Reply::Whole { cap: JSON_CAP },
    refusals: READ, output: IdentDataAnswer,
    decode: |this: &Self, head, body| decode(&this.order_id, head, body),
    encode: |output| json::response(200, &output)
}

order_operation! {
    /// The checked data, and the data given to putOrder.
    GetIdentDataInitial, GET "/getIdentData/{OrderID}/IncludeInitialData", name: "getIdentData/IncludeInitialData",
    section: "[T] 3.3",
    safety: Safety::Safe, ambiguous: OnAmbiguous::Retry(4), expect: &[200], reply: Reply::Whole { cap: JSON_CAP },
    refusals: READ, output: IdentDataAnswer,
    decode: |this: &Self, head, body| decode(&this.order_id, head, body),
    encode: |output| json::response(200, &output)
}

order_operation! {
    /// The checked data, and how the person was identified.
    GetIdentDataMethod, GET "/getIdentData/{OrderID}/IncludeIdentifyMethod",
    name: "getIdentData/IncludeIdentifyMethod", section: "[T] 3.3",
    safety: Safety::Safe, ambiguous: OnAmbiguous::Retry(4), expect: &[200], reply: Reply::Whole { cap: JSON_CAP },
    refusals: READ, output: IdentDataAnswer,
    decode: |this: &Self, head, body| decode(&this.order_id, head, body),
    encode: |output| json::response(200, &output)
}
