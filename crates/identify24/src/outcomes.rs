//! What the vendor's statuses mean.

use std::collections::BTreeMap;

use identkit_core::Outcome;

use crate::messages::IdentStatus;

/// What the vendor's statuses mean, compared without regard to case (AI-12).
#[derive(Clone, Debug)]
pub(crate) struct Outcomes(BTreeMap<String, Outcome>);

impl Default for Outcomes {
    /// The only documented status.
    fn default() -> Self {
        let mut outcomes = Self(BTreeMap::new());
        outcomes.insert("Unidentified", Outcome::Pending);
        outcomes
    }
}

impl Outcomes {
    pub(crate) fn insert(&mut self, status: &str, outcome: Outcome) {
        self.0.insert(status.trim().to_lowercase(), outcome);
    }

    pub(crate) fn of(&self, status: &IdentStatus) -> Outcome {
        self.0.get(&status.as_str().trim().to_lowercase()).copied().unwrap_or(Outcome::Unknown)
    }
}
