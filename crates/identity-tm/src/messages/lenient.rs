//! Readers for the elements of status lists. One odd entry must not cost the list, since nothing behind it would ever
//! be read: what is another shape of the same thing is read, and an object or an array in its place is refused.

use std::fmt;
use std::marker::PhantomData;

use identkit_core::{Pii, ShortPii};
use identkit_wire::Dts;
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use serde_json::Value;

use crate::StatusKind;

/// A status code: a number, or a text that is one. Anything else is no code, and kept as it came.
pub(super) struct Code(Result<StatusKind, Value>);

impl From<Code> for Result<StatusKind, Value> {
    fn from(code: Code) -> Self {
        code.0
    }
}

impl Code {
    #[cold]
    fn odd(text: &str, value: Value) -> Self {
        Self(text.trim().parse().map(StatusKind).map_err(|_| value))
    }
}

impl<'de> Deserialize<'de> for Code {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl Visitor<'_> for Reader {
            type Value = Code;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }

            #[inline]
            fn visit_u64<E: Error>(self, number: u64) -> Result<Code, E> {
                Ok(Code(u32::try_from(number).map(StatusKind).map_err(|_| number.into())))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Code, E> {
                Ok(Code::odd(&number.to_string(), number.into()))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Code, E> {
                Ok(Code::odd(&number.to_string(), number.into()))
            }

            fn visit_bool<E: Error>(self, truth: bool) -> Result<Code, E> {
                Ok(Code(Err(truth.into())))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Code, E> {
                Ok(Code::odd(text, text.into()))
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

/// A text, or a number or truth value as its text.
pub(super) struct AsText<T>(T);

/// What [`AsText`] is read into.
pub(super) trait OfText {
    fn of_text(text: &str) -> Self;
}

macro_rules! of_text {
    ($($type:ty: $of:expr),*) => {$(
        impl OfText for $type {
            #[inline]
            fn of_text(text: &str) -> Self {
                $of(text)
            }
        }

        impl From<AsText<Self>> for $type {
            #[inline]
            fn from(text: AsText<Self>) -> Self {
                text.0
            }
        }
    )*};
}

of_text!(Dts: Dts::parse, ShortPii: ShortPii::from, Pii<String>: Self::from);

impl<'de, T: OfText> Deserialize<'de> for AsText<T> {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);

        impl<T: OfText> Visitor<'_> for Reader<T> {
            type Value = AsText<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            #[inline]
            fn visit_str<E: Error>(self, text: &str) -> Result<AsText<T>, E> {
                Ok(AsText(T::of_text(text)))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<AsText<T>, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<AsText<T>, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<AsText<T>, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_bool<E: Error>(self, truth: bool) -> Result<AsText<T>, E> {
                self.visit_str(if truth { "true" } else { "false" })
            }
        }

        deserializer.deserialize_any(Reader(PhantomData))
    }
}
