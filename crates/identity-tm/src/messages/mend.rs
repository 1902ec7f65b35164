//! A second reading for what the first refused. One odd entry must not cost a status list, since nothing behind it would
//! ever be read; and the common list must not pay for it.

use identkit_wire::json::{self, JsonFault};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Reads a message; where its JSON is sound and has an odd shape, again with the shapes put right.
///
/// # Errors
/// The fault of the first reading, when the second one fails as well.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonFault> {
    let fault = match json::read(bytes) {
        Ok(read) => return Ok(read),
        Err(fault) => fault,
    };
    let again = || {
        let mut value: Value = json::read(bytes).ok()?;
        mend(&mut value);
        json::read(&json::write(&value).ok()?).ok()
    };
    again().ok_or(fault)
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

/// A code is a number, or a text or a fraction that is one. What is none is kept under a name of its own, in `extra`.
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
