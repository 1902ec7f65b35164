//! What a response means for its operation. Pure functions.
//!
//! [`judge`] is the only place that decides it. It depends on the facts that the operation declares ([`Meta`]), on the
//! status, and on what the body shows; never on the HTTP method.

use std::time::Duration;

use ::http::StatusCode;
use identkit_core::{Advice, Delivery, Error, Kind};
use identkit_wire::{AmbiguityPolicy, Answer, Meta, RetrySafety};

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
    pub(super) fn timed_out(error: Error) -> Self {
        Self { error, status: None, retry_after: None, permanent: true }
    }
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        let Failure { delivery, kind, detail, permanent, advice, source, answer } = failure;
        let mut error = Error::new(kind, detail).with_delivery(delivery).with_answer(answer.map(|answer| *answer));
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

/// What the body of a complete response shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// Nothing: the body is empty.
    Empty,
    /// The documented body. Of an operation without one: a JSON object.
    Result,
    /// An error beside or instead of the documented body (AT-94).
    Error,
    /// A refusal in the documented form, e.g. `result: false` (AI-02).
    Refusal,
    /// HTML.
    Html,
    /// A refusal of a gateway in front of the vendor.
    Gateway,
    /// Of an operation without a documented body: a short text, or JSON that is not an object, without a failure.
    Text,
    /// Something else, in which a failure cannot be excluded.
    Other,
}

/// A complete response.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// The HTTP status. If the body contains a worse one, that one (AI-30).
    pub(super) status: u16,
    pub(super) shown: Shown,
    /// Whether the body contains one of [`Meta::ids`].
    pub(super) shows_success: bool,
    /// Whether it arrived before the whole request was sent.
    pub(super) early: bool,
}

/// What a complete response means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The vendor executed the call.
    Success,
    /// As `Success`, but the document does not list the status (AT-89).
    UnlistedSuccess,
    /// The vendor did not execute the call. The error of the status or of the body says why.
    Refusal,
    /// The vendor may have executed the call.
    Unknown,
    /// A read without a usable result.
    Unreadable,
}

/// Whether a response of this status can be a success, so that its body is decoded (AT-89).
pub(super) fn can_succeed(meta: &Meta, status: u16) -> bool {
    meta.expect.contains(&status) || (meta.answer != Answer::Status && matches!(status, 200..=204))
}

/// Whether an incomplete response of this status leaves the outcome unknown, also for a call that can be repeated: a
/// repetition would not show what this response says.
pub(super) fn is_final(meta: &Meta, status: u16) -> bool {
    can_succeed(meta, status) && meta.answer == Answer::Empty && meta.safety != RetrySafety::Safe
}

/// Adjusts the error of an attempt without a complete head: the status line can have arrived (AT-97).
pub(super) fn after_status_line(meta: &Meta, error: Error) -> Error {
    let is_final = error.answer().is_some_and(|answer| is_final(meta, answer.status().as_u16()));
    if is_final { unknown(error) } else { error }
}

/// Returns what a complete response means (AT-89, AT-94, AT-97, AI-31).
pub(super) fn judge(meta: &Meta, seen: Seen) -> Verdict {
    let Seen { status, shown, shows_success, early } = seen;
    let reads = meta.safety == RetrySafety::Safe;
    let failed = if reads { Verdict::Unreadable } else { Verdict::Unknown };
    if can_succeed(meta, status) {
        if early && !reads {
            return Verdict::Unknown;
        }
        let listed = meta.expect.contains(&status);
        let success = if listed { Verdict::Success } else { Verdict::UnlistedSuccess };
        return match (meta.answer, shown) {
            (Answer::Status, _) => success,
            (Answer::Body, Shown::Result) => success,
            (_, Shown::Refusal) => refused_unless(shows_success, meta),
            (Answer::Body, Shown::Error) if reads => Verdict::Refusal,
            (Answer::Empty, Shown::Empty | Shown::Result) if listed || !meta.listed_only => success,
            (Answer::Empty, Shown::Text) if listed => success,
            _ => failed,
        };
    }
    if (200..300).contains(&status) {
        return failed;
    }
    let documented = meta.refusals.iter().find(|refusal| refusal.status == status && shown != Shown::Gateway);
    let uncertain = !matches!(status, 400..=499) || matches!(status, 408 | 409 | 425);
    match meta.safety {
        RetrySafety::Safe => Verdict::Refusal,
        // A repeat has no further effect, so an outcome that a retry can settle is not unknown.
        RetrySafety::IdempotentByEffect => match meta.ambiguity {
            AmbiguityPolicy::Probe if uncertain && documented.is_none() => Verdict::Unknown,
            _ if !matches!(status, 400..=599) => Verdict::Unknown,
            _ => Verdict::Refusal,
        },
        RetrySafety::DestructiveRead | RetrySafety::Creating | RetrySafety::SideEffect => {
            let certain = documented.is_some_and(|refusal| refusal.certain);
            if (uncertain && !certain) || (status == 429 && documented.is_none()) {
                return Verdict::Unknown;
            }
            refused_unless(shows_success, meta)
        }
    }
}

