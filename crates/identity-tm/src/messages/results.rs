//! Signed documents and hashes, videos and voices, banks, sign-me users, and error bodies.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use identkit_core::{Error, Kind, Pii, Secret};
use identkit_wire::json::Blob;
use identkit_wire::{TextOrNumber, debug_as, message};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

message! {
    /// Several signed PDFs; a single one comes as the PDF itself, [T 3.5.3].
    pub struct SignedPdfList {
        /// In the order of the request, as is assumed (AT-35).
        "PDFs" => pdfs: Vec<SignedPdf>,
    }
}

message! {
    /// One of several signed PDFs.
    pub struct SignedPdf {
        /// The PDF, Base64.
        "Base64Data" => base64_data: Blob,
    }
}

message! {
    /// Signed hashes, [T 3.6.3].
    pub struct SignedHashes {
        /// By the name that putOrder gave.
        "Hashes" => hashes: NamedHashes,
    }
}

/// Hashes by name: read from an array of objects with one or several names each, and from one object (AT-36). Written
/// as an array of objects with one name each.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct NamedHashes(pub BTreeMap<String, Secret>);

// A file name may be a person's.
debug_as!(NamedHashes, |hashes| "NamedHashes({})", hashes.0.len());

impl Serialize for NamedHashes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|(name, hash)| BTreeMap::from([(name, hash)])))
    }
}

/// Two hashes under one name cannot be told apart, and leaving one out would lose a signature.
fn put<E: serde::de::Error>(all: &mut BTreeMap<String, Secret>, name: String, hash: Secret) -> Result<(), E> {
    match all.insert(name, hash.clone()) {
        Some(before) if before != hash => Err(E::custom("two hashes have the same name")),
        _ => Ok(()),
    }
}

impl<'de> Deserialize<'de> for NamedHashes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Shapes;

        impl<'de> Visitor<'de> for Shapes {
            type Value = NamedHashes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of objects, or an object, of hashes by name")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<NamedHashes, A::Error> {
                let mut all = BTreeMap::new();
                while let Some(NamedHashes(some)) = seq.next_element()? {
                    for (name, hash) in some {
                        put(&mut all, name, hash)?;
                    }
                }
                Ok(NamedHashes(all))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<NamedHashes, A::Error> {
                let mut all = BTreeMap::new();
                while let Some((name, hash)) = map.next_entry()? {
                    put(&mut all, name, hash)?;
                }
                Ok(NamedHashes(all))
            }
        }

        deserializer.deserialize_any(Shapes)
    }
}

message! {
    /// Where the vendor says that a video is ready, [T 3.7.3].
    pub struct VideoRequest {
        /// Called with GET; described as "Array of documents", which it is not (AT-39).
        "callbackUrl" => callback_url: Secret,
    }
}

message! {
    /// Audio recordings, [T 3.9.4].
    pub struct VoiceFiles {
        /// The files; the key is spelt so.
        "Voicefiles" => voicefiles: Vec<VoiceFile>,
    }
}

message! {
    /// An audio recording.
    pub struct VoiceFile {
        /// A name of the vendor's.
        "Filename" => filename: Pii<String>,
        /// The recording, Base64, read leniently (AT-40).
        "Base64Data" => base64_data: Blob,
    }
}

impl VoiceFile {
    /// The recording.
    ///
    /// # Errors
    /// [`Kind::Protocol`] when there is none, or when it is no Base64: no character is ever dropped, since that would
    /// yield other bytes (AT-40).
    pub fn audio(&self) -> Result<Bytes, Error> {
        let Some(data) = &self.base64_data else {
            return Err(Error::new(Kind::Protocol, "a recording has no content"));
        };
        let unreadable = "a recording is not valid Base64";
        let bytes = data.to_bytes().map_err(|error| error.with_kind(Kind::Protocol, unreadable))?;
        if bytes.is_empty() { Err(Error::new(Kind::Protocol, "a recording has no content")) } else { Ok(bytes) }
    }
}

message! {
    /// The one-time code, [T 5.2.3].
    pub struct Tan {
        /// Six characters; the key is in small letters (AT-56).
        "tan" => tan: Secret,
    }
}

message! {
    /// A bank that supports identity Giro, [T 8.1.2].
    pub struct Bank {
        /// 8 or 11 characters; printed as a number, a string in the example (AT-57).
        "bic" => bic: TextOrNumber,
        /// The German bank code, 8 digits, a number in the example.
        "blz" => blz: BankCode,
        /// Its name.
        "name" => name: String,
    }
}

/// A German bank code: a number or a string, always 8 digits as text (AT-57). Written as a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct BankCode(pub u32);

impl fmt::Display for BankCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08}", self.0)
    }
}

impl<'de> Deserialize<'de> for BankCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = TextOrNumber::deserialize(deserializer)?;
        let number = text.as_str().trim().parse().ok().filter(|number| *number <= 99_999_999);
        number.map(Self).ok_or_else(|| serde::de::Error::custom("a bank code has at most 8 digits"))
    }
}

message! {
    /// Whose sign-me account is asked for, [T 8.3.3].
    pub struct SignmeUserRequest {
        /// The sign-me user name, an e-mail address.
        "Email" => email: Pii<String>,
    }
}

message! {
    /// What sign-me says of a user, [T 8.3.4].
    pub struct SignmeUser {
        /// The account exists.
        "UserExists" => user_exists: bool,
        /// The account can sign with a qualified electronic signature.
        "UserIsAbleToSign" => user_is_able_to_sign: bool,
    }
}

impl SignmeUser {
    /// Whether a plain signature order (`Add` 16) is possible: both must be true (T-051).
    pub fn can_sign_at_once(&self) -> bool {
        self.user_exists == Some(true) && self.user_is_able_to_sign == Some(true)
    }
}

message! {
    /// What the sandbox writes when it refuses: the document says no more than "error description in body" (AT-53).
    pub struct ErrorAnswer {
        /// What is wrong, for people.
        "Error" => error: Pii<String>,
    }
}
