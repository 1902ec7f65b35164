//! Values that stand as text in a saved world. To be used as `#[serde(with = "…")]`, or as [`AsText`] inside a list.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Uri, Version};
use identkit_wire::{decode_base64, encode_base64};
use jiff::Timestamp;
use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value with one form as text, which reads back to the same value.
pub(crate) trait Written: Sized {
    /// What the text must be, after "expected".
    const FORM: &'static str;

    fn write(&self) -> String;

    fn read(text: &str) -> Option<Self>;
}

#[derive(Clone)]
pub(crate) struct AsText<T>(pub(crate) T);

impl<T: Written> Serialize for AsText<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        serialize(&self.0, to)
    }
}

impl<'de, T: Written> Deserialize<'de> for AsText<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        deserialize(from).map(Self)
    }
}

pub(crate) fn serialize<T: Written, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&value.write())
}

pub(crate) fn deserialize<'de, T: Written, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    let text = String::deserialize(from)?;
    T::read(&text).ok_or_else(|| D::Error::invalid_value(Unexpected::Other("a text"), &T::FORM))
}

macro_rules! displayed {
    ($($type:ty, $form:literal;)+) => {
        $(impl Written for $type {
            const FORM: &'static str = $form;

            fn write(&self) -> String {
                self.to_string()
            }

            fn read(text: &str) -> Option<Self> {
                text.parse().ok()
            }
        })+
    };
}

displayed! {
    Timestamp, "a point of time (RFC 3339)";
    // A number that not every reader of JSON keeps.
    u64, "the digits of a whole number below 2^64, as text";
    Method, "a method of HTTP";
    Uri, "a URL";
    HeaderName, "the name of a header";
}

pub(crate) mod optional {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use super::{AsText, Written};

    pub(crate) fn serialize<T: Written + Clone, S: Serializer>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
        value.clone().map(AsText).serialize(to)
    }

    pub(crate) fn deserialize<'de, T: Written, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
        Ok(Option::<AsText<T>>::deserialize(from)?.map(|text| text.0))
    }
}

pub(crate) mod list {
    use std::collections::VecDeque;

    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::{AsText, Written};

    pub(crate) fn serialize<T: Written, S: Serializer>(values: &VecDeque<T>, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(values.iter().map(Written::write))
    }

    pub(crate) fn deserialize<'de, T: Written, D: Deserializer<'de>>(from: D) -> Result<VecDeque<T>, D::Error> {
        Ok(VecDeque::<AsText<T>>::deserialize(from)?.into_iter().map(|text| text.0).collect())
    }
}

/// A random generator, as its state.
impl Written for fastrand::Rng {
    const FORM: &'static str = u64::FORM;

    fn write(&self) -> String {
        self.get_seed().to_string()
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok().map(Self::with_seed)
    }
}

impl Written for Version {
    const FORM: &'static str = "a version of HTTP, such as HTTP/1.1";

    fn write(&self) -> String {
        format!("{self:?}")
    }

    fn read(text: &str) -> Option<Self> {
        let known = [Self::HTTP_09, Self::HTTP_10, Self::HTTP_11, Self::HTTP_2, Self::HTTP_3];
        known.into_iter().find(|version| version.write() == text)
    }
}

impl Written for HeaderValue {
    const FORM: &'static str = "what a header may hold";

    fn write(&self) -> String {
        self.to_str().unwrap_or_default().to_owned()
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

pub(crate) struct Binary(pub(crate) HeaderValue);

macro_rules! in_base64 {
    ($($type:ty, $form:literal, $bytes:expr, $read:expr;)+) => {
        $(impl Written for $type {
            const FORM: &'static str = $form;

            fn write(&self) -> String {
                let bytes: fn(&Self) -> &[u8] = $bytes;
                encode_base64(bytes(self))
            }

            fn read(text: &str) -> Option<Self> {
                let read: fn(Vec<u8>) -> Option<Self> = $read;
                read(decode_base64(text).ok()?)
            }
        })+
    };
}

in_base64! {
    Bytes, "Base64 with padding", |bytes| bytes, |bytes| Some(bytes.into());
    Binary, "what a header may hold, in Base64", |value| value.0.as_bytes(), |bytes| HeaderValue::from_bytes(&bytes).ok().map(Binary);
    // A key.
    [u8; 64], "64 bytes in Base64", |bytes| bytes, |bytes| bytes.try_into().ok();
}
