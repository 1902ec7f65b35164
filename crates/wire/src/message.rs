//! Messages: a vendor's JSON objects as Rust structs, read tolerantly and written unchanged.
//!
//! A macro declares them instead of serde's derive with `flatten`: `flatten` reads through a buffer and loses the path
//! of a fault, and two accepted spellings in one object would be a "duplicate field".

use std::collections::{BTreeMap, btree_map};
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use serde::de::{self, Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::json::REPEATED;
use crate::spelling::{OtherSpelling, is_same_name};

type Elements = BTreeMap<String, Value>;

/// Elements by name that the document does not list, received from the vendor or added by the caller. They survive a
/// round trip. It is one pointer wide, because most messages have none and a list holds thousands of messages.
#[derive(Clone, Default)]
pub struct Extra(Option<Box<Elements>>);

impl Deref for Extra {
    type Target = Elements;

    fn deref(&self) -> &Elements {
        const NONE: &Elements = &Elements::new();
        self.0.as_deref().unwrap_or(NONE)
    }
}

impl DerefMut for Extra {
    fn deref_mut(&mut self) -> &mut Elements {
        self.0.get_or_insert_default()
    }
}

impl PartialEq for Extra {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<'a> IntoIterator for &'a Extra {
    type Item = (&'a String, &'a Value);
    type IntoIter = btree_map::Iter<'a, String, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Extra {
    type Item = (String, Value);
    type IntoIter = btree_map::IntoIter<String, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.map(|elements| *elements).unwrap_or_default().into_iter()
    }
}

impl fmt::Debug for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names and values can both be personal data.
        write!(f, "{} unlisted", self.len())
    }
}

