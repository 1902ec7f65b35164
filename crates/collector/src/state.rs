//! The state of a case, as operators and services see it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// State of a case.
///
/// ```text
/// intended -> open -> final -> collecting -> collected -> deleted
///     |         ^        |                        |
///     v         |        v                        v
///  unknown -----+      closed                  closed
/// ```
///
/// A case in any state is [`Stuck`](Self::Stuck) while it needs a person to look at it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaseState {
    /// The intent is stored. The request may have been sent.
    Intended,
    /// It is unknown whether the vendor has opened the case. The collector searches for it, and never opens it again.
    Unknown,
    /// The vendor has the case, and the person has not finished.
    Open,
    /// The case has ended, and it is not known yet what there is to collect.
    Final,
    /// The evidence is being collected.
    Collecting,
    /// All evidence is saved and verified, or there is none. The data can be deleted at the vendor.
    Collected,
    /// The data was deleted at the vendor, which a read has confirmed. The deletion is recorded.
    Deleted,
    /// The case has ended without a deletion: it was not opened, the vendor no longer has it, or the vendor has no call that
    /// deletes.
    Closed,
    /// The case cannot continue, or has failed for too long. The explanation says why, and what to do.
    Stuck,
}

impl CaseState {
    /// All states, in the order of a case's life.
    pub const ALL: [Self; 9] = [
        Self::Intended,
        Self::Unknown,
        Self::Open,
        Self::Final,
        Self::Collecting,
        Self::Collected,
        Self::Deleted,
        Self::Closed,
        Self::Stuck,
    ];

    /// Returns the stable word of the state, as it is stored and printed, e.g. `collecting`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intended => "intended",
            Self::Unknown => "unknown",
            Self::Open => "open",
            Self::Final => "final",
            Self::Collecting => "collecting",
            Self::Collected => "collected",
            Self::Deleted => "deleted",
            Self::Closed => "closed",
            Self::Stuck => "stuck",
        }
    }

    /// Reads the stable word of a state.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether nothing more happens to the case.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Deleted | Self::Closed)
    }
}

impl fmt::Display for CaseState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the vendor did with the signed data of an earlier case.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReuseOutcome {
    /// It has used them.
    Reused,
    /// It has identified the person again, without an error (AT-72).
    IdentifiedAgain,
}

impl fmt::Display for ReuseOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reused => "used by the vendor",
            Self::IdentifiedAgain => "not used: the person was identified again",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_of_a_state_is_its_serialized_form() {
        for state in CaseState::ALL {
            assert_eq!(serde_json::to_string(&state).unwrap(), format!("{:?}", state.as_str()));
            assert_eq!(CaseState::parse(state.as_str()), Some(state));
        }
        assert_eq!(CaseState::parse("done"), None);
    }
}
