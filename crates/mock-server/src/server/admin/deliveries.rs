//! Webhooks: their modes, their delivery attempts, and the calls that control them.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Context, Json, NoMembers, Number, Page, Problem, ProblemKind, RevealQuery, Route, check_order, input, present,
    route, word,
};
use crate::journal::{MessageView, Secrets, StoredBody, Time};
use crate::readers::digits;
use crate::webhooks::{self, Cause, Impossible, Mode, ReleaseOrder, Verb};

const NOT_NOW: &[ProblemKind] = &[ProblemKind::UnknownDelivery, ProblemKind::DeliveryConflict];

pub(super) fn routes() -> Vec<Route> {
    let verb = |verb: Verb, path, name, summary| {
        let handler = move |context, query, body| control(context, query, body, verb);
        let problems = if verb == Verb::Duplicate { &[ProblemKind::UnknownDelivery] } else { NOT_NOW };
        route(Method::POST, path, name, summary, handler).problems(problems).id("Number of the webhook.", "7")
    };
    vec![
        route(Method::GET, "deliveries", "listDeliveries", "Webhooks with their attempts, newest first", list)
            .describe("The attempts of a webhook are listed oldest first.")
            .problems(&[ProblemKind::UnknownOrder])
            .links(
                "/deliveries/0/id",
                &[
                    "getDelivery",
                    "resendDelivery",
                    "holdDelivery",
                    "releaseDelivery",
                    "duplicateDelivery",
                    "dropDelivery",
                ],
            ),
        route(Method::POST, "deliveries/release", "releaseDeliveries", "Releases all held webhooks", release_all)
            .describe("Each is sent when the attempt of the previous one has ended. Returns them in this order.")
            .problems(&[ProblemKind::InvalidReleaseOrder, ProblemKind::UnknownDelivery, ProblemKind::DeliveryConflict]),
        route(Method::GET, "deliveries/{id}", "getDelivery", "A webhook with its attempts and their answers", get)
            .describe(
                "Each attempt has its `request` and its `answer`. The answers are in the journal: `answer` is absent if \
                 none arrived, or if the journal no longer holds it.",
            )
            .id("Number of the webhook.", "7")
            .problems(&[ProblemKind::UnknownDelivery]),
        verb(Verb::Resend, "deliveries/{id}/resend", "resendDelivery", "Sends a webhook again now")
            .describe("Works for a delivered or failed webhook too. Its schedule continues unchanged."),
        verb(Verb::Hold, "deliveries/{id}/hold", "holdDelivery", "Holds a webhook")
            .describe("The rest of its schedule waits until the webhook is released."),
        verb(Verb::Release, "deliveries/{id}/release", "releaseDelivery", "Releases a held webhook")
            .describe(
                "The webhook is sent now if an attempt became due while it was held, or if the mode `late` or `reorder` \
                 delays it.",
            ),
        verb(Verb::Duplicate, "deliveries/{id}/duplicate", "duplicateDelivery", "Sends a copy of a webhook now")
            .describe("If the webhook is held, the copy is sent on its release."),
        verb(Verb::Drop, "deliveries/{id}/drop", "dropDelivery", "Never sends a webhook again")
            .describe("The vendor counts it as delivered."),
        route(Method::GET, "webhooks", "getWebhooks", "The modes of webhooks", get_modes),
        route(Method::POST, "webhooks", "setWebhooks", "Sets the mode of webhooks", set_mode)
            .describe(
                "Sets the mode of the world or of one order. For an order, null restores the mode of the world. The \
                 mode applies when an attempt starts.",
            )
            .problems(&[ProblemKind::UnknownWebhookMode, ProblemKind::UnknownOrder]),
    ]
}

/// The query for webhooks.
#[derive(Deserialize, JsonSchema)]
pub(super) struct DeliveryQuery {
    /// Only the webhooks of this order or ident.
    #[schemars(example = &"99921269855041")]
    order: Option<String>,
    /// Only the webhooks in this state.
    #[serde(default, deserialize_with = "word")]
    state: Option<StateName>,
    #[serde(flatten)]
    page: Page<Number>,
}

/// State of a delivery.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum StateName {
    Held,
    Sending,
    Waiting,
    Delivered,
    Failed,
}

