//! The fault rules of a world, and which of them applies to a call. The profile `chaos` also draws faults at random from
//! the world's seed, at rates that a client with retries survives.

use std::time::Duration;

use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Map;

use super::{Fault, Middle, Rule};
use crate::SavedError;
use crate::world::text;

/// Maximum number of rules. At the limit, rules that are used up are removed first.
const MAX_RULES: usize = 1_000;

/// A rule of a world, with its counters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct InjectedRule {
    /// Number of the rule in the world.
    pub id: u64,
    /// The rule.
    #[serde(deserialize_with = "from_json")]
    pub rule: Rule,
    /// Number of matching calls so far.
    pub seen: u64,
    /// Number of calls that met the fault.
    pub hits: u64,
}

impl InjectedRule {
    /// Returns how many more calls will meet the fault; `None` for no limit.
    pub fn left(&self) -> Option<u64> {
        self.rule.times.map(|times| times.saturating_sub(self.hits))
    }

    fn matches(&self, vendor: Option<&str>, operation: Option<&str>, by_result: bool) -> bool {
        self.rule.fits(vendor, operation) && (by_result || self.rule.fault != Fault::ResultFalse)
    }

    /// Counts a matching call. A call counts even if it meets the fault of another rule, or this one is used up.
    fn count(&mut self) {
        self.seen = self.seen.saturating_add(1);
    }

    fn strikes(&mut self, random: &mut fastrand::Rng) -> bool {
        if self.left() == Some(0) {
            return false;
        }
        // Draw only if `nth` is reached, so that `nth` does not change the sequence of random numbers.
        let strikes =
            self.seen >= self.rule.nth && (self.rule.probability >= 1.0 || random.f64() < self.rule.probability);
        self.hits = self.hits.saturating_add(u64::from(strikes));
        strikes
    }
}

/// The faults of a world.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Faults {
    rules: Vec<InjectedRule>,
    last: u64,
    /// A separate generator, so that faults do not change other random values.
    #[serde(with = "text")]
    random: fastrand::Rng,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self { rules: Vec::new(), last: 0, random: fastrand::Rng::with_seed(!seed) }
    }

    /// Returns the rules, oldest first, including those that are used up.
    pub fn rules(&self) -> &[InjectedRule] {
        &self.rules
    }

    pub(crate) fn add(&mut self, rule: Rule) -> InjectedRule {
        if self.rules.len() >= MAX_RULES {
            self.rules.retain(|rule| rule.left() != Some(0));
        }
        self.last += 1;
        let injected = InjectedRule { id: self.last, rule, seen: 0, hits: 0 };
        self.rules.push(injected.clone());
        injected
    }

    pub(crate) fn is_full(&self) -> bool {
        self.rules.iter().filter(|rule| rule.left() != Some(0)).count() >= MAX_RULES
    }

    pub(crate) fn remove(&mut self, id: u64) -> bool {
        let before = self.rules.len();
        self.rules.retain(|rule| rule.id != id);
        self.rules.len() < before
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    /// Returns the fault that applies to a call of this vendor and operation. `by_result` says whether the vendor has
    /// responses with `result: false`, `chaos` whether a fault is drawn if no rule applies.
    pub(crate) fn strike(
        &mut self,
        vendor: Option<&str>,
        operation: Option<&str>,
        by_result: bool,
        chaos: bool,
    ) -> Option<Fault> {
        let random = &mut self.random;
        let mut fault = None;
        for injected in self.rules.iter_mut().filter(|injected| injected.matches(vendor, operation, by_result)) {
            injected.count();
            if fault.is_none() && injected.strikes(random) {
                fault = Some(injected.rule.fault.clone());
            }
        }
        if fault.is_none() && chaos && operation.is_some() { draw(random, by_result) } else { fault }
    }

    /// Whether the connection is reset while the request is read. Called before the request is read; counts the call
    /// only if it returns true, because otherwise `strike` counts it.
    #[cfg(feature = "server")]
    pub(crate) fn interrupt(&mut self, vendor: Option<&str>, operation: Option<&str>, by_result: bool) -> bool {
        let interrupts = |fault: &Fault| matches!(fault, Fault::ResetInCommit { at: Middle::Request });
        let matches = |injected: &InjectedRule| injected.matches(vendor, operation, by_result);
        // Only if no other rule comes first. A rule with a probability is left to `strike`: one draw per call.
        let first = self.rules.iter_mut().find(|injected| injected.left() != Some(0) && matches(injected));
        let Some(first) = first.filter(|injected| {
            let sure = injected.rule.probability >= 1.0 && injected.seen + 1 >= injected.rule.nth;
            interrupts(&injected.rule.fault) && sure
        }) else {
            return false;
        };
        first.hits = first.hits.saturating_add(1);
        self.rules.iter_mut().filter(|injected| matches(injected)).for_each(InjectedRule::count);
        true
    }

    pub(crate) fn choose(&mut self, of: usize) -> usize {
        self.random.usize(..of.max(1))
    }

    pub(crate) fn checked(self) -> Result<Self, SavedError> {
        let mut before = 0;
        for (index, InjectedRule { id, .. }) in self.rules.iter().enumerate() {
            if *id > self.last || (index > 0 && *id <= before) {
                let message = "expected a number greater than the previous one and not greater than last";
                return Err(SavedError::damaged(format!("/faults/rules/{index}/id"), message));
            }
            before = *id;
        }
        Ok(self)
    }
}

