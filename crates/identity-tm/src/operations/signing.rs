//! Customer-side signing, [T 5]: start it, confirm it with the TAN, request another TAN.
//!
//! Each call texts the person or uses up an attempt, so it is sent at most once.

use http::Method;
use identkit_core::{Advice, Error, Kind, Secret, Violation};
use identkit_wire::{AmbiguityPolicy, Answer, Encoded, Meta, Refusal, RetrySafety, Warning, operation};

use super::{BAD_REQUEST, ERROR, IDS, UNAUTHORIZED, wrong_state};
use crate::messages::Tan;
use crate::validate::check_extra;
use crate::{Dialect, OrderId, PROVIDER};

const GONE: Refusal =
    Refusal::new(404, Kind::NotFound, "the vendor does not know the order, or has deleted it", Advice::DoNotRetry);
const PROCESSED: Refusal = wrong_state(410, "the order has already been processed, e.g. signed, canceled or rejected");
const NOT_STARTED: Refusal = wrong_state(412, "signing has not been started: call requestSign first");

/// The document lists no status for a single wrong TAN.
const fn tan_rejected(status: u16) -> Refusal {
    let meaning = "the TAN was probably wrong; the vendor does not report how many attempts are left";
    Refusal::new(status, Kind::TanRejected, meaning, Advice::ReadStatus)
}

/// Metadata of a call that texts the person or uses up an attempt.
const fn side_effect(name: &'static str, path: &'static str, section: &'static str) -> Meta {
    Meta::new(PROVIDER, name, Method::POST, path, RetrySafety::SideEffect, AmbiguityPolicy::Never)
        .section(section)
        .expect(&[202])
        .answer(Answer::Empty)
        .ids(IDS)
        .error_member(ERROR)
}

order_calls! {
    /// Starts signing: the vendor texts a TAN to the person.
    RequestSign: side_effect("requestSign", "/requestSign/{OrderID}", "[T] 5.1").refusals(&[
        BAD_REQUEST,
        UNAUTHORIZED,
        GONE,
        wrong_state(406, "the order is not in a state in which it can be signed"),
        PROCESSED,
    ]) => (),
    decode: |this, _, body, _| super::decode_done(&this.order_id, body),
    respond: super::respond::accepted;

    /// Makes the vendor text another TAN to the person.
    RequestResendSignTan: side_effect("requestResendSignTan", "/requestResendSignTan/{OrderID}", "[T] 5.3")
        .refusals(&[BAD_REQUEST, UNAUTHORIZED, GONE, PROCESSED, NOT_STARTED]) => (),
    decode: |this, _, body, _| super::decode_done(&this.order_id, body),
    respond: super::respond::accepted;
}

/// Signs with the TAN that the person received. The document's example URL has `/confirm/` instead (AT-10).
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct ConfirmSign {
    /// Id of the order.
    pub order_id: OrderId,
    /// Request body.
    pub request: Tan,
}

impl ConfirmSign {
    /// Creates a call with this TAN.
    pub fn new(order_id: OrderId, tan: Secret) -> Self {
        Self { order_id, request: Tan::default().tan(tan) }
    }

    fn write(&self, dialect: &Dialect) -> Result<Encoded, Error> {
        let tan = self.request.tan.as_ref().map_or("", Secret::expose);
        let fits = tan.chars().all(|c| c.is_ascii_alphanumeric())
            && if dialect.any_tan_length { !tan.is_empty() } else { tan.len() == 6 };
        let section = <Self as identkit_wire::Operation>::META.section;
        // A TAN of the wrong length would use up an attempt (AT-56).
        let message =
            "must be exactly 6 letters or digits, with leading zeros (the setting `any_tan_length` allows others)";
        let fault = (!fits).then(|| Violation::new("tan", message, "AT-56", section));
        check_extra(&self.request.extra, Tan::KEYS, section, fault)?;
        let letters = !tan.chars().all(|c| c.is_ascii_digit());
        let message = "the TAN has characters other than digits; the document's example has digits only";
        let warnings = Warning::when(letters, message, "AT-56").into_iter().collect();
        Ok(Encoded::json(&self.request)?.with_warnings(warnings))
    }
}

operation! {
    impl ConfirmSign;
    meta: side_effect("confirmSign", "/confirmSign/{OrderID}", "[T] 5.2").refusals(&[
        // The most likely status; also that of any other bad request.
        tan_rejected(400),
        UNAUTHORIZED,
        GONE,
        // Used by a later version of the API.
        tan_rejected(409).certain(),
        PROCESSED,
        NOT_STARTED,
        // Not a rate limit (contract, chapter 8): the order has ended.
        Refusal::new(429, Kind::SigningCanceled, "the TAN was wrong too often: the vendor has canceled the order", Advice::DoNotRetry),
    ]),
    output: (), dialect: Dialect,
    params: |this| vec![("OrderID", this.order_id.expose())],
    encode: Self::write,
    decode: |this, _, body, _| super::decode_done(&this.order_id, body),
    request: |params, request| {
        let request = identkit_wire::json::decode_request(request)?;
        Ok(Self { order_id: OrderId::new(params.get("OrderID")), request })
    },
    respond: super::respond::accepted,
}
