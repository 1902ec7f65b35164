//! The result of the suite: one line per promise.

use std::fmt;

/// A promise of the port that a provider breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenPromise {
    /// Text of the promise.
    pub promise: &'static str,
    /// Actual behavior.
    pub actual: String,
    /// Page and section that explain the promise.
    pub read: &'static str,
}

impl fmt::Display for BrokenPromise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} (read {})", self.promise, self.actual, self.read)
    }
}

/// The checked promises of a provider.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Report {
    promises: Vec<(&'static str, usize)>,
    broken: Vec<BrokenPromise>,
}

impl Report {
    /// Whether every checked promise holds.
    pub fn is_kept(&self) -> bool {
        self.broken.is_empty()
    }

    /// The broken promises, one entry per failed check.
    pub fn broken(&self) -> &[BrokenPromise] {
        &self.broken
    }

    /// The checked promises in the order of their first check, with the number of checks.
    pub fn promises(&self) -> &[(&'static str, usize)] {
        &self.promises
    }

    /// Checks that no promise is broken.
    ///
    /// # Panics
    /// With the report if one is.
    pub fn assert_kept(&self) {
        assert!(self.is_kept(), "\n{self}");
    }

    pub(crate) fn note(&mut self, promise: &'static str, broken: Option<BrokenPromise>) {
        match self.promises.iter_mut().find(|(text, _)| *text == promise) {
            Some((_, checks)) => *checks += 1,
            None => self.promises.push((promise, 1)),
        }
        self.broken.extend(broken);
    }
}

impl fmt::Display for Report {
    /// Writes one line per promise. The line of a broken promise has its first failure.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (promise, checks) in &self.promises {
            let mut failures = self.broken.iter().filter(|broken| broken.promise == *promise);
            match failures.next() {
                None => writeln!(f, "kept    {promise} ({checks} checks)")?,
                Some(first) => {
                    let failed = failures.count() + 1;
                    writeln!(f, "BROKEN  {promise} ({failed} of {checks} checks)")?;
                    writeln!(f, "        {}; read {}", first.actual, first.read)?;
                }
            }
        }
        Ok(())
    }
}
