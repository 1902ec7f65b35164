//! Injected faults.

use http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    Context, Created, Form, Input, Json, NoMembers, Problem, ProblemKind, RevealQuery, Route, check_masks, route,
};
use crate::faults::{Fault, InjectedRule, InjectedView, Rule};
use crate::journal::Secrets;
use crate::readers::digits;
use crate::{Rejection, Sandbox};

pub(super) fn routes() -> Vec<Route> {
    vec![
        route(Method::GET, "faults", "listFaults", "The injected faults", list),
        route(Method::POST, "faults", "injectFault", "Injects a fault", inject)
            .describe(
                "At most one fault applies to a call: that of the oldest matching rule. A masked URL is rejected \
                 (`admin-reveal`).",
            )
            .problems(&[ProblemKind::MaskedSecret, ProblemKind::InvalidFault])
            .links("/id", &["clearFault"]),
        route(Method::DELETE, "faults", "clearFaults", "Removes all faults", clear),
        route(Method::DELETE, "faults/{id}", "clearFault", "Removes a fault and returns the remaining ones", remove)
            .id("Number of the fault.", "1")
            .problems(&[ProblemKind::UnknownFault]),
    ]
}

/// The injected faults, and the names of all kinds.
#[derive(Serialize, JsonSchema)]
struct Faults {
    faults: Vec<InjectedFault>,
    /// The names of all kinds of faults.
    known: Vec<FaultName>,
    /// The names of the vendors' calls.
    operations: Vec<&'static str>,
}

/// Name of a kind of fault; docs/sandbox-control.md explains each.
#[derive(Serialize, JsonSchema)]
struct FaultName(#[schemars(extend("enum" = Fault::all().map(|fault| fault.name())))] &'static str);

/// An injected fault. Secrets in the URL of a redirect are masked.
#[derive(Serialize, JsonSchema)]
struct InjectedFault(#[schemars(schema_with = "injected_schema")] Value);

impl InjectedFault {
    fn new(injected: &InjectedRule, secrets: Secrets) -> Self {
        Self(secrets.urls(serde_json::to_value(injected.view()).unwrap_or_default()))
    }
}

/// A fault, and the calls it applies to.
#[derive(Deserialize, JsonSchema)]
#[schemars(example = json!({ "operation": "getStatus", "fault": "reset-after-commit", "times": 1 }))]
pub(super) struct FaultRule(#[schemars(schema_with = "rule_schema")] Map<String, Value>);

impl Input for FaultRule {
    const INVALID: ProblemKind = ProblemKind::InvalidFault;

    fn read(members: Map<String, Value>, _: &Form) -> Result<Self, Problem> {
        check_masks(&members)?;
        Ok(Self(members))
    }
}

fn injected_schema(generator: &mut SchemaGenerator) -> Schema {
    with_kinds(InjectedView::json_schema(generator))
}

fn rule_schema(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = with_kinds(Rule::json_schema(generator));
    for kind in schema.get_mut("oneOf").and_then(Value::as_array_mut).into_iter().flatten() {
        kind["required"] = json!(["fault"]);
        kind["additionalProperties"] = false.into();
    }
    schema
}

/// Copies the members of the rule into each alternative, which has the members of one kind of fault.
fn with_kinds(mut schema: Schema) -> Schema {
    let members = schema.remove("properties").unwrap_or_default();
    let required = schema.remove("required").unwrap_or_default();
    schema.remove("type");
    for kind in schema.get_mut("oneOf").and_then(Value::as_array_mut).into_iter().flatten() {
        if let (Some(own), Value::Object(members)) =
            (kind.get_mut("properties").and_then(Value::as_object_mut), &members)
        {
            own.extend(members.clone());
        }
        if let (Some(own), Value::Array(names)) = (kind.get_mut("required").and_then(Value::as_array_mut), &required) {
            own.extend(names.iter().cloned());
        }
    }
    schema
}

fn all(sandbox: &Sandbox, secrets: Secrets) -> Json<Faults> {
    let faults = sandbox.faults().iter().map(|fault| InjectedFault::new(fault, secrets)).collect();
    let operations = sandbox.runner().plan.operations(None);
    Json(Faults { faults, known: Fault::all().map(|fault| FaultName(fault.name())).into(), operations })
}

async fn list(context: Context, query: RevealQuery, _: NoMembers) -> Result<Json<Faults>, Problem> {
    Ok(all(&context.sandbox()?, query.secrets()?))
}

async fn inject(context: Context, query: RevealQuery, body: FaultRule) -> Result<Created<InjectedFault>, Problem> {
    let (secrets, sandbox) = (query.secrets()?, context.sandbox()?);
    let refuse = |refused: Rejection| Problem::refused([ProblemKind::InvalidFault; 2], &refused);
    let injected = Rule::from_json(&body.0).and_then(|rule| sandbox.inject(rule)).map_err(refuse)?;
    Ok(Json(InjectedFault::new(&injected, secrets)))
}

async fn clear(context: Context, query: RevealQuery, _: NoMembers) -> Result<Json<Faults>, Problem> {
    let (secrets, sandbox) = (query.secrets()?, context.sandbox()?);
    sandbox.clear_faults();
    Ok(all(&sandbox, secrets))
}

async fn remove(context: Context, query: RevealQuery, _: NoMembers) -> Result<Json<Faults>, Problem> {
    let (secrets, sandbox) = (query.secrets()?, context.sandbox()?);
    match digits(&context.id).is_some_and(|id| sandbox.clear_fault(id)) {
        true => Ok(all(&sandbox, secrets)),
        false => Err(Problem::new(ProblemKind::UnknownFault, "GET faults lists the faults of this world")),
    }
}
