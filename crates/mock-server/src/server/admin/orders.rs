//! Orders and idents: their state, and the actions of the person.

use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::settings::Case;
use super::{Context, Json, NoMembers, Page, Problem, ProblemKind, RevealQuery, Route, input, route};
use crate::journal::Secrets;
use crate::{PersonRequest, PersonView, Transition, TransitionError};

const ID: (&str, &str) = ("Id of the order or ident, in the vendor's form.", "99921269855041");

pub(super) fn routes() -> Vec<Route> {
    let lists =
        "Each as in `getOrder`. The documents' examples are not listed. `next` is the `before` of the next page.";
    vec![
        route(Method::GET, "orders", "listOrders", "Orders, newest first", list_orders)
            .describe(lists)
            .problems(&[ProblemKind::UnknownCursor])
            .links("/orders/0/id", &["getOrder", "getOrderDetails", "moveOrder"]),
        route(Method::GET, "idents", "listIdents", "Idents, newest first", list_idents)
            .describe(lists)
            .problems(&[ProblemKind::UnknownCursor])
            .links("/idents/0/id", &["getOrder", "getOrderDetails", "moveOrder"]),
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
        route(Method::GET, "orders/{id}/person", "getPerson", "What the person of an order or ident can do now", person)
            .describe(
                "What the landing page shows: the step, the possible actions, the allowed methods, and the redirect. \
                 `page` is the path of the landing page on the listener of the vendors' APIs.",
            )
            .id(ID.0, ID.1)
            .problems(&[ProblemKind::UnknownOrder]),
        route(Method::POST, "orders/{id}/person", "actAsPerson", "Acts as the person on the landing page", act)
            .describe(
                "One click on the landing page. If a webhook blocks the order, the call waits until the attempt is over. \
                 Returns what the person sees afterwards.",
            )
            .id(ID.0, ID.1)
            .problems(&[
                ProblemKind::InvalidAction,
                ProblemKind::RefusedTransition,
                ProblemKind::UnknownOrder,
                ProblemKind::TransitionConflict,
            ]),
        route(Method::GET, "tans", "getTans", "The last TAN that was sent by SMS", get_tans)
            .problems(&[ProblemKind::MissingOrder, ProblemKind::UnknownOrder]),
    ]
}

/// A query for orders or idents.
#[derive(Deserialize, JsonSchema)]
pub(super) struct CaseQuery {
    /// Only those with this reference.
    #[schemars(example = &"ref-1")]
    reference: Option<String>,
    /// Only those whose latest status is this one, in the vendor's form, e.g. `6` or `Identified`. A status that the
    /// vendor does not name and that none of them has is an error.
    status: Option<String>,
    /// Only those whose id, reference, or name or mail address of the person contains this text, ignoring the case of
    /// letters.
    #[schemars(example = &"muster")]
    search: Option<String>,
    #[serde(flatten)]
    page: Page<String>,
}

impl CaseQuery {
    /// Whether every case matches.
    fn is_empty(&self) -> bool {
        self.reference.is_none() && self.status.is_none() && self.search.is_none()
    }
}

input!(CaseQuery, InvalidQuery, false);

/// Orders.
#[derive(Serialize, JsonSchema)]
struct Orders {
    /// Number of all that match, on every page.
    count: usize,
    orders: Vec<Case>,
    /// If there are more: `before` of the next request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    next: Option<String>,
}

/// Idents.
#[derive(Serialize, JsonSchema)]
struct Idents {
    /// Number of all that match, on every page.
    count: usize,
    idents: Vec<Case>,
    /// If there are more: `before` of the next request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    next: Option<String>,
}

async fn list_orders(context: Context, query: CaseQuery, _: NoMembers) -> Result<Json<Orders>, Problem> {
    page(&context, query, "orders").map(|(count, orders, next)| Json(Orders { count, orders, next }))
}

async fn list_idents(context: Context, query: CaseQuery, _: NoMembers) -> Result<Json<Idents>, Problem> {
    page(&context, query, "idents").map(|(count, idents, next)| Json(Idents { count, idents, next }))
}

/// Number of cases that are searched while the world is locked: other calls wait for about 2 ms.
const AT_ONCE: usize = 1_000;

