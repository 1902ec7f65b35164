//! The state of a case, and when a case that the vendor no longer knows is gone.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Error, Kind, Pii};

/// State of a case, the same for all vendors.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Not finished.
    Pending,
    /// Identified, not signed yet.
    Identified,
    /// Positively identified, final.
    Positive,
    /// Identified and signed, final.
    Signed,
    /// Negative, final.
    Negative,
    /// Canceled or terminated before it was finished, final.
    Terminated,
    /// Suspected fraud, final. Evidence is available.
    FraudSuspicion,
    /// The person did not finish in time, final.
    TimedOut,
    /// Identified, but not signed in time, final.
    TimedOutAfterIdent,
    /// The vendor no longer knows the case, final. No provider's `status` returns it: a 404 is an error there.
    /// [`Absence`] decides it from repeated 404s.
    Gone,
    /// The vendor reports a status that identkit does not interpret.
    Unknown,
    /// A status of the case cannot be read, so its state is not known. Look into the vendor's portal;
    /// never act on a guess (AT-93).
    Unclear,
}

impl Outcome {
    /// Whether the case has ended.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Identified | Self::Unknown | Self::Unclear)
    }
}

/// The status of a case.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseStatus {
    /// State of the case.
    pub outcome: Outcome,
    /// Start of this state, if the vendor reports it.
    pub since: Option<Timestamp>,
    /// The vendor's own status codes or words, oldest first.
    pub vendor_codes: Vec<String>,
    /// The caller's reference as the vendor states it. `None` if the vendor states none, or an empty one. Another one than
    /// that of the case means that the status is about another case.
    pub reference: Option<Pii<String>>,
}

impl CaseStatus {
    /// Creates a status from the vendor's codes or words, oldest first, without its start and without a reference.
    pub fn new(outcome: Outcome, vendor_codes: Vec<String>) -> Self {
        Self { outcome, since: None, vendor_codes, reference: None }
    }

    /// The same status with the reference that the vendor states. An empty one is none.
    #[must_use]
    pub fn with_reference(mut self, reference: Option<&Pii<String>>) -> Self {
        self.reference = reference.filter(|reference| !reference.expose().is_empty()).cloned();
        self
    }
}

/// Decides when a case that the vendor no longer knows is [`Outcome::Gone`] (AT-59). Store it with the case.
///
/// A vendor may delete a case that timed out, so that its status cannot be read after the final webhook. A single 404
/// may be a transient error. Therefore a case is gone only if its end was announced, no final outcome was read before,
/// and two 404s lie at least [`GONE_AFTER`](Self::GONE_AFTER) apart, with no status in between.
///
/// ```
/// use identkit_core::{Absence, Error, Kind, Outcome};
/// use jiff::{SignedDuration, Timestamp};
///
/// let not_found = || Err(Error::new(Kind::NotFound, "the vendor does not know the order"));
/// let start = Timestamp::UNIX_EPOCH;
/// let mut absence = Absence::new();
/// absence.note_final_event(); // the webhook OnFinal arrived
/// assert_eq!(absence.note_status(&not_found(), start), None); // read again later
/// let later = start + SignedDuration::from_mins(5);
/// assert_eq!(absence.note_status(&not_found(), later), Some(Outcome::Gone));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absence {
    /// Final outcome that was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended: Option<Outcome>,
    /// Whether the vendor announced the end of the case.
    #[serde(default)]
    announced: bool,
    /// Time of the first 404 since the last status, in milliseconds of Unix time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<i64>,
}

impl Absence {
    /// Minimum time between two 404 responses that prove a case gone (AT-59).
    pub const GONE_AFTER: SignedDuration = SignedDuration::from_mins(5);

    /// Creates the memory of a case whose status was not read yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records that the vendor announced the end of the case, e.g. by its webhook for final cases. 404s before that do
    /// not count.
    pub fn note_final_event(&mut self) {
        self.announced = true;
    }

