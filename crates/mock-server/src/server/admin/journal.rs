//! The journal: finds, counts and awaits calls, and explains rejections.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Response};
use identkit_core::{Clock as _, Content, Instant};
use identkit_transport::SystemClock;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::filter::{NEAR_MISSES, NearMissQuery, PagedCallQuery, check};
use super::{
    Answer, Context, Form, Input, Json, NoMembers, Number, Output, Problem, ProblemKind, RevealQuery, Route, present,
    route,
};
use crate::journal::{EntryKind, EntryView, Filter, Journal, NearMissView, Reason, Secrets};
use crate::readers::digits;
use crate::sandbox::Runner;

const MAX_TIMEOUT: f64 = 600.0;

pub(super) fn routes() -> Vec<Route> {
    const INVALID: &[ProblemKind] = &[ProblemKind::InvalidFilter];
    vec![
        route(Method::GET, "journal", "findCalls", "The calls that vendors received, newest first", find)
            .describe("`getCanonicalJournal` and `streamEvents` return all entries, oldest first.")
            .problems(INVALID)
            .links("/requests/0/sequence", &["explainCall"]),
        route(Method::DELETE, "journal", "clearJournal", "Clears the journal; the numbering continues", clear),
        route(Method::GET, "journal/count", "countCalls", "Counts the calls that vendors received", count)
            .problems(INVALID),
        route(Method::POST, "journal/wait", "waitForCalls", "Waits for calls", wait)
            .describe("Waits in real time. Calls before the wait count too; `since` excludes them.")
            .problems(&[
                ProblemKind::InvalidFilter,
                ProblemKind::InvalidWait,
                ProblemKind::WaitTimeout,
                ProblemKind::WaitInterrupted,
            ]),
        route(Method::GET, "journal/near-misses", "findNearMisses", "The calls that almost match a filter", near)
            .describe("Returns calls that do not match, the closest first.")
            .problems(INVALID),
        route(Method::GET, "journal/canonical", "getCanonicalJournal", "The journal in its canonical form", canonical)
            .describe("The same seed and the same script give the same bytes."),
        route(Method::GET, "explain/{id}", "explainCall", "Why a call was rejected", explain)
            .describe("Returns each broken rule, with its section, the element, its value, and what would be valid.")
            .id("Number of the entry, its `sequence`.", "3")
            .problems(&[ProblemKind::NotACall, ProblemKind::UnknownEntry]),
    ]
}

/// A number of calls.
#[derive(Serialize, JsonSchema)]
struct Count {
    /// Number of matching calls.
    count: usize,
    /// Number of older entries that were evicted and not searched; absent if 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64", range(min = 1))]
    forgotten: Option<u64>,
}

impl Count {
    fn new(journal: &Journal, filter: &Filter) -> Self {
        let count = journal.find(filter).count();
        Self { count, forgotten: Some(journal.evictions(filter.since)).filter(|forgotten| *forgotten > 0) }
    }
}

/// The matching calls that the journal still holds.
#[derive(Serialize, JsonSchema)]
struct Calls {
    #[serde(flatten)]
    count: Count,
    requests: Vec<EntryView>,
    /// If there are more: `before` of the next request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Number")]
    next: Option<Number>,
}

async fn find(context: Context, query: PagedCallQuery, _: NoMembers) -> Result<Json<Calls>, Problem> {
    let secrets = query.page.secrets(ProblemKind::InvalidFilter)?;
    let sandbox = context.sandbox()?;
    let filter = check(query.filter, &sandbox)?;
    let journal = sandbox.journal();
    let count = Count::new(&journal, &filter);
    let newest_first = journal.find(&filter).rev().map(|(entry, _)| (entry.sequence, entry));
    let (requests, next) = query.page.take_numbered(newest_first);
    Ok(Json(Calls { count, requests: requests.into_iter().map(|entry| entry.view(secrets)).collect(), next }))
}

async fn count(context: Context, filter: Filter, _: NoMembers) -> Result<Json<Count>, Problem> {
    let sandbox = context.sandbox()?;
    let filter = check(filter, &sandbox)?;
    Ok(Json(Count::new(&sandbox.journal(), &filter)))
}

async fn clear(context: Context, _: NoMembers, _: NoMembers) -> Result<Json<Calls>, Problem> {
    context.sandbox()?.with_world(|world| world.journal.clear());
    Ok(Json(Calls { count: Count { count: 0, forgotten: None }, requests: Vec::new(), next: None }))
}

/// The calls that come closest to matching.
#[derive(Serialize, JsonSchema)]
struct NearMisses {
    #[serde(flatten)]
    count: Count,
    near_misses: Vec<NearMissView>,
}

async fn near(context: Context, query: NearMissQuery, _: NoMembers) -> Result<Json<NearMisses>, Problem> {
    let sandbox = context.sandbox()?;
    let secrets = query.reveal.secrets(ProblemKind::InvalidFilter)?;
    let filter = check(query.filter, &sandbox)?;
    let journal = sandbox.journal();
    let count = Count::new(&journal, &filter);
    let near_misses = journal.near_misses(&filter, query.limit.0).into_iter().map(|near| near.view(secrets)).collect();
    Ok(Json(NearMisses { count, near_misses }))
}

/// The calls to wait for. Null means the same as an absent member.
#[derive(Deserialize, JsonSchema)]
#[schemars(
    extend("additionalProperties" = false),
    example = serde_json::json!({ "operation": "putOrder", "count": 2, "timeout": 5 }),
)]
pub(super) struct Wait {
    #[serde(flatten)]
    filter: Filter,
    #[serde(flatten)]
    limits: Limits,
}

