//! Readers of values with a condition, for `#[serde(deserialize_with = "…")]`.

use std::fmt::Display;
use std::str::FromStr;

use identkit_wire::json::JsonFault;
use serde::de::{self, Unexpected};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Reads a value and checks a condition. `form` describes the value in error messages, after "expected" or "must be".
pub(crate) fn value<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
    form: &str,
    fits: impl FnOnce(&T) -> bool,
) -> Result<T, D::Error> {
    let value = match Value::deserialize(from)? {
        // serde also accepts a unit variant as the only member of an object.
        Value::Object(_) => None,
        value => T::deserialize(value).ok().filter(fits),
    };
    value.ok_or_else(|| de::Error::invalid_value(Unexpected::Other("another value"), &form))
}

/// Says what a value must be, for a violation.
pub(crate) fn requirement(fault: &JsonFault) -> String {
    match fault.expected.strip_prefix("expected ") {
        Some(form) => format!("must be {form}"),
        None => fault.expected.clone(),
    }
}

/// Reads a value from a string or a number: queries have strings only.
pub(crate) fn parsed<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
    T::Err: Display,
{
    let text = match Value::deserialize(from)? {
        Value::Null => return Ok(None),
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        _ => return Err(de::Error::custom("expected a string or a number")),
    };
    text.parse().map(Some).map_err(de::Error::custom)
}

/// Declares readers: name, type, form and condition of the value.
macro_rules! readers {
    ($($name:ident: $type:ty, $form:literal, $fits:expr;)*) => {
        $(pub(super) fn $name<'de, D: serde::Deserializer<'de>>(from: D) -> Result<$type, D::Error> {
            $crate::readers::value(from, $form, $fits)
        })*
    };
}
