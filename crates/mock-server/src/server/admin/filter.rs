//! Which calls are meant: by the query of a GET, by the body of a POST, in the same words.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Input, Problem, ProblemKind, Reveal};
use crate::Sandbox;
use crate::faults::Fault;
use crate::journal::{Filter, Secrets, is_of};
use crate::readers::parsed;
use crate::vendor::rules_of;

const MOST: usize = 1_000;

/// A query for calls.
#[derive(Deserialize, JsonSchema)]
pub(super) struct CallQuery {
    #[serde(flatten)]
    filter: Filter,
    /// The most calls that are returned.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(example = 10, range(min = 1, max = MOST))]
    limit: Option<usize>,
    #[serde(default)]
    reveal: Reveal,
}

impl Input for CallQuery {
    const INVALID: ProblemKind = ProblemKind::InvalidFilter;
    const UNKNOWN: Option<ProblemKind> = Some(ProblemKind::InvalidFilter);
}

fn refuse(detail: impl Into<String>) -> Problem {
    Problem::new(ProblemKind::InvalidFilter, detail)
}

impl CallQuery {
    /// The filter, the most calls that are returned, and whether with their secrets.
    pub(super) fn resolve(self, sandbox: &Sandbox, usual: usize) -> Result<(Filter, usize, Secrets), Problem> {
        let secrets = self.reveal.secrets(ProblemKind::InvalidFilter)?;
        let limit = self.limit.unwrap_or(usual);
        if !(1..=MOST).contains(&limit) {
            return Err(refuse("limit must be from 1 to 1000"));
        }
        Ok((check(self.filter, sandbox)?, limit, secrets))
    }
}

/// The filter, if the world knows all that it names: a name with a typo would never be found.
pub(super) fn check(filter: Filter, sandbox: &Sandbox) -> Result<Filter, Problem> {
    let unknown =
        |what: &str, names: &[&str]| Err(refuse(format!("no such {what}; the {what}s are {}", names.join(", "))));
    let plan = &sandbox.runner().plan;
    let operations = plan.operations();
    if let Some(named) = &filter.operation
        && !operations.iter().any(|name| is_of(named, name))
    {
        return unknown("operation", &operations);
    }
    let vendors: Vec<&str> = plan.vendors.iter().map(|vendor| vendor.name()).collect();
    if filter.vendor.as_deref().is_some_and(|named| !vendors.contains(&named)) {
        return unknown("vendor", &vendors);
    }
    if filter.fault.as_deref().is_some_and(|named| Fault::named(named).is_none()) {
        return unknown("fault", &Fault::all().map(|fault| fault.name()));
    }
    if filter
        .rule
        .as_deref()
        .is_some_and(|named| named != "sandbox" && !rules_of(&plan.vendors).any(|rule| rule.contract_id() == named))
    {
        return Err(refuse("no such rule; docs/rules.md lists the rules"));
    }
    Ok(filter)
}
