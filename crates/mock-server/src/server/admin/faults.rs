//! What goes wrong on purpose.

use serde_json::{Value, json};

use super::{Answer, Asked, Problem, answer, told};
use crate::Sandbox;
use crate::faults::{Fault, Rule};
use crate::journal::Secrets;

pub(super) fn list(asked: &Asked<'_>) -> Answer {
    listed(&asked.sandbox()?, asked.secrets()?)
}

pub(super) fn inject(asked: &Asked<'_>) -> Answer {
    let secrets = asked.secrets()?;
    let body = asked.whole(r#"{"operation":"getStatus","fault":"reset-after-commit","times":1}"#)?;
    let sandbox = asked.sandbox()?;
    let injected = Rule::read(&body).and_then(|rule| sandbox.inject(rule));
    let injected = injected.map_err(|refused| Problem::refused("the fault cannot be injected", &refused))?;
    told(201, &secrets.urls(injected.told()))
}

pub(super) fn clear(asked: &Asked<'_>) -> Answer {
    let (sandbox, secrets) = (asked.sandbox()?, asked.secrets()?);
    sandbox.clear_faults();
    listed(&sandbox, secrets)
}

pub(super) fn take_away(asked: &Asked<'_>) -> Answer {
    let (sandbox, secrets) = (asked.sandbox()?, asked.secrets()?);
    match asked.id.parse().is_ok_and(|id| sandbox.clear_fault(id)) {
        true => listed(&sandbox, secrets),
        false => Err(Problem::new(404, "no such fault", "GET faults lists those of this world", "admin-faults")),
    }
}

/// All faults. The URL of a redirect may hold secrets.
fn listed(sandbox: &Sandbox, secrets: Secrets) -> Answer {
    let faults: Vec<Value> = sandbox.faults().iter().map(|fault| secrets.urls(fault.told())).collect();
    answer(&json!({ "faults": faults, "known": Fault::all().map(|fault| fault.name()) }))
}
