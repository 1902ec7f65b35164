//! The commands, one file each.

pub(crate) mod identify24;
pub(crate) mod sandbox;
pub(crate) mod tm;

use identkit_transport::Response;
use serde_json::{Value, json};

use crate::output;

/// How a call went, for the JSON output.
fn about<T>(answered: &Response<T>) -> Value {
    let warnings: Vec<Value> =
        answered.warnings.iter().map(|warning| json!({ "message": warning.message, "rule": warning.rule })).collect();
    json!({
        "http_status": answered.status.as_u16(),
        "attempts": answered.attempts,
        "milliseconds": u64::try_from(answered.elapsed.as_millis()).unwrap_or(u64::MAX),
        "warnings": warnings,
    })
}

/// Warnings on standard error.
fn warn<T>(answered: &Response<T>) {
    for warning in &answered.warnings {
        output::say(&format!("note: {} ({})", warning.message, warning.rule));
    }
}

/// The vendor's answer with what identkit adds under one key.
fn with_about<T>(mut vendor: Value, answered: &Response<T>, more: Value) -> Value {
    let mut added = about(answered);
    if let (Some(added), Value::Object(more)) = (added.as_object_mut(), more) {
        added.extend(more);
    }
    if let Some(object) = vendor.as_object_mut() {
        object.insert("identkit".into(), added);
    }
    vendor
}

/// What is to be told of something that is given up while it is on its way: nothing else tells it.
struct OnItsWay(Option<String>);

impl OnItsWay {
    /// It is not on its way any longer.
    fn arrived(mut self) {
        self.0 = None;
    }
}

impl Drop for OnItsWay {
    fn drop(&mut self) {
        if let Some(told) = &self.0 {
            output::say(&format!("note: {told}"));
        }
    }
}
