//! Decides whether another attempt follows a failed one. A pure function.

use std::time::Duration;

use identkit_core::{Delivery, Kind};
use identkit_wire::{AmbiguityPolicy, Meta, RetrySafety};

use super::Policy;
use super::outcome::{Failed, is_ambiguous};

/// Returns the wait before the next attempt. `None` ends the call with the error. The caller checks the deadline and the
/// retry budget.
///
/// Depends on the class of the operation and on how far the request got, never on the HTTP method. `failed` is the
/// result of [`conclude`](super::outcome::conclude), `made` the number of attempts so far, `allowed` their maximum,
/// `jitter` a random number from 0 to 1.
pub(super) fn decide(
    meta: &Meta,
    failed: &Failed,
    made: u32,
    allowed: u32,
    policy: &Policy,
    jitter: f64,
) -> Option<Duration> {
    let temporary = matches!(
        failed.error.kind(),
        Kind::Unreachable | Kind::Timeout | Kind::Unavailable | Kind::RateLimited | Kind::Integrity
    );
    if failed.permanent || !temporary || made >= limit(meta, failed, allowed) {
        return None;
    }
    // `Retry-After` and the backoff have separate caps.
    let wait = failed.retry_after.unwrap_or_else(|| backoff(policy, made, jitter));
    (failed.retry_after.is_none() || wait <= policy.retry_after_cap).then_some(wait)
}

/// Maximum number of attempts after this failure.
fn limit(meta: &Meta, failed: &Failed, allowed: u32) -> u32 {
    let delivery = failed.error.delivery();
    if is_ambiguous(&failed.error) {
        return match meta.ambiguity {
            AmbiguityPolicy::Retry(at_most) => allowed.min(at_most),
            AmbiguityPolicy::Never | AmbiguityPolicy::Probe => 1,
        };
    }
    let documented = || meta.refusals.iter().any(|documented| failed.status.is_some_and(|s| s == documented.status));
    match meta.safety {
        // Each response may mean a cost, a text message or a used TAN: not repeated after any response.
        RetrySafety::SideEffect if delivery != Some(Delivery::NotSent) => 1,
        // An undocumented 429 may come from an intermediary that forwarded the request nevertheless. A 429 in the body
        // of a successful response contradicts its status.
        RetrySafety::Creating | RetrySafety::DestructiveRead
            if delivery == Some(Delivery::Answered) && !documented() =>
        {
            1
        }
        _ => allowed,
    }
}

/// Exponential backoff with full jitter, so that callers do not retry at the same time.
fn backoff(policy: &Policy, made: u32, jitter: f64) -> Duration {
    let doublings = made.saturating_sub(1).min(16);
    policy.backoff.saturating_mul(1 << doublings).min(policy.backoff_cap).mul_f64(jitter)
}

#[cfg(test)]
mod tests {
    use ::http::{Method, StatusCode};
    use identkit_core::{Advice, Error};
    use identkit_wire::Refusal;

    use super::super::outcome::{Seen, Shown, Verdict, conclude, judge, unknown};
    use super::*;

    const fn class(safety: RetrySafety, ambiguity: AmbiguityPolicy, refusals: &'static [Refusal]) -> Meta {
        Meta::new("test", "test", Method::PUT, "/", safety, ambiguity).refusals(refusals)
    }

    const LIMITED: Refusal = Refusal::new(429, Kind::RateLimited, "documented", Advice::RetryLater);

    /// Safe with and without retry; destructive read; idempotent with and without retry; creating without and with a
    /// documented 429; side effect without and with a documented 429.
    static CLASSES: [Meta; 9] = [
        class(RetrySafety::Safe, AmbiguityPolicy::Retry(3), &[]),
        class(RetrySafety::Safe, AmbiguityPolicy::Never, &[]),
        class(RetrySafety::DestructiveRead, AmbiguityPolicy::Never, &[]),
        class(RetrySafety::IdempotentByEffect, AmbiguityPolicy::Retry(3), &[]),
        class(RetrySafety::IdempotentByEffect, AmbiguityPolicy::Probe, &[]),
        class(RetrySafety::Creating, AmbiguityPolicy::Probe, &[]),
        class(RetrySafety::Creating, AmbiguityPolicy::Probe, &[LIMITED]),
        class(RetrySafety::SideEffect, AmbiguityPolicy::Never, &[]),
        class(RetrySafety::SideEffect, AmbiguityPolicy::Never, &[LIMITED]),
    ];

    fn failed(kind: Kind, delivery: Delivery, status: u16) -> Failed {
        let error = Error::new(kind, "test").with_delivery(delivery);
        Failed { error, status: StatusCode::from_u16(status).ok(), retry_after: None, permanent: false }
    }

    fn limited(seconds: u64) -> Failed {
        let retry_after = Some(Duration::from_secs(seconds));
        Failed { retry_after, ..failed(Kind::RateLimited, Delivery::Answered, 429) }
    }

