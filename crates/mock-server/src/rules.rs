//! The rules that the sandbox enforces, as constants that can be switched off one by one.
//!
//! Each vendor declares its rules with `rules!`: the text, the section of the document, which profile enforces the rule,
//! and whether it can be switched off. Code checks `world.enforces(&rules::NAME)` before it applies a rule. If a rule is
//! off, the world behaves as if the document did not contain it. `cargo xtask campaign rules` switches off each rule in
//! turn to find out whether a test fails without it.
//!
//! Invariants:
//! - The id of a rule is that of the requirement or trap in `docs/contract/`. If one requirement needs several rules,
//!   each has a suffix after a slash; [`Violation::rule`] is the part before it.
//! - The code checks each rule: `tests/it/rules.rs` searches the sources.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use http::Method;
use identkit_core::{Location, Violation};

/// Declares rules as constants, and `RULES`, the table of all of them.
macro_rules! rules {
    ($($name:ident = $rule:expr;)+) => {
        $(pub(crate) const $name: Rule = $rule;)+

        pub(crate) const RULES: &[Rule] = &[$($name),+];
    };
}

/// Where a rule comes from.
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
    /// `literal` and `chaos`: the rule lets the document's own examples pass.
    Literal,
    /// `strict` only.
    Strict,
}

/// Whether a rule can be switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switchable {
    /// The rule can be switched off.
    Yes,
    /// The rule cannot be switched off, for this reason.
    No(&'static str),
}

/// One rule.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Rule {
    /// Id of the contract, optionally with a suffix after a slash.
    pub id: &'static str,
    /// Where the rule comes from.
    pub source: Source,
    /// Section of the document.
    pub section: &'static str,
    /// The rule in one sentence, without a full stop.
    pub says: &'static str,
    /// Which profiles enforce the rule.
    pub profiles: Scope,
    /// Whether the rule can be switched off.
    pub switch: Switchable,
}

impl Rule {
    /// Creates a rule that every profile enforces and that can be switched off.
    pub const fn new(source: Source, id: &'static str, section: &'static str, says: &'static str) -> Self {
        Self { id, source, section, says, profiles: Scope::Every, switch: Switchable::Yes }
    }

    /// Restricts the rule to the profile `strict`.
    pub const fn strict(self) -> Self {
        Self { profiles: Scope::Strict, ..self }
    }

    /// Restricts the rule to the profiles `literal` and `chaos`.
    pub const fn literal(self) -> Self {
        Self { profiles: Scope::Literal, ..self }
    }

    /// Makes the rule permanent: it cannot be switched off, for this reason.
    pub const fn stays(self, because: &'static str) -> Self {
        Self { switch: Switchable::No(because), ..self }
    }

    /// Returns the id of the contract, which violations name.
    pub fn contract_id(&self) -> &'static str {
        self.id.split_once('/').map_or(self.id, |(id, _)| id)
    }

    /// Creates a violation of the rule.
    pub fn violation(
        &self,
        field: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
        section: &'static str,
    ) -> Violation {
        Violation::new(field, message, self.contract_id(), section)
    }

    /// Creates a rejection for one violation of the rule.
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
    M_04 = own("M-04", "A story must exist, fit the order, and start only when no other story is running").stays("without a story nothing can be played");
    M_09 = own("M-09", "A requested file must be possible to create").stays("another file cannot be returned");
    M_14 = own("M-14", "Listeners must use loopback addresses unless other addresses are allowed explicitly").stays("the sandbox has no access control");
    M_15 = own("M-15", "The person of a case can do only what the landing page offers at that time").stays("there is nothing else to do");
    M_10 = own("M-10", "A TAN can be read only after one was sent").stays("the sandbox has nothing to return");
    SANDBOX = own("sandbox", "A request to the admin API must name what exists").stays("there is nothing to return");
}

