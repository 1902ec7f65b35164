//! The calls that read or end the state of an order, and the one that asks whether the service is up.

use http::Method;
use identkit_core::{Advice, Kind};
use identkit_wire::{AmbiguityPolicy, BodyMode, Decoded, Meta, Refusal, RetrySafety, operation};

use super::{BAD_REQUEST, NOT_FOUND, UNAUTHORIZED, about, read};
use crate::messages::{OrderStatus, mend};
use crate::{Dialect, OrderId, PROVIDER};

/// Reads the answer and makes sure that it is about the order that was asked for (AT-24).
fn decode_status(
    order_id: &OrderId,
    body: identkit_wire::Received,
) -> Result<Decoded<OrderStatus>, identkit_core::Error> {
    let value: OrderStatus = mend::read(&body.whole()?).map_err(identkit_wire::json::JsonFault::answer)?;
    about(order_id, value.order_id.as_ref())?;
    Ok(value.into())
}

operation! {
    /// The general codes, [T 3.2]. They may hide a suspicion of fraud (AT-13): judge an order by
    /// [`GetStatusExtended`].
    pub struct GetStatus {
        /// The order.
        "OrderID" => order_id: OrderId as (OrderId::expose, OrderId::received),
    }
    meta: read("getStatus", "/getStatus/{OrderID}", "[T] 3.2"), output: OrderStatus, dialect: Dialect,
    decode: |this, _, body, _| decode_status(&this.order_id, body),
    respond: super::respond::json,
}

operation! {
    /// All codes that the order has ever had, [T 3.2].
    pub struct GetStatusExtended {
        /// The order.
        "OrderID" => order_id: OrderId as (OrderId::expose, OrderId::received),
    }
    meta: read("getStatus/ExtendedList", "/getStatus/{OrderID}/ExtendedList", "[T] 3.2"),
    output: OrderStatus, dialect: Dialect,
    decode: |this, _, body, _| decode_status(&this.order_id, body),
    respond: super::respond::json,
}

operation! {
    /// Ends an open order and keeps its data, [T 4.3]. After an ambiguous failure read the status before anything
    /// else: a 406 to a repeat may mean that the first try was carried out.
    pub struct CancelOrder {
        /// The order.
        "OrderID" => order_id: OrderId as (OrderId::expose, OrderId::received),
    }
    meta: Meta::new(
        PROVIDER,
        "cancelOrder",
        Method::POST,
        "/cancelOrder/{OrderID}",
        RetrySafety::IdempotentByEffect,
        AmbiguityPolicy::Probe,
    )
    .section("[T] 4.3")
    .expect(&[202])
    .refusals(&[
        BAD_REQUEST,
        UNAUTHORIZED,
        NOT_FOUND,
        Refusal::new(406, Kind::InvalidState, "the order cannot be cancelled in its state", Advice::ReadStatus),
    ]),
    output: (), dialect: Dialect,
    decode: |_, _, _, _| Ok(().into()),
    respond: super::respond::accepted,
}

operation! {
    /// Deletes the identification data for good, [T 3.10], whose text spells it `delIdentData` (AT-09). A 404 is "not
    /// found or already deleted": never taken for success.
    pub struct DelIdentData {
        /// The order.
        "OrderID" => order_id: OrderId as (OrderId::expose, OrderId::received),
    }
    meta: Meta::new(
        PROVIDER,
        "delIdentdata",
        Method::DELETE,
        "/delIdentdata/{OrderID}",
        RetrySafety::IdempotentByEffect,
        AmbiguityPolicy::Retry(4),
    )
    .section("[T] 3.10")
    .expect(&[202])
    .refusals(&[
        BAD_REQUEST,
        UNAUTHORIZED,
        Refusal::new(
            404,
            Kind::NotFound,
            "the vendor does not know the order, or its data is deleted already",
            Advice::ReadStatus,
        ),
        Refusal::new(
            406,
            Kind::InvalidState,
            "the order is not in a state in which its data can be deleted",
            Advice::ReadStatus,
        ),
    ]),
    output: (), dialect: Dialect,
    decode: |_, _, _, _| Ok(().into()),
    respond: super::respond::accepted,
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
    .section("[T] 7.1")
    .body_mode(BodyMode::Whole { cap: 64 * 1024 }),
    output: (), dialect: Dialect,
    decode: |_, _, _, _| Ok(().into()),
    respond: super::respond::empty,
}
