//! The calls that read or end the state of an order, and the one that asks whether the service is up.

use http::Method;
use identkit_core::{Advice, Error, Kind};
use identkit_wire::{AmbiguityPolicy, Decoded, Meta, Received, Refusal, RetrySafety, json, operation};

use super::{BAD_REQUEST, NOT_FOUND, UNAUTHORIZED, about, read, wrong_state};
use crate::messages::{OrderStatus, mend};
use crate::{Dialect, OrderId, PROVIDER};

/// Reads the answer and makes sure that it is about the order that was asked for (AT-24).
fn decode_status(order_id: &OrderId, body: Received) -> Result<Decoded<OrderStatus>, Error> {
    let value: OrderStatus = mend::read(&body.whole()?).map_err(json::JsonFault::answer)?;
    about(order_id, value.order_id.as_ref())?;
    Ok(value.into())
}

/// A call that ends something and answers 202.
const fn end(name: &'static str, method: Method, path: &'static str, ambiguity: AmbiguityPolicy) -> Meta {
    Meta::new(PROVIDER, name, method, path, RetrySafety::IdempotentByEffect, ambiguity).expect(&[202])
}

order_calls! {
    /// The general codes, [T 3.2]. They may hide a suspicion of fraud (AT-13): judge an order by
    /// [`GetStatusExtended`].
    GetStatus: read("getStatus", "/getStatus/{OrderID}", "[T] 3.2") => OrderStatus,
    decode: |this, _, body, _| decode_status(&this.order_id, body);

    /// All codes that the order has ever had, [T 3.2].
    GetStatusExtended: read("getStatus/ExtendedList", "/getStatus/{OrderID}/ExtendedList", "[T] 3.2") => OrderStatus,
    decode: |this, _, body, _| decode_status(&this.order_id, body);

    /// Ends an open order and keeps its data, [T 4.3]. After an ambiguous failure read the status before anything
    /// else: a 406 to a repeat may mean that the first try was carried out.
    CancelOrder: end("cancelOrder", Method::POST, "/cancelOrder/{OrderID}", AmbiguityPolicy::Probe)
        .section("[T] 4.3")
        .refusals(&[
            BAD_REQUEST,
            UNAUTHORIZED,
            NOT_FOUND,
            wrong_state(406, "the order cannot be cancelled in its state"),
        ])
        => (),
    decode: |_, _, _, _| Ok(().into()),
    respond: super::respond::accepted;

    /// Deletes the identification data for good, [T 3.10], whose text spells it `delIdentData` (AT-09). A 404 is "not
    /// found or already deleted": never taken for success.
    DelIdentData: end("delIdentdata", Method::DELETE, "/delIdentdata/{OrderID}", AmbiguityPolicy::Retry(4))
        .section("[T] 3.10")
        .refusals(&[
            BAD_REQUEST,
            UNAUTHORIZED,
            Refusal::new(
                404,
                Kind::NotFound,
                "the vendor does not know the order, or its data is deleted already",
                Advice::ReadStatus,
            ),
            wrong_state(406, "the order is not in a state in which its data can be deleted"),
        ])
        => (),
    decode: |_, _, _, _| Ok(().into()),
    respond: super::respond::accepted;
}

operation! {
    /// Asks whether the service is up, [T 7.1]; good when it answers 200. A failure is the answer: it is never
    /// repeated.
    pub struct ServerStatus;
    meta: Meta::new(
        PROVIDER,
        "serverStatus",
        Method::GET,
        "/serverStatus",
        RetrySafety::Safe,
        AmbiguityPolicy::Never,
    )
    .section("[T] 7.1"),
    output: (), dialect: Dialect,
    decode: |_, _, _, _| Ok(().into()),
    respond: super::respond::empty,
}
