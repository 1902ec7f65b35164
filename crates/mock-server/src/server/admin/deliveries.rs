//! Webhooks and their tries.

use serde_json::{Value, json};

use super::{Answer, Asked, answer};
use crate::webhooks::Delivery;

pub(super) fn list(asked: &Asked<'_>) -> Answer {
    let case = asked.query("order");
    let told: Vec<Value> = asked.sandbox()?.deliveries(case.as_deref()).iter().map(delivery).collect();
    answer(&json!({ "deliveries": told }))
}

fn delivery(delivery: &Delivery) -> Value {
    let attempts: Vec<Value> = delivery
        .attempts
        .iter()
        .map(|attempt| {
            let last = delivery.attempts.last() == Some(attempt) && delivery.next.is_none();
            let outcome = match attempt.delivered {
                true => "delivered",
                false if last => "failed",
                false => "retry",
            };
            json!({ "at": attempt.at.to_string(), "status": attempt.status, "outcome": outcome })
        })
        .collect();
    json!({
        "id": delivery.id,
        "order": delivery.case,
        "event": delivery.event.name,
        "method": delivery.method.as_str(),
        "url": delivery.request.0.uri().to_string(),
        "attempts": attempts,
        "next": delivery.next.map(|at| at.to_string()),
    })
}
