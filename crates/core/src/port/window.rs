//! What a window of time shows: changed cases, and the cases with a reference.

use jiff::Timestamp;

use super::case::CaseRef;
use super::outcome::CaseStatus;
use crate::Secret;

/// Time window for [`changes`](crate::IdentityProvider::changes) and [`find`](crate::IdentityProvider::find). Let
/// windows overlap: identity.TM's document does not say whether the ends belong to the window (AT-05).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Start.
    pub begin: Timestamp,
    /// End.
    pub end: Timestamp,
}

/// Opaque position of the next page of changes. It contains no secrets and no personal data, can be stored, and is
/// valid only for its own window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(pub String);

/// A page of changes.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangesPage {
    /// The vendor's ids of the changed cases (a case can be on several pages), each with the status that the window
    /// alone shows, or `Unknown`. Earlier events are missing: read
    /// [`IdentityProvider::status`](crate::IdentityProvider::status) before you act.
    pub cases: Vec<(Secret, CaseStatus)>,
    /// Position of the next page; `None` on the last page.
    pub next: Option<Cursor>,
    /// Number of entries of the vendor's list that have no id or cannot be read completely. Each of them may be a changed
    /// case that is not in `cases`, or is there with the status `Unclear`.
    pub unreadable: usize,
}

impl ChangesPage {
    /// Creates a page of these changed cases. `next` is the position of the next page, if there is one.
    pub fn new(cases: Vec<(Secret, CaseStatus)>, next: Option<Cursor>) -> Self {
        Self { cases, next, unreadable: 0 }
    }

    /// Sets the number of entries that cannot be read.
    #[must_use]
    pub fn with_unreadable(mut self, unreadable: usize) -> Self {
        self.unreadable = unreadable;
        self
    }
}

/// The cases with a reference that a window shows.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// All cases with the reference, each once. Two are possible: an earlier attempt to open the case may have
    /// succeeded as well.
    pub cases: Vec<CaseRef>,
    /// Number of entries of the vendor's list that cannot be compared, because their id or reference is missing. Each of
    /// them may be a case with the reference.
    pub unreadable: usize,
}

impl Found {
    /// Creates a result.
    pub fn new(cases: Vec<CaseRef>, unreadable: usize) -> Self {
        Self { cases, unreadable }
    }

    /// Whether the result contains every case with the reference that the vendor listed.
    pub fn is_complete(&self) -> bool {
        self.unreadable == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_with_unreadable_entries_is_not_complete() {
        assert!(Found::new(Vec::new(), 0).is_complete());
        assert!(!Found::new(Vec::new(), 1).is_complete());
    }
}
