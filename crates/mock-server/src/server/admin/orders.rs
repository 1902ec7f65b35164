//! Orders and idents: what the sandbox knows of them, and the person's next move.

use serde_json::{Value, json};

use super::{Answer, Asked, Problem, answer};
use crate::vendor::Transition;

pub(super) fn get(asked: &Asked<'_>) -> Answer {
    let secrets = asked.secrets()?;
    answer(&secrets.urls(asked.sandbox()?.inspect(&asked.id).ok_or_else(Problem::no_case)?))
}

pub(super) fn transition(asked: &Asked<'_>) -> Answer {
    const EXAMPLE: &str = r#"{"story":"positive"} or {"status":6}"#;
    let body = asked.object(EXAMPLE)?;
    let part = |key: &str| body.get(key).unwrap_or(&Value::Null);
    let wanted = match (part("story"), part("status")) {
        (Value::String(story), Value::Null) => Transition::Scenario(story.clone()),
        (Value::Null, status) if !status.is_null() => Transition::Status(status.clone()),
        _ => return Err(Problem::new(400, "either a story or a status", format!("send {EXAMPLE}"), "M-04")),
    };
    let (sandbox, secrets) = (asked.sandbox()?, asked.secrets()?);
    match sandbox.transition(&asked.id, &wanted) {
        None => Err(Problem::no_case()),
        Some(Err(refused)) => Err(Problem::refused("the case cannot be moved so", &refused)),
        Some(Ok(())) => answer(&secrets.urls(sandbox.inspect(&asked.id).unwrap_or(Value::Null))),
    }
}

/// The code that was texted last for an order.
pub(super) fn tans(asked: &Asked<'_>) -> Answer {
    let Some(case) = asked.query("order") else {
        return Err(Problem::new(400, "which order", "ask with ?order={id}", "M-10"));
    };
    let found = asked.sandbox()?.inspect(&case).ok_or_else(Problem::no_case)?;
    let codes: Vec<&Value> = found.get("tan").into_iter().filter(|tan| tan.is_string()).collect();
    answer(&json!({ "order": case, "tans": codes }))
}
