//! The modes of webhooks.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::input::{Input, NoMembers, WorldQuery, present};
use super::problem::{Problem, ProblemKind};
use super::route::{Context, Json, Route, route};
use crate::webhooks::{self, Mode};

/// The longest that a webhook can be late: a hundred years.
const LATEST: f64 = 100.0 * 366.0 * 86_400.0;

pub(super) fn routes() -> Vec<Route> {
    let modes = ("getWebhooks", "The modes of webhooks", "The mode of the world, and those of single orders.");
    let set = ("setWebhooks", "Sets the mode of webhooks", "The modes as they are now.");
    vec![
        route(Method::GET, "webhooks", modes, get),
        route(Method::POST, "webhooks", set, set_mode)
            .describe(
                "Sets the mode of the world or of one order. For an order, null restores the mode of the world. The \
                 mode counts when an attempt begins.",
            )
            .problems(&[ProblemKind::UnknownWebhookMode, ProblemKind::UnknownOrder]),
    ]
}

/// A mode of webhooks.
#[derive(Serialize, JsonSchema)]
struct WebhookMode {
    /// Webhooks are delivered, held, dropped, delivered twice, delivered after the next one, delivered late, or read
    /// slowly.
    #[schemars(extend("enum" = Mode::NAMES))]
    mode: &'static str,
    /// How late, in seconds.
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

async fn get(context: Context, _: WorldQuery, _: NoMembers) -> Result<Json<Webhooks>, Problem> {
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
    /// The mode; for an order, null restores the mode of the world.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schemars(required, extend("type" = ["string", "null"]))]
    mode: Option<String>,
    /// Only for the webhooks of this order or ident.
    #[serde(default, deserialize_with = "present")]
    #[schemars(with = "String")]
    order: Option<String>,
    /// How late, in seconds; for the mode `late` only.
    #[serde(default, deserialize_with = "present")]
    #[schemars(with = "f64", range(min = 0.0, max = LATEST))]
    seconds: Option<f64>,
}

impl Input for NewMode {
    const INVALID: ProblemKind = ProblemKind::UnknownWebhookMode;
}

async fn set_mode(context: Context, _: WorldQuery, body: NewMode) -> Result<Json<Webhooks>, Problem> {
    let refuse = |what: &str| {
        let detail = format!(r#"{what}; send {{"mode":"hold"}} or {{"mode":"late","seconds":3600}}"#);
        Err(Problem::new(ProblemKind::UnknownWebhookMode, detail))
    };
    let late = body.seconds.filter(|seconds| (0.0..=LATEST).contains(seconds)).map(Duration::from_secs_f64);
    let mode = match (body.mode.as_deref(), body.seconds, late) {
        (None, None, _) if body.order.is_some() => None,
        (None, ..) => return refuse("mode must be a text; null is for an order, without seconds"),
        (Some("late"), _, Some(late)) => Some(Mode::Late(late)),
        (Some("late"), ..) => return refuse("the mode late needs seconds, from 0 to a hundred years"),
        (Some(_), Some(_), _) => return refuse("only the mode late takes seconds"),
        (Some(name), ..) => match Mode::named(name, Duration::ZERO) {
            None => return refuse(&format!("the modes are {}", Mode::NAMES.join(", "))),
            mode => mode,
        },
    };
    let sandbox = context.sandbox()?;
    let order = body.order.as_deref();
    if let Some(order) = order {
        sandbox.inspect(order).ok_or_else(Problem::unknown_order)?;
    }
    match (mode, order) {
        (Some(mode), order) => sandbox.set_webhooks(order, mode),
        (None, Some(order)) => sandbox.unset_webhooks(order),
        (None, None) => {}
    }
    Ok(modes(&sandbox.webhooks()))
}
