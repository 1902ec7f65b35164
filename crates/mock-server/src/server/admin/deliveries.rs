//! Webhooks and their tries, and what can be done with them by hand.

use serde_json::{Map, Value, json};

use super::{Answer, Asked, Problem, answer};
use crate::journal::Secrets;
use crate::webhooks::{Attempt, Delivery, Impossible, ReleaseOrder, Verb};

pub(super) fn list(asked: &Asked<'_>) -> Answer {
    let case = asked.query("order");
    listed(&asked.sandbox()?.deliveries(case.as_deref()), asked.secrets()?)
}

pub(super) fn get(asked: &Asked<'_>) -> Answer {
    let found = asked.sandbox()?.delivery(number(asked)?).ok_or_else(|| unknown(&asked.id))?;
    answer(&delivery(&found, asked.secrets()?))
}

/// Resends, holds, releases, duplicates or drops one.
pub(super) fn by_hand(asked: &Asked<'_>, verb: Verb) -> Answer {
    let secrets = asked.secrets()?;
    match asked.sandbox()?.by_hand(number(asked)?, verb) {
        Ok(found) => answer(&delivery(&found, secrets)),
        Err(error) => Err(impossible(&error)),
    }
}

/// Releases those that are held, in the order that is wanted.
pub(super) fn release_all(asked: &Asked<'_>) -> Answer {
    const EXAMPLE: &str = r#"{"order":"as-meant"}, {"order":"reversed"}, {"order":"shuffled"} or {"deliveries":[5,3]}"#;
    let body = asked.optional(EXAMPLE)?;
    let refuse = || Problem::new(400, "in which order", format!("send {EXAMPLE}"), "admin-delivery");
    let mut named = body.iter();
    let order = match (named.next(), named.next()) {
        (None, _) => ReleaseOrder::AsMeant,
        (Some((name, Value::String(order))), None) if name == "order" => match order.as_str() {
            "as-meant" => ReleaseOrder::AsMeant,
            "reversed" => ReleaseOrder::Reversed,
            "shuffled" => ReleaseOrder::Shuffled,
            _ => return Err(refuse()),
        },
        (Some((name, Value::Array(ids))), None) if name == "deliveries" => {
            let ids: Option<Vec<u64>> = ids.iter().map(Value::as_u64).collect();
            ReleaseOrder::These(ids.ok_or_else(refuse)?)
        }
        _ => return Err(refuse()),
    };
    let secrets = asked.secrets()?;
    match asked.sandbox()?.release_all(&order) {
        Ok(released) => listed(&released, secrets),
        Err(error) => Err(impossible(&error)),
    }
}

fn listed(deliveries: &[Delivery], secrets: Secrets) -> Answer {
    let told: Vec<Value> = deliveries.iter().map(|found| delivery(found, secrets)).collect();
    answer(&json!({ "deliveries": told }))
}

fn number(asked: &Asked<'_>) -> Result<u64, Problem> {
    asked.id.parse().map_err(|_| unknown(&asked.id))
}

fn unknown(id: &str) -> Problem {
    let detail = format!("this world has no delivery {id}; GET deliveries lists them");
    Problem::new(404, "no such delivery", detail, "admin-delivery")
}

fn impossible(error: &Impossible) -> Problem {
    match error {
        Impossible::Unknown(id) => unknown(&id.to_string()),
        error => Problem::new(409, "not with this delivery now", error.to_string(), "admin-delivery"),
    }
}

/// It. Its URL may hold credentials of the receiver.
fn delivery(delivery: &Delivery, secrets: Secrets) -> Value {
    json!({
        "id": delivery.id,
        "order": delivery.case,
        "event": delivery.event.name,
        "method": delivery.method.as_str(),
        "url": secrets.text(&delivery.request.0.uri().to_string()),
        "state": delivery.state().name(),
        "attempts": delivery.attempts.iter().map(|tried| attempt(tried, secrets)).collect::<Vec<_>>(),
        "next": delivery.next.map(|at| at.to_string()),
    })
}

/// Time, status and outcome; and, where there is something to say, what it was beside the schedule, and why there is no
/// status.
fn attempt(attempt: &Attempt, secrets: Secrets) -> Value {
    let mut told = Map::new();
    told.insert("at".into(), attempt.at.to_string().into());
    told.insert("status".into(), attempt.status.into());
    told.insert("outcome".into(), attempt.outcome().into());
    if attempt.by != crate::webhooks::Cause::Schedule {
        told.insert("by".into(), attempt.by.name().into());
    }
    if let Some(error) = &attempt.error {
        told.insert("error".into(), secrets.text(error).into());
    }
    Value::Object(told)
}
