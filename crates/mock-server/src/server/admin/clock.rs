//! A world's clock.

use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, Json, Limit, NoMembers, Problem, ProblemKind, Route, input, present, route};
use crate::clock::Mode;
use crate::journal::{EntryView, Secrets, Time};
use crate::sandbox::Target;

/// Maximum advance at once, in seconds: a hundred years.
const MAX_ADVANCE: f64 = 100.0 * 366.0 * 86_400.0;

pub(super) fn routes() -> [Vec<Route>; 2] {
    let sandbox = vec![
        route(Method::GET, "health", "getHealth", "Whether the sandbox is running", health),
        route(Method::GET, "version", "getVersion", "Name and version of the program", version),
    ];
    let clock = vec![
        route(Method::GET, "clock", "getClock", "The time in the world", get),
        route(Method::GET, "clock/due", "listDue", "What is due next", due)
            .describe("The timers, earliest first: expiry, status changes, webhook retries."),
        route(Method::POST, "clock/advance", "advanceClock", "Advances time", advance)
            .describe(
                "Runs everything that becomes due on the way: expiry, status changes, webhook retries. Returns when \
                 all of it has ended. Works in every mode; time only moves forward. Concurrent calls run one after the \
                 other, each from the time that the previous one reached.",
            )
            .problems(&[ProblemKind::InvalidAdvance, ProblemKind::ReplacedWorld]),
        route(Method::POST, "clock/run-to-next", "runToNext", "Advances time to the next timer", run_to_next)
            .describe("Runs all timers that are due at that time. Without a timer, nothing happens.")
            .problems(&[ProblemKind::ReplacedWorld]),
        route(Method::POST, "clock/mode", "setClockMode", "Sets the mode of the clock", set_mode)
            .problems(&[ProblemKind::UnknownClockMode]),
    ];
    [sandbox, clock]
}

/// The state of the sandbox.
#[derive(Serialize, JsonSchema)]
struct Health {
    #[schemars(extend("const" = "ok"))]
    status: &'static str,
    /// Time in the world.
    now: Time,
}

async fn health(context: Context, _: NoMembers, _: NoMembers) -> Result<Json<Health>, Problem> {
    Ok(Json(Health { status: "ok", now: Time(context.sandbox()?.now()) }))
}

/// The program.
#[derive(Serialize, JsonSchema)]
struct Version {
    #[schemars(extend("const" = "identkit sandbox"))]
    name: &'static str,
    /// Version as `--version` prints it.
    #[schemars(example = &"0.1.0")]
    version: &'static str,
}

async fn version(_: Context, _: NoMembers, _: NoMembers) -> Result<Json<Version>, Problem> {
    Ok(Json(Version { name: "identkit sandbox", version: env!("CARGO_PKG_VERSION") }))
}

/// A world's clock.
#[derive(Serialize, JsonSchema)]
struct Clock {
    /// Time in the world.
    now: Time,
    /// `frozen`: time moves only when it is advanced. `real`: real time. `scaled`: real time multiplied by `factor`.
    #[schemars(extend("enum" = ["frozen", "real", "scaled"]))]
    mode: &'static str,
    /// Speed relative to real time: 0 if frozen, 1 in real time.
    #[schemars(range(min = 0.0, max = Mode::FASTEST))]
    factor: f64,
    /// Time of the next timer.
    next_due: Option<Time>,
}

async fn get(context: Context, _: NoMembers, _: NoMembers) -> Result<Json<Clock>, Problem> {
    state(&context)
}

fn state(context: &Context) -> Result<Json<Clock>, Problem> {
    let sandbox = context.sandbox()?;
    let mode = sandbox.clock().mode();
    let (now, next_due) = (Time(sandbox.now()), sandbox.next_due().map(Time));
    Ok(Json(Clock { now, mode: mode.name(), factor: mode.factor(), next_due }))
}

/// The query for timers.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DueQuery {
    /// Maximum number of timers to return. The default is 20.
    #[serde(default)]
    limit: Limit<20>,
}

input!(DueQuery, InvalidQuery, false);

/// The timers of a world.
#[derive(Serialize, JsonSchema)]
struct Due {
    /// Number of all timers.
    count: usize,
    /// The next ones, earliest first.
    timers: Vec<DueTimer>,
}

/// A timer.
#[derive(Serialize, JsonSchema)]
struct DueTimer {
    at: Time,
    /// The vendor whose timer it is, or `sandbox`.
    vendor: &'static str,
    /// Kind of timer.
    #[schemars(example = &"retry")]
    what: &'static str,
    /// Id of the order, ident or delivery.
    subject: String,
}

