//! The admin API: play the person, look into the world, see what was delivered.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response};
use identkit_core::Content;
use identkit_wire::json;
use serde_json::{Map, Value, json};

use crate::Sandbox;
use crate::vendor::{Refused, Transition};

const ROOT: &str = "/_sandbox/v1";

/// Answers one request.
pub(super) async fn handle(sandbox: &Sandbox, request: &Request<Bytes>) -> Response<Content> {
    let below = request.uri().path().strip_prefix(ROOT).filter(|path| path.starts_with('/'));
    let Some(path) = below else {
        return problem(404, "no such path", "the admin API is below /_sandbox/v1", "sandbox");
    };
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    match (request.method(), segments.as_slice()) {
        (&Method::GET, ["health"]) => answer(&json!({ "status": "ok", "now": now(sandbox) })),
        (&Method::GET, ["clock"]) => answer(&json!({ "now": now(sandbox), "next_due": next_due(sandbox) })),
        (&Method::GET, ["orders", case]) => match sandbox.peek(case) {
            Some(found) => answer(&found),
            None => unknown(),
        },
        (&Method::POST, ["orders", case, "transition"]) => transition(sandbox, case, request.body()),
        (&Method::GET, ["deliveries"]) => answer(&deliveries(sandbox, request.uri().query())),
        (&Method::GET, ["tans"]) => tans(sandbox, request.uri().query()),
        (&Method::GET, ["settings"]) => answer(&sandbox.settings()),
        (&Method::POST, ["settings"]) => set_up(sandbox, request.body()),
        (_, ["health" | "clock" | "deliveries" | "tans" | "settings"] | ["orders", ..]) => {
            problem(405, "another method", "see the list of calls in docs/sandbox.md", "sandbox")
        }
        _ => problem(404, "no such call", "see the list of calls in docs/sandbox.md", "sandbox"),
    }
}

fn now(sandbox: &Sandbox) -> String {
    sandbox.clock().wall().to_string()
}

fn next_due(sandbox: &Sandbox) -> Option<String> {
    sandbox.with_world(|world| world.next_due()).map(|at| at.to_string())
}

fn transition(sandbox: &Sandbox, case: &str, body: &[u8]) -> Response<Content> {
    let told: Value = match json::read(body) {
        Ok(told) => told,
        Err(fault) => return problem(400, "the body cannot be read", &fault.to_string(), "M-04"),
    };
    let part = |key: &str| told.get(key).unwrap_or(&Value::Null);
    let wanted = match (part("story"), part("status")) {
        (Value::String(story), Value::Null) => Transition::Story(story.clone()),
        (Value::Null, status) if !status.is_null() => Transition::Status(status.clone()),
        _ => {
            let detail = r#"send {"story":"positive"} or {"status":6}"#;
            return problem(400, "either a story or a status", detail, "M-04");
        }
    };
    match sandbox.transition(case, &wanted) {
        None => unknown(),
        Some(Err(refused)) => refusal(&refused),
        Some(Ok(())) => answer(&sandbox.peek(case).unwrap_or(Value::Null)),
    }
}

/// Sets accounts up, and tells how they are set up then.
fn set_up(sandbox: &Sandbox, body: &[u8]) -> Response<Content> {
    let wanted: Map<String, Value> = match json::read(body) {
        Ok(wanted) => wanted,
        Err(fault) => {
            let detail = format!(r#"send {{"identity_tm":{{"voice_files":true}}}}: {fault}"#);
            return problem(400, "the body cannot be read", &detail, "sandbox");
        }
    };
    match sandbox.set_up(&wanted) {
        Ok(()) => answer(&sandbox.settings()),
        Err(refused) => {
            let rule = refused.faults.first().map_or("sandbox", |fault| fault.rule);
            problem(refused.status, "the account cannot be set up so", &refused.text(), rule)
        }
    }
}

/// The code that was texted last for an order.
fn tans(sandbox: &Sandbox, query: Option<&str>) -> Response<Content> {
    let Some(case) = query.into_iter().flat_map(|query| query.split('&')).find_map(|pair| pair.strip_prefix("order="))
    else {
        return problem(400, "which order", "ask with ?order={id}", "M-10");
    };
    let Some(found) = sandbox.peek(case) else { return unknown() };
    let codes: Vec<&Value> = found.get("tan").into_iter().filter(|tan| tan.is_string()).collect();
    answer(&json!({ "order": case, "tans": codes }))
}

fn deliveries(sandbox: &Sandbox, query: Option<&str>) -> Value {
    let case = query.into_iter().flat_map(|query| query.split('&')).find_map(|pair| pair.strip_prefix("order="));
    let told = sandbox.deliveries(case).into_iter().map(|delivery| {
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
    });
    json!({ "deliveries": told.collect::<Vec<_>>() })
}

fn answer(value: &Value) -> Response<Content> {
    json::response(200, value).unwrap_or_else(|_| Response::new(Content::empty()))
}

fn unknown() -> Response<Content> {
    problem(404, "no such case", "no vendor of this sandbox has a case of this id", "sandbox")
}

fn refusal(refused: &Refused) -> Response<Content> {
    let rule = refused.faults.first().map_or("sandbox", |fault| fault.rule);
    problem(refused.status, "the case cannot be moved so", &refused.text(), rule)
}

/// RFC 9457.
fn problem(status: u16, title: &str, detail: &str, rule: &str) -> Response<Content> {
    let value = json!({ "type": "about:blank", "status": status, "title": title, "detail": detail, "rule": rule });
    let mut response = json::response(status, &value).unwrap_or_else(|_| Response::new(Content::empty()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}
