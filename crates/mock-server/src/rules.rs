//! The rules that the sandbox enforces, as items, and a switch for each.
//!
//! Each vendor declares its rules once, as constants (`rules!`): what a rule says, where it stands, which profile
//! enforces it, and whether it can be switched off. Code asks `world.enforces(&rules::NAME)` before it rejects or behaves
//! so; a world in which a rule is off behaves as if the document did not say it, and a request that only this rule
//! rejected goes on. That is how `cargo xtask campaign rules` finds out whether a test would notice if the sandbox forgot
//! a rule.
//!
//! Invariants:
//! - An id is that of the requirement or trap in `docs/contract/`. Where one of them asks for several things, each has
//!   a name of its own after a slash, and [`Violation::rule`] is the part before it.
//! - Each rule is asked for in the code: `tests/it/rules.rs` walks the sources.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use identkit_core::{Location, Violation};

/// Declares rules as constants, and the table of all of them.
macro_rules! rules {
    ($($name:ident = $rule:expr;)+) => {
        $(pub(crate) const $name: Rule = $rule;)+

        pub(crate) const RULES: &[Rule] = &[$($name),+];
    };
}

/// Who states a rule.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The document of the vendor of this name.
    Vendor(&'static str),
    /// The sandbox.
    Sandbox,
}

/// Which profiles enforce a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    Every,
    /// `literal` and `chaos`: what lets the document's own examples pass.
    Literal,
    /// `strict` alone.
    Strict,
}

/// Whether a rule can be switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switchable {
    /// It can.
    Yes,
    /// It cannot, for this reason.
    No(&'static str),
}

/// One rule.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Rule {
    /// Its id: the contract's, perhaps with a name after a slash.
    pub id: &'static str,
    /// Who states it.
    pub source: Source,
    /// Section of the document.
    pub section: &'static str,
    /// What it says, in a sentence.
    pub says: &'static str,
    /// Which profiles enforce it.
    pub profiles: Scope,
    /// Whether it can be switched off.
    pub switch: Switchable,
}

impl Rule {
    /// A rule that every profile enforces and that can be switched off.
    pub const fn new(source: Source, id: &'static str, section: &'static str, says: &'static str) -> Self {
        Self { id, source, section, says, profiles: Scope::Every, switch: Switchable::Yes }
    }

    /// The same, enforced by the profile `strict` alone.
    pub const fn strict(self) -> Self {
        Self { profiles: Scope::Strict, ..self }
    }

    /// The same, enforced by the profiles that let the document's own examples pass.
    pub const fn literal(self) -> Self {
        Self { profiles: Scope::Literal, ..self }
    }

    /// The same, but it cannot be switched off, for this reason.
    pub const fn stays(self, because: &'static str) -> Self {
        Self { switch: Switchable::No(because), ..self }
    }

    /// Its id in the contract, which violations name.
    pub fn contract_id(&self) -> &'static str {
        self.id.split_once('/').map_or(self.id, |(id, _)| id)
    }

    /// A violation of it.
    pub fn violation(
        &self,
        field: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
        section: &'static str,
    ) -> Violation {
        Violation::new(field, message, self.contract_id(), section)
    }

    /// A rejection for one violation of it.
    pub fn reject(
        &self,
        status: u16,
        field: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
        section: &'static str,
    ) -> Rejection {
        Rejection::new(status, self.violation(field, message, section))
    }
}

const fn own(id: &'static str, says: &'static str) -> Rule {
    Rule::new(Source::Sandbox, id, "sandbox", says)
}

