//! How many cases a world keeps: under load for hours it must not grow without bound.

use std::collections::{BTreeMap, HashSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::error::SavedError;

/// How many cases of each vendor are kept unless said otherwise.
const CASES: usize = 50_000;

/// How many there may be.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    pub(super) cases: usize,
    /// Of each vendor whose cases were looked through: how many may be there before they are looked through again.
    pub(super) patience: BTreeMap<&'static str, usize>,
}

impl Default for Bound {
    fn default() -> Self {
        Self { cases: CASES, patience: BTreeMap::new() }
    }
}

/// The cases of a vendor in the order in which they were opened, but for the documents' examples, which are always there.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CaseOrder(pub(super) VecDeque<String>);

impl CaseOrder {
    /// The ids, oldest first.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Adds the newest.
    pub fn push(&mut self, case: String) {
        self.0.push_back(case);
    }

    /// Takes one out that is there no longer.
    pub fn remove(&mut self, case: &str) {
        // It is the oldest, where cases end by their age.
        if self.0.front().is_some_and(|oldest| oldest == case) {
            self.0.pop_front();
        } else {
            self.0.retain(|one| one != case);
        }
    }
}

impl CaseOrder {
    /// Read from where `at` points. Each has to be one of the cases that there are.
    ///
    /// # Errors
    /// [`SavedError::Damaged`], with the place of the first that is not, or that comes twice.
    pub fn checked(self, at: &str, is_there: impl Fn(&str) -> bool) -> Result<Self, SavedError> {
        let mut known = HashSet::new();
        let wrong = self.ids().position(|case| !is_there(case) || !known.insert(case));
        match wrong {
            Some(index) => Err(SavedError::damaged(format!("{at}/{index}"), "expected the id of a case, and once")),
            None => Ok(self),
        }
    }
}
