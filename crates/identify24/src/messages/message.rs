//! How the messages of this vendor are declared.
//!
//! The syntax is that of [`identkit_wire::message!`], and so is what comes of it: elements that the document does not
//! list are kept in `extra`, `KEYS` are the listed ones, a fault keeps its path. What wire's macro cannot say is needed
//! here: an element that holds something may still be nothing (`"created_at": ""`, AI-11; `"result": "maybe"`, AI-02),
//! and an envelope is generic in what it carries.

/// Declares a message: `"key" => field: Type`, in the order in which it is written; `with setters` adds a setter per
/// field. Every type is read by [`Lenient`](super::lenient::Lenient).
macro_rules! message {
    (with setters; $(#[$meta:meta])* pub struct $name:ident {
        $( $(#[$field_meta:meta])* $key:literal => $field:ident : $type:ty ),* $(,)?
    }) => {
        message! {
            $(#[$meta])*
            pub struct $name { $( $(#[$field_meta])* $key => $field: $type ),* }
        }

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

    ($(#[$meta:meta])* pub struct $name:ident $(<$of:ident>)? {
        $( $(#[$field_meta:meta])* $key:literal => $field:ident : $type:ty ),* $(,)?
    }) => {
        $(#[$meta])*
        #[non_exhaustive]
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name $(<$of>)? {
            $( $(#[$field_meta])* pub $field: Option<$type>, )*
            /// Elements that the document does not list.
            pub extra: identkit_wire::Extra,
        }

        impl $(<$of>)? $name $(<$of>)? {
            /// The keys that the document lists.
            pub const KEYS: &'static [&'static str] = &[$($key),*];
        }

        impl $(<$of>)? Default for $name $(<$of>)? {
            fn default() -> Self {
                Self { $($field: None,)* extra: Default::default() }
            }
        }

        impl $(<$of: serde::Serialize>)? serde::Serialize for $name $(<$of>)? {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap as _;
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

        impl<'de $(, $of: serde::de::DeserializeOwned)?> serde::Deserialize<'de> for $name $(<$of>)? {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Reader $(<$of>(std::marker::PhantomData<$of>))?;

                impl<'de $(, $of: serde::de::DeserializeOwned)?> serde::de::Visitor<'de> for Reader $(<$of>)? {
                    type Value = $name $(<$of>)?;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                        let mut read = Self::Value::default();
                        while let Some(key) = map.next_key::<String>()? {
                            match key.as_str() {
                                $(
                                    $key => {
                                        let value: $crate::messages::lenient::Loose<$type> = map.next_value()?;
                                        read.$field = value.0.or(read.$field);
                                    }
                                )*
                                _ => {
                                    read.extra.0.insert(key, map.next_value()?);
                                }
                            }
                        }
                        Ok(read)
                    }
                }

                let reader = Reader $((std::marker::PhantomData::<$of>))?;
                deserializer.deserialize_struct(stringify!($name), &[$($key),*], reader)
            }
        }
    };
}

pub(super) use message;
