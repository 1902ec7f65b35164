//! The calls that come closest to what is looked for.

use std::cmp::Reverse;

use super::{Difference, Entry, Filter, Journal};

/// A call that was made, but does not fit.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NearMiss {
    /// The call.
    pub entry: Entry,
    /// All in which it differs.
    pub differences: Vec<Difference>,
}

impl Journal {
    /// Of the calls that are kept and do not fit, those that come closest: the closest first, and of those that are as
    /// close the latest first.
    pub fn near_misses(&self, filter: &Filter, most: usize) -> Vec<NearMiss> {
        let mut all: Vec<_> = self
            .calls_since(filter.since)
            .map(|(entry, call)| (entry, filter.differences(call)))
            .filter(|(_, differences)| !differences.is_empty())
            .collect();
        all.sort_by_cached_key(|(entry, differences)| {
            (differences.iter().map(|difference| difference.weight).sum::<u32>(), Reverse(entry.sequence))
        });
        let nearest = all.into_iter().take(most);
        nearest.map(|(entry, differences)| NearMiss { entry: entry.clone(), differences }).collect()
    }
}
