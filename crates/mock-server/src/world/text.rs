//! Values that stand as text in a saved world. To be used as `#[serde(with = "…")]`, or as [`AsText`] inside a list.

use bytes::Bytes;
use http::{HeaderName, Method, Uri, Version};
use identkit_wire::{decode_base64, encode_base64};
use jiff::Timestamp;
use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value with one form as text, which reads back to the same value.
pub(crate) trait Written: Sized {
    /// What the text must be, after "expected".
    const FORM: &'static str;

    /// The text.
    fn write(&self) -> String;

    /// The value of such a text.
    fn read(text: &str) -> Option<Self>;
}

/// A value as its text.
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

impl Written for Timestamp {
    const FORM: &'static str = "a point of time (RFC 3339)";

    fn write(&self) -> String {
        self.to_string()
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// A number that not every reader of JSON could keep: the state of the random generator.
impl Written for u64 {
    const FORM: &'static str = "the digits of a whole number below 2^64, as text";

    fn write(&self) -> String {
        self.to_string()
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Written for Method {
    const FORM: &'static str = "a method of HTTP";

    fn write(&self) -> String {
        self.as_str().to_owned()
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Written for Uri {
    const FORM: &'static str = "a URL";

    fn write(&self) -> String {
        self.to_string()
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Written for HeaderName {
    const FORM: &'static str = "the name of a header";

    fn write(&self) -> String {
        self.as_str().to_owned()
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
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

impl Written for Bytes {
    const FORM: &'static str = "Base64 with padding";

    fn write(&self) -> String {
        encode_base64(self)
    }

    fn read(text: &str) -> Option<Self> {
        decode_base64(text).ok().map(Self::from)
    }
}

/// A key.
impl Written for [u8; 64] {
    const FORM: &'static str = "64 bytes in Base64";

    fn write(&self) -> String {
        encode_base64(self)
    }

    fn read(text: &str) -> Option<Self> {
        decode_base64(text).ok()?.try_into().ok()
    }
}