async fn due(context: Context, query: DueQuery, _: NoMembers) -> Result<Json<Due>, Problem> {
    let due = context.sandbox()?.read(|world, _| {
        let timers = world.timers().take(query.limit.0).map(|(at, timer)| DueTimer {
            at: Time(at),
            vendor: timer.vendor,
            what: timer.what,
            subject: timer.subject.clone(),
        });
        Due { timers: timers.collect(), count: world.timers().count() }
    });
    Ok(Json(due))
}

/// How far to advance time: either `seconds` or `to`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(
    example = serde_json::json!({ "seconds": 86400 }),
    example = serde_json::json!({ "to": "2020-09-17T12:00:00Z" }),
    extend("oneOf" = [{ "required": ["seconds"] }, { "required": ["to"] }]),
)]
pub(super) struct Advance {
    /// Seconds to advance, with fractions. At most a hundred years.
    #[serde(default, deserialize_with = "present")]
    #[schemars(with = "f64", range(min = 0.0, max = MAX_ADVANCE))]
    seconds: Option<f64>,
    /// Time to advance to: not before now, and at most a hundred years ahead.
    #[serde(default, deserialize_with = "present")]
    #[schemars(with = "Time")]
    to: Option<Time>,
}

input!(Advance, InvalidAdvance, false);

/// The entries of the journal from while time was advanced.
#[derive(Serialize, JsonSchema)]
struct Advanced {
    /// Time in the world.
    now: Time,
    /// Timers and delivery attempts on the way, in order.
    fired: Vec<EntryView>,
    /// Time of the next timer.
    next_due: Option<Time>,
}

async fn advance(context: Context, _: NoMembers, body: Advance) -> Result<Json<Advanced>, Problem> {
    let refuse = |what: &str| {
        let detail = format!("{what}; time only moves forward, by at most a hundred years at once");
        Err(Problem::new(ProblemKind::InvalidAdvance, detail))
    };
    let target = match (body.seconds, body.to) {
        (Some(seconds), None) if (0.0..=MAX_ADVANCE).contains(&seconds) => {
            let by = Duration::from_secs_f64(seconds);
            if context.sandbox()?.now().checked_add(by).is_err() {
                return refuse(&format!("seconds must not lead beyond {}", Timestamp::MAX));
            }
            Target::By(by)
        }
        (Some(_), None) => return refuse("seconds must be from 0 to 3162240000 (a hundred years)"),
        (None, Some(Time(to))) => {
            let now = context.sandbox()?.now();
            if !(0.0..=MAX_ADVANCE).contains(&to.duration_since(now).as_secs_f64()) {
                return refuse(&format!("to must be from {now} to a hundred years later"));
            }
            Target::To(to)
        }
        _ => return refuse("exactly one of seconds and to is required"),
    };
    move_on(&context, target).await
}

async fn run_to_next(context: Context, _: NoMembers, _: NoMembers) -> Result<Json<Advanced>, Problem> {
    move_on(&context, Target::ToNext).await
}

/// Advances to the target even if the client disconnects.
async fn move_on(context: &Context, target: Target) -> Result<Json<Advanced>, Problem> {
    let advanced = context.sandbox()?.move_on(target).await.ok_or_else(|| {
        let detail = format!("{} was reset, restored or deleted during the call", context.world);
        Problem::new(ProblemKind::ReplacedWorld, detail)
    })?;
    let fired = advanced.fired.iter().map(|entry| entry.view(Secrets::Masked)).collect();
    Ok(Json(Advanced { now: Time(advanced.now), fired, next_due: advanced.next_due.map(Time) }))
}

/// A mode of the clock.
#[derive(Deserialize, JsonSchema)]
#[serde(tag = "mode", rename_all = "lowercase", deny_unknown_fields)]
#[schemars(
    example = serde_json::json!({ "mode": "frozen" }),
    example = serde_json::json!({ "mode": "real" }),
    example = serde_json::json!({ "mode": "scaled", "factor": 60 }),
)]
pub(super) enum ClockMode {
    /// Time moves only when it is advanced.
    Frozen {},
    /// Real time.
    Real {},
    /// Real time multiplied by `factor`.
    Scaled {
        /// Speed relative to real time.
        #[schemars(range(max = Mode::FASTEST), extend("exclusiveMinimum" = 0))]
        factor: f64,
    },
}

input!(ClockMode, UnknownClockMode, false);

async fn set_mode(context: Context, _: NoMembers, body: ClockMode) -> Result<Json<Clock>, Problem> {
    let mode = match body {
        ClockMode::Frozen {} => Mode::Frozen,
        ClockMode::Real {} => Mode::Real,
        ClockMode::Scaled { factor } if factor > 0.0 && factor <= Mode::FASTEST => Mode::Scaled(factor),
        ClockMode::Scaled { .. } => {
            let detail = "factor must be greater than 0 and at most 1000000";
            return Err(Problem::new(ProblemKind::UnknownClockMode, detail));
        }
    };
    context.sandbox()?.set_mode(mode);
    state(&context)
}
