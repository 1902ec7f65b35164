//! The calls that read or end an order, and the check whether the service is up.

use http::Method;
use identkit_core::{Advice, Error, Kind};
use identkit_wire::{
    AmbiguityPolicy, Answer, Decoded, Meta, Received, Refusal, RetrySafety, Warning, failure_beside_result, json,
    operation, trim_body,
};

use super::{
    BAD_REQUEST, ERROR, NOT_FOUND, UNAUTHORIZED, check_named_order, check_one_order, check_order_id, read,
    refuse_default, require, unnamed_order, wrong_state,
};
use crate::messages::{General, OrderStatus, mend};
use crate::{Dialect, OrderId, PROVIDER};

/// Decodes a response and checks that it is about the requested order (AT-24).
fn decode_status(order_id: &OrderId, body: Received) -> Result<Decoded<OrderStatus>, Error> {
    let (value, notes): (OrderStatus, _) = mend::read(&body.whole()?).map_err(json::JsonFault::answer)?;
    notes.require_once(&["Status"])?;
    check_one_order(&notes)?;
    check_order_id(order_id, value.order_id.as_ref())?;
    check_named_order(order_id, &value.extra)?;
    let entries = require(value.status.as_ref(), "Status")?;
    entries.iter().try_for_each(|entry| check_named_order(order_id, &entry.extra))?;
    refuse_default(entries.is_empty(), &value.extra)?;
    let mut warnings = notes.warnings();
    warnings.extend(failure_beside_result(&value.extra));
    warnings.extend(unnamed_order(value.order_id.as_ref()));
    Ok(Decoded::new(value, warnings))
}

/// Metadata of a call that ends or deletes, with success status 202.
const fn end(name: &'static str, method: Method, path: &'static str, ambiguity: AmbiguityPolicy) -> Meta {
    Meta::new(PROVIDER, name, method, path, RetrySafety::IdempotentByEffect, ambiguity)
        .expect(&[202])
        .answer(Answer::Empty)
        .error_member(ERROR)
}

order_calls! {
    /// Reads the general codes, [T 3.2]. They may hide a suspicion of fraud: judge an order by [`GetStatusExtended`], or
    /// this response by [`OrderStatus::general_finality`] (AT-13).
    GetStatus: read("getStatus", "/getStatus/{OrderID}", "[T] 3.2") => OrderStatus,
    decode: |this, _, body, _| {
        let mut decoded = decode_status(&this.order_id, body)?;
        decoded.value.general = General(true);
        Ok(decoded)
    };

    /// Reads all codes that the order ever had, [T 3.2].
    GetStatusExtended: read("getStatus/ExtendedList", "/getStatus/{OrderID}/ExtendedList", "[T] 3.2") => OrderStatus,
    decode: |this, _, body, _| decode_status(&this.order_id, body);

    /// Cancels an open order, [T 4.3]; the vendor keeps its data. After an ambiguous failure read the status first: 406
    /// for a second request may mean that the first one succeeded.
    CancelOrder: end("cancelOrder", Method::POST, "/cancelOrder/{OrderID}", AmbiguityPolicy::Probe)
        .section("[T] 4.3")
        .refusals(&[
            BAD_REQUEST,
            UNAUTHORIZED,
            NOT_FOUND,
            wrong_state(406, "the order cannot be canceled in its state"),
        ])
        => (),
    decode: |this, _, body, _| super::decode_done(&this.order_id, body),
    respond: super::respond::accepted;

    /// Permanently deletes the identification data, [T 3.10]. The document's text spells the call `delIdentData` (AT-09).
    /// 404 means "not found or already deleted" and is never success. Neither is a 2xx other than 202 (AT-89):
    /// [`IdentityTm::delete_ident_data`](crate::IdentityTm::delete_ident_data) checks it.
    DelIdentData: end("delIdentdata", Method::DELETE, "/delIdentdata/{OrderID}", AmbiguityPolicy::Retry(4))
        .section("[T] 3.10")
        .listed_only()
        .refusals(&[
            BAD_REQUEST,
            UNAUTHORIZED,
            Refusal::new(
                404,
                Kind::NotFound,
                "the vendor does not know the order, or its data is already deleted",
                Advice::ReadStatus,
            ),
            wrong_state(406, "the order is not in a state in which its data can be deleted"),
        ])
        => (),
    decode: |this, _, body, _| super::decode_done(&this.order_id, body),
    respond: super::respond::accepted;
}

operation! {
    /// Checks that the service is up, [T 7.1]: status 200.
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
    .answer(Answer::Status),
    output: (), dialect: Dialect,
    decode: |_, _, body, _| {
        let is_page = matches!(&body, Received::Whole(body) if trim_body(body).starts_with(b"<"));
        let page = "the response is an HTML page, which a gateway may have sent: the service may be down";
        Ok(Decoded::new((), Warning::when(is_page, page, "AT-80").into_iter().collect()))
    },
    respond: super::respond::empty,
}