/// Why a rule cannot be switched off.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoSwitch {
    /// No rule has this id.
    Unknown {
        /// The requested id.
        id: String,
        /// Up to three similar ids.
        near: Vec<&'static str>,
    },
    /// The rule is permanent.
    Never {
        /// Id of the rule.
        id: &'static str,
        /// The reason.
        reason: &'static str,
    },
}

impl fmt::Display for NoSwitch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { id, near } => {
                write!(f, "the sandbox has no rule {id}; similar rules: {}", near.join(", "))
            }
            Self::Never { id, reason } => write!(f, "the rule {id} cannot be switched off: {reason}"),
        }
    }
}

impl std::error::Error for NoSwitch {}

/// Which rules a world enforces: all except those that were switched off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    without: BTreeSet<&'static str>,
}

impl Rules {
    /// Whether this rule is enforced.
    pub fn enforce(&self, rule: &Rule) -> bool {
        !self.without.contains(rule.id)
    }

    /// Switches off a rule of this table, by its id.
    ///
    /// # Errors
    /// If the table has no such rule, or it cannot be switched off.
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

    /// Returns the ids of the rules that are switched off.
    pub fn without(&self) -> impl Iterator<Item = &'static str> {
        self.without.iter().copied()
    }

    /// Removes violations of rules that are switched off.
    ///
    /// # Errors
    /// Returns the rejection if any violation is left.
    pub fn uphold(&self, mut rejection: Rejection) -> Result<(), Rejection> {
        rejection.violations.retain(|violation| !self.without.contains(violation.rule));
        rejection.or_ok()
    }
}

/// Returns the ids with the longest common prefix, ignoring letter case and punctuation.
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

/// Maximum number of violations in one rejection: each of them goes into the response and into the journal.
const LIMIT: usize = 100;

/// Why a request is rejected. Contains no value of the request.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// HTTP status of the response.
    pub status: u16,
    /// The violated rules, each with what is valid.
    pub violations: Vec<Violation>,
    /// The method that the path supports, for the header `Allow` of a response with status 405.
    pub allow: Option<Method>,
}

impl Rejection {
    /// Creates a rejection for one violation.
    pub fn new(status: u16, violation: Violation) -> Self {
        Self { status, violations: vec![violation], allow: None }
    }

    /// Creates a rejection with status 400 for these violations.
    pub fn invalid(violations: Vec<Violation>) -> Self {
        Self { status: 400, violations, allow: None }
    }

    /// Creates a rejection by the sandbox itself, which no vendor's document requires.
    pub(crate) fn by_sandbox(
        status: u16,
        field: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
        source: &'static str,
    ) -> Self {
        Self::new(status, Violation::new(field, message, "sandbox", source))
    }

    /// Returns `Ok` if the list of violations is empty.
    ///
    /// # Errors
    /// Returns the rejection itself if there are violations.
    pub fn or_ok(self) -> Result<(), Self> {
        if self.violations.is_empty() { Ok(()) } else { Err(self) }
    }

    /// Sets the location of all violations in the request.
    #[must_use]
    pub fn at(mut self, location: Location) -> Self {
        self.violations.iter_mut().for_each(|violation| violation.location = location);
        self
    }

    /// Sets the method that the path supports.
    #[must_use]
    pub fn allow(mut self, method: &Method) -> Self {
        self.allow = Some(method.clone());
        self
    }

    /// Returns the rejection with its first hundred violations, and one that counts the rest.
    #[must_use]
    pub fn bounded(&self) -> Self {
        let mut violations: Vec<Violation> = self.violations.iter().take(LIMIT).cloned().collect();
        let more = self.violations.len() - violations.len();
        if more > 0 {
            let message = format!("and {more} more violations");
            violations.push(Violation::new("body", message, "sandbox", "docs/sandbox-control.md"));
        }
        Self { status: self.status, violations, allow: self.allow.clone() }
    }

    /// Returns the violations as one text.
    pub fn text(&self) -> String {
        self.to_string()
    }
}

/// Writes the violations, without the status.
impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, violation) in self.violations.iter().enumerate() {
            write!(f, "{}{violation}", if index == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for Rejection {}
