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

/// A call that comes close to a filter.
#[cfg(feature = "server")]
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "NearMiss")]
pub(crate) struct NearMissView {
    request: super::EntryView,
    #[schemars(length(min = 1))]
    differences: Vec<DifferenceView>,
}

/// A difference between a call and a filter.
#[cfg(feature = "server")]
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "Difference")]
struct DifferenceView {
    /// What is compared.
    #[schemars(example = &"body /Product")]
    what: String,
    /// serde_json::Value of the filter.
    wanted: serde_json::Value,
    /// serde_json::Value of the call; null if there is none.
    got: serde_json::Value,
}

#[cfg(feature = "server")]
impl NearMiss {
    /// It as the admin API writes it.
    pub(crate) fn view(&self, secrets: super::Secrets) -> NearMissView {
        let view = |Difference { what, wanted, got, .. }: &Difference| DifferenceView {
            what: what.clone(),
            wanted: wanted.clone(),
            got: got.clone().unwrap_or_default(),
        };
        NearMissView { request: self.entry.view(secrets), differences: self.differences.iter().map(view).collect() }
    }
}
