//! Readers of values that vendors write in several shapes.

use std::fmt;
use std::marker::PhantomData;

use identkit_core::{Pii, Secret};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, DeserializeOwned, Deserializer, IntoDeserializer, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::{FieldPlace, FieldReader};

/// Name of [`OneOrMany`] for a deserializer.
pub const ONE_OR_MANY: &str = "one or many";

/// Name of a value that [`Loose`] reads, for a deserializer.
pub(crate) const LOOSE: &str = "loose";

/// Like [`LOOSE`], for a value that is `None` in a response if it cannot be read. A boolean is never read as text.
pub(crate) const LENIENT: &str = "lenient";

/// Like [`LENIENT`], for an id that the document shows as a text and as a number. Neither gives a warning.
pub(crate) const ID: &str = "id";

/// One value or an array of values, because the documents mix both (`O/A`). Written in the shape it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OneOrMany<T> {
    /// A single value, not in an array.
    One(T),
    /// An array.
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    /// The values in order.
    pub fn as_slice(&self) -> &[T] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }

    /// The values in order, mutable.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        match self {
            Self::One(one) => std::slice::from_mut(one),
            Self::Many(many) => many,
        }
    }
}

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl<T: Serialize> Serialize for OneOrMany<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::One(one) => one.serialize(serializer),
            Self::Many(many) => many.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Shapes<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Shapes<T> {
            type Value = OneOrMany<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object or an array of objects")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
                deserializer.deserialize_any(self)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut many = Vec::new();
                while let Some(one) = seq.next_element()? {
                    many.push(one);
                }
                Ok(OneOrMany::Many(many))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(OneOrMany::One)
            }
        }

        // The name tells a tree of the text that an object with the keys 0, 1, 2 is a list here (AT-92).
        deserializer.deserialize_newtype_struct(ONE_OR_MANY, Shapes(PhantomData))
    }
}

/// Text that is received as a JSON string, number or boolean, and written as a string.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TextOrNumber(pub String);

impl TextOrNumber {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the number, if the text is one in canonical decimal form: no sign, no leading zero.
    pub fn as_canonical_number(&self) -> Option<u64> {
        let number: u64 = self.0.parse().ok()?;
        (number.to_string() == self.0).then_some(number)
    }
}

impl From<&str> for TextOrNumber {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl Serialize for TextOrNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TextOrNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor).map(Self)
    }
}

/// Reads text from a string, number or boolean.
struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a number")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<String, E> {
        Ok(text)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<String, E> {
        // A larger number has lost digits. A tree of the text still has them (AT-92).
        if number.abs() >= 1e15 {
            return Err(E::invalid_value(de::Unexpected::Float(number), &self));
        }
        Ok(number.to_string())
    }

    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<String, E> {
        Ok(truth.to_string())
    }
}

/// Reads a field in every shape that vendors send. In a response, a value of another type is converted, and a value that
/// cannot be read becomes `None`; both give a warning. With `message! { via Loose; … }` it reads every field.
#[derive(Debug)]
pub struct Loose<T>(PhantomData<T>);

impl<T: Tolerant> FieldReader<T> for Loose<T> {
    #[inline]
    fn read<'de, D: Deserializer<'de>>(place: FieldPlace<'_, T>, deserializer: D) -> Result<(), D::Error> {
        place.set(T::read(deserializer)?);
        Ok(())
    }
}

/// A value that [`Loose`] reads.
pub trait Tolerant: Sized {
    /// Reads the value; `None` if there is none, e.g. for `null`.
    ///
    /// # Errors
    /// If the value has a shape that is not accepted.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error>;
}

/// Reads a value that the document lists as text; `null` is `None`. A number or a boolean is converted, in a response
/// with a warning (AI-33, AT-92).
///
/// # Errors
/// If the value has another shape and is not part of a response.
pub fn read_text<'de, T: From<String>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let text: Option<String> = read_documented(LOOSE, deserializer)?;
    Ok(text.map(T::from))
}

/// Like [`read_text`], but a boolean is not text, and in a response any value that is neither text nor a number is `None`,
/// with a warning. For values on which a result depends.
///
/// # Errors
/// Like [`read_text`].
pub fn read_text_leniently<'de, T: From<String>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let text: Option<String> = read_documented(LENIENT, deserializer)?;
    Ok(text.map(T::from))
}

/// Like [`read_text_leniently`], but a number gives no warning.
///
/// # Errors
/// Like [`read_text`].
pub fn read_id<'de, T: From<String>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let id: Option<Id> = read_documented(ID, deserializer)?;
    Ok(id.map(|id| T::from(id.0)))
}