    /// Whether the vendor announced the end of the case.
    pub fn is_announced(&self) -> bool {
        self.announced
    }

    /// Records what [`IdentityProvider::status`](crate::IdentityProvider::status) returned at `at`, and returns the
    /// outcome that is known now: that of the status; after a 404 the final outcome that was read before, or
    /// [`Outcome::Gone`] by the rule above. `None`: nothing is known; read the status again later.
    pub fn note_status(&mut self, status: &Result<CaseStatus, Error>, at: Timestamp) -> Option<Outcome> {
        match status {
            Ok(status) => {
                self.since = None;
                if status.outcome.is_final() {
                    self.ended = Some(status.outcome);
                }
                Some(status.outcome)
            }
            Err(error) if error.kind() != Kind::NotFound => None,
            Err(_) if self.ended.is_some() => self.ended,
            Err(_) if !self.announced => None,
            Err(_) => {
                let first = *self.since.get_or_insert(at.as_millisecond());
                let between = SignedDuration::from_millis(at.as_millisecond().saturating_sub(first));
                (between >= Self::GONE_AFTER).then_some(Outcome::Gone)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ended_outcomes_are_final() {
        for outcome in [Outcome::Pending, Outcome::Identified, Outcome::Unknown, Outcome::Unclear] {
            assert!(!outcome.is_final(), "{outcome:?}");
        }
        assert!(Outcome::Positive.is_final() && Outcome::FraudSuspicion.is_final() && Outcome::Gone.is_final());
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_600_000_000 + seconds).unwrap()
    }

    fn read(outcome: Outcome) -> Result<CaseStatus, Error> {
        Ok(CaseStatus::new(outcome, Vec::new()))
    }

    fn failed(kind: Kind) -> Result<CaseStatus, Error> {
        Err(Error::new(kind, "not read"))
    }

    #[test]
    fn at_59_two_404_after_the_final_event_mean_gone() {
        let mut absence = Absence::new();
        // Before the event, a 404 proves nothing and does not start the time.
        assert_eq!(absence.note_status(&failed(Kind::NotFound), at(0)), None);
        assert!(!absence.is_announced());
        absence.note_final_event();
        assert!(absence.is_announced());
        assert_eq!(absence.note_status(&failed(Kind::NotFound), at(300)), None);
        assert_eq!(absence.note_status(&failed(Kind::NotFound), at(599)), None);
        assert_eq!(absence.note_status(&failed(Kind::Unreachable), at(600)), None);
        // A restart in between changes nothing.
        let mut absence: Absence = serde_json::from_str(&serde_json::to_string(&absence).unwrap()).unwrap();
        assert_eq!(absence.note_status(&failed(Kind::NotFound), at(600)), Some(Outcome::Gone));
    }

    #[test]
    fn at_59_a_status_in_between_starts_again() {
        let mut absence = Absence::new();
        absence.note_final_event();
        assert_eq!(absence.note_status(&failed(Kind::NotFound), at(0)), None);
        assert_eq!(absence.note_status(&read(Outcome::Pending), at(100)), Some(Outcome::Pending));
        assert_eq!(absence.note_status(&failed(Kind::NotFound), at(400)), None);
        assert_eq!(absence.note_status(&failed(Kind::NotFound), at(700)), Some(Outcome::Gone));
    }

    #[test]
    fn at_59_a_final_outcome_is_kept_after_a_404() {
        let mut absence = Absence::new();
        absence.note_final_event();
        assert_eq!(absence.note_status(&read(Outcome::TimedOut), at(0)), Some(Outcome::TimedOut));
        for seconds in [1, 400, 800] {
            assert_eq!(absence.note_status(&failed(Kind::NotFound), at(seconds)), Some(Outcome::TimedOut));
        }
    }

    #[test]
    fn an_outcome_is_stored_as_a_word() {
        assert_eq!(serde_json::to_string(&Outcome::TimedOutAfterIdent).unwrap(), r#""timed-out-after-ident""#);
    }
}
