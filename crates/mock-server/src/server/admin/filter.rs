//! Which calls are meant: by the query of a GET, by the body of a POST, in the same words.

use std::collections::BTreeMap;

use http::Method;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::input::{Input, Reveal, parsed};
use super::problem::{Problem, ProblemKind};
use crate::Sandbox;
use crate::faults::Fault;
use crate::journal::{Filter, Secrets, Wanted, is_of};
use crate::vendor::rules_of;

const MOST: usize = 1_000;

/// Which calls are meant.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct CallFilter {
    /// Calls of this operation, as the clients name it; `getStatus` means `getStatus/ExtendedList` too. An unknown name
    /// is refused.
    #[schemars(example = &"putOrder")]
    operation: Option<String>,
    /// Calls of this vendor.
    vendor: Option<String>,
    /// Calls about this order or ident.
    #[serde(deserialize_with = "parsed")]
    #[schemars(example = &"99921269855041")]
    order: Option<String>,
    /// Calls with this method, in any case.
    #[serde(deserialize_with = "parsed")]
    #[schemars(example = &"PUT")]
    method: Option<String>,
    /// Calls with this path, and with this query if there is one.
    #[serde(deserialize_with = "parsed")]
    path: Option<String>,
    /// Calls that were answered with this HTTP status.
    #[serde(deserialize_with = "parsed")]
    #[schemars(example = 400, range(min = 0, max = 65535))]
    status: Option<u16>,
    /// Calls that were refused by this rule. An unknown rule is refused.
    #[schemars(example = &"T-006")]
    rule: Option<String>,
    /// Calls that this fault was injected in.
    fault: Option<String>,
    /// Calls after the entry of this number.
    #[serde(deserialize_with = "parsed")]
    since: Option<u64>,
    /// Calls with these headers, by their names.
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    headers: Elements<String>,
    /// Calls with these elements of the body, by their JSON pointers.
    #[schemars(with = "Option<BTreeMap<String, Value>>", extend("patternProperties" = { "^(/.*)?$": true }, "additionalProperties" = false))]
    body: Elements<Value>,
}

/// Elements by their names: those of a query in its order.
#[derive(Default, Deserialize)]
#[serde(untagged)]
enum Elements<V> {
    #[default]
    None,
    Listed(Vec<(String, V)>),
    Named(BTreeMap<String, V>),
}

impl<V> Elements<V> {
    fn into_vec(self) -> Vec<(String, V)> {
        match self {
            Self::None => Vec::new(),
            Self::Listed(elements) => elements,
            Self::Named(elements) => elements.into_iter().collect(),
        }
    }
}

/// A query for calls.
#[derive(Deserialize, JsonSchema)]
pub(super) struct CallQuery {
    #[serde(flatten)]
    filter: CallFilter,
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
        // An element of a query is a text; what it stands for is seen at the call.
        let wanted = |value: Value| match value {
            Value::String(text) => Wanted::Written(text),
            other => Wanted::Equal(other),
        };
        Ok((self.filter.resolve(sandbox, wanted)?, limit, secrets))
    }
}

impl CallFilter {
    /// The filter, if the world knows all that it names: a name with a typo would never be found.
    pub(super) fn resolve(self, sandbox: &Sandbox, wanted: fn(Value) -> Wanted) -> Result<Filter, Problem> {
        let unknown =
            |what: &str, names: &[&str]| Err(refuse(format!("no such {what}; the {what}s are {}", names.join(", "))));
        let plan = &sandbox.runner().plan;
        let operations = plan.operations();
        if let Some(named) = &self.operation
            && !operations.iter().any(|name| is_of(named, name))
        {
            return unknown("operation", &operations);
        }
        let vendors: Vec<&str> = plan.vendors.iter().map(|vendor| vendor.name()).collect();
        if self.vendor.as_deref().is_some_and(|named| !vendors.contains(&named)) {
            return unknown("vendor", &vendors);
        }
        if self.fault.as_deref().is_some_and(|named| Fault::named(named).is_none()) {
            return unknown("fault", &Fault::all().map(|fault| fault.name()));
        }
        if self
            .rule
            .as_deref()
            .is_some_and(|named| named != "sandbox" && !rules_of(&plan.vendors).any(|rule| rule.contract_id() == named))
        {
            return Err(refuse("no such rule; docs/rules.md lists the rules"));
        }
        let method = self.method.map(|method| Method::from_bytes(method.to_ascii_uppercase().as_bytes())).transpose();
        let body = self.body.into_vec();
        if body.iter().any(|(pointer, _)| !pointer.is_empty() && !pointer.starts_with('/')) {
            return Err(refuse(r#"elements of the body have pointers, e.g. {"body":{"/Address/City":"Köln"}}"#));
        }
        let mut filter = Filter::new();
        filter.method = method.map_err(|_| refuse("method must be GET, PUT or another method"))?;
        (filter.operation, filter.vendor, filter.order) = (self.operation, self.vendor, self.order);
        (filter.path, filter.status, filter.rule, filter.fault) = (self.path, self.status, self.rule, self.fault);
        filter.since = self.since.unwrap_or(0);
        filter.headers = self.headers.into_vec();
        filter.body = body.into_iter().map(|(pointer, value)| (pointer, wanted(value))).collect();
        Ok(filter)
    }
}