/// Declares a message: `"Key" | "OtherSpelling" => field: Type`, in the order in which it is written.
///
/// Every field is an `Option`: `None` is not written, and `null` is read as `None`. The first spelling is written; if
/// several are received, the first one listed wins. Unlisted elements are in `extra`. The struct is `#[non_exhaustive]`
/// with `Default`.
///
/// | syntax | effect |
/// |---|---|
/// | `field: Type as Reader` | A [`FieldReader`] reads the field; it may read a value as `None`. |
/// | `via Reader;` | `Reader<Type>`, e.g. [`Loose`](crate::Loose), reads each `field: Type`. |
/// | `without setters;` | The struct has no setter per field. |
/// | `written only;` | The macro generates no reader, for a type that has its own. |
/// | `marked field: Type;` | The struct has a field for the crate, which is neither read nor written. |
#[macro_export]
macro_rules! message {
    (
        via $via:ident;
        $(without $setters:ident;)?
        $(#[$meta:meta])*
        pub struct $name:ident $(<$of:ident>)? {
            $( $(#[$field_meta:meta])* $key:literal $(| $other:literal)* => $field:ident: $type:ty ),* $(,)?
        }
    ) => {
        $crate::message! {
            $(without $setters;)?
            $(#[$meta])*
            pub struct $name $(<$of>)? {
                $( $(#[$field_meta])* $key $(| $other)* => $field: $type as $via<$type> ),*
            }
        }
    };
    (
        $(marked $mark:ident: $mark_type:ty;)?
        $(#[$meta:meta])*
        pub struct $name:ident {
            $( $(#[$field_meta:meta])* $key:literal $(| $other:literal)* => $field:ident: $type:ty $(as $reader:ty)? ),* $(,)?
        }
    ) => {
        $crate::message! {
            without setters;
            $(marked $mark: $mark_type;)?
            $(#[$meta])*
            pub struct $name {
                $( $(#[$field_meta])* $key $(| $other)* => $field: $type $(as $reader)? ),*
            }
        }

        $crate::message! { @setters $name { $( $(#[$field_meta])* $field: $type ),* } }
    };
    (
        written only;
        with setters;
        $(#[$meta:meta])*
        pub struct $name:ident {
            $( $(#[$field_meta:meta])* $key:literal => $field:ident: $type:ty ),* $(,)?
        }
    ) => {
        $crate::message! {
            written only;
            $(#[$meta])*
            pub struct $name { $( $(#[$field_meta])* $key => $field: $type ),* }
        }
        $crate::message! { @setters $name { $( $(#[$field_meta])* $field: $type ),* } }
    };
    (
        without setters;
        $(marked $mark:ident: $mark_type:ty;)?
        $(#[$meta:meta])*
        pub struct $name:ident $(<$of:ident>)? {
            $( $(#[$field_meta:meta])* $key:literal $(| $other:literal)* => $field:ident: $type:ty $(as $reader:ty)? ),* $(,)?
        }
    ) => {
        $crate::message! {
            written only;
            $(marked $mark: $mark_type;)?
            $(#[$meta])*
            pub struct $name $(<$of>)? { $( $(#[$field_meta])* $key => $field: $type ),* }
        }

        impl<'de $(, $of: $crate::private::DeserializeOwned)?> $crate::private::Deserialize<'de> for $name $(<$of>)? {
            #[inline]
            fn deserialize<D: $crate::private::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let mut message = Self::default();
                $crate::private::DeserializeSeed::deserialize($crate::Fill(&mut message), deserializer)?;
                Ok(message)
            }
        }

        impl $(<$of: $crate::private::DeserializeOwned>)? $crate::Message for $name $(<$of>)? {
            const SPELLINGS: &'static [&'static str] = &[$($key, $($other,)*)*];

            #[inline]
            fn find_spelling(key: &str) -> Option<usize> {
                let mut number = 0;
                $(
                    $crate::message! { @find key number $key $($other)* }
                )*
                let _ = number;
                None
            }

            #[inline]
            fn read_field<'de, A: $crate::private::MapAccess<'de>>(
                &mut self,
                spelling: usize,
                map: &mut A,
            ) -> Result<(), A::Error> {
                let mut number = 0;
                $(
                    let first = number;
                    number += [$key, $($other),*].len();
                    if (first..number).contains(&spelling) {
                        let place = $crate::FieldPlace::new(&mut self.$field, spelling == first);
                        return place.read::<$crate::message!(@reader $type $(, $reader)?), A>(map);
                    }
                )*
                let _ = number;
                Ok(())
            }

            #[inline]
            fn extra(&mut self) -> &mut $crate::Extra {
                &mut self.extra
            }
        }
    };
    (
        written only;
        $(marked $mark:ident: $mark_type:ty;)?
        $(#[$meta:meta])*
        pub struct $name:ident $(<$of:ident>)? {
            $( $(#[$field_meta:meta])* $key:literal => $field:ident: $type:ty ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[non_exhaustive]
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name $(<$of>)? {
            $( $(#[$field_meta])* pub $field: Option<$type>, )*
            /// Elements that the document does not list.
            pub extra: $crate::Extra,
            $(pub(crate) $mark: $mark_type,)?
        }

        impl $(<$of>)? $name $(<$of>)? {
            /// The keys that the document lists, in its order.
            pub const KEYS: &'static [&'static str] = &[$($key),*];
        }

        impl $(<$of>)? Default for $name $(<$of>)? {
            fn default() -> Self {
                Self {
                    $($field: None,)*
                    extra: $crate::Extra::default(),
                    $($mark: <$mark_type as Default>::default(),)?
                }
            }
        }

        impl $(<$of: $crate::private::Serialize>)? $crate::private::Serialize for $name $(<$of>)? {
            fn serialize<S: $crate::private::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use $crate::private::SerializeMap as _;
                let mut map = serializer.serialize_map(None)?;
                $(
                    if let Some(value) = &self.$field {
                        map.serialize_entry($key, value)?;
                    }
                )*
                for (key, value) in &self.extra {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    };
    (@setters $name:ident { $( $(#[$field_meta:meta])* $field:ident: $type:ty ),* $(,)? }) => {
        impl $name {
            $(
                $(#[$field_meta])*
                #[must_use]
                pub fn $field(mut self, value: impl Into<$type>) -> Self {
                    self.$field = Some(value.into());
                    self
                }
            )*
        }
    };
    (@find $sought:ident $number:ident $($key:literal)*) => {
        $(
            if $sought == $key {
                return Some($number);
            }
            $number += 1;
        )*
    };
    (@reader $type:ty) => { Option<$type> };
    (@reader $type:ty, $reader:ty) => { $reader };
}

/// An object declared by [`message!`](crate::message). Its fields can be read one by one.
pub trait Message {
    /// Keys of the fields, in every spelling.
    const SPELLINGS: &'static [&'static str];

    /// Returns the index of a key among the spellings; `None` if the document does not list it.
    fn find_spelling(key: &str) -> Option<usize>;

    /// Reads the value of the field that has this spelling.
    ///
    /// # Errors
    /// If the map returns an error.
    fn read_field<'de, A: MapAccess<'de>>(&mut self, spelling: usize, map: &mut A) -> Result<(), A::Error>;

    /// Elements that the document does not list.
    fn extra(&mut self) -> &mut Extra;

    /// Reads the value of an element that the document does not list.
    ///
    /// # Errors
    /// If the map returns an error.
    fn read_unlisted<'de, A: MapAccess<'de>>(&mut self, key: String, map: &mut A) -> Result<(), A::Error> {
        let value = match Self::SPELLINGS.iter().any(|listed| is_same_name(listed, &key)) {
            true => map.next_value::<OtherSpelling>()?.0,
            false => map.next_value()?,
        };
        match self.extra().insert(key, value) {
            None => Ok(()),
            Some(_) => Err(de::Error::duplicate_field(REPEATED)),
        }
    }
}

/// Destination of a field's value.
#[derive(Debug)]
pub struct FieldPlace<'a, T> {
    field: &'a mut Option<T>,
    /// Whether the key is the first spelling.
    first: bool,
}

impl<'a, T> FieldPlace<'a, T> {
    /// Creates the destination of a field. `first`: whether the key is its first spelling.
    #[inline]
    pub fn new(field: &'a mut Option<T>, first: bool) -> Self {
        Self { field, first }
    }

    /// Sets the field, unless the value is `None`: `null` under one spelling does not remove the value of another one.
    #[inline]
    pub fn set(self, value: Option<T>) {
        if value.is_some() && (self.first || self.field.is_none()) {
            *self.field = value;
        }
    }

    /// Reads the field's value with a reader.
    ///
    /// # Errors
    /// If the map returns an error.
    #[inline]
    pub fn read<'de, R: FieldReader<T>, A: MapAccess<'de>>(self, map: &mut A) -> Result<(), A::Error> {
        map.next_value_seed(FieldSeed::<T, R>(self, PhantomData))
    }
}

/// Reads a field that can be `null`.
impl<'de, T: Deserialize<'de>> Visitor<'de> for FieldPlace<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("option")
    }

    #[inline]
    fn visit_none<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    #[inline]
    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    #[inline]
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.set(Some(T::deserialize(deserializer)?));
        Ok(())
    }
}

struct FieldSeed<'a, T, R>(FieldPlace<'a, T>, PhantomData<R>);

impl<'de, T, R: FieldReader<T>> DeserializeSeed<'de> for FieldSeed<'_, T, R> {
    type Value = ();

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        R::read(self.0, deserializer)
    }
}

/// Reads a field of type `T`. It may leave the field unset.
pub trait FieldReader<T> {
    /// Reads the value, if there is one, into `place`.
    ///
    /// # Errors
    /// If the deserializer returns an error.
    fn read<'de, D: Deserializer<'de>>(place: FieldPlace<'_, T>, deserializer: D) -> Result<(), D::Error>;
}

impl<T: DeserializeOwned> FieldReader<T> for Option<T> {
    #[inline]
    fn read<'de, D: Deserializer<'de>>(place: FieldPlace<'_, T>, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_option(place)
    }
}

/// Reads an object into an existing message, so that the messages of a list are not moved.
#[derive(Debug)]
pub struct Fill<'a, M>(pub &'a mut M);

impl<'de, M: Message> DeserializeSeed<'de> for Fill<'_, M> {
    type Value = ();

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_struct("message", M::SPELLINGS, self)
    }
}

impl<'de, M: Message> Visitor<'de> for Fill<'_, M> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    #[inline]
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut unlisted = String::new();
        let mut read = 0_u128;
        // Number of keys 0, 1, 2, … so far, while there are no others.
        let mut numbered = Some(0_usize);
        while let Some(spelling) = map.next_key_seed(Key::<M>(&mut unlisted, PhantomData))? {
            match spelling {
                Some(spelling) => {
                    // A tree of the text then tells all values (AT-95).
                    let bit = 1_u128.checked_shl(u32::try_from(spelling).unwrap_or(u32::MAX)).unwrap_or(0);
                    if read & bit != 0 {
                        return Err(de::Error::duplicate_field(REPEATED));
                    }
                    read |= bit;
                    numbered = None;
                    self.0.read_field(spelling, &mut map)?;
                }
                None => {
                    let next = numbered.filter(|next| unlisted.parse() == Ok(*next));
                    numbered = next.map(|next| next + 1);
                    self.0.read_unlisted(std::mem::take(&mut unlisted), &mut map)?;
                }
            }
        }
        match numbered {
            // A list as an object (AT-92), not an object with unlisted elements.
            Some(1..) => Err(de::Error::invalid_type(de::Unexpected::Seq, &self)),
            _ => Ok(()),
        }
    }
}

/// Looks up a key without copying it. Only a key that the document does not list is copied, into the text.
struct Key<'a, M>(&'a mut String, PhantomData<M>);

impl<'de, M: Message> DeserializeSeed<'de> for Key<'_, M> {
    type Value = Option<usize>;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        // Not as an identifier: this names the keys, for the path of a fault.
        deserializer.deserialize_struct("key", M::SPELLINGS, self)
    }
}

impl<M: Message> Visitor<'_> for Key<'_, M> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    #[inline]
    fn visit_str<E: de::Error>(self, key: &str) -> Result<Self::Value, E> {
        let spelling = M::find_spelling(key);
        if spelling.is_none() {
            key.clone_into(self.0);
        }
        Ok(spelling)
    }
}

#[cfg(test)]
mod tests {
    // The macro declares public types.
    #![allow(unreachable_pub)]

    use crate::json;

    message! {
        /// A status.
        pub struct Status {
            /// Time.
            "Executed" | "Delivered" => executed: String,
            /// Person.
            "Person" => person: Person,
        }
    }

    message! {
        /// A person.
        pub struct Person {
            /// Years.
            "Years" => years: u8,
        }
    }

    #[test]
    fn at_02_the_first_listed_spelling_wins() {
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
    fn unlisted_elements_survive_a_round_trip_unprinted() {
        let text = r#"{"Executed":"a","Nickname":{"x":[1,null]}}"#;
        let read: Status = json::read(text.as_bytes()).unwrap();
        assert_eq!(json::write(&read).unwrap(), text.as_bytes());
        let shown = format!("{read:?}");
        assert!(shown.contains("1 unlisted") && !shown.contains("Nickname"), "{shown}");
    }

    #[test]
    fn faults_have_a_path() {
        let fault = json::read::<Status>(br#"{"Person":{"Years":"Mustermann"}}"#).unwrap_err();
        assert_eq!(
            (fault.path.as_str(), fault.expected.as_str()),
            ("Person.Years", "expected a whole number, not negative and not too large")
        );
        let fault = json::read::<Status>(br#"["a"]"#).unwrap_err();
        assert_eq!(fault.expected, "expected an object");
    }

    #[test]
    fn at_95_an_input_has_each_element_once() {
        for (text, path) in [
            (r#"{"Executed":"a","Executed":"b"}"#, ""),
            (r#"{"Person":{"Years":3,"Years":3}}"#, "Person"),
            (r#"{"Nickname":1,"Nickname":2}"#, ""),
        ] {
            json::read::<Status>(text.as_bytes()).unwrap();
            let fault = json::read_input::<Status>(text.as_bytes()).unwrap_err();
            assert_eq!((fault.path.as_str(), fault.expected.as_str()), (path, "an element occurs twice"), "{text}");
            assert!(fault.line == 1 && fault.column > 10, "{fault}");
        }
    }

    #[test]
    fn setters_set_fields() {
        assert_eq!(Person::KEYS, ["Years"]);
        let built = Status::default().executed("a").person(Person::default().years(3));
        assert_eq!(json::write(&built).unwrap(), br#"{"Executed":"a","Person":{"Years":3}}"#);
        assert_eq!(Status::KEYS, ["Executed", "Person"]);
    }
}
