//! The rules of a world, and which of them strikes a call.

use super::{Fault, Rule, chaos};

/// So many rules are kept; those that are used up make room first.
const MAX_RULES: usize = 1_000;

/// A rule of a world, and what came of it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct InjectedRule {
    /// Its number in the world.
    pub id: u64,
    /// The rule.
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

    /// Whether a call that fits is struck.
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
#[derive(Clone, Debug)]
pub struct Faults {
    pub(super) rules: Vec<InjectedRule>,
    pub(super) last: u64,
    /// A generator of its own: what is drawn for faults moves nothing else that is random.
    pub(super) random: fastrand::Rng,
}

impl Faults {
    /// None, with this seed for what is drawn.
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
        if chaos && operation.is_some() { chaos::draw(random, by_result) } else { None }
    }

    /// Whether a call of this operation is broken off while its request is read: asked before it was read, and counted
    /// only if it is.
    #[cfg(feature = "server")]
    pub(crate) fn interrupt(&mut self, vendor: Option<&str>, operation: Option<&str>) -> bool {
        let interrupts = |fault: &Fault| matches!(fault, Fault::ResetInCommit { at: super::Middle::Request });
        // Only if no other rule comes first, and without a draw, which must be made once for a call.
        let first =
            self.rules.iter_mut().find(|injected| injected.left() != Some(0) && injected.rule.fits(vendor, operation));
        first.is_some_and(|injected| {
            let sure = injected.rule.probability >= 1.0 && injected.seen + 1 >= injected.rule.nth;
            interrupts(&injected.rule.fault) && sure && injected.strikes(&mut self.random)
        })
    }

    /// One of so many, by what is drawn.
    pub(crate) fn choose(&mut self, of: usize) -> usize {
        self.random.usize(..of.max(1))
    }
}