/// Whether a text in place of an id can be one: it is neither empty, nor a word for a missing value or an error, nor a
/// number with a sign or a fraction.
pub fn can_be_id(text: &str) -> bool {
    const WORDS: [&str; 23] = [
        "0",
        "null",
        "nil",
        "none",
        "nan",
        "n/a",
        "undefined",
        "unknown",
        "true",
        "false",
        "ok",
        "error",
        "err",
        "fail",
        "failed",
        "failure",
        "denied",
        "rejected",
        "refused",
        "invalid",
        "pending",
        "success",
        "accepted",
    ];
    let text = text.trim();
    let is_word = WORDS.iter().any(|word| text.eq_ignore_ascii_case(word));
    let is_calculated = text.contains(['.', '+', '-']) && text.parse::<f64>().is_ok();
    !(text.is_empty() || is_word || is_calculated)
}

/// Whether a text has blanks, e.g. a space or a line break, at its start or its end.
pub fn has_blank_ends(text: &str) -> bool {
    text.trim().len() != text.len()
}

/// Stands in a recording for every text, also for an id.
const REDACTED: &str = "[redacted]";

/// Whether a text can be the id of something that was just created: it [can be an id](can_be_id), and has a digit other than
/// 0 or the shape of a UUID, or is that of a replayed recording. Another text can be a word for a failure in any language.
pub fn can_be_new_id(text: &str) -> bool {
    let is_uuid = || {
        let parts =
            text.trim().split('-').map(|part| (part.len(), part.bytes().all(|byte| byte.is_ascii_alphabetic())));
        parts.eq([8, 4, 4, 4, 12].map(|length| (length, true)))
    };
    can_be_id(text) && (text.contains(|c| matches!(c, '1'..='9')) || is_uuid() || text == REDACTED)
}

/// The text of an id.
struct Id(String);

impl Documented for Id {
    const FORM: &'static str = "a string, a number or null";

    fn read_documented<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        struct IdVisitor;

        impl Visitor<'_> for IdVisitor {
            type Value = Option<Id>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(Id::FORM)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Some(Id(text.to_owned())))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Some(Id(number.to_string())))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Some(Id(number.to_string())))
            }

            fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
                Ok(None)
            }
        }

        deserializer.deserialize_any(IdVisitor)
    }
}

/// Reads a value by its documented type. A deserializer of the text as a tree converts other types, because of the name.
fn read_documented<'de, T: Documented, D: Deserializer<'de>>(
    name: &'static str,
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    deserializer.deserialize_newtype_struct(name, DocumentedVisitor(PhantomData))
}

/// A type of the document's tables.
trait Documented: Sized {
    const FORM: &'static str;

    /// Reads a value that is not `null`; a unit stands for a value that cannot be read, and is `None`.
    fn read_documented<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error>;
}

struct DocumentedVisitor<T>(PhantomData<T>);

impl<'de, T: Documented> Visitor<'de> for DocumentedVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::FORM)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        T::read_documented(deserializer)
    }

    fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    /// A deserializer that has texts only, e.g. of a form.
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        T::read_documented(text.into_deserializer())
    }
}

/// Declares a type of the tables by the hint that it gives a deserializer, and by what it accepts.
macro_rules! documented {
    ($($name:ident $type:ty: $form:literal, $hint:ident, $visit:ident($value:ident: $given:ty) => $read:expr;)+) => {$(
        impl Documented for $type {
            const FORM: &'static str = $form;

            fn read_documented<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
                struct Documented;

                impl Visitor<'_> for Documented {
                    type Value = Option<$type>;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($form)
                    }

                    fn $visit<E: de::Error>(self, $value: $given) -> Result<Self::Value, E> {
                        let read: Option<$type> = $read;
                        read.map(Some).ok_or_else(|| E::custom($form))
                    }

                    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
                        Ok(None)
                    }
                }

                deserializer.$hint(Documented)
            }
        }

        impl Tolerant for $type {
            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
                read_documented($name, deserializer)
            }
        }
    )+};
}

documented! {
    LOOSE String: "a string, a number or null", deserialize_string, visit_str(text: &str) => Some(text.to_owned());
    LENIENT bool: "true or false", deserialize_bool, visit_bool(truth: bool) => Some(truth);
    LENIENT u16: "a whole number up to 65535", deserialize_u16, visit_u64(number: u64) => u16::try_from(number).ok();
}

impl Tolerant for Pii<String> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        read_text(deserializer)
    }
}

/// A boolean is not a token, a URL or a key.
impl Tolerant for Secret {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        read_text_leniently(deserializer)
    }
}

impl<T: DeserializeOwned> Tolerant for OneOrMany<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        Option::deserialize(deserializer)
    }
}

/// The text is not valid Base64. The error contains nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Base64Error;

impl fmt::Display for Base64Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not valid Base64")
    }
}

impl std::error::Error for Base64Error {}

/// Encodes bytes as standard Base64 with padding.
pub fn encode_base64(bytes: &[u8]) -> String {
    base64_simd::STANDARD.encode_to_string(bytes)
}

/// Decodes standard Base64 with padding.
///
/// # Errors
/// If the text is not standard Base64 with padding.
pub fn decode_base64(text: &str) -> Result<Vec<u8>, Base64Error> {
    base64_simd::STANDARD.decode_to_vec(text).map_err(|_| Base64Error)
}

