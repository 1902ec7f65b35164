//! What a failed attempt means for a call.

use std::time::Duration;

use ::http::StatusCode;
use identkit_core::{Advice, Delivery, Error, Kind};
use identkit_wire::{AmbiguityPolicy, Meta, RetrySafety};

use crate::Failure;

pub(super) struct Failed {
    pub(super) error: Error,
    /// The HTTP status of the response itself; the error may have a worse one, out of the body (AI-30).
    pub(super) status: Option<StatusCode>,
    pub(super) retry_after: Option<Duration>,
    pub(super) permanent: bool,
}

impl Failed {
    /// An attempt that ran into the deadline.
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

/// Whether the vendor may have carried out the request without saying so.
pub(super) fn is_ambiguous(error: &Error) -> bool {
    error.delivery() == Some(Delivery::MaybeSent) || error.kind() == Kind::Unavailable
}

/// What a failed attempt means for this operation: where something may have changed, the outcome is unknown. `status` is
/// that of the answer itself; the error may have a worse one, out of the body (AI-30).
pub(super) fn conclude(meta: &Meta, error: Error, status: Option<StatusCode>) -> Error {
    let changes = !matches!(meta.safety, RetrySafety::Safe);
    let repeatable = matches!(meta.ambiguity, AmbiguityPolicy::Retry(_));
    // A success around an answer that cannot be read, and not around a complete refusal (`result: false`, AI-02), nor
    // around one that says like a 5xx that the vendor cannot serve, which is ambiguous by itself (AI-30).
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
    // 200 to 299 whether the operation reads it or not: a success that nobody expected is one all the same.
    let broken_success = !refused && status.is_some_and(|status| status.is_success());
    let ambiguous = is_ambiguous(&error) || broken_success;
    if !changes || !ambiguous || (repeatable && !broken_success) {
        return error;
    }
    let detail = format!("{}; whether the vendor carried it out is not known", error.detail());
    error.with_kind(Kind::OutcomeUnknown, detail).with_delivery(Delivery::MaybeSent)
}

/// The last error of a call of which an earlier attempt may have arrived: what the last one knows is not the whole.
pub(super) fn in_doubt(meta: &Meta, error: Error) -> Error {
    if meta.safety == RetrySafety::Safe || error.kind() == Kind::OutcomeUnknown {
        return error;
    }
    match (error.delivery(), error.kind()) {
        // A repeat is told that it is done already, perhaps by the first try: a 404 to a deletion, a 406.
        (Some(Delivery::Answered), kind @ (Kind::NotFound | Kind::InvalidState)) => {
            let detail = format!("{}; an earlier try of this call may have been carried out", error.detail());
            // What the operation itself advises for this status is kept, unless it is to do nothing.
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
