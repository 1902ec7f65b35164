//! What becomes of webhooks that set out.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Answer, Asked, Problem, answer};
use crate::webhooks::{Mode, Webhooks};

/// The most that a webhook can be late: a hundred years.
const LATEST: f64 = 100.0 * 366.0 * 86_400.0;

pub(super) fn get(asked: &Asked<'_>) -> Answer {
    answer(&told(&asked.sandbox()?.webhooks()))
}

/// Sets the mode of the world, or of one order.
pub(super) fn set(asked: &Asked<'_>) -> Answer {
    const EXAMPLE: &str = r#"{"mode":"hold"}, {"mode":"late","seconds":3600} or {"mode":"drop","order":"ID"}"#;
    let body = asked.object(EXAMPLE)?;
    let refuse =
        |what: &str| Err(Problem::new(400, "no such mode", format!("{what}; send {EXAMPLE}"), "admin-webhooks"));
    if body.keys().any(|key| !matches!(key.as_str(), "mode" | "order" | "seconds")) {
        return refuse("mode, order and seconds are all that can be named");
    }
    let seconds =
        body.get("seconds").map(|seconds| seconds.as_f64().filter(|seconds| (0.0..=LATEST).contains(seconds)));
    let order = match body.get("order") {
        None => None,
        Some(Value::String(order)) => Some(order.as_str()),
        Some(_) => return refuse("the order is named by its id"),
    };
    let mode = match (body.get("mode"), seconds) {
        (Some(Value::Null), None) if order.is_some() => None,
        (Some(Value::String(name)), Some(Some(seconds))) if name == "late" => {
            Some(Mode::Late(Duration::from_secs_f64(seconds)))
        }
        (Some(Value::String(name)), _) if name == "late" => return refuse("how many seconds late is needed"),
        (Some(Value::String(name)), None) => match Mode::named(name, Duration::ZERO) {
            Some(mode) => Some(mode),
            None => return refuse(&format!("the modes are {}", Mode::NAMES.join(", "))),
        },
        (Some(_), Some(_)) => return refuse("only what is late has seconds"),
        _ => return refuse("a mode is needed; null lets the world's count for an order again"),
    };
    let sandbox = asked.sandbox()?;
    if let Some(order) = order {
        sandbox.inspect(order).ok_or_else(Problem::no_case)?;
    }
    match (mode, order) {
        (Some(mode), order) => sandbox.set_webhooks(order, mode),
        (None, Some(order)) => sandbox.unset_webhooks(order),
        (None, None) => {}
    }
    answer(&told(&sandbox.webhooks()))
}

fn told(webhooks: &Webhooks) -> Value {
    let orders: Map<String, Value> =
        webhooks.orders.iter().map(|(order, mode)| (order.clone(), Value::Object(mode_told(*mode)))).collect();
    let mut told = mode_told(webhooks.mode);
    told.insert("orders".into(), orders.into());
    Value::Object(told)
}

fn mode_told(mode: Mode) -> Map<String, Value> {
    let mut told = Map::new();
    told.insert("mode".into(), json!(mode.name()));
    if let Mode::Late(later) = mode {
        told.insert("seconds".into(), json!(later.as_secs_f64()));
    }
    told
}