/// A refusal, unless the body contradicts it.
fn refused_unless(shows_success: bool, meta: &Meta) -> Verdict {
    if shows_success && meta.safety != RetrySafety::Safe { Verdict::Unknown } else { Verdict::Refusal }
}

/// Whether the error of a decoder says that the vendor refused, instead of that the body cannot be read.
pub(super) fn is_refusal(kind: Kind) -> bool {
    use Kind::{Authentication, Conflict, Forbidden, NotFound, RateLimited, Rejected, Unavailable};
    matches!(kind, Authentication | Conflict | Forbidden | NotFound | RateLimited | Rejected | Unavailable)
}

/// Whether the vendor may have executed the request without confirming it.
pub(super) fn is_ambiguous(error: &Error) -> bool {
    error.delivery() == Some(Delivery::MaybeSent) || error.kind() == Kind::Unavailable
}

/// The end of the detail of an error with an unknown outcome.
pub(crate) const NOT_KNOWN: &str = "; it is not known whether the vendor executed the request";

/// Turns the error of an attempt into one with an unknown outcome.
pub(super) fn unknown(error: Error) -> Error {
    if error.kind() == Kind::OutcomeUnknown {
        return error;
    }
    let detail = format!("{}{NOT_KNOWN}", error.detail());
    error.with_kind(Kind::OutcomeUnknown, detail).with_delivery(Delivery::MaybeSent).with_advice(Advice::Reconcile)
}

