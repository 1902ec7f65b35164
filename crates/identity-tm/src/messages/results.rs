//! Signed documents and hashes, recordings, banks, sign-me users and error bodies.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use bytes::Bytes;
use identkit_core::{Error, Kind, Pii, Secret};
use identkit_wire::json::Blob;
use identkit_wire::{ONE_OR_MANY, TextOrNumber, debug_as, decode_base64_lenient, message};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

message! {
    /// Several signed PDFs; a single one is returned as a PDF, [T 3.5.3].
    pub struct SignedPdfList {
        /// Signed PDFs, presumably in the sequence of the request (AT-35).
        "PDFs" => pdfs: Vec<SignedPdf>,
    }
}

message! {
    /// One of several signed PDFs.
    pub struct SignedPdf {
        /// PDF, Base64.
        "Base64Data" => base64_data: Blob,
    }
}

message! {
    /// Signed hashes, [T 3.6.3].
    pub struct SignedHashes {
        /// Hashes by the name in the order.
        "Hashes" => hashes: NamedHashes,
    }
}

/// Hashes with their names, in the sequence of the response. Written as an array of objects with one name each; also read
/// from objects with several names and from one object (AT-36).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct NamedHashes(pub Vec<(String, Secret)>);

// A file name may contain personal data.
debug_as!(NamedHashes, |hashes| "NamedHashes({})", hashes.0.len());

impl Serialize for NamedHashes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|(name, hash)| BTreeMap::from([(name, hash)])))
    }
}

/// Minimum length of a signed hash in bytes: a SHA-1. The document does not state the form; a signature is longer.
const SHORTEST_HASH: usize = 20;

/// Lengths of the usual hashes in bytes: SHA-1, SHA-2 and SHA-3. Signatures have 64 bytes or more.
const HASH_LENGTHS: [usize; 4] = [SHORTEST_HASH, 28, 32, 48];
const SHORTEST_SIGNATURE: usize = 64;

impl NamedHashes {
    /// Returns the names in the sequence of the response.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Returns the hash with this name.
    pub fn get(&self, name: &str) -> Option<&Secret> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, hash)| hash)
    }

    fn lengths(&self) -> impl Iterator<Item = (&String, Option<usize>)> {
        self.0.iter().map(|(name, hash)| (name, decode_base64_lenient(hash.expose()).ok().map(|bytes| bytes.len())))
    }

    /// Names of the values that cannot be a signed hash: they are not Base64 of at least 20 bytes, e.g. a word for a missing
    /// value (AT-96).
    pub fn damaged(&self) -> impl Iterator<Item = &str> {
        let is_whole = |length: Option<usize>| length.is_some_and(|length| length >= SHORTEST_HASH);
        self.lengths().filter(move |(_, length)| !is_whole(*length)).map(|(name, _)| name.as_str())
    }

    /// Whether a value has a length that no usual hash and no signature has, e.g. because it is cut off (AT-96).
    pub(crate) fn has_unusual(&self) -> bool {
        let is_unusual = |length: usize| length < SHORTEST_SIGNATURE && !HASH_LENGTHS.contains(&length);
        self.lengths().any(|(_, length)| length.is_some_and(is_unusual))
    }
}

/// A hash: only a text, because a number or a boolean has characters of Base64 too (AT-96).
struct Hash(Secret);

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Hash;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Hash, E> {
                Ok(Hash(text.into()))
            }
        }

        deserializer.deserialize_any(Text)
    }
}

/// Hashes while they are read.
#[derive(Default)]
struct Collected {
    all: Vec<(String, Secret)>,
    /// Place of each name in `all`: a response can have thousands.
    places: HashMap<String, usize>,
}

