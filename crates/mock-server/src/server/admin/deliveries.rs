//! Webhooks and their delivery attempts, and what can be done with them.

use http::Method;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::input::{Input, NoMembers, Reveal, RevealQuery, present, reveal};
use super::problem::{Problem, ProblemKind};
use super::route::{Context, Json, Route, route};
use crate::journal::Secrets;
use crate::json_time::Time;
use crate::webhooks::{self, Cause, Impossible, ReleaseOrder, Verb};

const NOT_NOW: &[ProblemKind] = &[ProblemKind::UnknownDelivery, ProblemKind::DeliveryConflict];

pub(super) fn routes() -> Vec<Route> {
    let all = ("listDeliveries", "Webhooks with their attempts", "The webhooks, oldest first.");
    let release =
        ("releaseDeliveries", "Releases all held webhooks", "The released webhooks, in the order of release.");
    let one = ("getDelivery", "A webhook with its attempts", "The webhook.");
    let now = "The webhook as it is now.";
    let verb = |path, name, summary, description, verb: Verb| {
        let handler = move |context, query, body| by_hand(context, query, body, verb);
        let problems = if verb == Verb::Duplicate { &[ProblemKind::UnknownDelivery] } else { NOT_NOW };
        let route = route(Method::POST, path, (name, summary, now), handler).describe(description).problems(problems);
        route.id("Number of the webhook.", "7")
    };
    vec![
        route(Method::GET, "deliveries", all, list).problems(&[ProblemKind::InvalidReveal]).links(&[
            ("getDelivery", "/deliveries/0/id"),
            ("resendDelivery", "/deliveries/0/id"),
            ("holdDelivery", "/deliveries/0/id"),
            ("releaseDelivery", "/deliveries/0/id"),
            ("duplicateDelivery", "/deliveries/0/id"),
            ("dropDelivery", "/deliveries/0/id"),
        ]),
        route(Method::POST, "deliveries/release", release, release_all)
            .describe("Each webhook is sent when the one before it has ended.")
            .problems(&[ProblemKind::InvalidReleaseOrder, ProblemKind::UnknownDelivery, ProblemKind::DeliveryConflict]),
        route(Method::GET, "deliveries/{id}", one, get)
            .id("Number of the webhook.", "7")
            .problems(&[ProblemKind::UnknownDelivery]),
        verb(
            "deliveries/{id}/resend",
            "resendDelivery",
            "Sends a webhook again now",
            "Works for a delivered or failed webhook too. Its schedule goes on unchanged.",
            Verb::Resend,
        ),
        verb(
            "deliveries/{id}/hold",
            "holdDelivery",
            "Holds a webhook",
            "The rest of its schedule waits until it is released.",
            Verb::Hold,
        ),
        verb(
            "deliveries/{id}/release",
            "releaseDelivery",
            "Releases a held webhook",
            "It is sent now if an attempt was due while it was held.",
            Verb::Release,
        ),
        verb(
            "deliveries/{id}/duplicate",
            "duplicateDelivery",
            "Sends a copy of a webhook now",
            "If the webhook is held, the copy is sent when it is released.",
            Verb::Duplicate,
        ),
        verb(
            "deliveries/{id}/drop",
            "dropDelivery",
            "Never sends a webhook again",
            "The vendor counts it as delivered.",
            Verb::Drop,
        ),
    ]
}

/// The query for webhooks.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeliveryQuery {
    /// Only the webhooks of this order or ident.
    #[serde(default)]
    #[schemars(example = &"99921269855041")]
    order: Option<String>,
    #[serde(default, deserialize_with = "reveal")]
    #[schemars(with = "Reveal")]
    reveal: Secrets,
    /// Id of the world. The default is `default`.
    #[serde(default, rename = "world")]
    _world: Option<String>,
}

impl Input for DeliveryQuery {
    const INVALID: ProblemKind = ProblemKind::InvalidReveal;
}

/// Webhooks.
#[derive(Serialize, JsonSchema)]
struct Deliveries {
    deliveries: Vec<Delivery>,
}

/// A webhook.
#[derive(Serialize, JsonSchema)]
struct Delivery {
    /// Number in the world.
    #[schemars(range(min = 1))]
    id: u64,
    /// The order or ident that it is about.
    order: String,
    /// Event that it reports.
    #[schemars(example = &"OnFinal")]
    event: String,
    #[schemars(extend("enum" = ["GET", "POST", "PUT"]))]
    method: String,
    /// Address of the receiver, with all placeholders filled in.
    url: String,
    /// State of the delivery; `waiting` for `next`.
    #[schemars(extend("enum" = ["held", "sending", "waiting", "delivered", "failed"]))]
    state: &'static str,
    /// The attempts so far, oldest first.
    attempts: Vec<Attempt>,
    /// Time of the next attempt.
    #[schemars(with = "Option<Time>")]
    next: Option<Timestamp>,
}