fn from_json<'de, D: Deserializer<'de>>(from: D) -> Result<Rule, D::Error> {
    let wrong = |_| D::Error::invalid_value(Unexpected::Map, &"a rule as in POST faults");
    Rule::from_json(&Map::deserialize(from)?).map_err(wrong)
}

/// A rule and how often it was applied, as the admin API writes it.
#[cfg(feature = "server")]
#[derive(serde::Serialize, schemars::JsonSchema)]
pub(crate) struct InjectedView<'a> {
    /// Number in the world.
    #[schemars(range(min = 1))]
    id: u64,
    /// Number of matching calls so far.
    seen: u64,
    /// Number of calls that met the fault.
    hits: u64,
    /// Number of further calls that will meet the fault; null for no limit.
    left: Option<u64>,
    #[serde(flatten)]
    rule: &'a Rule,
}

#[cfg(feature = "server")]
impl InjectedRule {
    pub(crate) fn view(&self) -> InjectedView<'_> {
        InjectedView { id: self.id, seen: self.seen, hits: self.hits, left: self.left(), rule: &self.rule }
    }
}

/// Percentage of calls that meet a fault.
const FAULTS: u32 = 8;

/// Percentage of calls whose response has another shape.
const SHAPES: u32 = 30;

fn draw(random: &mut fastrand::Rng, result: bool) -> Option<Fault> {
    let drawn = random.u32(..100);
    if drawn >= FAULTS + SHAPES {
        return None;
    }
    if drawn >= FAULTS {
        return Some(Fault::ShapeVariant { variant: None });
    }
    let faults = [
        Fault::Status { status: 500, retry_after: None, committed: false },
        Fault::Status { status: 502, retry_after: None, committed: true },
        Fault::Status { status: 503, retry_after: Some(1), committed: false },
        Fault::Latency { by: Duration::from_millis(200) },
        Fault::Bandwidth { bytes_per_second: 256 * 1024 },
        Fault::ResetBeforeCommit,
        Fault::ResetInCommit { at: Middle::Request },
        Fault::ResetInCommit { at: Middle::Answer },
        Fault::ResetAfterCommit,
        Fault::TruncatedBody,
        Fault::MissingLength,
        Fault::WrongLength { by: 7 },
        Fault::WrongContentType { content_type: "text/html".into() },
        Fault::InvalidJson,
        Fault::DuplicateKeys,
        Fault::Redirect { status: 307, location: "https://redirected.invalid/".into() },
        Fault::SlowDrip { bytes: 4096, pause: Duration::from_millis(1) },
        Fault::InformationalFlood { count: 20 },
        Fault::RateLimit { retry_after: Some(1) },
        // Last, because not every vendor has it.
        Fault::ResultFalse,
    ];
    let fitting = if result { faults.len() } else { faults.len() - 1 };
    faults.into_iter().nth(random.usize(..fitting))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn chaos_draws_every_fault_at_moderate_rates() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut drawn: BTreeMap<&str, u32> = BTreeMap::new();
        for _ in 0..20_000 {
            let name = draw(&mut random, true).map_or("none", |fault| fault.name());
            *drawn.entry(name).or_default() += 1;
        }
        for fault in Fault::all() {
            assert!(drawn.contains_key(fault.name()), "{} is never drawn", fault.name());
        }
        assert!((11_000..14_000).contains(&drawn["none"]), "{drawn:?}");
        assert!((5_000..7_000).contains(&drawn["shape-variant"]), "{drawn:?}");
        let mut random = fastrand::Rng::with_seed(7);
        assert!(
            (0..20_000).all(|_| draw(&mut random, false) != Some(Fault::ResultFalse)),
            "result-false is drawn only for vendors that have it"
        );
    }
}
