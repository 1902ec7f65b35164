//! Filters for calls. The query of a GET and the body of a POST use the same names.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Input, Limit, Number, Page, Problem, ProblemKind, Reveal};
use crate::Sandbox;
use crate::faults::Fault;
use crate::journal::{Filter, is_of};
use crate::vendor::rules_of;

/// Default number of near misses.
pub(super) const NEAR_MISSES: usize = 3;

/// A query for calls.
#[derive(Deserialize, JsonSchema)]
pub(super) struct PagedCallQuery {
    #[serde(flatten)]
    pub(super) filter: Filter,
    #[serde(flatten)]
    pub(super) page: Page<Number>,
}

/// A query for calls that almost match.
#[derive(Deserialize, JsonSchema)]
pub(super) struct NearMissQuery {
    #[serde(flatten)]
    pub(super) filter: Filter,
    /// Maximum number of calls to return. The default is 3.
    #[serde(default)]
    pub(super) limit: Limit<NEAR_MISSES>,
    #[serde(default)]
    pub(super) reveal: Reveal,
}

/// Implements `Input` for queries that have a filter.
macro_rules! filters {
    ($($query:ty),*) => {
        $(impl Input for $query {
            const INVALID: ProblemKind = ProblemKind::InvalidFilter;
            const UNKNOWN: Option<ProblemKind> = Some(ProblemKind::InvalidFilter);
        })*
    };
}

filters!(Filter, PagedCallQuery, NearMissQuery);

fn refuse(detail: impl Into<String>) -> Problem {
    Problem::new(ProblemKind::InvalidFilter, detail)
}

/// Rejects a filter with a name that the world does not know: no call could ever match it.
pub(super) fn check(filter: Filter, sandbox: &Sandbox) -> Result<Filter, Problem> {
    let unknown =
        |what: &str, names: &[&str]| Err(refuse(format!("unknown {what}; the {what}s are {}", names.join(", "))));
    let plan = &sandbox.runner().plan;
    let vendors: Vec<&str> = plan.vendors.iter().map(|vendor| vendor.name()).collect();
    if filter.vendor.as_deref().is_some_and(|named| !vendors.contains(&named)) {
        return unknown("vendor", &vendors);
    }
    let operations = plan.operations(filter.vendor.as_deref());
    if let Some(named) = &filter.operation
        && !operations.iter().any(|name| is_of(named, name))
    {
        return unknown("operation", &operations);
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
