//! The calls about a case that arrive while a webhook about it is unanswered.
//!
//! Such a call often comes from the receiver itself: its handler reads the order before it answers, and the read waits
//! for the answer.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;

use crate::sync::lock;

/// The running attempts of each case, each with a number and the operations that were called during it.
type Running = HashMap<String, Vec<(u64, BTreeSet<&'static str>)>>;

#[derive(Debug, Default)]
pub(in crate::sandbox) struct Unanswered(Mutex<(u64, Running)>);

/// A running attempt. When it is dropped, calls no longer count for it.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    all: &'a Unanswered,
    case: String,
    number: u64,
}

impl Unanswered {
    pub(super) fn begin(&self, case: &str) -> Watch<'_> {
        let (last, running) = &mut *lock(&self.0);
        *last += 1;
        running.entry(case.to_owned()).or_default().push((*last, BTreeSet::new()));
        Watch { all: self, case: case.to_owned(), number: *last }
    }

    /// Records a call about a case.
    pub(in crate::sandbox) fn call(&self, case: &str, operation: &'static str) {
        if let Some(attempts) = lock(&self.0).1.get_mut(case) {
            for (_, calls) in attempts {
                calls.insert(operation);
            }
        }
    }
}

impl Watch<'_> {
    /// Ends the attempt and returns the operations that were called during it.
    pub(super) fn finish(self) -> Vec<&'static str> {
        self.remove().into_iter().collect()
    }

    fn remove(&self) -> BTreeSet<&'static str> {
        let running = &mut lock(&self.all.0).1;
        let Some(attempts) = running.get_mut(&self.case) else { return BTreeSet::new() };
        let own = attempts.iter().position(|(number, _)| *number == self.number);
        let calls = own.map(|own| attempts.swap_remove(own).1).unwrap_or_default();
        if attempts.is_empty() {
            running.remove(&self.case);
        }
        calls
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.remove();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_count_for_the_running_attempts_of_their_case() {
        let all = Unanswered::default();
        all.call("a", "getStatus");
        let (first, other) = (all.begin("a"), all.begin("b"));
        all.call("a", "getIdentData");
        let second = all.begin("a");
        all.call("a", "getStatus");
        assert_eq!(first.finish(), ["getIdentData", "getStatus"]);
        drop(second);
        all.call("a", "getStatus");
        assert_eq!(other.finish(), [""; 0]);
        assert!(lock(&all.0).1.is_empty());
    }
}
