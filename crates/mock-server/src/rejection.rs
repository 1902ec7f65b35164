//! Why a request is rejected.

use std::borrow::Cow;

use identkit_core::{Location, Violation};

/// Limit of violations in one rejection: each of them goes into the response and into the journal.
const LIMIT: usize = 100;

/// Why a request is rejected. Holds no value of the request.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// HTTP status of the response.
    pub status: u16,
    /// The broken rules, each with what would be valid.
    pub violations: Vec<Violation>,
}

impl Rejection {
    /// A rejection for one violation.
    pub fn new(status: u16, violation: Violation) -> Self {
        Self { status, violations: vec![violation] }
    }

    /// A rejection with status 400 for all of these violations.
    pub fn invalid(violations: Vec<Violation>) -> Self {
        Self { status: 400, violations }
    }

    /// A rejection by the sandbox itself, which no vendor's document asks for.
    pub(crate) fn by_sandbox(
        status: u16,
        field: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
        source: &'static str,
    ) -> Self {
        Self::new(status, Violation::new(field, message, "sandbox", source))
    }

    /// `Ok` if there are no violations.
    ///
    /// # Errors
    /// The rejection itself, if there are any.
    pub fn or_ok(self) -> Result<(), Self> {
        if self.violations.is_empty() { Ok(()) } else { Err(self) }
    }

    /// Sets the part of the request that all of its violations are about.
    #[must_use]
    pub fn at(mut self, location: Location) -> Self {
        self.violations.iter_mut().for_each(|violation| violation.location = location);
        self
    }

    /// The same with its first hundred violations, and one that says how many more there are.
    #[must_use]
    pub fn bounded(&self) -> Self {
        let mut violations: Vec<Violation> = self.violations.iter().take(LIMIT).cloned().collect();
        let more = self.violations.len() - violations.len();
        if more > 0 {
            let message = format!("and {more} more faults");
            violations.push(Violation::new("body", message, "sandbox", "docs/sandbox-control.md"));
        }
        Self { status: self.status, violations }
    }

    /// The violations as one text.
    pub fn text(&self) -> String {
        self.violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }
}
