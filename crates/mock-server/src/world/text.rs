//! Serializes values as text in a saved world: with `#[serde(with = "…")]`, or as [`AsText`] inside a list.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Uri, Version};
use identkit_wire::{decode_base64, encode_base64};
use jiff::Timestamp;
use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value with a text form that parses to the same value.
pub(crate) trait TextForm: Sized {
    /// Description of the text in error messages, after "expected".
    const FORM: &'static str;

    fn write(&self) -> String;

    fn read(text: &str) -> Option<Self>;
}

#[derive(Clone)]
pub(crate) struct AsText<T>(pub(crate) T);

impl<T: TextForm> Serialize for AsText<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        serialize(&self.0, to)
    }
}

impl<'de, T: TextForm> Deserialize<'de> for AsText<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        deserialize(from).map(Self)
    }
}

pub(crate) fn serialize<T: TextForm, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&value.write())
}

pub(crate) fn deserialize<'de, T: TextForm, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    let text = String::deserialize(from)?;
    T::read(&text).ok_or_else(|| D::Error::invalid_value(Unexpected::Other("a text"), &T::FORM))
}

macro_rules! displayed {
    ($($type:ty, $form:literal;)+) => {
        $(impl TextForm for $type {
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
    Timestamp, "a timestamp (RFC 3339)";
    // As text, because not every reader of JSON preserves it.
    u64, "an integer below 2^64, as text";
    Method, "an HTTP method";
    Uri, "a URL";
    HeaderName, "a header name";
}

pub(crate) mod optional {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use super::{AsText, TextForm};

    pub(crate) fn serialize<T: TextForm + Clone, S: Serializer>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
        value.clone().map(AsText).serialize(to)
    }

    pub(crate) fn deserialize<'de, T: TextForm, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
        Ok(Option::<AsText<T>>::deserialize(from)?.map(|text| text.0))
    }
}

pub(crate) mod list {
    use std::collections::VecDeque;

    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::{AsText, TextForm};

    pub(crate) fn serialize<T: TextForm, S: Serializer>(values: &VecDeque<T>, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(values.iter().map(TextForm::write))
    }

    pub(crate) fn deserialize<'de, T: TextForm, D: Deserializer<'de>>(from: D) -> Result<VecDeque<T>, D::Error> {
        Ok(VecDeque::<AsText<T>>::deserialize(from)?.into_iter().map(|text| text.0).collect())
    }
}

/// The state of the random generator.
impl TextForm for fastrand::Rng {
    const FORM: &'static str = u64::FORM;

    fn write(&self) -> String {
        self.get_seed().to_string()
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok().map(Self::with_seed)
    }
}

impl TextForm for Version {
    const FORM: &'static str = "an HTTP version, such as HTTP/1.1";

    fn write(&self) -> String {
        format!("{self:?}")
    }

    fn read(text: &str) -> Option<Self> {
        let known = [Self::HTTP_09, Self::HTTP_10, Self::HTTP_11, Self::HTTP_2, Self::HTTP_3];
        known.into_iter().find(|version| version.write() == text)
    }
}

impl TextForm for HeaderValue {
    const FORM: &'static str = "a header value";

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
        $(impl TextForm for $type {
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
    Binary, "Base64 of a header value", |value| value.0.as_bytes(), |bytes| HeaderValue::from_bytes(&bytes).ok().map(Binary);
    // A signing key.
    [u8; 64], "64 bytes in Base64", |bytes| bytes, |bytes| bytes.try_into().ok();
}
