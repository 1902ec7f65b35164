//! Ids and open enums.

use identkit_core::{Error, Pii, REDACTED, Secret, Violation};
use identkit_wire::{TextOrNumber, Tolerant, debug_as, read_id, read_text, read_text_leniently};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::PdfContent;

/// The vendor's id of an ident: an opaque text. Anyone who has it can start the session (AI-15).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IdentId(Secret);

impl IdentId {
    /// Creates an id from the vendor's text, without a check.
    pub fn new(id: impl Into<String>) -> Self {
        Self(Secret::new(id))
    }

    /// Creates an id from a text that a person typed. It is never changed: with blanks around it, it is not valid.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`](identkit_core::Kind::InvalidInput) if it is not 1 to 64 letters, digits and hyphens.
    pub fn from_typed(id: &str) -> Result<Self, Error> {
        let fits = (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if fits {
            return Ok(Self::new(id));
        }
        let message = "must be 1 to 64 letters, digits and hyphens without blanks";
        Err(Error::invalid(vec![Violation::new("ident_id", message, "AI-15", "[I] ident/get")]))
    }

    /// Returns the id as text. The caller must keep it out of logs.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Whether the id is empty, consists of blanks, or is `0`, which programs write for a missing number.
    pub fn is_empty(&self) -> bool {
        matches!(self.0.expose().trim(), "" | "0")
    }

    /// Returns the id as a secret.
    pub fn into_secret(self) -> Secret {
        self.0
    }
}

/// The vendor's id of a project: a string in some messages, a number in others (AI-06).
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProjectId(TextOrNumber);

impl ProjectId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Returns the id as a number, if the text is a number without sign and without leading zeros.
    pub fn as_canonical_number(&self) -> Option<u64> {
        self.0.as_canonical_number()
    }
}

debug_as!(ProjectId, |id| "ProjectId({:?})", id.as_str());

impl From<u64> for ProjectId {
    fn from(id: u64) -> Self {
        id.to_string().into()
    }
}

/// A project's id that is written as a JSON number if it is one ([`ProjectId::as_canonical_number`]; `[I] project/get`,
/// AI-06).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectNumber(pub ProjectId);

impl Serialize for ProjectNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_canonical_number() {
            Some(number) => serializer.serialize_u64(number),
            None => serializer.serialize_str(self.0.as_str()),
        }
    }
}

/// Status of an ident, as the vendor's word; only `Unidentified` is documented (AI-12).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IdentStatus(Pii<String>);

impl IdentStatus {
    /// Status text.
    pub fn as_str(&self) -> &str {
        self.0.expose()
    }

    /// Whether the status is empty or consists of blanks.
    pub fn is_empty(&self) -> bool {
        self.as_str().trim().is_empty()
    }
}

/// Declares conversions from text.
macro_rules! from_text {
    ($($name:ident: $from:expr;)+) => {$(
        impl From<String> for $name {
            fn from(text: String) -> Self {
                let from: fn(String) -> Self = $from;
                from(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                text.to_owned().into()
            }
        }

    )+};
}

/// Declares the reader of types that the document lists as text.
macro_rules! text {
    ($read:ident: $($name:ident)+) => {$(
        impl Tolerant for $name {
            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
                $read(deserializer)
            }
        }
    )+};
}

from_text! {
    IdentId: Self::new;
    IdentStatus: |word| Self(word.into());
    PdfContent: |text| Self::Text(text.into());
    ProjectId: |id| Self(TextOrNumber(id));
    ProjectNumber: |id| Self(id.into());
}

text! { read_text: PdfContent }
// A boolean is neither an id nor a status (AT-93).
text! { read_text_leniently: IdentId IdentStatus }
// The document shows the id as a string and as a number (AI-06).
text! { read_id: ProjectId ProjectNumber }

/// Declares an open enum of vendor words. The writer accepts the listed words only.
macro_rules! words {
    ($(
        $(#[$meta:meta])*
        pub enum $name:ident {
            $($(#[$doc:meta])* $variant:ident = $word:literal,)+
        }
    )+) => {$(
        $(#[$meta])*
        #[non_exhaustive]
        #[derive(Clone, PartialEq, Eq, Deserialize)]
        #[serde(from = "String")]
        pub enum $name {
            $($(#[$doc])* $variant,)+
            /// Any other word.
            Other(Pii<String>),
        }

        impl $name {
            /// The vendor's word.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word.expose(),
                }
            }
        }

        from_text! {
            $name: |word| match word.as_str() {
                $($word => Self::$variant,)+
                _ => Self::Other(word.into()),
            };
        }

        text! { read_text: $name }

        debug_as!($name, |_word| "{}", REDACTED);

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

    )+};
}

words! {
    /// `gender` (AI-22). Other words are sent only with
    /// [`Dialect::allow_other_gender`](crate::Dialect::allow_other_gender).
    pub enum Gender {
        /// `MALE`.
        Male = "MALE",
        /// `FEMALE`.
        Female = "FEMALE",
    }

    /// `type_of_id`: German words (AI-23).
    pub enum TypeOfId {
        /// `Personalausweis`, an identity card.
        IdCard = "Personalausweis",
        /// `Reisepass`, a passport.
        Passport = "Reisepass",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ai_15_only_typed_ids_are_checked() {
        for good in ["x", "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "0f-A"] {
            assert!(IdentId::from_typed(good).is_ok(), "{good}");
        }
        for bad in ["", "a/b", "ä", "a b", " a", "a ", "a\n", &"x".repeat(65)] {
            assert!(IdentId::from_typed(bad).is_err(), "{bad}");
        }
        assert_eq!(IdentId::new("a/b ä").expose(), "a/b ä");
    }

    #[test]
    fn ai_22_ai_23_unknown_words_survive() {
        for word in ["MALE", "FEMALE", "male", "DIVERSE"] {
            assert_eq!(Gender::from(word.to_owned()).as_str(), word);
        }
        for word in ["Personalausweis", "Reisepass", "Aufenthaltstitel"] {
            assert_eq!(TypeOfId::from(word.to_owned()).as_str(), word);
        }
    }
}
