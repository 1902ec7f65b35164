//! Personal data and secrets as types.
//!
//! Invariants: no `Display`; `Debug` prints [`REDACTED`]; the value is overwritten on drop. Serializing is allowed,
//! because values are sent to the vendor and stored. Buffers of the HTTP and JSON libraries are not overwritten.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Text that `Debug` prints in place of a value.
pub const REDACTED: &str = "[redacted]";

/// Text that authorizes anyone who has it: an API key, a token, a TAN, an ident id, the URL for the person.
///
/// Comparing two secrets of the same length takes constant time.
#[derive(Clone, Deserialize)]
#[serde(from = "String")]
pub struct Secret(SecretString);

impl Secret {
    /// Creates a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The text. The caller is responsible for keeping it out of logs and errors.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose().as_bytes().ct_eq(other.expose().as_bytes()).into()
    }
}

impl Eq for Secret {}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

/// A value that can be overwritten in place. Not `Zeroize`, which cannot be implemented for a foreign date type.
pub trait Wipe {
    /// Overwrites the value in place.
    fn wipe(&mut self);
}

impl Wipe for String {
    fn wipe(&mut self) {
        self.zeroize();
    }
}

impl Wipe for Vec<u8> {
    fn wipe(&mut self) {
        self.zeroize();
    }
}

impl Wipe for jiff::civil::Date {
    fn wipe(&mut self) {
        *self = jiff::civil::Date::ZERO;
    }
}

/// Personal data: redacted in `Debug`, overwritten on drop, readable with [`expose`](Self::expose).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pii<T: Wipe>(T);

impl<T: Wipe> Pii<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value. The caller is responsible for keeping it out of logs and errors.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Wipe> Drop for Pii<T> {
    fn drop(&mut self) {
        self.0.wipe();
    }
}

impl<T: Wipe> fmt::Debug for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl<T: Wipe> From<T> for Pii<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl From<&str> for Pii<String> {
    fn from(value: &str) -> Self {
        Self(value.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_the_value() {
        let shown = format!(
            "{:?} {:?} {:#?}",
            Secret::new("geheim"),
            Pii::new("Mustermann".to_owned()),
            Some(Pii::from("Erika"))
        );
        assert!(!shown.contains("geheim") && !shown.contains("Mustermann") && !shown.contains("Erika"), "{shown}");
        assert_eq!(shown.matches(REDACTED).count(), 3);
    }

    #[test]
    fn a_dropped_value_is_wiped() {
        struct Probe(std::sync::Arc<std::sync::atomic::AtomicBool>);
        impl Wipe for Probe {
            fn wipe(&mut self) {
                self.0.store(true, std::sync::atomic::Ordering::Relaxed);
            }
        }
        let wiped = std::sync::Arc::default();
        drop(Pii::new(Probe(std::sync::Arc::clone(&wiped))));
        assert!(wiped.load(std::sync::atomic::Ordering::Relaxed));
    }

    #[test]
    fn only_a_secret_without_text_is_empty() {
        assert!(Secret::new("").is_empty() && !Secret::new(" ").is_empty());
    }

    #[test]
    fn secrets_compare_by_content() {
        assert_eq!(Secret::new("a"), Secret::from("a"));
        assert_ne!(Secret::new("a"), Secret::new("b"));
        assert_ne!(Secret::new("a"), Secret::new("ab"));
    }

    #[test]
    fn both_serialize_as_plain_json_strings() {
        let json = serde_json::to_string(&(Secret::new("s"), Pii::new("p".to_owned()))).unwrap();
        assert_eq!(json, r#"["s","p"]"#);
        let back: (Secret, Pii<String>) = serde_json::from_str(&json).unwrap();
        assert_eq!(back.0.expose(), "s");
        assert_eq!(back.1.expose(), "p");
    }

    #[test]
    fn wiping_overwrites_the_value() {
        let mut text = "Mustermann".to_owned();
        text.wipe();
        assert!(text.is_empty());
        let mut date = jiff::civil::date(1964, 8, 12);
        date.wipe();
        assert_eq!(date, jiff::civil::Date::ZERO);
        let mut bytes = vec![1_u8, 2];
        bytes.wipe();
        assert!(bytes.is_empty());
    }
}
