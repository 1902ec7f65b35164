//! The saved form of a world's faults.

use serde_json::{Value, json};

use super::{Faults, Injected, Rule};
use crate::world::SavedError;
use crate::world::read::{Fields, items, written};
use crate::world::text::AsText;

impl Faults {
    pub(crate) fn saved(&self) -> Result<Value, SavedError> {
        let rules: Vec<Value> = self
            .rules
            .iter()
            .map(|Injected { id, rule, seen, hits }| json!({ "id": id, "seen": seen, "hits": hits, "rule": rule.to_json() }))
            .collect();
        let random = written(&AsText(self.random.get_seed()), "the random generator of faults")?;
        Ok(json!({ "last": self.last, "random": random, "rules": rules }))
    }

    /// What [`saved`](Self::saved) wrote, which stands at this pointer.
    pub(crate) fn restored(value: &Value, at: &str) -> Result<Self, SavedError> {
        let fields = Fields::of(value, at, &["last", "random", "rules"])?;
        let last: u64 = fields.read("last")?;
        let mut rules: Vec<Injected> = Vec::new();
        let place = fields.at("rules");
        for (item, at) in items(fields.get("rules")?, &place)? {
            let fields = Fields::of(item, &at, &["id", "seen", "hits", "rule"])?;
            let id = fields.read("id")?;
            if id > last || rules.last().is_some_and(|before| before.id >= id) {
                return Err(SavedError::damaged(fields.at("id"), "expected a number above the one before, up to last"));
            }
            let rule = fields.get("rule")?.as_object().and_then(|rule| Rule::from_json(rule).ok());
            let Some(rule) = rule else {
                return Err(SavedError::damaged(fields.at("rule"), "expected a rule as POST faults takes it"));
            };
            rules.push(Injected { id, rule, seen: fields.read("seen")?, hits: fields.read("hits")? });
        }
        let random = fastrand::Rng::with_seed(fields.read::<AsText<u64>>("random")?.0);
        Ok(Self { rules, last, random })
    }
}
