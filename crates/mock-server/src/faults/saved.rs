//! The saved form of a world's faults.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Faults, InjectedRule, Rule};
use crate::world::SavedError;
use crate::world::read::{read, to_value};
use crate::world::text;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedFaults {
    last: u64,
    #[serde(with = "text")]
    random: u64,
    rules: Vec<SavedRule>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedRule {
    id: u64,
    seen: u64,
    hits: u64,
    /// As `POST faults` takes it.
    rule: Map<String, Value>,
}

impl Faults {
    pub(crate) fn saved(&self) -> Result<Value, SavedError> {
        let rule = |InjectedRule { id, rule, seen, hits }: &InjectedRule| SavedRule {
            id: *id,
            seen: *seen,
            hits: *hits,
            rule: rule.to_json(),
        };
        let rules = self.rules.iter().map(rule).collect();
        to_value(&SavedFaults { last: self.last, random: self.random.get_seed(), rules }, "the faults")
    }

    /// What [`saved`](Self::saved) wrote, which stands at this pointer.
    pub(crate) fn restored(value: &Value, at: &str) -> Result<Self, SavedError> {
        let SavedFaults { last, random, rules: saved } = read(value, at)?;
        let mut rules: Vec<InjectedRule> = Vec::new();
        for (index, SavedRule { id, seen, hits, rule }) in saved.into_iter().enumerate() {
            let damaged = |key: &str, message: &str| SavedError::damaged(format!("{at}/rules/{index}/{key}"), message);
            if id > last || rules.last().is_some_and(|before| before.id >= id) {
                return Err(damaged("id", "expected a number above the one before, up to last"));
            }
            let rule =
                Rule::from_json(&rule).map_err(|_| damaged("rule", "expected a rule as POST faults takes it"))?;
            rules.push(InjectedRule { id, rule, seen, hits });
        }
        Ok(Self { rules, last, random: fastrand::Rng::with_seed(random) })
    }
}
