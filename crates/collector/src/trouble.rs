//! Why a case does not continue.

use identkit_core::{Error, Kind};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Time for which a failure that can pass is not worth a person's attention.
const PATIENCE: SignedDuration = SignedDuration::from_hours(1);

/// Number of failures after which even one that seems to last is worth a person's attention.
const REPEATED: u32 = 3;

/// A failure that has not passed yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trouble {
    /// Time of the first failure in a row.
    pub(crate) since: Timestamp,
    /// Number of failures in a row.
    pub(crate) failures: u32,
    /// What failed and why, without personal data.
    pub(crate) text: String,
    /// Whether a person should look at the case.
    pub(crate) stuck: bool,
}

impl Trouble {
    /// Adds a failure.
    pub(crate) fn add(before: Option<Self>, error: &Error, now: Timestamp) -> Self {
        let (since, failures, was_stuck) =
            before.map_or((now, 1, false), |old| (old.since, old.failures.saturating_add(1), old.stuck));
        let text = match (error.operation(), error.status()) {
            (Some(operation), Some(status)) => format!("{operation}: {} (HTTP {status})", error.detail()),
            (Some(operation), None) => format!("{operation}: {}", error.detail()),
            _ => error.detail().to_owned(),
        };
        let lasts = now.duration_since(since) >= PATIENCE;
        let stuck = was_stuck
            || match error.kind() {
                // The configuration is wrong, or the vendor's response will not change.
                Kind::Authentication | Kind::Forbidden | Kind::InvalidInput | Kind::Unsupported => true,
                Kind::Integrity | Kind::Protocol | Kind::NotFound | Kind::Rejected | Kind::InvalidState => {
                    failures >= REPEATED || lasts
                }
                _ => lasts,
            };
        Self { since, failures, text, stuck }
    }

    /// A state in which nothing has failed, but that a person must decide.
    pub(crate) fn decision(text: impl Into<String>, now: Timestamp) -> Self {
        Self { since: now, failures: 0, text: text.into(), stuck: true }
    }
}

/// Longest wait between two attempts.
const MAX_WAIT: SignedDuration = SignedDuration::from_hours(1);

/// The wait after this number of failures in a row: 2 seconds, doubled with each further one up to 1 hour. `random`
/// shortens it, by half of it at most.
pub(crate) fn wait(failures: u32, random: u16) -> SignedDuration {
    let doublings = failures.saturating_sub(1).min(20);
    let bound = SignedDuration::from_secs(2_i64 << doublings).min(MAX_WAIT);
    bound - bound / (2 * i32::from(u16::MAX)) * i32::from(random)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
    }

    fn failed(kind: Kind, minutes: &[i64]) -> Trouble {
        let error = Error::new(kind, "failed").with_operation("getStatus");
        let trouble = minutes.iter().fold(None, |before, minute| Some(Trouble::add(before, &error, at(*minute))));
        trouble.unwrap()
    }

    #[test]
    fn waits_double_up_to_an_hour() {
        let waits: Vec<i64> = [1, 2, 3, 11, 12, 40, u32::MAX].map(|failures| wait(failures, 0).as_secs()).to_vec();
        assert_eq!(waits, [2, 4, 8, 2048, 3600, 3600, 3600]);
        assert_eq!(wait(12, u16::MAX).as_secs(), 1800);
    }

    #[test]
    fn what_can_pass_is_stuck_after_an_hour_only() {
        assert!(!failed(Kind::Unreachable, &[0, 10, 59]).stuck);
        assert!(failed(Kind::Unreachable, &[0, 10, 60]).stuck);
        assert!(!failed(Kind::Integrity, &[0, 1]).stuck);
        assert!(failed(Kind::Integrity, &[0, 1, 2]).stuck);
        assert!(failed(Kind::Authentication, &[0]).stuck);
        let trouble = failed(Kind::Authentication, &[0, 3]);
        assert_eq!((trouble.since, trouble.failures, trouble.text.as_str()), (at(0), 2, "getStatus: failed"));
    }
}