impl StateName {
    fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Sending => "sending",
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

input!(DeliveryQuery, InvalidQuery, false);

/// Webhooks.
#[derive(Serialize, JsonSchema)]
struct Deliveries {
    deliveries: Vec<Delivery>,
    /// If there are more: `before` of the next request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Number")]
    next: Option<Number>,
}

/// A webhook.
#[derive(Serialize, JsonSchema)]
struct Delivery {
    /// Number in the world.
    #[schemars(range(min = 1))]
    id: u64,
    /// Id of the order or ident.
    order: String,
    /// Event that the webhook reports.
    #[schemars(example = &"OnFinal")]
    event: String,
    #[schemars(extend("enum" = ["GET", "POST", "PUT"]))]
    method: String,
    /// Address of the receiver, with all placeholders filled in. If the address is not a valid URL, it is shown as it
    /// was given.
    url: String,
    /// State of the delivery. `waiting`: the next attempt is due at `next` (in the mode `reorder`: at `next` at the latest).
    #[schemars(extend("enum" = ["held", "sending", "waiting", "delivered", "failed"]))]
    state: &'static str,
    /// The attempts so far, oldest first.
    attempts: Vec<Attempt>,
    /// Time of the next attempt; null if none is scheduled, or it became due while the webhook was held.
    next: Option<Time>,
}

/// A delivery attempt.
#[derive(Serialize, JsonSchema)]
struct Attempt {
    /// Start of the attempt.
    at: Time,
    /// The receiver's status; null if no response arrived in time.
    #[schemars(range(min = 100, max = 999))]
    status: Option<u16>,
    /// Whether the vendor counts the attempt as delivered, will retry, or gives up.
    #[schemars(extend("enum" = ["delivered", "retry", "failed"]))]
    outcome: &'static str,
    /// The call that caused the attempt; absent if the schedule caused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", extend("enum" = ["release", "resend", "duplicate"]))]
    by: Option<&'static str>,
    /// Why no status arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", example = &"no response within 10 s")]
    error: Option<String>,
    /// What is probably a mistake in your receiver; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    finding: Option<String>,
    /// The request; only in the response of `getDelivery`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SentRequest")]
    request: Option<SentRequest>,
    /// The receiver's answer; only in the response of `getDelivery`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "MessageView")]
    answer: Option<MessageView>,
}

/// The request of a delivery attempt, as the vendor creates it. The connection adds `Host` and similar headers.
#[derive(Serialize, JsonSchema)]
struct SentRequest {
    method: String,
    /// Address of the receiver.
    url: String,
    #[serde(flatten)]
    message: MessageView,
}

impl SentRequest {
    fn new(request: &http::Request<bytes::Bytes>, secrets: Secrets) -> Self {
        let message = MessageView::new(&request.headers().into(), &StoredBody::new(request.body()), secrets);
        let url = secrets.text(&request.uri().to_string()).into_owned();
        Self { method: request.method().to_string(), url, message }
    }
}

impl Delivery {
    /// Masks secrets in the URL, which may contain credentials of the receiver.
    fn new(delivery: &webhooks::Delivery, secrets: Secrets) -> Self {
        let attempts = delivery.attempts.iter().map(|attempt| Attempt {
            at: Time(attempt.at),
            status: attempt.status,
            outcome: attempt.outcome(),
            by: (attempt.by != Cause::Schedule).then(|| attempt.by.name()),
            error: attempt.error.as_ref().map(|error| secrets.text(error).into_owned()),
            finding: delivery.finding(attempt),
            request: None,
            answer: None,
        });
        Self {
            id: delivery.id,
            order: delivery.case.clone(),
            event: delivery.event.name.to_string(),
            method: delivery.method.to_string(),
            url: delivery.invalid_url.as_ref().map_or_else(
                || secrets.text(&delivery.request.0.uri().to_string()).into_owned(),
                |url| secrets.invalid_url(url.expose()),
            ),
            state: delivery.state().name(),
            attempts: attempts.collect(),
            next: delivery.next.map(Time),
        }
    }
}

async fn list(context: Context, query: DeliveryQuery, _: NoMembers) -> Result<Json<Deliveries>, Problem> {
    let secrets = query.page.secrets(ProblemKind::InvalidReveal)?;
    let sandbox = context.sandbox()?;
    let (any, (deliveries, next)) = sandbox.read(|world, _| {
        let is_of = |one: &webhooks::Delivery| query.order.as_ref().is_none_or(|order| one.case == *order);
        let is_in = |one: &webhooks::Delivery| query.state.is_none_or(|state| one.state().name() == state.name());
        let newest_first = world.deliveries.iter().rev().filter(|one| is_of(one) && is_in(one));
        // Only those of the page are converted: a world can have 100,000.
        let page = query.page.take_numbered(newest_first.map(|one| (one.id, one)));
        let page = (page.0.into_iter().map(|one| Delivery::new(one, secrets)).collect(), page.1);
        (query.order.is_none() || world.deliveries.iter().any(is_of), page)
    });
    check_order(&sandbox, query.order.as_deref(), !any)?;
    Ok(Json(Deliveries { deliveries, next }))
}

async fn get(context: Context, query: RevealQuery, _: NoMembers) -> Result<Json<Delivery>, Problem> {
    let sandbox = context.sandbox()?;
    let delivery = sandbox.delivery(number(&context)?).ok_or_else(|| unknown(&context.id))?;
    let secrets = query.secrets()?;
    let mut view = Delivery::new(&delivery, secrets);
    let journal = sandbox.journal();
    let answers = journal.answers_of(delivery.id);
    for (index, attempt) in view.attempts.iter_mut().enumerate() {
        // A dropped webhook is an attempt without a request.
        let sent = attempt.error.as_deref() != Some(webhooks::DROPPED);
        attempt.request = sent.then(|| SentRequest::new(&delivery.request.0, secrets));
        let answer = answers.get(&(index + 1));
        attempt.answer = answer.map(|answer| MessageView::new(&answer.headers, &answer.body, secrets));
    }
    Ok(Json(view))
}

async fn control(context: Context, query: RevealQuery, _: NoMembers, verb: Verb) -> Result<Json<Delivery>, Problem> {
    let secrets = query.secrets()?;
    let delivery = context.sandbox()?.control_delivery(number(&context)?, verb).map_err(|error| impossible(&error))?;
    Ok(Json(Delivery::new(&delivery, secrets)))
}

/// The webhooks to release, and their order.
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
    #[schemars(with = "String", extend("enum" = ["as-meant", "reversed", "shuffled"]))]
    order: Option<String>,
    /// Only these webhooks, in this order.
    #[serde(default, deserialize_with = "present")]
    #[schemars(with = "Vec<u64>")]
    deliveries: Option<Vec<u64>>,
}

