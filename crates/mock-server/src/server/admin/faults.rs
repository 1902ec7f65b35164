//! What goes wrong on purpose.

use serde_json::{Value, json};

use super::{Answer, Asked, Problem, answer, told};
use crate::faults::{Fault, Injected, Rule};

pub(super) fn list(asked: &Asked<'_>) -> Answer {
    let faults: Vec<Value> = asked.sandbox()?.faults().iter().map(Injected::told).collect();
    answer(&json!({ "faults": faults, "known": Fault::all().map(|fault| fault.name()) }))
}

pub(super) fn inject(asked: &Asked<'_>) -> Answer {
    let body = asked.object(r#"{"operation":"getStatus","fault":"reset-after-commit","times":1}"#)?;
    let sandbox = asked.sandbox()?;
    let injected = Rule::read(&body).and_then(|rule| sandbox.inject(rule));
    told(201, &injected.map_err(|refused| Problem::refused("the fault cannot be injected", &refused))?.told())
}

pub(super) fn clear(asked: &Asked<'_>) -> Answer {
    asked.sandbox()?.clear_faults();
    list(asked)
}

pub(super) fn take_away(asked: &Asked<'_>) -> Answer {
    match asked.id.parse().is_ok_and(|id| asked.sandbox().is_ok_and(|sandbox| sandbox.clear_fault(id))) {
        true => list(asked),
        false => {
            asked.sandbox()?;
            Err(Problem::new(404, "no such fault", "GET faults lists those of this world", "admin-faults"))
        }
    }
}
