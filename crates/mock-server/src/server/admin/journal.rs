//! What happened: finding calls, counting them, waiting for them, and saying why one was refused.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use identkit_core::{Clock as _, Content, Instant};
use identkit_transport::SystemClock;
use serde_json::{Map, Value, json};

use super::filter::{self, Query};
use super::{Answer, Asked, Problem, answer};
use crate::journal::{Filter, Journal, NearMiss, Secrets, What};
use crate::sandbox::Runner;

/// How many calls that come close are told, unless asked otherwise.
const NEAREST: usize = 3;

/// How long one may wait, in seconds.
const LONGEST: f64 = 600.0;

pub(super) fn find(asked: &Asked<'_>) -> Answer {
    let sandbox = asked.sandbox()?;
    let Query { filter, limit, secrets } = filter::query(asked, &sandbox)?;
    let journal = sandbox.journal();
    let (mut requests, mut last) = (Vec::new(), filter.since);
    let mut found = journal.find(&filter);
    for (entry, _) in found.by_ref().take(limit) {
        last = entry.sequence;
        requests.push(entry.to_json(secrets));
    }
    let more = found.count();
    let mut told = counted(requests.len() + more, &journal, &filter);
    told.insert("requests".into(), requests.into());
    if more > 0 {
        // Asked for since this one, the rest is told.
        told.insert("next".into(), last.into());
    }
    answer(&Value::Object(told))
}

pub(super) fn count(asked: &Asked<'_>) -> Answer {
    let sandbox = asked.sandbox()?;
    let Query { filter, .. } = filter::query(asked, &sandbox)?;
    let journal = sandbox.journal();
    let told = counted(journal.find(&filter).count(), &journal, &filter);
    answer(&Value::Object(told))
}

fn counted(count: usize, journal: &Journal, filter: &Filter) -> Map<String, Value> {
    let mut told = Map::new();
    told.insert("count".into(), count.into());
    let forgotten = journal.forgotten(filter.since);
    if forgotten > 0 {
        told.insert("forgotten".into(), forgotten.into());
    }
    told
}

pub(super) fn clear(asked: &Asked<'_>) -> Answer {
    asked.sandbox()?.with_world(|world| world.journal.clear());
    answer(&json!({ "count": 0, "requests": [] }))
}

pub(super) fn near_misses(asked: &Asked<'_>) -> Answer {
    let sandbox = asked.sandbox()?;
    let Query { filter, limit, secrets } = filter::query(asked, &sandbox)?;
    let limit = if asked.query("limit").is_some() { limit } else { NEAREST };
    let journal = sandbox.journal();
    let mut told = counted(journal.find(&filter).count(), &journal, &filter);
    let near = journal.near_misses(&filter, limit);
    told.insert("near_misses".into(), near.iter().map(|near| missed(near, secrets)).collect());
    answer(&Value::Object(told))
}

fn missed(near: &NearMiss, secrets: Secrets) -> Value {
    let differences = near
        .differences
        .iter()
        .map(|difference| json!({ "what": difference.what, "wanted": difference.wanted, "got": difference.got }));
    json!({ "request": near.entry.to_json(secrets), "differences": differences.collect::<Vec<_>>() })
}

/// Answers as soon as so many calls were made, in real time.
pub(super) async fn wait(asked: Asked<'_>) -> Answer {
    const EXAMPLE: &str = r#"{"operation":"putOrder","count":2,"timeout":5}"#;
    let refuse = |what: &str| Problem::new(400, "nothing to wait for", format!("{what}; send {EXAMPLE}"), "admin-wait");
    let body = asked.object(EXAMPLE)?;
    let sandbox = asked.sandbox()?;
    let filter = filter::object(&body, &["count", "timeout"], &sandbox)?;
    let wanted = match body.get("count") {
        None => 1,
        Some(count) => count.as_u64().filter(|count| *count > 0).ok_or_else(|| refuse("count is a number from 1"))?,
    };
    let timeout = match body.get("timeout") {
        None => 5.0,
        Some(timeout) => {
            let timeout = timeout.as_f64().filter(|timeout| (0.0..=LONGEST).contains(timeout));
            timeout.ok_or_else(|| refuse("timeout is a number of seconds up to 600"))?
        }
    };
    // Not the sandbox itself, which would go on for as long as somebody waits.
    let running = Arc::clone(sandbox.runner());
    drop(sandbox);
    let mut count = 0;
    let late = SystemClock::new().sleep_until(Instant(Duration::from_secs_f64(timeout)));
    let in_time = {
        let came = std::pin::pin!(came(&running, &filter, wanted, &mut count));
        let closed = std::pin::pin!(running.closed());
        match select(came, select(closed, late)).await {
            Either::Left(_) => true,
            Either::Right((Either::Left(_), _)) => {
                // Nobody calls this one any more.
                let detail = "the world was reset, restored or deleted";
                return Err(Problem::new(409, "another world", detail, "admin-wait"));
            }
            Either::Right((Either::Right(_), _)) => false,
        }
    };
    if in_time {
        return answer(&json!({ "count": count }));
    }
    let near = running.journal().near_misses(&filter, NEAREST);
    let near: Vec<Value> = near.iter().map(|near| missed(near, Secrets::Masked)).collect();
    let detail = format!("{filter}: {count} of {wanted} came within {timeout} s");
    let problem = Problem::new(408, "it has not come", detail, "admin-wait");
    Err(problem.with("count", count).with("near_misses", near))
}

/// Counts what fits until it is enough. Each entry is looked at once.
async fn came(running: &Runner, filter: &Filter, wanted: u64, count: &mut u64) {
    let mut seen = filter.since;
    while *count < wanted {
        let (fitting, last) = running
            .happened_after(seen, |entries| {
                let (mut fitting, mut last) = (0, None);
                for entry in entries {
                    last = Some(entry.sequence);
                    fitting += u64::from(matches!(&entry.what, What::Call(call) if filter.fits(call)));
                }
                Some((fitting, last?))
            })
            .await;
        *count += fitting;
        seen = last;
    }
}

/// The whole journal that is kept, a line of JSON for each entry.
pub(super) fn canonical(asked: &Asked<'_>) -> Answer {
    let lines = asked.sandbox()?.journal().canonical();
    let mut response = Response::new(Content::from_bytes(Bytes::from(lines)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok(response)
}

/// Why a call was refused.
pub(super) fn explain(asked: &Asked<'_>) -> Answer {
    let sandbox = asked.sandbox()?;
    let secrets = asked.secrets()?;
    let journal = sandbox.journal();
    let found = asked.id.parse().ok().and_then(|number| journal.get(number));
    let Some(entry) = found else {
        let detail = "GET journal tells the numbers of the calls that are kept, as sequence";
        return Err(Problem::new(404, "no such entry", detail, "admin-explain"));
    };
    let Some(explained) = entry.explain() else {
        let detail = "this entry is no call; only calls are refused";
        return Err(Problem::new(400, "not a call", detail, "admin-explain"));
    };
    answer(&json!({
        "refused": !explained.reasons.is_empty(),
        "reasons": explained.reasons.iter().map(|reason| reason.to_json(secrets)).collect::<Vec<_>>(),
        "request": entry.to_json(secrets),
    }))
}
