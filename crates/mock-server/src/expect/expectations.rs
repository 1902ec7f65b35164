//! The expectations of one sandbox.

use super::expectation::Expect;
use super::unmet::UnmetExpectations;
use crate::journal::{Call, Journal, is_of};

/// Expectations, each with the number of calls that matched it.
#[derive(Debug, Default)]
pub(crate) struct Expectations(Vec<(Expect, u64)>);

impl Expectations {
    /// Adds an expectation of calls after the journal's entry of this number.
    pub(crate) fn add(&mut self, mut expect: Expect, last: u64) {
        expect.filter.since = expect.filter.since.max(last);
        self.0.push((expect, 0));
    }

    /// Counts an answered call, the entry of this number.
    pub(crate) fn count(&mut self, sequence: u64, call: &Call) {
        for (expect, count) in &mut self.0 {
            *count += u64::from(sequence > expect.filter.since && expect.filter.fits(call));
        }
    }

    /// Reports the expectations that are not met.
    pub(crate) fn verify(
        self,
        operations: &[&'static str],
        journal: impl FnOnce() -> Journal,
    ) -> Result<(), UnmetExpectations> {
        // A name that no vendor has would be expected never to be called, and that would always hold.
        let holds = |(expect, count): &(Expect, u64)| {
            let known =
                expect.filter.operation.as_deref().is_none_or(|named| operations.iter().any(|name| is_of(named, name)));
            known && expect.times.holds(*count)
        };
        let of = self.0.len();
        let failed: Vec<_> = self.0.into_iter().filter(|expected| !holds(expected)).collect();
        match failed.is_empty() {
            true => Ok(()),
            false => Err(UnmetExpectations::new(&failed, of, operations, &journal())),
        }
    }
}
