//! Orders and idents: their state, and the actions of the person.

use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::settings::Case;
use super::{Context, Json, NoMembers, Problem, ProblemKind, RevealQuery, Route, input, route};
use crate::{Transition, TransitionError};

const ID: (&str, &str) = ("Id of the order or ident, in the vendor's form.", "99921269855041");

pub(super) fn routes() -> Vec<Route> {
    vec![
        route(Method::GET, "orders/{id}", "getOrder", "The state of an order or ident", get)
            .id(ID.0, ID.1)
            .problems(&[ProblemKind::UnknownOrder]),
        route(Method::POST, "orders/{id}/transition", "moveOrder", "Plays the person, or sets a status", transition)
            .describe(
                "A story plays at once; at each webhook it waits until the first delivery attempt has ended. \
                 docs/sandbox-reference.md lists the stories of each kind of order. A status is an integer or a \
                 string, in the vendor's form, and is set unchanged, even an unknown one. Returns the new state of the \
                 order or ident.",
            )
            .id(ID.0, ID.1)
            .problems(&[
                ProblemKind::InvalidTransition,
                ProblemKind::RefusedTransition,
                ProblemKind::UnknownOrder,
                ProblemKind::TransitionConflict,
            ]),
        route(Method::GET, "tans", "getTans", "The last TAN that was sent by SMS", get_tans)
            .problems(&[ProblemKind::MissingOrder, ProblemKind::UnknownOrder]),
    ]
}

async fn get(context: Context, query: RevealQuery, _: NoMembers) -> Result<Json<Case>, Problem> {
    let case = context.sandbox()?.inspect(&context.id).ok_or_else(Problem::unknown_order)?;
    Ok(Json(Case(query.secrets()?.urls(case))))
}

/// An action of the person: a story or a status.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(
    example = serde_json::json!({ "story": "positive" }),
    example = serde_json::json!({ "status": 6 }),
    extend("oneOf" = [
        { "required": ["story"], "properties": { "story": { "type": "string" }, "status": { "type": "null" } } },
        { "required": ["status"], "properties": { "status": { "type": ["integer", "string"] }, "story": { "type": "null" } } },
    ]),
)]
pub(super) struct Move {
    /// Name of a story.
    #[serde(default)]
    story: Option<String>,
    /// A status in the vendor's form.
    #[serde(default)]
    #[schemars(extend("type" = ["integer", "string", "null"]))]
    status: Value,
}

input!(Move, InvalidTransition, false);

async fn transition(context: Context, query: RevealQuery, body: Move) -> Result<Json<Case>, Problem> {
    let secrets = query.secrets()?;
    let wanted = match (body.story, body.status) {
        (Some(story), Value::Null) => Transition::Scenario(story),
        (None, status) if !status.is_null() => Transition::Status(status),
        _ => {
            let detail = r#"name either a story or a status: {"story":"positive"} or {"status":6}"#;
            return Err(Problem::new(ProblemKind::InvalidTransition, detail));
        }
    };
    let sandbox = context.sandbox()?;
    match sandbox.transition(&context.id, &wanted) {
        Err(TransitionError::UnknownCase) => Err(Problem::unknown_order()),
        Err(TransitionError::Rejected(refused)) => {
            Err(Problem::refused([ProblemKind::RefusedTransition, ProblemKind::TransitionConflict], &refused))
        }
        Ok(()) => Ok(Json(Case(secrets.urls(sandbox.inspect(&context.id).unwrap_or(Value::Null))))),
    }
}

/// The query for the TAN of an order.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TanQuery {
    /// Id of the order.
    #[schemars(length(min = 1), example = &"99921269855041")]
    order: String,
}

input!(TanQuery, MissingOrder, false);

/// The valid TANs of an order: one or none.
#[derive(Serialize, JsonSchema)]
struct Tans {
    /// Id of the order.
    order: String,
    /// TANs of six digits.
    #[schemars(length(max = 1))]
    tans: Vec<String>,
}

async fn get_tans(context: Context, query: TanQuery, _: NoMembers) -> Result<Json<Tans>, Problem> {
    let sandbox = context.sandbox()?;
    sandbox.inspect(&query.order).ok_or_else(Problem::unknown_order)?;
    let tans = sandbox.tan(&query.order).iter().map(|tan| tan.expose().to_owned()).collect();
    Ok(Json(Tans { order: query.order, tans }))
}
