//! `getIdentData`, [T 3.3]: the result of an identification, in its JSON variants.

use identkit_core::Error;
use identkit_wire::{Decoded, Received, Warning, json};

use super::{about, read};
use crate::OrderId;
use crate::messages::{IdentData, IdentDataAnswer};

/// Reads the answer and makes sure that it is about the order that was asked for (AT-24).
fn decode(order_id: &OrderId, body: Received) -> Result<Decoded<IdentDataAnswer>, Error> {
    judged(order_id, json::decode(body)?.value)
}

/// What an answer is worth, however its JSON came.
pub(crate) fn judged(order_id: &OrderId, mut value: IdentDataAnswer) -> Result<Decoded<IdentDataAnswer>, Error> {
    about(order_id, value.order_id.as_ref())?;
    let found = value.find_identified();
    let unset = |data: &IdentData| {
        data.id_card.as_ref().is_some_and(|card| {
            (card.valid_until.is_some() && data.card_valid_until().is_none())
                || (card.date_of_issue.is_some() && data.card_date_of_issue().is_none())
        })
    };
    let unset = value.initial().is_some_and(unset);
    let noticed = [
        Warning::when(found, "the time of identification came under a name that is not documented", "AT-01"),
        Warning::when(unset, "1970-01-01 in the initial data stands for a date that was not given", "AT-25"),
    ];
    Ok(Decoded::new(value, noticed.into_iter().flatten().collect()))
}

order_calls! {
    /// The checked data.
    GetIdentData: read("getIdentData", "/getIdentData/{OrderID}", "[T] 3.3") => IdentDataAnswer,
    decode: |this, _, body, _| decode(&this.order_id, body),
    respond: super::respond::json;

    /// The checked data, and the data given to putOrder.
    GetIdentDataInitial:
        read("getIdentData/IncludeInitialData", "/getIdentData/{OrderID}/IncludeInitialData", "[T] 3.3")
        => IdentDataAnswer,
    decode: |this, _, body, _| decode(&this.order_id, body),
    respond: super::respond::json;

    /// The checked data, and how the person was identified.
    GetIdentDataMethod:
        read("getIdentData/IncludeIdentifyMethod", "/getIdentData/{OrderID}/IncludeIdentifyMethod", "[T] 3.3")
        => IdentDataAnswer,
    decode: |this, _, body, _| decode(&this.order_id, body),
    respond: super::respond::json;
}
