//! Reading what was saved, so that a fault says where it is.

use identkit_wire::json;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::SavedError;

/// The saved form of a value.
pub(crate) fn to_value<T: Serialize + ?Sized>(value: &T, what: &str) -> Result<Value, SavedError> {
    // serde's own text may quote a value.
    serde_json::to_value(value).map_err(|_| SavedError::not_saved(format!("{what} has no saved form")))
}

/// Reads a value that stands at this pointer.
pub(crate) fn read<T: DeserializeOwned>(value: &Value, at: &str) -> Result<T, SavedError> {
    T::deserialize(value).map_err(|_| explain::<T>(value, at))
}

/// Where and why a value cannot be read: from its text, since only the reader of texts tells places and no values.
#[cold]
fn explain<T: DeserializeOwned>(value: &Value, at: &str) -> SavedError {
    let text = serde_json::to_vec(value).unwrap_or_default();
    match json::read::<T>(&text) {
        Err(fault) => SavedError::damaged(format!("{at}{}", pointer(&fault.path, value)), fault.expected),
        Ok(_) => SavedError::damaged(at, "another form was expected"),
    }
}

/// The pointer of a path into this value, such as `orders[0].status`. The path goes through the name of a variant without
/// telling it.
fn pointer(path: &str, value: &Value) -> String {
    let mut pointer = String::new();
    for step in path.split(['.', '[']).map(|step| step.trim_end_matches(']')).filter(|step| !step.is_empty()) {
        let here = value.pointer(&pointer).and_then(Value::as_object).filter(|_| step != "*");
        if let Some((variant, _)) =
            here.filter(|here| here.len() == 1 && !here.contains_key(step)).and_then(|here| here.iter().next())
        {
            pointer = format!("{pointer}/{variant}");
        }
        pointer = format!("{pointer}/{step}");
    }
    pointer
}
