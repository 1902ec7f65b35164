//! Readers of values with a condition, for `#[serde(deserialize_with = "…")]`.

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

/// Reads a text. A JSON number is the text of its digits.
pub(crate) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    match Value::deserialize(from)? {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        Value::Number(number) => Ok(Some(number.to_string())),
        _ => Err(de::Error::invalid_value(Unexpected::Other("another value"), &"a string or a number")),
    }
}

/// Reads a whole number from a string or a number: queries have strings only.
pub(crate) fn whole<'de, D: Deserializer<'de>, T: TryFrom<u64>>(from: D) -> Result<Option<T>, D::Error> {
    let Some(text) = text(from)? else { return Ok(None) };
    let number = digits(&text).and_then(|number| number.try_into().ok());
    let refuse =
        || de::Error::invalid_value(Unexpected::Other("another text"), &"a whole number in digits, not too large");
    number.map(Some).ok_or_else(refuse)
}

/// Parses a number in decimal digits. `str::parse` would also accept a plus sign.
pub(crate) fn digits(text: &str) -> Option<u64> {
    text.parse().ok().filter(|_| !text.starts_with('+'))
}

/// Declares readers: name, type, form and condition of the value.
macro_rules! readers {
    ($($name:ident: $type:ty, $form:literal, $fits:expr;)*) => {
        $(pub(super) fn $name<'de, D: serde::Deserializer<'de>>(from: D) -> Result<$type, D::Error> {
            $crate::readers::value(from, $form, $fits)
        })*
    };
}