/// Converts the error of an attempt without a complete response into the error for this operation:
/// [`Kind::OutcomeUnknown`] if something may have changed. [`judge`] decides about complete responses.
pub(super) fn conclude(meta: &Meta, error: Error) -> Error {
    let changes = meta.safety != RetrySafety::Safe;
    let repeatable = matches!(meta.ambiguity, AmbiguityPolicy::Retry(_));
    if changes && !repeatable && is_ambiguous(&error) { unknown(error) } else { error }
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
            let advice = match (kind, error.advice()) {
                // The advice for a 404 does not know of the earlier attempt.
                (Kind::NotFound, _) | (_, Advice::DoNotRetry) => Advice::Reconcile,
                (_, own) => own,
            };
            error.with_kind(kind, detail).with_advice(advice)
        }
        (Some(Delivery::NotSent) | None, _) => error.with_delivery(Delivery::MaybeSent),
        // It says nothing about the earlier attempt, e.g. 409 because the vendor still executes it. A call with a result,
        // e.g. a login, can be made again.
        (
            Some(Delivery::Answered),
            Kind::Conflict | Kind::Rejected | Kind::Forbidden | Kind::Authentication | Kind::RateLimited,
        ) if meta.answer == Answer::Empty => unknown(error),
        // A response that cannot be read, e.g. in another content coding, does not say whether the call was executed.
        (Some(Delivery::MaybeSent), Kind::Protocol | Kind::Integrity) => unknown(error),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use ::http::Method;
    use identkit_wire::Refusal;

    use super::*;

    const fn documented(status: u16) -> Refusal {
        Refusal::new(status, Kind::Rejected, "documented", Advice::DoNotRetry)
    }

    /// The verdicts for a read, an idempotent call with and without a retry, and a creating call: "s" success, "u"
    /// unlisted success, "r" refusal, "?" unknown, "-" unreadable.
    fn verdicts(meta: impl Fn(Meta) -> Meta, seen: Seen) -> String {
        let classes = [
            (RetrySafety::Safe, AmbiguityPolicy::Never),
            (RetrySafety::IdempotentByEffect, AmbiguityPolicy::Retry(3)),
            (RetrySafety::IdempotentByEffect, AmbiguityPolicy::Probe),
            (RetrySafety::Creating, AmbiguityPolicy::Never),
        ];
        let verdict = |(safety, ambiguity)| {
            let meta = meta(Meta::new("test", "test", Method::PUT, "/", safety, ambiguity));
            match judge(&meta, seen) {
                Verdict::Success => 's',
                Verdict::UnlistedSuccess => 'u',
                Verdict::Refusal => 'r',
                Verdict::Unknown => '?',
                Verdict::Unreadable => '-',
            }
        };
        classes.map(verdict).iter().collect()
    }

    #[test]
    fn at_89_a_success_status_needs_a_body_that_agrees() {
        use Answer::{Body, Empty, Status};
        for (answer, status, shown, expected) in [
            (Body, 200, Shown::Result, "ssss"),
            (Body, 201, Shown::Result, "uuuu"),
            (Body, 204, Shown::Result, "uuuu"),
            (Body, 205, Shown::Result, "-???"),
            (Body, 299, Shown::Result, "-???"),
            (Body, 200, Shown::Refusal, "rrrr"),
            (Body, 200, Shown::Error, "r???"),
            (Body, 200, Shown::Empty, "-???"),
            (Body, 200, Shown::Html, "-???"),
            (Body, 200, Shown::Other, "-???"),
            (Empty, 200, Shown::Empty, "ssss"),
            (Empty, 200, Shown::Result, "ssss"),
            (Empty, 200, Shown::Text, "ssss"),
            (Empty, 200, Shown::Other, "-???"),
            (Empty, 200, Shown::Error, "-???"),
            (Empty, 200, Shown::Html, "-???"),
            (Empty, 200, Shown::Refusal, "rrrr"),
            (Empty, 201, Shown::Empty, "uuuu"),
            (Empty, 201, Shown::Result, "uuuu"),
            (Empty, 201, Shown::Text, "-???"),
            (Empty, 201, Shown::Other, "-???"),
            (Empty, 201, Shown::Error, "-???"),
            (Status, 200, Shown::Error, "ssss"),
            (Status, 200, Shown::Refusal, "ssss"),
            (Status, 200, Shown::Html, "ssss"),
            (Status, 201, Shown::Empty, "-???"),
        ] {
            let seen = Seen { status, shown, shows_success: false, early: false };
            assert_eq!(verdicts(|meta| meta.answer(answer), seen), expected, "{answer:?} {seen:?}");
        }
        for (status, expected) in [(200, "ssss"), (201, "-???")] {
            let seen = Seen { status, shown: Shown::Empty, shows_success: false, early: false };
            assert_eq!(verdicts(|meta| meta.answer(Empty).listed_only(), seen), expected, "{seen:?}");
        }
        let contradictory = Seen { status: 200, shown: Shown::Refusal, shows_success: true, early: false };
        assert_eq!(verdicts(|meta| meta, contradictory), "r???");
    }

    #[test]
    fn at_97_only_some_statuses_prove_that_nothing_happened() {
        use Shown::{Gateway, Other};
        for (status, shown, expected, documented_as) in [
            (302, Other, "r???", "r???"),
            (400, Other, "rrrr", "rrrr"),
            (404, Other, "rrrr", "rrrr"),
            (408, Other, "rr??", "rrr?"),
            (409, Other, "rr??", "rrr?"),
            (425, Other, "rr??", "rrr?"),
            (429, Other, "rrr?", "rrrr"),
            (429, Gateway, "rrr?", "rrr?"),
            (500, Other, "rr??", "rrr?"),
            (500, Gateway, "rr??", "rr??"),
            (600, Other, "r???", "r???"),
        ] {
            let seen = Seen { status, shown, shows_success: false, early: false };
            assert_eq!(verdicts(|meta| meta, seen), expected, "{seen:?}");
            let refusals = Box::leak(Box::new([documented(status)]));
            assert_eq!(verdicts(|meta| meta.refusals(refusals), seen), documented_as, "documented: {seen:?}");
        }
        for (shows_success, expected) in [(false, "rrrr"), (true, "rrr?")] {
            let seen = |status| Seen { status, shown: Other, shows_success, early: false };
            assert_eq!(verdicts(|meta| meta, seen(400)), expected);
            let certain = const { &[documented(503).certain()] };
            assert_eq!(verdicts(|meta| meta.refusals(certain), seen(503)), expected);
        }
    }

    #[test]
    fn at_97_a_success_before_the_end_of_the_request_is_unknown() {
        let seen = |status, shown| Seen { status, shown, shows_success: false, early: true };
        for (status, shown, expected) in [
            (200, Shown::Result, "s???"),
            (201, Shown::Result, "u???"),
            (200, Shown::Refusal, "r???"),
            (400, Shown::Other, "rrrr"),
            (500, Shown::Other, "rr??"),
        ] {
            assert_eq!(verdicts(|meta| meta, seen(status, shown)), expected, "{status} {shown:?}");
        }
        assert_eq!(verdicts(|meta| meta.answer(Answer::Empty), seen(200, Shown::Empty)), "s???");
        assert_eq!(verdicts(|meta| meta.answer(Answer::Status), seen(200, Shown::Empty)), "s???");
    }
}
