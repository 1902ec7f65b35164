//! `getIdentData`, [T 3.3]: the result of an identification, in its JSON variants.

use http::response;
use identkit_core::Error;
use identkit_wire::{AmbiguityPolicy, BodyMode, Decoded, Received, RetrySafety, Warning, json};

use super::{JSON_CAP, READ, about, order_operation, read_json};
use crate::OrderId;
use crate::messages::{IdentData, IdentDataAnswer};

/// Reads the answer and makes sure that it is about the order that was asked for (AT-24).
fn decode(order_id: &OrderId, head: &response::Parts, body: Received) -> Result<Decoded<IdentDataAnswer>, Error> {
    judged(order_id, read_json(head, body)?)
}

/// What an answer is worth, however its JSON came.
pub(crate) fn judged(order_id: &OrderId, mut value: IdentDataAnswer) -> Result<Decoded<IdentDataAnswer>, Error> {
    about(order_id, value.order_id.as_ref())?;
    let mut warnings = Vec::new();
    if value.find_identified() {
        warnings.push(Warning::new("the time of identification came under a name that is not documented", "AT-01"));
    }
    let unset = |data: &IdentData| {
        data.id_card.as_ref().is_some_and(|card| {
            (card.valid_until.is_some() && data.card_valid_until().is_none())
                || (card.date_of_issue.is_some() && data.card_date_of_issue().is_none())
        })
    };
    if value.initial().is_some_and(unset) {
        warnings.push(Warning::new("1970-01-01 in the initial data stands for a date that was not given", "AT-25"));
    }
    Ok(Decoded { value, warnings })
}

order_operation! {
    /// The checked data.
    GetIdentData, GET "/getIdentData/{OrderID}", name: "getIdentData", section: "[T] 3.3",
    safety: RetrySafety::Safe, ambiguous: AmbiguityPolicy::Retry(4), expect: &[200], reply: BodyMode::Whole { cap: JSON_CAP },
    refusals: READ, output: IdentDataAnswer,
    decode: |this: &Self, head, body| decode(&this.order_id, head, body),
    encode: |output| json::response(200, &output)
}

order_operation! {
    /// The checked data, and the data given to putOrder.
    GetIdentDataInitial, GET "/getIdentData/{OrderID}/IncludeInitialData", name: "getIdentData/IncludeInitialData",
    section: "[T] 3.3",
    safety: RetrySafety::Safe, ambiguous: AmbiguityPolicy::Retry(4), expect: &[200], reply: BodyMode::Whole { cap: JSON_CAP },
    refusals: READ, output: IdentDataAnswer,
    decode: |this: &Self, head, body| decode(&this.order_id, head, body),
    encode: |output| json::response(200, &output)
}

order_operation! {
    /// The checked data, and how the person was identified.
    GetIdentDataMethod, GET "/getIdentData/{OrderID}/IncludeIdentifyMethod",
    name: "getIdentData/IncludeIdentifyMethod", section: "[T] 3.3",
    safety: RetrySafety::Safe, ambiguous: AmbiguityPolicy::Retry(4), expect: &[200], reply: BodyMode::Whole { cap: JSON_CAP },
    refusals: READ, output: IdentDataAnswer,
    decode: |this: &Self, head, body| decode(&this.order_id, head, body),
    encode: |output| json::response(200, &output)
}
