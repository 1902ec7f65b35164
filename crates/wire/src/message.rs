//! Messages: a vendor's JSON objects as Rust structs, read tolerantly and written as they are.
//!
//! Why a macro of our own and not serde's derive with `flatten`: `flatten` reads through a buffer and loses the path
//! of a fault, and two accepted spellings present at once would be a "duplicate field".

use std::collections::{BTreeMap, btree_map};
use std::fmt;
use std::ops::{Deref, DerefMut};

use serde::de::{DeserializeSeed, Deserializer};
use serde_json::Value;

type Elements = BTreeMap<String, Value>;

/// Elements that a vendor sent (or a user adds) and the document does not list: kept through a round trip.
#[derive(Clone, Default, PartialEq)]
pub struct Extra(pub Unlisted);

/// A map by name, as its [`Deref`] says, that takes one pointer while it is empty: nearly every message has none, and
/// a list holds thousands of messages.
#[derive(Clone, Default)]
pub struct Unlisted(Option<Box<Elements>>);

impl Deref for Unlisted {
    type Target = Elements;

    fn deref(&self) -> &Elements {
        const NONE: &Elements = &Elements::new();
        self.0.as_deref().unwrap_or(NONE)
    }
}

impl DerefMut for Unlisted {
    fn deref_mut(&mut self) -> &mut Elements {
        self.0.get_or_insert_default()
    }
}

impl PartialEq for Unlisted {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<'a> IntoIterator for &'a Unlisted {
    type Item = (&'a String, &'a Value);
    type IntoIter = btree_map::Iter<'a, String, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Unlisted {
    type Item = (String, Value);
    type IntoIter = btree_map::IntoIter<String, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.map(|elements| *elements).unwrap_or_default().into_iter()
    }
}

impl fmt::Debug for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither names nor values: both may be a person's.
        write!(f, "{} unlisted", self.0.len())
    }
}

/// Declares a message: `"Key" | "OtherSpelling" => field: Type`, in the order in which it is written.
///
/// Every field is an `Option`: `None` is not written, and `null` is read as `None`. Further spellings are read only;
/// where several are present the first one listed wins. Elements not listed are kept in `extra`. The struct is
/// `#[non_exhaustive]` with `Default` and a setter per field. `field: Type as Reader` reads through another type, which
/// becomes the field's by `From`.
#[macro_export]
macro_rules! message {
    (@read $map:ident, $type:ty) => {
        $map.next_value::<Option<$type>>()?
    };
    (@read $map:ident, $type:ty, $reader:ty) => {
        $map.next_value::<Option<$reader>>()?.map(<$type>::from)
    };
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $( $(#[$field_meta:meta])* $key:literal $(| $other:literal)* => $field:ident : $type:ty $(as $reader:ty)? ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[non_exhaustive]
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $( $(#[$field_meta])* pub $field: Option<$type>, )*
            /// Elements that the document does not list.
            pub extra: $crate::Extra,
        }

        impl $name {
            /// The keys that the document lists, in its order.
            pub const KEYS: &'static [&'static str] = &[$($key),*];

            $(
                $(#[$field_meta])*
                #[must_use]
                pub fn $field(mut self, value: impl Into<$type>) -> Self {
                    self.$field = Some(value.into());
                    self
                }
            )*
        }

        impl $crate::private::Serialize for $name {
            fn serialize<S: $crate::private::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use $crate::private::SerializeMap as _;
                let mut map = serializer.serialize_map(None)?;
                $(
                    if let Some(value) = &self.$field {
                        map.serialize_entry($key, value)?;
                    }
                )*
                for (key, value) in &self.extra.0 {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }

        impl<'de> $crate::private::Deserialize<'de> for $name {
            fn deserialize<D: $crate::private::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let mut read = Self::default();
                $crate::private::Message::fill(&mut read, deserializer)?;
                Ok(read)
            }
        }

        impl $crate::private::Message for $name {
            fn fill<'de, D: $crate::private::Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
                // A known key is recognised where it stands, without a copy; `true` for the first spelling listed.
                #[allow(non_camel_case_types)]
                enum Key {
                    $($field(bool),)*
                    // With a capital, unlike any field.
                    Unlisted,
                }

                // Where a key goes that is not known, so that a known one is returned in a register.
                struct KeyReader<'a>(&'a mut String);

                impl<'de> $crate::private::DeserializeSeed<'de> for KeyReader<'_> {
                    type Value = Key;

                    #[inline]
                    fn deserialize<D: $crate::private::Deserializer<'de>>(
                        self,
                        deserializer: D,
                    ) -> Result<Key, D::Error> {
                        deserializer.deserialize_identifier(self)
                    }
                }

                impl $crate::private::Visitor<'_> for KeyReader<'_> {
                    type Value = Key;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("a key")
                    }

                    #[inline]
                    fn visit_str<E: $crate::private::Error>(self, key: &str) -> Result<Key, E> {
                        Ok(match key {
                            $(
                                $key => Key::$field(true),
                                $($other => Key::$field(false),)*
                            )*
                            _ => {
                                key.clone_into(self.0);
                                Key::Unlisted
                            }
                        })
                    }
                }

                struct Reader<'a>(&'a mut $name);

                impl<'de> $crate::private::Visitor<'de> for Reader<'_> {
                    type Value = ();

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    #[inline]
                    fn visit_map<A: $crate::private::MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
                        let read = self.0;
                        let mut unlisted = String::new();
                        while let Some(key) = map.next_key_seed(KeyReader(&mut unlisted))? {
                            match key {
                                $(
                                    Key::$field(first) => {
                                        let value = $crate::message!(@read map, $type $(, $reader)?);
                                        // `null` under one spelling does not undo what another one said.
                                        if value.is_some() && (first || read.$field.is_none()) {
                                            read.$field = value;
                                        }
                                    }
                                )*
                                Key::Unlisted => {
                                    read.extra.0.insert(std::mem::take(&mut unlisted), map.next_value()?);
                                }
                            }
                        }
                        Ok(())
                    }
                }

                deserializer.deserialize_struct(stringify!($name), &[$($key, $($other,)*)*], Reader(self))
            }
        }
    };
}