/// A delivery attempt.
#[derive(Serialize, JsonSchema)]
struct Attempt {
    #[schemars(with = "Time")]
    at: Timestamp,
    /// The receiver's status; null without a response in time.
    #[schemars(range(min = 100, max = 999))]
    status: Option<u16>,
    /// Whether the vendor counts the attempt as delivered, will retry, or gives up.
    #[schemars(extend("enum" = ["delivered", "retry", "failed"]))]
    outcome: &'static str,
    /// What made the attempt, unless it was the schedule.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", extend("enum" = ["release", "resend", "duplicate"]))]
    by: Option<&'static str>,
    /// Why there is no status.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", example = &"no answer within 10 s")]
    error: Option<String>,
}

impl Delivery {
    /// Its URL may hold credentials of the receiver.
    fn new(delivery: &webhooks::Delivery, secrets: Secrets) -> Self {
        let attempts = delivery.attempts.iter().map(|attempt| Attempt {
            at: attempt.at,
            status: attempt.status,
            outcome: attempt.outcome(),
            by: (attempt.by != Cause::Schedule).then(|| attempt.by.name()),
            error: attempt.error.as_ref().map(|error| secrets.text(error).into_owned()),
        });
        Self {
            id: delivery.id,
            order: delivery.case.clone(),
            event: delivery.event.name.to_string(),
            method: delivery.method.to_string(),
            url: secrets.text(&delivery.request.0.uri().to_string()).into_owned(),
            state: delivery.state().name(),
            attempts: attempts.collect(),
            next: delivery.next,
        }
    }
}

fn list_of(deliveries: &[webhooks::Delivery], secrets: Secrets) -> Json<Deliveries> {
    Json(Deliveries { deliveries: deliveries.iter().map(|delivery| Delivery::new(delivery, secrets)).collect() })
}

async fn list(context: Context, query: DeliveryQuery, _: NoMembers) -> Result<Json<Deliveries>, Problem> {
    Ok(list_of(&context.sandbox()?.deliveries(query.order.as_deref()), query.reveal))
}

async fn get(context: Context, query: RevealQuery, _: NoMembers) -> Result<Json<Delivery>, Problem> {
    let delivery = context.sandbox()?.delivery(number(&context)?).ok_or_else(|| unknown(&context.id))?;
    Ok(Json(Delivery::new(&delivery, query.reveal)))
}

/// Resends, holds, releases, duplicates or drops one.
async fn by_hand(context: Context, query: RevealQuery, _: NoMembers, verb: Verb) -> Result<Json<Delivery>, Problem> {
    let delivery = context.sandbox()?.by_hand(number(&context)?, verb).map_err(|error| impossible(&error))?;
    Ok(Json(Delivery::new(&delivery, query.reveal)))
}

/// Which webhooks are released, in which order.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(
    example = serde_json::json!({ "order": "reversed" }),
    example = serde_json::json!({ "deliveries": [5, 3] }),
    extend("maxProperties" = 1),
)]
pub(super) struct Release {
    /// The order of release. The default is `as-meant`.
    #[serde(default, deserialize_with = "present")]
    #[schemars(with = "NamedOrder")]
    order: Option<NamedOrder>,
    /// Only these webhooks, in this order.
    #[serde(default, deserialize_with = "present")]
    #[schemars(with = "Vec<u64>")]
    deliveries: Option<Vec<u64>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
enum NamedOrder {
    AsMeant,
    Reversed,
    Shuffled,
}

impl Input for Release {
    const INVALID: ProblemKind = ProblemKind::InvalidReleaseOrder;
    const OPTIONAL: bool = true;
}

async fn release_all(context: Context, query: RevealQuery, body: Release) -> Result<Json<Deliveries>, Problem> {
    let order = match (body.order, body.deliveries) {
        (None | Some(NamedOrder::AsMeant), None) => ReleaseOrder::AsMeant,
        (Some(NamedOrder::Reversed), None) => ReleaseOrder::Reversed,
        (Some(NamedOrder::Shuffled), None) => ReleaseOrder::Shuffled,
        (None, Some(ids)) => ReleaseOrder::These(ids),
        (Some(_), Some(_)) => {
            let detail = "name either an order or deliveries";
            return Err(Problem::new(ProblemKind::InvalidReleaseOrder, detail));
        }
    };
    let released = context.sandbox()?.release_all(&order).map_err(|error| impossible(&error))?;
    Ok(list_of(&released, query.reveal))
}

fn number(context: &Context) -> Result<u64, Problem> {
    context.id.parse().map_err(|_| unknown(&context.id))
}

fn unknown(id: &str) -> Problem {
    let detail = format!("this world has no delivery {id}; GET deliveries lists them");
    Problem::new(ProblemKind::UnknownDelivery, detail)
}

fn impossible(error: &Impossible) -> Problem {
    match error {
        Impossible::Unknown(id) => unknown(&id.to_string()),
        error => Problem::new(ProblemKind::DeliveryConflict, error.to_string()),
    }
}