/// The number of calls to wait for, and the timeout.
#[derive(Deserialize, JsonSchema)]
struct Limits {
    /// Number of calls to wait for. The default is 1.
    #[serde(default, deserialize_with = "present")]
    #[schemars(with = "u64", range(min = 1))]
    count: Option<u64>,
    /// Timeout in real seconds. The default is 5.
    #[serde(default, deserialize_with = "present")]
    #[schemars(with = "f64", range(min = 0.0, max = MAX_TIMEOUT))]
    timeout: Option<f64>,
}

impl Input for Wait {
    const INVALID: ProblemKind = ProblemKind::InvalidWait;
    const UNKNOWN: Option<ProblemKind> = Some(ProblemKind::InvalidFilter);

    fn read(mut members: Map<String, Value>, form: &Form) -> Result<Self, Problem> {
        form.check_names::<Self>(&members)?;
        if ["headers", "body"].into_iter().any(|name| members.get(name).is_some_and(Value::is_array)) {
            return Err(Problem::new(ProblemKind::InvalidFilter, "headers and body must be objects"));
        }
        let limits = ["count", "timeout"].into_iter().filter_map(|name| members.remove_entry(name)).collect();
        let limits = form.value(limits, ProblemKind::InvalidWait)?;
        Ok(Self { filter: form.value(members, ProblemKind::InvalidFilter)?, limits })
    }
}

/// The number of calls that arrived.
#[derive(Serialize, JsonSchema)]
struct Arrived {
    /// Number of matching calls so far.
    #[schemars(range(min = 1))]
    count: u64,
}

async fn wait(context: Context, _: NoMembers, body: Wait) -> Result<Json<Arrived>, Problem> {
    let refuse = |what: &str| Problem::new(ProblemKind::InvalidWait, what);
    let (wanted, timeout) = (body.limits.count.unwrap_or(1), body.limits.timeout.unwrap_or(5.0));
    let sandbox = context.sandbox()?;
    let filter = check(body.filter, &sandbox)?;
    if wanted == 0 {
        return Err(refuse("count must be at least 1"));
    }
    if !(0.0..=MAX_TIMEOUT).contains(&timeout) {
        return Err(refuse("timeout must be from 0 to 600 seconds"));
    }
    // Holds the runner only: the sandbox handle would keep the world running while a client waits.
    let running = Arc::clone(sandbox.runner());
    drop(sandbox);
    let mut count = 0;
    let late = SystemClock::new().sleep_until(Instant(Duration::from_secs_f64(timeout)));
    let in_time = {
        let arrival = std::pin::pin!(arrival(&running, &filter, wanted, &mut count));
        let closed = std::pin::pin!(running.closed());
        match select(arrival, select(closed, late)).await {
            Either::Left(_) => true,
            Either::Right((Either::Left(_), _)) => {
                let detail = "the world was reset, restored or deleted";
                return Err(Problem::new(ProblemKind::WaitInterrupted, detail));
            }
            Either::Right((Either::Right(_), _)) => false,
        }
    };
    if in_time {
        return Ok(Json(Arrived { count }));
    }
    let near = running.journal().near_misses(&filter, NEAR_MISSES);
    let near = near.into_iter().map(|near| near.view(Secrets::Masked)).collect();
    let detail = format!("{filter}: {count} of {wanted} arrived within {timeout} s");
    Err(Problem::new(ProblemKind::WaitTimeout, detail).calls(count, near))
}

/// Counts matching calls until there are enough. Each entry is checked once.
async fn arrival(running: &Runner, filter: &Filter, wanted: u64, count: &mut u64) {
    let mut position = filter.since;
    while *count < wanted {
        let (matching, last) = running
            .wait_for_entries(position, |entries| {
                let (mut matching, mut last) = (0, None);
                for entry in entries {
                    last = Some(entry.sequence);
                    matching += u64::from(matches!(&entry.kind, EntryKind::Call(call) if filter.fits(call)));
                }
                Some((matching, last?))
            })
            .await;
        *count += matching;
        position = last;
    }
}

struct Lines(String);

impl Output for Lines {
    const MEDIA: &str = "application/x-ndjson";

    fn response(self) -> Answer {
        let mut response = Response::new(Content::from_bytes(Bytes::from(self.0)));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(Self::MEDIA));
        Ok(response)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "Each entry as a line of JSON, without values that depend on the machine, e.g. ports.",
        })
    }
}

async fn canonical(context: Context, _: NoMembers, _: NoMembers) -> Result<Lines, Problem> {
    Ok(Lines(context.sandbox()?.journal().canonical()))
}

/// Why a call was rejected.
#[derive(Serialize, JsonSchema)]
struct Explanation {
    /// Whether a rule rejected the call.
    refused: bool,
    reasons: Vec<Reason>,
    request: EntryView,
}

async fn explain(context: Context, query: RevealQuery, _: NoMembers) -> Result<Json<Explanation>, Problem> {
    let sandbox = context.sandbox()?;
    let journal = sandbox.journal();
    let Some(entry) = digits(&context.id).and_then(|number| journal.get(number)) else {
        let detail = "GET journal lists the calls that the journal holds; the number of a call is its sequence";
        return Err(Problem::new(ProblemKind::UnknownEntry, detail));
    };
    let secrets = query.secrets()?;
    let Some(reasons) = entry.explain(secrets) else {
        return Err(Problem::new(ProblemKind::NotACall, "the entry is not a call; only calls are rejected"));
    };
    Ok(Json(Explanation { refused: !reasons.is_empty(), reasons, request: entry.view(secrets) }))
}