impl Collected {
    /// Adds a hash. Two different hashes with the same name are an error: dropping one would lose a signature.
    fn put<E: serde::de::Error>(&mut self, name: String, hash: Secret) -> Result<(), E> {
        match self.places.get(&name).and_then(|place| self.all.get(*place)) {
            Some((_, before)) if *before != hash => Err(E::custom("two hashes have the same name")),
            Some(_) => Ok(()),
            None => {
                self.places.insert(name.clone(), self.all.len());
                self.all.push((name, hash));
                Ok(())
            }
        }
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

            fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<NamedHashes, D::Error> {
                deserializer.deserialize_any(self)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<NamedHashes, A::Error> {
                let mut collected = Collected::default();
                while let Some(NamedHashes(some)) = seq.next_element()? {
                    if some.is_empty() {
                        return Err(serde::de::Error::custom("an entry has no hash"));
                    }
                    for (name, hash) in some {
                        collected.put(name, hash)?;
                    }
                }
                Ok(NamedHashes(collected.all))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<NamedHashes, A::Error> {
                let mut collected = Collected::default();
                while let Some((name, Hash(hash))) = map.next_entry()? {
                    collected.put(name, hash)?;
                }
                Ok(NamedHashes(collected.all))
            }
        }

        // As a list with the keys 0, 1, 2 too (AT-92).
        deserializer.deserialize_newtype_struct(ONE_OR_MANY, Shapes)
    }
}

message! {
    /// Request for a recording, [T 3.7.3].
    pub struct VideoRequest {
        /// URL that the vendor calls with GET. The document describes it as "Array of documents" (AT-39).
        "callbackUrl" => callback_url: Secret,
    }
}

message! {
    /// Audio recordings, [T 3.9.4].
    pub struct VoiceFiles {
        /// Recordings. The key has this spelling.
        "Voicefiles" => voicefiles: Vec<VoiceFile>,
    }
}

message! {
    /// An audio recording.
    pub struct VoiceFile {
        /// File name chosen by the vendor.
        "Filename" => filename: Pii<String>,
        /// Content, Base64, read leniently (AT-40).
        "Base64Data" => base64_data: Blob,
    }
}

impl VoiceFile {
    /// Decodes the content.
    ///
    /// # Errors
    /// [`Kind::Protocol`] if there is none or it is not valid Base64. Invalid characters are not skipped, since that
    /// would change the bytes (AT-40).
    pub fn audio(&self) -> Result<Bytes, Error> {
        let Some(data) = &self.base64_data else {
            return Err(Error::new(Kind::Protocol, "a recording has no content"));
        };
        let invalid = "a recording is not valid Base64";
        let bytes = data.to_bytes().map_err(|error| error.with_kind(Kind::Protocol, invalid))?;
        if bytes.is_empty() { Err(Error::new(Kind::Protocol, "a recording has no content")) } else { Ok(bytes) }
    }
}

message! {
    /// One-time code, [T 5.2.3].
    pub struct Tan {
        /// Six characters. The key is in lower case (AT-56).
        "tan" => tan: Secret,
    }
}

message! {
    /// A bank that supports identity Giro, [T 8.1.2].
    pub struct Bank {
        /// BIC, 8 or 11 characters: a number in the document's table, a string in its example (AT-57).
        "bic" => bic: TextOrNumber,
        /// German bank code, 8 digits: a number in the document's example.
        "blz" => blz: BankCode,
        /// Name.
        "name" => name: String,
    }
}

/// A German bank code. Read from a number or a string, written as a number, displayed with 8 digits (AT-57).
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
    /// Request for a sign-me user, [T 8.3.3].
    pub struct SignmeUserRequest {
        /// Sign-me user name, an e-mail address.
        "Email" => email: Pii<String>,
    }
}

message! {
    /// State of a sign-me user, [T 8.3.4].
    pub struct SignmeUser {
        /// Whether the account exists.
        "UserExists" => user_exists: bool,
        /// Whether the account can sign with a qualified electronic signature.
        "UserIsAbleToSign" => user_is_able_to_sign: bool,
    }
}

impl SignmeUser {
    /// Whether an order can be signed with this account (`Add` 16): both elements must be `true` (T-051).
    pub fn can_sign_at_once(&self) -> bool {
        self.user_exists == Some(true) && self.user_is_able_to_sign == Some(true)
    }
}

message! {
    /// Error body of the sandbox. The document says only "error description in body" (AT-53).
    pub struct ErrorAnswer {
        /// Description of the error.
        "Error" => error: Pii<String>,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_36_many_hashes_are_read_and_compared_by_name() {
        let entries: Vec<String> = (0..60_000).map(|number| format!(r#""name{number:0>60}":"QUJD""#)).collect();
        let each_alone = format!("[{{{}}}]", entries.join("},{"));
        let in_one_object = format!("{{{}}}", entries.join(","));
        for text in [each_alone, in_one_object] {
            // Comparing each name with all before it takes more than a minute.
            let read: NamedHashes = serde_json::from_str(&text).unwrap();
            assert_eq!(read.0.len(), entries.len());
        }
        let repeated = |hash: &str| format!(r#"[{{"a":"QUJD"}},{{"b":"QUJD"}},{{"a":"{hash}"}}]"#);
        let equal: NamedHashes = serde_json::from_str(&repeated("QUJD")).unwrap();
        assert_eq!(equal.names().collect::<Vec<_>>(), ["a", "b"]);
        assert!(serde_json::from_str::<NamedHashes>(&repeated("QUJE")).is_err(), "another hash of the same name");
    }
}
