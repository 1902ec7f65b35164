//! Readers of values with a condition, for `#[serde(deserialize_with = "…")]`.

use std::fmt::Display;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

/// Reads a value and checks a condition; `must` is the error message.
pub(crate) fn value<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
    must: &str,
    fits: impl FnOnce(&T) -> bool,
) -> Result<T, D::Error> {
    let value = match Value::deserialize(from)? {
        // serde also accepts a unit variant as the only member of an object.
        Value::Object(_) => None,
        value => T::deserialize(value).ok().filter(fits),
    };
    value.ok_or_else(|| de::Error::custom(must))
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

/// Declares readers: name, type, error message and condition.
macro_rules! readers {
    ($($name:ident: $type:ty, $must:literal, $fits:expr;)*) => {
        $(pub(super) fn $name<'de, D: serde::Deserializer<'de>>(from: D) -> Result<$type, D::Error> {
            $crate::readers::value(from, $must, $fits)
        })*
    };
}