/// Decodes Base64 as vendors write it: white space, the URL-safe alphabet and missing padding are accepted. No other
/// character is dropped, because the bytes would differ (AT-40).
///
/// # Errors
/// If the text is not Base64 in any of these forms.
pub fn decode_base64_lenient(text: &str) -> Result<Vec<u8>, Base64Error> {
    if let Ok(bytes) = decode_base64(text) {
        return Ok(bytes);
    }
    let plain: String = text
        .chars()
        .filter(|c| !c.is_ascii_whitespace())
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    base64_simd::forgiving_decode_to_vec(plain.as_bytes()).map_err(|_| Base64Error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_or_many_reads_and_writes_both_shapes() {
        let one: OneOrMany<std::collections::BTreeMap<String, u8>> = serde_json::from_str(r#"{"a":1}"#).unwrap();
        assert_eq!(one.as_slice().len(), 1);
        assert_eq!(serde_json::to_string(&one).unwrap(), r#"{"a":1}"#);
        let many: OneOrMany<std::collections::BTreeMap<String, u8>> = serde_json::from_str(r#"[{"a":1},{}]"#).unwrap();
        assert_eq!(serde_json::to_string(&many).unwrap(), r#"[{"a":1},{}]"#);
    }

    #[test]
    fn at_22_a_word_for_a_missing_value_is_not_an_id() {
        for word in ["", " ", "0", "null", "nil", "None", "NaN", "N/A", "undefined", "unknown", "true", "false", "OK"] {
            assert!(!can_be_id(word), "{word}");
        }
        for word in ["Error", "err", "fail", "failed", "failure", "denied", "rejected", "refused", "invalid", "pending"]
        {
            assert!(!can_be_id(word), "{word}");
        }
        for word in ["success", "accepted", "1.50", "-1", "1e+5"] {
            assert!(!can_be_id(word), "{word}");
        }
        for id in
            ["1", " 9992 ", "99920006E38842", "9992/..//odd", "6f0a1b2c-0000-4000-8000-1234567890ab", "a.b c", "x"]
        {
            assert!(can_be_id(id), "{id}");
        }
    }

    #[test]
    fn at_22_ai_15_a_new_id_has_a_digit_or_the_shape_of_a_uuid() {
        for word in
            ["Fehler", "abgelehnt", "unbekannt", "duplicate", "error", "x", "a.b c", "000", "0-0", "ä", "xx-x-x-x-x"]
        {
            assert!(!can_be_new_id(word), "{word}");
        }
        assert!(!can_be_new_id("00000000-0000-0000-0000-000000000000") && can_be_new_id("[redacted]"));
        for id in ["1", " 9992 ", "99920006E38842", "9992/..//odd", "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "a-1"] {
            assert!(can_be_new_id(id), "{id}");
        }
    }

    #[test]
    fn ai_06_ids_are_read_from_strings_and_numbers() {
        for (json, text, number) in [
            (r#""6""#, "6", Some(6)),
            ("6", "6", Some(6)),
            (r#""06""#, "06", None),
            (r#""+6""#, "+6", None),
            ("-6", "-6", None),
            (r#""abc""#, "abc", None),
        ] {
            let read: TextOrNumber = serde_json::from_str(json).unwrap();
            assert_eq!((read.as_str(), read.as_canonical_number()), (text, number));
        }
    }

    #[test]
    fn at_92_a_text_is_read_from_any_deserializer() {
        let json = |text| read_text_leniently::<String, _>(&mut serde_json::Deserializer::from_str(text)).ok();
        assert_eq!([json("\"a\""), json("null"), json("1")], [Some(Some("a".to_owned())), Some(None), None]);
        // A form has texts only.
        let form: Result<_, de::value::Error> = read_text::<String, _>("a".into_deserializer());
        assert_eq!(form.unwrap().as_deref(), Some("a"));
    }

    #[test]
    fn at_40_lenient_base64_never_drops_a_character() {
        assert_eq!(decode_base64_lenient("//uQ").unwrap(), [0xff, 0xfb, 0x90]);
        assert_eq!(decode_base64_lenient("__uQ").unwrap(), [0xff, 0xfb, 0x90]);
        assert_eq!(decode_base64_lenient("/ /u\nQ").unwrap(), [0xff, 0xfb, 0x90]);
        assert_eq!(decode_base64_lenient("TQ").unwrap(), b"M");
        for broken in ["\\uQBAAAAA.....", "//u*Q", "T", "TQ=Q"] {
            assert_eq!(decode_base64_lenient(broken), Err(Base64Error), "{broken}");
        }
    }

    proptest! {
        #[test]
        fn base64_round_trips(bytes: Vec<u8>) {
            prop_assert_eq!(&decode_base64(&encode_base64(&bytes)).unwrap(), &bytes);
            let unpadded = encode_base64(&bytes).trim_end_matches('=').replace('+', "-").replace('/', "_");
            prop_assert_eq!(&decode_base64_lenient(&unpadded).unwrap(), &bytes);
        }

        #[test]
        fn lenient_base64_never_panics(text in "\\PC*") {
            let _ = decode_base64_lenient(&text);
        }
    }
}
