//! Personal text that is mostly short.

use std::fmt;
use std::ops::Deref;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::{Serialize, Serializer};
use zeroize::Zeroize;

use crate::{Pii, Wipe};

/// So many bytes are held without an allocation.
const INLINE: usize = 22;

/// Text that takes an allocation of its own only when it is longer than 22 bytes: for lists with thousands of them.
///
/// Meant to be held as `Pii<ShortText>`; by itself it is not wiped when it is dropped. Its `Debug` tells the length only.
#[derive(Clone)]
pub struct ShortText(Held);

#[derive(Clone)]
enum Held {
    Inline { len: u8, bytes: [u8; INLINE] },
    Boxed(Box<str>),
}

impl ShortText {
    /// The text.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            // Copied from a str and never changed: the empty text is unreachable.
            Held::Inline { len, bytes } => {
                bytes.get(..usize::from(*len)).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
            }
            Held::Boxed(text) => text,
        }
    }
}

impl From<&str> for ShortText {
    fn from(text: &str) -> Self {
        let mut bytes = [0; INLINE];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(place), Ok(len)) => {
                place.copy_from_slice(text.as_bytes());
                Self(Held::Inline { len, bytes })
            }
            _ => Self(Held::Boxed(text.into())),
        }
    }
}

impl From<&str> for Pii<ShortText> {
    fn from(text: &str) -> Self {
        Self::new(text.into())
    }
}

impl From<String> for Pii<ShortText> {
    fn from(mut text: String) -> Self {
        let short = Self::from(text.as_str());
        text.zeroize();
        short
    }
}

impl Default for ShortText {
    fn default() -> Self {
        Self(Held::Inline { len: 0, bytes: [0; INLINE] })
    }
}

impl Deref for ShortText {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for ShortText {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for ShortText {}

impl Wipe for ShortText {
    fn wipe(&mut self) {
        match &mut self.0 {
            Held::Inline { len, bytes } => {
                bytes.zeroize();
                *len = 0;
            }
            Held::Boxed(text) => {
                text.zeroize();
                *self = Self::default();
            }
        }
    }
}

impl fmt::Debug for ShortText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ShortText({} bytes)", self.len())
    }
}

impl Serialize for ShortText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for ShortText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl Visitor<'_> for Reader {
            type Value = ShortText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<ShortText, E> {
                Ok(text.into())
            }
        }

        deserializer.deserialize_str(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_every_length_are_kept_and_wiped() {
        for text in ["", "TAN", "signme Passwort", &"ä".repeat(11), &"ä".repeat(12), &"x".repeat(255)] {
            let short = ShortText::from(text);
            assert_eq!((short.as_str(), matches!(short.0, Held::Inline { .. })), (text, text.len() <= INLINE));
            assert_eq!(serde_json::to_string(&short).unwrap(), format!("{text:?}"));
            let mut read: ShortText = serde_json::from_str(&format!("{text:?}")).unwrap();
            assert!(read == short);
            read.wipe();
            assert_eq!(read.as_str(), "");
            assert!(matches!(read.0, Held::Inline { len: 0, bytes: [0, ..] }));
        }
    }

    #[test]
    fn a_short_text_is_never_printed() {
        let text: Pii<ShortText> = "Mustermann".into();
        assert_eq!(format!("{text:?} {:?}", text.expose()), "[redacted] ShortText(10 bytes)");
        let from_string: Pii<ShortText> = String::from("Mustermann").into();
        assert!(from_string == text);
    }

    #[test]
    fn a_short_text_is_no_larger_than_a_string() {
        assert_eq!(size_of::<Option<Pii<ShortText>>>(), size_of::<String>());
    }
}
