//! Reading what was saved, so that a fault says where it is.

use std::fmt;

use identkit_wire::json;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::error::SavedError;

/// The saved form of a value.
pub(crate) fn written<T: Serialize + ?Sized>(value: &T, what: &str) -> Result<Value, SavedError> {
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

/// Reads each value of a list that stands at this pointer.
pub(crate) fn list<T: DeserializeOwned>(value: &Value, at: &str) -> Result<Vec<T>, SavedError> {
    items(value, at)?.map(|(item, at)| read(item, &at)).collect()
}

/// The values of a list, each with its pointer.
pub(crate) fn items<'a>(
    value: &'a Value,
    at: &'a str,
) -> Result<impl Iterator<Item = (&'a Value, String)> + use<'a>, SavedError> {
    let items = value.as_array().ok_or_else(|| SavedError::damaged(at, "expected an array"))?;
    Ok(items.iter().enumerate().map(move |(index, item)| (item, format!("{at}/{index}"))))
}

/// An object whose keys are all known.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    of: &'a Map<String, Value>,
    at: &'a str,
}

impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fields").field("at", &self.at).finish_non_exhaustive()
    }
}

impl<'a> Fields<'a> {
    /// The object at this pointer.
    pub(crate) fn of(value: &'a Value, at: &'a str, known: &[&str]) -> Result<Self, SavedError> {
        let Value::Object(of) = value else { return Err(SavedError::damaged(at, "expected an object")) };
        if of.keys().any(|key| !known.contains(&key.as_str())) {
            return Err(SavedError::damaged(at, format!("there is a field other than: {}", known.join(", "))));
        }
        Ok(Self { of, at })
    }

    /// The value under this key.
    pub(crate) fn get(&self, key: &str) -> Result<&'a Value, SavedError> {
        self.of.get(key).ok_or_else(|| SavedError::damaged(self.at, format!("the field {key} is missing")))
    }

    /// Where the value under this key stands.
    pub(crate) fn at(&self, key: &str) -> String {
        format!("{}/{key}", self.at)
    }

    /// Reads the value under this key.
    pub(crate) fn read<T: DeserializeOwned>(&self, key: &str) -> Result<T, SavedError> {
        read(self.get(key)?, &self.at(key))
    }

    /// Reads the list under this key.
    pub(crate) fn list<T: DeserializeOwned>(&self, key: &str) -> Result<Vec<T>, SavedError> {
        list(self.get(key)?, &self.at(key))
    }
}