input!(Release, InvalidReleaseOrder, true);

async fn release_all(context: Context, query: RevealQuery, body: Release) -> Result<Json<Deliveries>, Problem> {
    let secrets = query.secrets()?;
    let order = match (body.order.as_deref(), body.deliveries) {
        (None | Some("as-meant"), None) => ReleaseOrder::AsMeant,
        (Some("reversed"), None) => ReleaseOrder::Reversed,
        (Some("shuffled"), None) => ReleaseOrder::Shuffled,
        (None, Some(ids)) => ReleaseOrder::These(ids),
        _ => {
            let detail = "name either an order (as-meant, reversed or shuffled) or deliveries";
            return Err(Problem::new(ProblemKind::InvalidReleaseOrder, detail));
        }
    };
    let released = context.sandbox()?.release_all(&order).map_err(|error| impossible(&error))?;
    let deliveries = released.iter().map(|delivery| Delivery::new(delivery, secrets)).collect();
    Ok(Json(Deliveries { deliveries, next: None }))
}

fn number(context: &Context) -> Result<u64, Problem> {
    digits(&context.id).ok_or_else(|| unknown(&context.id))
}

fn unknown(id: &str) -> Problem {
    let detail = format!("this world has no delivery {id}; GET deliveries lists all deliveries");
    Problem::new(ProblemKind::UnknownDelivery, detail)
}

fn impossible(error: &Impossible) -> Problem {
    match error {
        Impossible::Unknown(id) => unknown(&id.to_string()),
        error => Problem::new(ProblemKind::DeliveryConflict, error.to_string()),
    }
}

/// Maximum delay of a webhook in seconds: a hundred years.
const LATEST: f64 = 100.0 * 366.0 * 86_400.0;

