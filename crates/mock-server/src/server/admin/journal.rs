//! What happened.

use http::HeaderMap;
use serde_json::{Map, Value, json};

use super::{Answer, Asked, answer};
use crate::journal::{Entry, Kept, What};

pub(super) fn find(asked: &Asked<'_>) -> Answer {
    let operation = asked.query("operation");
    let (count, requests) = asked.sandbox()?.with_world(|world| {
        let fitting =
            world.journal.calls().filter(|(_, call)| operation.is_none() || call.operation == operation.as_deref());
        let requests: Vec<Value> = fitting.map(|(found, _)| entry(found)).collect();
        (requests.len(), requests)
    });
    answer(&json!({ "count": count, "requests": requests }))
}

pub(super) fn clear(asked: &Asked<'_>) -> Answer {
    asked.sandbox()?.with_world(|world| world.journal.clear());
    answer(&json!({ "count": 0, "requests": [] }))
}

/// An entry as the admin API tells it.
pub(super) fn entry(entry: &Entry) -> Value {
    let mut told = match &entry.what {
        What::Call(call) => json!({
            "kind": "call",
            "vendor": call.vendor,
            "operation": call.operation,
            "order": call.case,
            "method": call.method.as_str(),
            "path": call.uri.to_string(),
            "headers": headers(&call.headers),
            "body": body(&call.body),
            "status": call.status,
            "answer_headers": headers(&call.answer_headers),
            "answer": body(&call.answer),
            "fault": call.fault,
        }),
        What::Fired { vendor, what, subject } => {
            json!({ "kind": "timer", "vendor": vendor, "what": what, "subject": subject })
        }
        What::Attempt(tried) => json!({
            "kind": "attempt",
            "delivery": tried.delivery,
            "vendor": tried.vendor,
            "order": tried.case,
            "event": tried.event,
            "number": tried.number,
            "status": tried.status,
            "outcome": if tried.delivered { "delivered" } else if tried.next.is_some() { "retry" } else { "failed" },
            "next": tried.next.map(|at| at.to_string()),
            "by": tried.by.name(),
            "error": tried.error,
        }),
        What::Moved { case, by } => json!({ "kind": "moved", "order": case, "by": by }),
        What::Changed { what, how } => json!({ "kind": "changed", "what": what, "how": how }),
    };
    if let Some(told) = told.as_object_mut() {
        told.insert("sequence".into(), entry.sequence.into());
        told.insert("at".into(), entry.at.to_string().into());
    }
    told
}

fn headers(headers: &HeaderMap) -> Value {
    let mut told = Map::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        match told.get_mut(name.as_str()) {
            Some(Value::String(before)) => *before = format!("{before}, {value}"),
            _ => {
                told.insert(name.as_str().to_owned(), value.into());
            }
        }
    }
    Value::Object(told)
}

/// JSON as JSON, other text as text, and of everything else how long it is.
fn body(kept: &Kept) -> Value {
    if kept.len == 0 {
        return Value::Null;
    }
    if kept.is_whole()
        && let Ok(value) = serde_json::from_slice::<Value>(&kept.bytes)
    {
        return value;
    }
    match std::str::from_utf8(&kept.bytes) {
        Ok(text) if kept.is_whole() => text.into(),
        _ => json!({ "bytes": kept.len }),
    }
}
