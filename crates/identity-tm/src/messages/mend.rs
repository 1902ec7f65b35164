//! Repairs status JSON that could not be decoded. One malformed entry must not make a whole list unreadable; regular lists
//! are not slowed down.

use identkit_wire::json::{self, JsonFault};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Decodes a message. If that fails and the JSON is valid, repairs its types and decodes it again.
///
/// # Errors
/// The fault of the first attempt, if the second one fails too.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonFault> {
    let fault = match json::read(bytes) {
        Ok(read) => return Ok(read),
        Err(fault) => fault,
    };
    let repaired = || {
        let mut value: Value = json::read(bytes).ok()?;
        mend(&mut value);
        json::read(&json::write(&value).ok()?).ok()
    };
    repaired().ok_or(fault)
}

fn mend(value: &mut Value) {
    match value {
        Value::Array(many) => many.iter_mut().for_each(mend),
        Value::Object(fields) => {
            let single = fields.get("Status").is_some_and(Value::is_object);
            if let Some(status) = fields.get_mut("Status").filter(|_| single) {
                *status = Value::Array(vec![status.take()]);
            }
            if let Some(Value::Array(entries)) = fields.get_mut("Status") {
                entries.retain(|entry| !entry.is_null());
            }
            code(fields);
            for key in ["Time", "Text", "Ref", "Executed", "Delivered", "SlotBegin", "SlotEnd"] {
                if let Some(odd @ (Value::Number(_) | Value::Bool(_))) = fields.get_mut(key) {
                    *odd = Value::String(odd.to_string());
                }
            }
            fields.values_mut().for_each(mend);
        }
        _ => {}
    }
}

/// Turns a text or a fraction that is an integer into a code. Moves any other value to `extra`, under `KindAsItCame`.
fn code(fields: &mut Map<String, Value>) {
    let Some(kind) = fields.get_mut("Kind") else { return };
    let text = match kind {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(_) | Value::Bool(_) => kind.to_string(),
        _ => return,
    };
    match text.strip_suffix(".0").unwrap_or(&text).parse::<u32>() {
        Ok(number) => *kind = number.into(),
        Err(_) => {
            let odd = kind.take();
            fields.remove("Kind");
            fields.insert("KindAsItCame".to_owned(), odd);
        }
    }
}