    #[test]
    fn each_class_reacts_to_each_failure() {
        use Delivery::{Answered, MaybeSent, NotSent};
        let permanent = |failed: Failed| Failed { permanent: true, ..failed };
        // "r": the attempt is repeated; "-": it is not; "?": it is not, and the outcome is unknown.
        let table = [
            ("r r r r r r r r r", failed(Kind::Unreachable, NotSent, 0)),
            ("r r r r r r r r r", failed(Kind::Timeout, NotSent, 0)),
            ("- - - - - - - - -", permanent(failed(Kind::Unreachable, NotSent, 0))),
            ("- - - - - - - - -", failed(Kind::InvalidInput, NotSent, 0)),
            ("r - ? r ? ? ? ? ?", failed(Kind::Unreachable, MaybeSent, 0)),
            ("r - ? r ? ? ? ? ?", failed(Kind::Timeout, MaybeSent, 0)),
            ("- - ? - ? ? ? ? ?", permanent(failed(Kind::Timeout, MaybeSent, 0))),
            ("- - ? - ? ? ? ? ?", failed(Kind::Protocol, MaybeSent, 0)),
            // A complete response that the vendor cannot serve, e.g. 503.
            ("r - ? r ? ? ? ? ?", failed(Kind::Unavailable, Answered, 503)),
            ("r - ? r ? ? ? ? ?", failed(Kind::Integrity, MaybeSent, 404)),
            ("r r ? ? ? ? ? ? ?", failed(Kind::Integrity, Answered, 200)),
            ("- - ? ? ? ? ? ? ?", failed(Kind::Protocol, Answered, 200)),
            ("r r ? r r ? r ? -", failed(Kind::RateLimited, Answered, 429)),
            ("r r ? r r ? r ? -", limited(120)),
            ("- - ? - - ? - ? -", limited(121)),
            // In the body of a successful response.
            ("r r - r r - - - -", failed(Kind::RateLimited, Answered, 200)),
            ("- - - - - - - - -", failed(Kind::Rejected, Answered, 400)),
            ("- - - - - - - - -", failed(Kind::Rejected, Answered, 200)),
            ("- - - - - - - - -", failed(Kind::Forbidden, Answered, 403)),
            ("- - - - - - - - -", failed(Kind::NotFound, Answered, 404)),
            ("- - ? - ? ? ? ? ?", failed(Kind::Conflict, Answered, 409)),
            ("- - ? ? ? ? ? ? ?", failed(Kind::Protocol, Answered, 302)),
            ("- - ? ? ? ? ? ? ?", failed(Kind::Protocol, Answered, 600)),
        ];
        for (expected, failure) in table {
            let row = format!("{:?} {:?} {:?}", failure.error.kind(), failure.error.delivery(), failure.status);
            let cells = CLASSES.iter().map(|meta| {
                let Failed { ref error, status, retry_after, permanent } = failure;
                let error = Error::new(error.kind(), "test").with_delivery(error.delivery().unwrap());
                let shown = match error.kind() {
                    Kind::Rejected | Kind::RateLimited => Shown::Refusal,
                    _ => Shown::Other,
                };
                let verdict = status.filter(|_| error.delivery() == Some(Answered)).map(|status| {
                    judge(meta, Seen { status: status.as_u16(), shown, shows_success: false, early: false })
                });
                let error = if verdict == Some(Verdict::Unknown) { unknown(error) } else { conclude(meta, error) };
                let failed = Failed { error, status, retry_after, permanent };
                match decide(meta, &failed, 1, 4, &Policy::default(), 0.5) {
                    Some(wait) => {
                        assert_eq!(wait, retry_after.unwrap_or(Duration::from_millis(500)), "{row}");
                        "r"
                    }
                    None if failed.error.kind() == Kind::OutcomeUnknown => "?",
                    None => "-",
                }
            });
            assert_eq!(cells.collect::<Vec<_>>().join(" "), expected, "{row}");
        }
    }

    #[test]
    fn the_lower_limit_of_attempts_applies() {
        let policy = Policy::default();
        let read = |delivery, made, allowed| {
            let failed = failed(Kind::Unreachable, delivery, 0);
            decide(&CLASSES[0], &failed, made, allowed, &policy, 0.0).is_some()
        };
        assert!(read(Delivery::NotSent, 3, 4) && !read(Delivery::NotSent, 4, 4), "the caller's limit");
        assert!(read(Delivery::MaybeSent, 2, 4) && !read(Delivery::MaybeSent, 3, 4), "the operation's limit");
        assert!(read(Delivery::MaybeSent, 1, 2) && !read(Delivery::MaybeSent, 2, 2), "the caller's lower limit");
    }

    #[test]
    fn waits_double_up_to_the_cap() {
        let policy = Policy::default();
        for (made, seconds) in [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (400, 30)] {
            let failed = failed(Kind::Unreachable, Delivery::NotSent, 0);
            let decision = decide(&CLASSES[0], &failed, made, u32::MAX, &policy, 1.0);
            assert_eq!(decision, Some(Duration::from_secs(seconds)), "after {made}");
        }
    }
}