/// A message that can be read into its place, as the elements of a list are.
pub trait Message: Default {
    /// Reads into a message that is as its default.
    ///
    /// # Errors
    /// The deserializer's; what was read until then stays.
    fn fill<'de, D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error>;
}

/// Reads a message into its place.
#[derive(Debug)]
pub struct Fill<'a, T>(pub &'a mut T);

impl<'de, T: Message> DeserializeSeed<'de> for Fill<'_, T> {
    type Value = ();

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.0.fill(deserializer)
    }
}

#[cfg(test)]
mod tests {
    // The macro makes public types, as its users need them.
    #![allow(unreachable_pub)]

    use crate::json;

    message! {
        /// A message.
        pub struct Status {
            /// When.
            "Executed" | "Delivered" => executed: String,
            /// Whose.
            "Person" => person: Person,
        }
    }

    message! {
        /// Another.
        pub struct Person {
            /// Years.
            "Years" => years: u8,
        }
    }

    #[test]
    fn at_02_both_spellings_may_come_together_and_the_first_listed_wins() {
        for (text, read) in [
            (r#"{"Executed":"a","Delivered":"b"}"#, "a"),
            (r#"{"Delivered":"b","Executed":"a"}"#, "a"),
            (r#"{"Delivered":"b"}"#, "b"),
            (r#"{"Executed":null,"Delivered":"b"}"#, "b"),
            (r#"{"Delivered":"b","Executed":null}"#, "b"),
        ] {
            assert_eq!(json::read::<Status>(text.as_bytes()).unwrap().executed.as_deref(), Some(read), "{text}");
        }
    }

    #[test]
    fn unlisted_elements_survive_a_round_trip_and_are_never_printed() {
        let text = r#"{"Executed":"a","Nickname":{"x":[1,null]}}"#;
        let read: Status = json::read(text.as_bytes()).unwrap();
        assert_eq!(json::write(&read).unwrap(), text.as_bytes());
        assert!(!format!("{read:?}").contains("Nickname"));
    }

    #[test]
    fn faults_keep_their_path() {
        let fault = json::read::<Status>(br#"{"Person":{"Years":"Mustermann"}}"#).unwrap_err();
        assert_eq!(
            (fault.path.as_str(), fault.expected.as_str()),
            ("Person.Years", "expected a whole number, not negative and not too large")
        );
        let fault = json::read::<Status>(br#"["a"]"#).unwrap_err();
        assert_eq!(fault.expected, "expected an object");
    }

    #[test]
    fn setters_build() {
        assert_eq!(Person::KEYS, ["Years"]);
        let built = Status::default().executed("a").person(Person::default().years(3));
        assert_eq!(json::write(&built).unwrap(), br#"{"Executed":"a","Person":{"Years":3}}"#);
        assert_eq!(Status::KEYS, ["Executed", "Person"]);
    }
}
