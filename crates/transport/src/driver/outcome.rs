//! The outcome of a call after a failed attempt.

use std::time::Duration;

use ::http::StatusCode;
use identkit_core::{Advice, Delivery, Error, Kind};
use identkit_wire::{AmbiguityPolicy, Meta, RetrySafety};

use crate::Failure;

pub(super) struct Failed {
    pub(super) error: Error,
    /// The HTTP status of the response. The error may have a worse one, from the body (AI-30).
    pub(super) status: Option<StatusCode>,
    pub(super) retry_after: Option<Duration>,
    pub(super) permanent: bool,
}

impl Failed {
    /// An attempt that exceeded the deadline.
    pub(super) fn late(error: Error) -> Self {
        Self { error, status: None, retry_after: None, permanent: true }
    }
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        let Failure { delivery, kind, detail, permanent, advice, source } = failure;
        let mut error = Error::new(kind, detail).with_delivery(delivery);
        if let Some(source) = source {
            error = error.with_source(source);
        }
        let check = permanent && kind == Kind::Unreachable;
        if let Some(advice) = advice.or(check.then_some(Advice::CheckConnection)) {
            error = error.with_advice(advice);
        }
        Self { error, status: None, retry_after: None, permanent }
    }
}

/// Whether the vendor may have executed the request without confirming it.
pub(super) fn is_ambiguous(error: &Error) -> bool {
    error.delivery() == Some(Delivery::MaybeSent) || error.kind() == Kind::Unavailable
}

/// Converts the error of an attempt into the error for this operation: [`Kind::OutcomeUnknown`] if something may have
/// changed. `status` is that of the response; the error may have a worse one, from the body (AI-30).
pub(super) fn conclude(meta: &Meta, error: Error, status: Option<StatusCode>) -> Error {
    let changes = !matches!(meta.safety, RetrySafety::Safe);
    let repeatable = matches!(meta.ambiguity, AmbiguityPolicy::Retry(_));
    // A success status whose body is a refusal (`result: false`, AI-02; or like a 5xx, AI-30) is not a broken success:
    // `is_ambiguous` covers the latter.
    let refused = matches!(
        error.kind(),
        Kind::Rejected
            | Kind::Authentication
            | Kind::Forbidden
            | Kind::NotFound
            | Kind::Conflict
            | Kind::RateLimited
            | Kind::Unavailable
    );
    // Any 2xx is a success, also one that the operation does not expect.
    let broken_success = !refused && status.is_some_and(|status| status.is_success());
    let ambiguous = is_ambiguous(&error) || broken_success;
    if !changes || !ambiguous || (repeatable && !broken_success) {
        return error;
    }
    let detail = format!("{}; it is not known whether the vendor executed the request", error.detail());
    error.with_kind(Kind::OutcomeUnknown, detail).with_delivery(Delivery::MaybeSent)
}

/// Adjusts the last error of a call if an earlier attempt may have arrived.
pub(super) fn after_ambiguous_attempt(meta: &Meta, error: Error) -> Error {
    if meta.safety == RetrySafety::Safe || error.kind() == Kind::OutcomeUnknown {
        return error;
    }
    match (error.delivery(), error.kind()) {
        // The vendor may refuse a retry because the first attempt succeeded, e.g. a 404 to a deletion, or a 406.
        (Some(Delivery::Answered), kind @ (Kind::NotFound | Kind::InvalidState)) => {
            let detail = format!("{}; the vendor may have executed an earlier attempt of this call", error.detail());
            // The operation's own advice for this status takes precedence.
            let advice = match error.advice() {
                Advice::DoNotRetry => Advice::Reconcile,
                own => own,
            };
            error.with_kind(kind, detail).with_advice(advice)
        }
        (Some(Delivery::NotSent) | None, _) => error.with_delivery(Delivery::MaybeSent),
        _ => error,
    }
}
