//! Filters for calls. The query of a GET and the body of a POST use the same names.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Input, Problem, ProblemKind, Reveal};
use crate::Sandbox;
use crate::faults::Fault;
use crate::journal::{Filter, Secrets, is_of};
use crate::readers::parsed;
use crate::vendor::rules_of;

const MAX_LIMIT: usize = 1_000;

/// A query for calls.
#[derive(Deserialize, JsonSchema)]
pub(super) struct CallQuery {
    #[serde(flatten)]
    filter: Filter,
    /// Maximum number of calls to return.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(example = 10, range(min = 1, max = MAX_LIMIT))]
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
    /// Returns the filter, the limit and whether secrets are masked.
    pub(super) fn resolve(self, sandbox: &Sandbox, default_limit: usize) -> Result<(Filter, usize, Secrets), Problem> {
        let secrets = self.reveal.secrets(ProblemKind::InvalidFilter)?;
        let limit = self.limit.unwrap_or(default_limit);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(refuse("limit must be from 1 to 1000"));
        }
        Ok((check(self.filter, sandbox)?, limit, secrets))
    }
}

/// Rejects a filter with a name that the world does not know: no call could ever match it.
pub(super) fn check(filter: Filter, sandbox: &Sandbox) -> Result<Filter, Problem> {
    let unknown =
        |what: &str, names: &[&str]| Err(refuse(format!("unknown {what}; the {what}s are {}", names.join(", "))));
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
        return Err(refuse("unknown rule; docs/rules.md lists the rules"));
    }
    Ok(filter)
}