/// A mode of webhooks.
#[derive(Serialize, JsonSchema)]
struct WebhookMode {
    /// `deliver`, `hold`, `drop`, `duplicate` (delivered twice), `reorder` (delivered after the next one), `late`, or
    /// `slow-read` (the response is read slowly).
    #[schemars(extend("enum" = Mode::NAMES))]
    mode: &'static str,
    /// Delay in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64", range(min = 0.0, max = LATEST))]
    seconds: Option<f64>,
}

impl From<Mode> for WebhookMode {
    fn from(mode: Mode) -> Self {
        let seconds = if let Mode::Late(later) = mode { Some(later.as_secs_f64()) } else { None };
        Self { mode: mode.name(), seconds }
    }
}

/// The modes of a world.
#[derive(Serialize, JsonSchema)]
struct Webhooks {
    #[serde(flatten)]
    mode: WebhookMode,
    /// The modes of single orders, by their ids.
    orders: BTreeMap<String, WebhookMode>,
}

fn modes(webhooks: &webhooks::Webhooks) -> Json<Webhooks> {
    let orders = webhooks.orders.iter().map(|(order, mode)| (order.clone(), (*mode).into())).collect();
    Json(Webhooks { mode: webhooks.mode.into(), orders })
}

async fn get_modes(context: Context, _: NoMembers, _: NoMembers) -> Result<Json<Webhooks>, Problem> {
    Ok(modes(&context.sandbox()?.webhooks()))
}

/// A mode for the webhooks of a world or of one order.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(
    example = serde_json::json!({ "mode": "hold" }),
    example = serde_json::json!({ "mode": "late", "seconds": 3600 }),
    example = serde_json::json!({ "mode": "drop", "order": "99921269855041" }),
    extend("oneOf" = [
        {
            "properties": { "mode": { "enum": ["deliver", "hold", "drop", "duplicate", "reorder", "slow-read"] } },
            "not": { "required": ["seconds"] },
        },
        { "properties": { "mode": { "const": "late" } }, "required": ["seconds"] },
        { "properties": { "mode": { "type": "null" } }, "required": ["order"], "not": { "required": ["seconds"] } },
    ]),
)]
pub(super) struct NewMode {
    /// The mode. For an order, null restores the mode of the world.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schemars(required, extend("type" = ["string", "null"]))]
    mode: Option<String>,
    /// Only for the webhooks of this order or ident.
    #[serde(default, deserialize_with = "present")]
    #[schemars(with = "String")]
    order: Option<String>,
    /// Delay in seconds; for the mode `late` only.
    #[serde(default, deserialize_with = "present")]
    #[schemars(with = "f64", range(min = 0.0, max = LATEST))]
    seconds: Option<f64>,
}

input!(NewMode, UnknownWebhookMode, false);

async fn set_mode(context: Context, _: NoMembers, body: NewMode) -> Result<Json<Webhooks>, Problem> {
    let refuse = |what: &str| {
        let detail = format!(r#"{what}; send {{"mode":"hold"}} or {{"mode":"late","seconds":3600}}"#);
        Err(Problem::new(ProblemKind::UnknownWebhookMode, detail))
    };
    let late = body.seconds.filter(|seconds| (0.0..=LATEST).contains(seconds)).map(Duration::from_secs_f64);
    let mode = match (body.mode.as_deref(), body.seconds, late) {
        (None, None, _) if body.order.is_some() => None,
        (None, ..) => return refuse("mode must be a string; null is allowed only with order and without seconds"),
        (Some("late"), _, Some(late)) => Some(Mode::Late(late)),
        (Some("late"), ..) => return refuse("the mode late requires seconds, from 0 to 3162240000 (a hundred years)"),
        (Some(_), Some(_), _) => return refuse("seconds is allowed only with the mode late"),
        (Some(name), ..) => match Mode::named(name, Duration::ZERO) {
            None => return refuse(&format!("the modes are {}", Mode::NAMES.join(", "))),
            mode => mode,
        },
    };
    let sandbox = context.sandbox()?;
    let order = body.order.as_deref();
    if let Some(order) = order {
        sandbox.inspect(order).ok_or_else(|| Problem::unknown_order(order))?;
    }
    match (mode, order) {
        (Some(mode), order) => sandbox.set_webhooks(order, mode),
        (None, Some(order)) => sandbox.unset_webhooks(order),
        (None, None) => {}
    }
    Ok(modes(&sandbox.webhooks()))
}
