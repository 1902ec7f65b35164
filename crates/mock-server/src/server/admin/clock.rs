//! A world's time.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Answer, Asked, Problem, answer};
use crate::clock::Mode;
use crate::journal::Secrets;
use crate::sandbox::{Advanced, Target};

/// The most that time is moved on at once: a hundred years.
const FURTHEST: f64 = 100.0 * 366.0 * 86_400.0;

pub(super) fn health(asked: &Asked<'_>) -> Answer {
    answer(&json!({ "status": "ok", "now": asked.sandbox()?.now().to_string() }))
}

pub(super) fn version() -> Answer {
    answer(&json!({ "name": "identkit sandbox", "version": env!("CARGO_PKG_VERSION") }))
}

pub(super) fn get(asked: &Asked<'_>) -> Answer {
    let sandbox = asked.sandbox()?;
    let mode = sandbox.clock().mode();
    answer(&json!({
        "now": sandbox.now().to_string(),
        "mode": mode.name(),
        "factor": mode.factor(),
        "next_due": sandbox.next_due().map(|at| at.to_string()),
    }))
}

pub(super) async fn advance(asked: Asked<'_>) -> Answer {
    const EXAMPLE: &str = r#"{"seconds":86400} or {"to":"2020-09-17T12:00:00Z"}"#;
    let wanted = asked.object(EXAMPLE)?;
    let refuse = |what: &str| {
        let detail = format!("{what}, time goes forward only, and a hundred years at once at most; send {EXAMPLE}");
        Err(Problem::new(400, "how far", detail, "admin-clock"))
    };
    let target = match (wanted.get("seconds"), wanted.get("to")) {
        (Some(seconds), None) => match seconds.as_f64().filter(|seconds| (0.0..=FURTHEST).contains(seconds)) {
            Some(seconds) => Target::By(Duration::from_secs_f64(seconds)),
            None => return refuse("seconds is a number, at least 0"),
        },
        (None, Some(to)) => match to.as_str().and_then(|to| to.parse::<Timestamp>().ok()) {
            Some(to) => {
                let now = asked.sandbox()?.now();
                if !(0.0..=FURTHEST).contains(&to.duration_since(now).as_secs_f64()) {
                    return refuse(&format!("to cannot be reached from {now}"));
                }
                Target::To(to)
            }
            None => return refuse("to is a time with its offset"),
        },
        _ => return refuse("either seconds or to is needed"),
    };
    moved_on(&asked, target).await
}

pub(super) async fn run_to_next(asked: Asked<'_>) -> Answer {
    moved_on(&asked, Target::ToNext).await
}

/// To the end, also when the client goes away: half of a month is nothing that anybody asked for.
async fn moved_on(asked: &Asked<'_>, target: Target) -> Answer {
    let advanced = asked.sandbox()?.move_on(target).await;
    answer(&told(&advanced.ok_or_else(|| Problem::world_ended(&asked.world))?))
}

pub(super) fn mode(asked: &Asked<'_>) -> Answer {
    const EXAMPLE: &str = r#"{"mode":"frozen"}, {"mode":"real"} or {"mode":"scaled","factor":60}"#;
    let wanted = asked.object(EXAMPLE)?;
    let refuse = |what: &str| {
        Err(Problem::new(400, "no such way for time to go on", format!("{what}; send {EXAMPLE}"), "admin-clock"))
    };
    let factor = wanted.get("factor").map(Value::as_f64);
    let mode = match (wanted.get("mode").and_then(Value::as_str), factor) {
        (Some("frozen"), None) => Mode::Frozen,
        (Some("real"), None) => Mode::Real,
        (Some("scaled"), Some(Some(factor))) if factor > 0.0 && factor <= Mode::FASTEST => Mode::Scaled(factor),
        (Some("scaled"), _) => return refuse("a factor above 0 and up to 1000000 is needed"),
        (Some("frozen" | "real"), Some(_)) => return refuse("only scaled time has a factor"),
        _ => return refuse("the modes are frozen, real and scaled"),
    };
    asked.sandbox()?.set_mode(mode);
    get(asked)
}

fn told(advanced: &Advanced) -> Value {
    json!({
        "now": advanced.now.to_string(),
        "fired": advanced.fired.iter().map(|entry| entry.to_json(Secrets::Masked)).collect::<Vec<_>>(),
        "next_due": advanced.next_due.map(|at| at.to_string()),
    })
}
