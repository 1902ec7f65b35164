//! Which calls are asked for: by the query of a GET, by the body of a POST, in the same words.

use http::Method;
use serde_json::{Map, Value};

use super::{Asked, Problem};
use crate::Sandbox;
use crate::faults::Fault;
use crate::journal::{Filter, Secrets, Wanted, is_of};
use crate::vendor::rules_of;

/// How many calls are told at once unless asked otherwise, and at most.
const LIMIT: (usize, usize) = (100, 1_000);

/// What a GET asks for.
pub(super) struct Query {
    pub(super) filter: Filter,
    pub(super) limit: usize,
    pub(super) secrets: Secrets,
}

const WORDS: &str = "operation, vendor, order, method, path, status, rule, fault, since";

fn refuse(what: &str) -> Problem {
    let detail =
        format!("{what}; calls are asked for by {WORDS}, header/NAME and body/POINTER, answers by limit and reveal");
    Problem::new(400, "no such question", detail, "admin-journal")
}

pub(super) fn query(asked: &Asked<'_>, sandbox: &Sandbox) -> Result<Query, Problem> {
    let mut query = Query { filter: Filter::new(), limit: LIMIT.0, secrets: Secrets::Masked };
    for (name, value) in asked.query.iter().cloned() {
        match name.as_str() {
            "world" => {}
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=LIMIT.1).contains(limit));
                query.limit = limit.ok_or_else(|| refuse("limit is a number from 1 to 1000"))?;
            }
            "reveal" => match value.as_str() {
                "true" => query.secrets = Secrets::Revealed,
                "false" => query.secrets = Secrets::Masked,
                _ => return Err(refuse("reveal is true or false")),
            },
            _ => match (name.strip_prefix("header/"), name.strip_prefix("body")) {
                (Some(header), _) => query.filter.headers.push((header.to_owned(), value)),
                (_, Some(pointer)) if pointer.starts_with('/') => {
                    query.filter.body.push((pointer.to_owned(), Wanted::Written(value)));
                }
                _ => word(&mut query.filter, &name, &value)?,
            },
        }
    }
    known(&query.filter, sandbox)?;
    Ok(query)
}

/// The filter in a body, without the elements of these names.
pub(super) fn object(body: &Map<String, Value>, besides: &[&str], sandbox: &Sandbox) -> Result<Filter, Problem> {
    let mut filter = Filter::new();
    for (name, value) in body.iter().filter(|(name, _)| !besides.contains(&name.as_str())) {
        match (name.as_str(), value) {
            (name, Value::Null) if is_word(name) => {}
            ("headers", Value::Object(headers)) => {
                for (name, value) in headers {
                    let value = value.as_str().ok_or_else(|| refuse("a header is a text"))?;
                    filter.headers.push((name.clone(), value.to_owned()));
                }
            }
            ("body", Value::Object(elements)) => {
                if elements.keys().any(|pointer| !pointer.is_empty() && !pointer.starts_with('/')) {
                    return Err(refuse(
                        r#"elements of the body have pointers, e.g. {"body":{"/Address/City":"Köln"}}"#,
                    ));
                }
                let elements = elements.iter().map(|(pointer, value)| (pointer.clone(), value.clone().into()));
                filter.body.extend(elements);
            }
            ("headers" | "body", _) => return Err(refuse("headers and body are objects")),
            (_, Value::String(value)) => word(&mut filter, name, value)?,
            (_, Value::Number(value)) => word(&mut filter, name, &value.to_string())?,
            _ => return Err(refuse("every other element is a text or a number")),
        }
    }
    known(&filter, sandbox)?;
    Ok(filter)
}

/// Whether an element of a body may have this name.
fn is_word(name: &str) -> bool {
    WORDS.split(", ").any(|word| word == name) || matches!(name, "headers" | "body")
}

fn word(filter: &mut Filter, name: &str, value: &str) -> Result<(), Problem> {
    let text = Some(value.to_owned());
    match name {
        "operation" => filter.operation = text,
        "vendor" => filter.vendor = text,
        "order" => filter.order = text,
        "path" => filter.path = text,
        "rule" => filter.rule = text,
        "fault" => filter.fault = text,
        "method" => {
            let method = Method::from_bytes(value.to_ascii_uppercase().as_bytes())
                .map_err(|_| refuse("method is GET, PUT or another"))?;
            filter.method = Some(method);
        }
        "status" => filter.status = Some(value.parse().map_err(|_| refuse("status is a number"))?),
        "since" => filter.since = value.parse().map_err(|_| refuse("since is the number of an entry"))?,
        // The name is not told: it may be anything.
        _ => return Err(refuse("there is a parameter that is not known")),
    }
    Ok(())
}

/// A name that is misspelt would be found never, and that would look like an answer.
fn known(filter: &Filter, sandbox: &Sandbox) -> Result<(), Problem> {
    let unknown = |title, what: &str, names: &[&str]| {
        Err(Problem::new(400, title, format!("the {what} are {}", names.join(", ")), "admin-journal"))
    };
    let plan = &sandbox.runner().plan;
    let operations = plan.operations();
    if let Some(named) = &filter.operation
        && !operations.iter().any(|name| is_of(named, name))
    {
        return unknown("no such operation", "operations", &operations);
    }
    let vendors: Vec<&str> = plan.vendors.iter().map(|vendor| vendor.name()).collect();
    if filter.vendor.as_deref().is_some_and(|named| !vendors.contains(&named)) {
        return unknown("no such vendor", "vendors", &vendors);
    }
    if let Some(named) = &filter.fault
        && Fault::named(named).is_none()
    {
        return unknown("no such fault", "faults", &Fault::all().map(|fault| fault.name()));
    }
    match &filter.rule {
        Some(named) if named != "sandbox" && !rules_of(&plan.vendors).any(|rule| rule.contract_id() == named) => {
            let detail = "the rules are listed in docs/rules.md";
            Err(Problem::new(400, "no such rule", detail, "admin-journal"))
        }
        _ => Ok(()),
    }
}
