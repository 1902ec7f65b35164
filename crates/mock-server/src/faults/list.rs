//! The rules of a world, and which of them strikes a call. The profile `chaos` draws faults by itself, seeded, at
//! rates that a client with repeats gets through.

use std::time::Duration;

use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Map;

use super::{Fault, Middle, Rule};
use crate::SavedError;
use crate::world::text;

/// So many rules are kept; those that are used up make room first.
const MAX_RULES: usize = 1_000;

/// A rule of a world, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct InjectedRule {
    /// Its number in the world.
    pub id: u64,
    /// The rule.
    #[serde(deserialize_with = "from_json")]
    pub rule: Rule,
    /// How many calls have fitted.
    pub seen: u64,
    /// How many of them it has struck.
    pub hits: u64,
}

impl InjectedRule {
    /// How often it will strike yet; `None` for as often as it can.
    pub fn left(&self) -> Option<u64> {
        self.rule.times.map(|times| times.saturating_sub(self.hits))
    }

    fn strikes(&mut self, random: &mut fastrand::Rng) -> bool {
        if self.left() == Some(0) {
            return false;
        }
        self.seen = self.seen.saturating_add(1);
        // Drawn for a call that may be struck only, so that `nth` does not move what is drawn.
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
    /// A generator of its own: what is drawn for faults moves nothing else that is random.
    #[serde(with = "text")]
    random: fastrand::Rng,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self { rules: Vec::new(), last: 0, random: fastrand::Rng::with_seed(!seed) }
    }

    /// The rules, oldest first; also those that are used up.
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

    /// The fault that strikes a call of this vendor and operation. `by_result` is whether the vendor has responses with
    /// `result: false`, `chaos` whether a fault is drawn where no rule strikes.
    pub(crate) fn strike(
        &mut self,
        vendor: Option<&str>,
        operation: Option<&str>,
        by_result: bool,
        chaos: bool,
    ) -> Option<Fault> {
        let random = &mut self.random;
        let fitting = self.rules.iter_mut().filter(|injected| {
            injected.rule.fits(vendor, operation) && (by_result || injected.rule.fault != Fault::ResultFalse)
        });
        for injected in fitting {
            if injected.strikes(random) {
                return Some(injected.rule.fault.clone());
            }
        }
        if chaos && operation.is_some() { draw(random, by_result) } else { None }
    }

    /// Whether a call of this operation is broken off while its request is read: asked before it was read, and counted
    /// only if it is.
    #[cfg(feature = "server")]
    pub(crate) fn interrupt(&mut self, vendor: Option<&str>, operation: Option<&str>) -> bool {
        let interrupts = |fault: &Fault| matches!(fault, Fault::ResetInCommit { at: Middle::Request });
        // Only if no other rule comes first, and without a draw, which must be made once for a call.
        let first =
            self.rules.iter_mut().find(|injected| injected.left() != Some(0) && injected.rule.fits(vendor, operation));
        first.is_some_and(|injected| {
            let sure = injected.rule.probability >= 1.0 && injected.seen + 1 >= injected.rule.nth;
            interrupts(&injected.rule.fault) && sure && injected.strikes(&mut self.random)
        })
    }

    pub(crate) fn choose(&mut self, of: usize) -> usize {
        self.random.usize(..of.max(1))
    }

    pub(crate) fn checked(self) -> Result<Self, SavedError> {
        let mut before = 0;
        for (index, InjectedRule { id, .. }) in self.rules.iter().enumerate() {
            if *id > self.last || (index > 0 && *id <= before) {
                let message = "expected a number above the one before, up to last";
                return Err(SavedError::damaged(format!("/faults/rules/{index}/id"), message));
            }
            before = *id;
        }
        Ok(self)
    }
}

fn from_json<'de, D: Deserializer<'de>>(from: D) -> Result<Rule, D::Error> {
    let wrong = |_| D::Error::invalid_value(Unexpected::Map, &"a rule as POST faults takes it");
    Rule::from_json(&Map::deserialize(from)?).map_err(wrong)
}

/// A rule and how often it was applied, as the admin API writes it.
#[cfg(feature = "server")]
#[derive(serde::Serialize, schemars::JsonSchema)]
pub(crate) struct InjectedView<'a> {
    /// Number in the world.
    #[schemars(range(min = 1))]
    id: u64,
    /// How many calls fit the rule.
    seen: u64,
    /// How many calls met the fault.
    hits: u64,
    /// How many calls will still meet it; null for any number.
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

/// Of a hundred calls so many meet a fault.
const FAULTS: u32 = 8;

/// Of a hundred calls so many are answered in another shape.
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
        // Last, since not every vendor has it.
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
    fn the_rates_are_moderate_and_every_fault_of_the_list_comes() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut drawn: BTreeMap<&str, u32> = BTreeMap::new();
        for _ in 0..20_000 {
            let name = draw(&mut random, true).map_or("none", |fault| fault.name());
            *drawn.entry(name).or_default() += 1;
        }
        for fault in Fault::all() {
            assert!(drawn.contains_key(fault.name()), "{} never comes", fault.name());
        }
        assert!((11_000..14_000).contains(&drawn["none"]), "{drawn:?}");
        assert!((5_000..7_000).contains(&drawn["shape-variant"]), "{drawn:?}");
        let mut random = fastrand::Rng::with_seed(7);
        assert!((0..20_000).all(|_| draw(&mut random, false) != Some(Fault::ResultFalse)), "only where there is one");
    }
}
