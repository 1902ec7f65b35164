//! Lists: newest first, in pages.

use schemars::JsonSchema;
use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Problem, ProblemKind, Reveal};
use crate::Sandbox;
use crate::journal::Secrets;
use crate::readers::whole;

const MAX_LIMIT: usize = 1_000;

/// The part of a list to return. `C` is the id of an entry.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Page<C> {
    /// Only those that are older than this one: `next` of the previous page.
    pub(super) before: Option<C>,
    /// Maximum number to return. The default is 100.
    #[serde(default)]
    limit: Limit<100>,
    #[serde(default)]
    reveal: Reveal,
}

impl<C> Page<C> {
    pub(super) fn secrets(&self, invalid: ProblemKind) -> Result<Secrets, Problem> {
        self.reveal.secrets(invalid)
    }

    /// Returns the first entries of an iterator, and the id of the last one if more follow.
    pub(super) fn take<T>(&self, mut newest_first: impl Iterator<Item = (C, T)>) -> (Vec<T>, Option<C>) {
        let (mut page, mut last) = (Vec::new(), None);
        for (id, entry) in newest_first.by_ref().take(self.limit.0) {
            page.push(entry);
            last = Some(id);
        }
        (page, last.filter(|_| newest_first.next().is_some()))
    }
}

impl Page<Number> {
    /// Returns a page of entries that have numbers.
    pub(super) fn take_numbered<T>(&self, newest_first: impl Iterator<Item = (u64, T)>) -> (Vec<T>, Option<Number>) {
        let is_older = |number: &Number| self.before.is_none_or(|before| *number < before);
        self.take(newest_first.map(|(number, entry)| (Number(number), entry)).filter(|(number, _)| is_older(number)))
    }
}

/// Rejects a list without an entry if its query names an unknown order. The entries about a deleted order are listed.
pub(super) fn check_order(sandbox: &Sandbox, order: Option<&str>, is_empty: bool) -> Result<(), Problem> {
    match order.filter(|order| is_empty && sandbox.inspect(order).is_none()) {
        Some(order) => Err(Problem::unknown_order(order)),
        None => Ok(()),
    }
}

/// The number of an entry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Number(
    #[serde(deserialize_with = "number")]
    #[schemars(range(min = 1))]
    pub(super) u64,
);

fn number<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let refuse = || D::Error::invalid_value(Unexpected::Other("another value"), &"the number of an entry in before");
    whole(from).ok().flatten().filter(|number| *number > 0).ok_or_else(refuse)
}

/// The maximum number of entries to return.
#[derive(JsonSchema)]
#[schemars(inline, example = 10)]
pub(super) struct Limit<const DEFAULT: usize>(#[schemars(range(min = 1, max = MAX_LIMIT))] pub(super) usize);

impl<const DEFAULT: usize> Default for Limit<DEFAULT> {
    fn default() -> Self {
        Self(DEFAULT)
    }
}

impl<'de, const DEFAULT: usize> Deserialize<'de> for Limit<DEFAULT> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let refuse = || D::Error::invalid_value(Unexpected::Other("another limit"), &"a limit from 1 to 1000");
        let limit = whole(from).ok().flatten().filter(|limit| (1..=MAX_LIMIT).contains(limit));
        limit.map(Self).ok_or_else(refuse)
    }
}
