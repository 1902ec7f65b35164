//! Readers for values whose JSON type the document leaves open.

use std::fmt;
use std::marker::PhantomData;

use identkit_core::{Pii, Secret};
use identkit_wire::OneOrMany;
use serde::de::{self, Deserialize, DeserializeOwned, Deserializer, Visitor};
use serde_json::Value;

use super::values::ProjectNumber;
use super::{Gender, IdentId, IdentStatus, LocalDateTime, Messages, PdfContent, ProjectId, TypeOfId};

/// A value of a message, in every shape in which it may come.
pub(super) trait Lenient: Sized {
    /// Reads it; `None` for what is nothing, such as `null`.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error>;
}

/// What stands for a value: the value, or nothing.
pub(super) struct Loose<T>(pub(super) Option<T>);

impl<'de, T: Lenient> Deserialize<'de> for Loose<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read(deserializer).map(Self)
    }
}

macro_rules! read_by {
    ($($type:ty => $reader:expr),* $(,)?) => {$(
        impl Lenient for $type {
            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
                $reader(deserializer)
            }
        }
    )*};
}

read_by! {
    String => text,
    Pii<String> => text,
    Secret => text,
    IdentId => text,
    ProjectId => text,
    ProjectNumber => text,
    IdentStatus => text,
    Gender => text,
    TypeOfId => text,
    PdfContent => text,
    bool => flag,
    u16 => code,
    LocalDateTime => local,
    Messages => Option::deserialize,
}

impl<T: DeserializeOwned> Lenient for OneOrMany<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        Option::deserialize(deserializer)
    }
}

/// Text that may come as a string, a number or a boolean; `null` is nothing (AI-06, AI-13).
fn text<'de, D: Deserializer<'de>, T: From<String>>(deserializer: D) -> Result<Option<T>, D::Error> {
    struct Shapes<T>(PhantomData<T>);

    impl<'de, T: From<String>> Visitor<'de> for Shapes<T> {
        type Value = Option<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string, a number or null")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
            Ok(Some(text.to_owned().into()))
        }

        fn visit_string<E: de::Error>(self, text: String) -> Result<Self::Value, E> {
            Ok(Some(text.into()))
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
            Ok(Some(number.to_string().into()))
        }

        fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
            Ok(Some(number.to_string().into()))
        }

        fn visit_f64<E: de::Error>(self, number: f64) -> Result<Self::Value, E> {
            Ok(Some(number.to_string().into()))
        }

        fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Self::Value, E> {
            Ok(Some(truth.to_string().into()))
        }

        fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
            deserializer.deserialize_any(self)
        }
    }

    deserializer.deserialize_any(Shapes(PhantomData))
}

/// A truth value that may come as a boolean, 0 or 1, or their words; anything else is nothing (AI-02).
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Bool(truth) => Some(truth),
        Value::Number(number) => number.as_f64().map(|number| number != 0.0),
        Value::String(word) => match word.trim().to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    })
}

/// A status code that may come as a number or its digits; anything else is nothing (AI-02).
fn code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_u64().and_then(|number| u16::try_from(number).ok()),
        Value::String(digits) => digits.trim().parse().ok(),
        _ => None,
    })
}

/// A date-time in any form; an empty text, `null` and `0000-00-00 …` are nothing (AI-11).
fn local<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<LocalDateTime>, D::Error> {
    let raw = match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        _ => return Ok(None),
    };
    let trimmed = raw.trim();
    let nothing = trimmed.is_empty() || trimmed.starts_with("0000-00-00") || trimmed.starts_with("00-00-0000");
    Ok((!nothing).then(|| LocalDateTime::parse(raw)))
}
