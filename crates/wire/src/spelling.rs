//! Names of elements in another spelling than the document's.
//!
//! Nothing reads such an element, but it can contradict what is read. So it is noted while a response is read, and a
//! result that depends on the element is an error (AT-93).

use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};
use serde_json::Value;

/// Name of an [`OtherSpelling`] for a deserializer.
pub(crate) const OTHER_SPELLING: &str = "other spelling";

/// Whether two names are the same but for case, `_`, `-` and a plural s.
pub fn is_same_name(one: &str, other: &str) -> bool {
    fn letters(name: &str) -> impl Iterator<Item = u8> + '_ {
        // On bytes: a request can have many names, and each is compared with each listed one.
        let mut name = name.as_bytes();
        while let [rest @ .., b'_' | b'-'] = name {
            name = rest;
        }
        if let [rest @ .., b's' | b'S'] = name {
            name = rest;
        }
        name.iter().filter(|byte| !matches!(byte, b'_' | b'-')).map(u8::to_ascii_lowercase)
    }
    letters(one).eq(letters(other))
}

/// Whether one of these elements has a listed name in another spelling, and a value.
pub fn has_other_spelling<'a>(elements: impl IntoIterator<Item = (&'a String, &'a Value)>, listed: &str) -> bool {
    elements.into_iter().any(|(name, value)| name != listed && is_same_name(name, listed) && !value.is_null())
}

/// The value of an element in another spelling. Its name for a deserializer causes that the text is read as a tree, which
/// compares the two values.
pub(crate) struct OtherSpelling(pub(crate) Value);

impl<'de> Deserialize<'de> for OtherSpelling {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
                Value::deserialize(deserializer)
            }
        }

        deserializer.deserialize_newtype_struct(OTHER_SPELLING, Any).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_93_case_separators_and_a_plural_s_make_no_other_name() {
        for (one, other, same) in [
            ("PDFs", "pdf", true),
            ("Hashes", "HASHE", true),
            ("response_status", "Response-Status", true),
            ("OrderID", "order_ids", true),
            ("Voicefiles", "VoiceFiles_", true),
            ("status", "statu", true),
            ("Status", "Statuses", false),
            ("Kind", "Kin", false),
            ("ID", "IDCard", false),
        ] {
            assert_eq!((is_same_name(one, other), is_same_name(other, one)), (same, same), "{one} {other}");
        }
    }
}