rules! {
    M_04 = own("M-04", "a story is known, fits the order, and begins when no other is under way").stays("otherwise it has no steps to play");
    M_09 = own("M-09", "a file that is told of can be made").stays("there is no other file to answer with");
    M_14 = own("M-14", "nobody but this machine is served").stays("a world without credentials must not be open to others");
    M_10 = own("M-10", "a TAN is told of an order that has one").stays("there is nothing to answer with");
    SANDBOX = own("sandbox", "the admin API is asked for what it has").stays("there is nothing to answer with");
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
    pub fn enforce(&self, rule: &Rule) -> bool {
        !self.without.contains(rule.id)
    }

    /// Switches a rule of this table off, by its id.
    ///
    /// # Errors
    /// If there is no such rule, or it cannot be switched off.
    pub fn switch_off<'a>(&mut self, id: &str, table: impl Iterator<Item = &'a Rule> + Clone) -> Result<(), NoSwitch> {
        match table.clone().find(|rule| rule.id == id) {
            None => Err(NoSwitch::Unknown { id: id.to_owned(), near: near(id, table) }),
            Some(&Rule { id, switch: Switchable::No(reason), .. }) => Err(NoSwitch::Never { id, reason }),
            Some(rule) => {
                self.without.insert(rule.id);
                Ok(())
            }
        }
    }

    /// The ids of the rules that are switched off.
    pub fn without(&self) -> impl Iterator<Item = &'static str> {
        self.without.iter().copied()
    }

    /// Keeps the violations of rules that are enforced, each by its own id.
    ///
    /// # Errors
    /// The rejection, unless all its rules are switched off.
    pub fn uphold(&self, mut rejection: Rejection) -> Result<(), Rejection> {
        rejection.violations.retain(|violation| !self.without.contains(violation.rule));
        rejection.or_ok()
    }
}

/// The ids that begin most like this one, whatever the capitals and signs.
fn near<'a>(id: &str, table: impl Iterator<Item = &'a Rule>) -> Vec<&'static str> {
    let letters = |id: &str| id.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let wanted: Vec<char> = letters(id);
    let mut ids: Vec<_> = table
        .map(|rule| {
            let letters: Vec<char> = letters(rule.id);
            let common = letters.iter().zip(&wanted).take_while(|(one, other)| one == other).count();
            (std::cmp::Reverse(common), letters.len().abs_diff(wanted.len()), rule.id)
        })
        .collect();
    ids.sort();
    ids.into_iter().take(3).map(|(_, _, id)| id).collect()
}

/// Limit of violations in one rejection: each of them goes into the response and into the journal.
const LIMIT: usize = 100;

/// Why a request is rejected. Holds no value of the request.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// HTTP status of the response.
    pub status: u16,
    /// The broken rules, each with what would be valid.
    pub violations: Vec<Violation>,
}

impl Rejection {
    /// A rejection for one violation.
    pub fn new(status: u16, violation: Violation) -> Self {
        Self { status, violations: vec![violation] }
    }

    /// A rejection with status 400 for all of these violations.
    pub fn invalid(violations: Vec<Violation>) -> Self {
        Self { status: 400, violations }
    }

    /// A rejection by the sandbox itself, which no vendor's document asks for.
    pub(crate) fn by_sandbox(
        status: u16,
        field: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
        source: &'static str,
    ) -> Self {
        Self::new(status, Violation::new(field, message, "sandbox", source))
    }

    /// `Ok` if there are no violations.
    ///
    /// # Errors
    /// The rejection itself, if there are any.
    pub fn or_ok(self) -> Result<(), Self> {
        if self.violations.is_empty() { Ok(()) } else { Err(self) }
    }

    /// Sets the part of the request that all of its violations are about.
    #[must_use]
    pub fn at(mut self, location: Location) -> Self {
        self.violations.iter_mut().for_each(|violation| violation.location = location);
        self
    }

    /// The same with its first hundred violations, and one that says how many more there are.
    #[must_use]
    pub fn bounded(&self) -> Self {
        let mut violations: Vec<Violation> = self.violations.iter().take(LIMIT).cloned().collect();
        let more = self.violations.len() - violations.len();
        if more > 0 {
            let message = format!("and {more} more faults");
            violations.push(Violation::new("body", message, "sandbox", "docs/sandbox-control.md"));
        }
        Self { status: self.status, violations }
    }

    /// The violations as one text.
    pub fn text(&self) -> String {
        self.violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }
}
