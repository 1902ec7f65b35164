//! Shortens requests for the admin API.

use serde_json::Value;

/// Maximum length of a text, in bytes.
const LONGEST: usize = 400;

/// Replaces long texts, e.g. documents in Base64, by their length.
pub(super) fn short_texts(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > LONGEST => *text = format!("({} characters)", text.chars().count()),
        Value::Array(items) => items.iter_mut().for_each(short_texts),
        Value::Object(members) => members.values_mut().for_each(short_texts),
        _ => {}
    }
}
