//! The rules that the sandbox enforces, as data, and a switch for each.
//!
//! [`RULES`] names every one: what it says, where it stands, which profile enforces it, and whether it can be switched
//! off. Code asks `world.enforces("AT-62")` before it refuses or behaves so; a world in which a rule is off behaves as
//! if the document did not say it, and a request that only this rule refused goes on. That is how `cargo xtask campaign
//! rules` finds out whether a test would notice if the sandbox forgot a rule.
//!
//! Invariants:
//! - An id is that of the requirement or trap in `docs/contract/`. Where one of them asks for several things, each has
//!   a name of its own after a slash, and [`Violation::rule`] tells the part before it.
//! - Each rule of the table is asked for in the code, and nothing else is: `tests/it/rules.rs` walks the sources.

mod table;

use std::collections::BTreeSet;
use std::fmt;

use identkit_core::Violation;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::vendor::Refused;

pub use self::table::RULES;

/// Whose document states a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// identity.TM's, `[T]`.
    IdentityTm,
    /// identify24's, `[I]`.
    Identify24,
    /// None: it is the sandbox's own.
    Sandbox,
}

/// Which profiles enforce a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum In {
    /// All of them.
    Every,
    /// `literal` and `chaos`: what lets the document's own examples pass.
    Literal,
    /// `strict` alone.
    Strict,
}

/// Whether a rule can be switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// It can.
    Off,
    /// It cannot, for this reason.
    Never(&'static str),
}

/// One rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its id: the contract's, perhaps with a name after a slash.
    pub id: &'static str,
    /// Whose document states it.
    pub of: Of,
    /// Section of that document.
    pub section: &'static str,
    /// What it says, in a sentence.
    pub says: &'static str,
    /// Which profiles enforce it.
    pub profiles: In,
    /// Whether it can be switched off.
    pub switch: Switch,
}

impl Rule {
    /// Its id in the contract, as faults tell it.
    pub fn contract_id(&self) -> &'static str {
        self.id.split_once('/').map_or(self.id, |(id, _)| id)
    }
}

/// Whether a rule of the table has this id in the contract.
pub fn is_told(contract_id: &str) -> bool {
    RULES.iter().any(|rule| rule.contract_id() == contract_id)
}

/// A rule that cannot be switched off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoSwitch {
    /// There is no such rule; these ids come nearest.
    Unknown {
        /// The id that was asked for.
        id: String,
        /// Up to three ids of the table.
        near: Vec<&'static str>,
    },
    /// There is, and it stays.
    Never {
        /// The rule's id.
        id: &'static str,
        /// Why.
        reason: &'static str,
    },
}

impl fmt::Display for NoSwitch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { id, near } => {
                write!(f, "the sandbox has no rule {id}; near it are {}", near.join(", "))
            }
            Self::Never { id, reason } => write!(f, "the rule {id} cannot be switched off: {reason}"),
        }
    }
}

impl std::error::Error for NoSwitch {}

/// Which rules a world enforces: all but those that were switched off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    without: BTreeSet<&'static str>,
}

impl Rules {
    /// Whether this rule is enforced.
    pub fn enforce(&self, id: &str) -> bool {
        !self.without.contains(id)
    }

    /// Switches a rule off.
    ///
    /// # Errors
    /// When there is no such rule, or it cannot be switched off.
    pub fn switch_off(&mut self, id: &str) -> Result<(), NoSwitch> {
        let Some(rule) = RULES.iter().find(|rule| rule.id == id) else {
            return Err(NoSwitch::Unknown { id: id.to_owned(), near: near(id) });
        };
        match rule.switch {
            Switch::Never(reason) => Err(NoSwitch::Never { id: rule.id, reason }),
            Switch::Off => {
                self.without.insert(rule.id);
                Ok(())
            }
        }
    }

    /// The ids of the rules that are switched off.
    pub fn without(&self) -> impl Iterator<Item = &'static str> {
        self.without.iter().copied()
    }

    /// What is left of a refusal that tells the rules which clients write by, each by its own id.
    ///
    /// # Errors
    /// The refusal, unless all that it tells is switched off.
    pub fn uphold(&self, mut refused: Refused) -> Result<(), Refused> {
        refused.violations.retain(|fault: &Violation| self.enforce(fault.rule));
        if refused.violations.is_empty() { Ok(()) } else { Err(refused) }
    }
}

impl Serialize for Rules {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(&self.without)
    }
}

impl<'de> Deserialize<'de> for Rules {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut rules = Self::default();
        for id in Vec::<String>::deserialize(from)? {
            rules.switch_off(&id).map_err(D::Error::custom)?;
        }
        Ok(rules)
    }
}

/// The ids that begin most like this one, whatever the capitals and signs.
fn near(id: &str) -> Vec<&'static str> {
    let letters = |id: &str| id.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let wanted: Vec<char> = letters(id);
    let mut ids: Vec<_> = RULES
        .iter()
        .map(|rule| {
            let letters: Vec<char> = letters(rule.id);
            let common = letters.iter().zip(&wanted).take_while(|(one, other)| one == other).count();
            (std::cmp::Reverse(common), letters.len().abs_diff(wanted.len()), rule.id)
        })
        .collect();
    ids.sort();
    ids.into_iter().take(3).map(|(_, _, id)| id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_enforced_until_it_is_switched_off() {
        let mut rules = Rules::default();
        assert!(rules.enforce("AT-62"));
        rules.switch_off("AT-62").unwrap();
        assert!(!rules.enforce("AT-62") && rules.enforce("AT-62/video"));
        assert_eq!(rules.without().collect::<Vec<_>>(), ["AT-62"]);
        let kept: Rules = serde_json::from_value(serde_json::to_value(&rules).unwrap()).unwrap();
        assert_eq!(kept, rules);
        assert!(serde_json::from_str::<Rules>(r#"["AT-999"]"#).is_err());
    }

    #[test]
    fn a_rule_that_does_not_exist_is_refused_and_its_neighbours_are_named() {
        let refused = |id: &str| Rules::default().switch_off(id).unwrap_err().to_string();
        assert!(refused("at62").contains("AT-62"), "{}", refused("at62"));
        assert!(refused("AT-54/limits").contains("AT-54/limit,"), "{}", refused("AT-54/limits"));
        assert!(refused("T-060").contains("nothing to answer"), "{}", refused("T-060"));
    }

    #[test]
    fn what_is_left_of_a_refusal_is_still_refused() {
        let fault = |rule| Violation::new("Email", "is wrong", rule, "[T] 3.1.3");
        let refused = Refused { status: 400, violations: vec![fault("T-056"), fault("AT-47")] };
        let mut rules = Rules::default();
        rules.switch_off("AT-47").unwrap();
        assert_eq!(rules.uphold(refused.clone()).unwrap_err().violations, [fault("T-056")]);
        rules.switch_off("T-056").unwrap();
        assert_eq!(rules.uphold(refused), Ok(()));
    }
}
