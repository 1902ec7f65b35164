//! Personal text that is usually short.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::{Serialize, Serializer};
use zeroize::Zeroize;

use crate::{REDACTED, Wipe};

/// Maximum length in bytes without an allocation.
const INLINE: usize = 22;

/// Personal text like [`Pii<String>`](crate::Pii), for long lists: only a text of more than 22 bytes is allocated.
#[derive(Clone)]
pub struct ShortPii(Repr);

#[derive(Clone)]
enum Repr {
    Inline { len: u8, bytes: [u8; INLINE] },
    Boxed(Box<str>),
}

impl ShortPii {
    /// The text. The caller is responsible for keeping it out of logs and errors.
    pub fn expose(&self) -> &str {
        match &self.0 {
            // The bytes are a copy of a str, so the default is unreachable.
            Repr::Inline { len, bytes } => {
                bytes.get(..usize::from(*len)).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
            }
            Repr::Boxed(text) => text,
        }
    }
}

impl Wipe for ShortPii {
    fn wipe(&mut self) {
        match &mut self.0 {
            Repr::Inline { len, bytes } => {
                // The bytes after the text were never written.
                bytes.iter_mut().take(usize::from(*len)).for_each(Zeroize::zeroize);
                *len = 0;
            }
            Repr::Boxed(text) => text.zeroize(),
        }
    }
}

impl Drop for ShortPii {
    fn drop(&mut self) {
        self.wipe();
    }
}

impl From<&str> for ShortPii {
    fn from(text: &str) -> Self {
        let mut bytes = [0; INLINE];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(place), Ok(len)) => {
                place.copy_from_slice(text.as_bytes());
                Self(Repr::Inline { len, bytes })
            }
            _ => Self(Repr::Boxed(text.into())),
        }
    }
}

impl From<String> for ShortPii {
    fn from(mut text: String) -> Self {
        let short = Self::from(text.as_str());
        text.wipe();
        short
    }
}

impl Default for ShortPii {
    fn default() -> Self {
        "".into()
    }
}

impl PartialEq for ShortPii {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for ShortPii {}

impl fmt::Debug for ShortPii {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl Serialize for ShortPii {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl<'de> Deserialize<'de> for ShortPii {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl Visitor<'_> for Reader {
            type Value = ShortPii;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            #[inline]
            fn visit_str<E: Error>(self, text: &str) -> Result<ShortPii, E> {
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
    fn texts_of_every_length_are_stored_and_wiped() {
        for text in ["", "TAN", "signme Passwort", &"ä".repeat(11), &"ä".repeat(12), &"x".repeat(255)] {
            let short = ShortPii::from(text);
            assert_eq!((short.expose(), matches!(short.0, Repr::Inline { .. })), (text, text.len() <= INLINE));
            assert_eq!(serde_json::to_string(&short).unwrap(), format!("{text:?}"));
            let mut read: ShortPii = serde_json::from_str(&format!("{text:?}")).unwrap();
            assert!(read == short && ShortPii::from(text.to_owned()) == short);
            assert!(read != ShortPii::from(&*format!("{text}.")));
            read.wipe();
            assert!(read.expose().bytes().all(|byte| byte == 0));
            match &read.0 {
                Repr::Inline { len, bytes } => assert_eq!((*len, *bytes), (0, [0; INLINE])),
                Repr::Boxed(wiped) => assert_eq!(wiped.len(), text.len()),
            }
        }
    }

    #[test]
    fn a_short_text_is_never_printed() {
        assert_eq!(format!("{:?}", ShortPii::from("Mustermann")), REDACTED);
        let error = serde_json::from_str::<ShortPii>("1").unwrap_err();
        assert!(error.to_string().contains("expected a string"), "{error}");
    }

    #[test]
    fn a_short_text_is_no_larger_than_a_string() {
        assert_eq!(size_of::<Option<ShortPii>>(), size_of::<String>());
    }
}