/// Returns the number of matching cases, a page of them, and the cursor of the next page if there is one. Only the cases
/// of the page are read as a whole: a world can have 50,000.
fn page(context: &Context, query: CaseQuery, noun: &str) -> Result<(usize, Vec<Case>, Option<String>), Problem> {
    let secrets = query.page.secrets(ProblemKind::InvalidReveal)?;
    let sandbox = context.sandbox()?;
    let mut ids = sandbox.newest(noun);
    let first = match &query.page.before {
        None => 0,
        Some(before) => ids.iter().position(|id| id == before).map(|position| position + 1).ok_or_else(|| {
            let detail = format!(
                "the list has no entry with the id in `before`; without `before`, it starts with the newest {noun}"
            );
            Problem::new(ProblemKind::UnknownCursor, detail)
        })?,
    };
    let mut older = ids.len() - first;
    if !query.is_empty() {
        let wanted = query.search.as_ref().map(|search| search.trim().to_lowercase());
        let (mut matching, mut position, mut has_status) = (Vec::new(), 0, false);
        older = 0;
        for some in ids.chunks(AT_ONCE) {
            sandbox.read(|world, vendors| {
                for id in some {
                    position += 1;
                    let Some(keys) = vendors.iter().find_map(|vendor| vendor.keys(world, id)) else { continue };
                    let same_status = query.status.is_none() || keys.status == query.status;
                    has_status |= same_status;
                    if same_status
                        && (query.reference.is_none() || keys.reference == query.reference)
                        && wanted.as_ref().is_none_or(|wanted| keys.contain(id, wanted))
                    {
                        older += usize::from(position > first);
                        matching.push(id.clone());
                    }
                }
            });
        }
        ids = matching;
        // A misspelled status would look like "no orders". Any status can be set, so one that a case has is valid too.
        if let (false, Some(status), Some(known)) = (has_status, &query.status, sandbox.statuses(noun))
            && !known.contains(status)
        {
            let detail = format!("unknown status: none of the {noun} has it; known statuses are {}", known.join(", "));
            return Err(Problem::new(ProblemKind::InvalidQuery, detail));
        }
    }
    let count = ids.len();
    let rest = ids.split_off(count - older).into_iter();
    let read = |id: String| Some((id.clone(), Case(secrets.urls(sandbox.inspect(&id)?))));
    let (cases, next) = query.page.take(rest.filter_map(read));
    Ok((count, cases, next))
}

async fn get(context: Context, query: RevealQuery, _: NoMembers) -> Result<Json<Case>, Problem> {
    let case = context.sandbox()?.inspect(&context.id).ok_or_else(|| Problem::unknown_order(&context.id))?;
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
        Err(TransitionError::UnknownCase) => Err(Problem::unknown_order(&context.id)),
        Err(TransitionError::Rejected(refused)) => {
            Err(Problem::refused([ProblemKind::RefusedTransition, ProblemKind::TransitionConflict], &refused))
        }
        Ok(()) => Ok(Json(Case(secrets.urls(sandbox.inspect(&context.id).unwrap_or(Value::Null))))),
    }
}

input!(PersonRequest, InvalidAction, false);

async fn person(context: Context, query: RevealQuery, _: NoMembers) -> Result<Json<PersonView>, Problem> {
    let secrets = query.secrets()?;
    view(&context, secrets)
}

async fn act(context: Context, query: RevealQuery, body: PersonRequest) -> Result<Json<PersonView>, Problem> {
    let secrets = query.secrets()?;
    match context.sandbox()?.act(&context.id, &body).await {
        Err(TransitionError::UnknownCase) => Err(Problem::unknown_order(&context.id)),
        Err(TransitionError::Rejected(mut refused)) => {
            // A wrong TAN has the status that the vendor's own call returns.
            refused.status = if refused.status == 409 { 409 } else { 400 };
            Err(Problem::refused([ProblemKind::RefusedTransition, ProblemKind::TransitionConflict], &refused))
        }
        Ok(()) => view(&context, secrets),
    }
}

fn view(context: &Context, secrets: Secrets) -> Result<Json<PersonView>, Problem> {
    let mut view = context.sandbox()?.person(&context.id).ok_or_else(|| Problem::unknown_order(&context.id))?;
    view.redirect = view.redirect.map(|url| secrets.url(&url));
    Ok(Json(view))
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
    sandbox.inspect(&query.order).ok_or_else(|| Problem::unknown_order(&query.order))?;
    let tans = sandbox.tan(&query.order).iter().map(|tan| tan.expose().to_owned()).collect();
    Ok(Json(Tans { order: query.order, tans }))
}
