//! What the vendors' settings share: their declaration, and readers of values.

use identkit_wire::url::WebUrl;

/// Declares settings with their defaults.
macro_rules! settings {
    (
        $(#[$about:meta])*
        pub struct $name:ident {
            $($(#[$field_about:meta])* pub $field:ident: $type:ty = $default:expr,)*
        }
    ) => {
        $(#[$about])*
        pub struct $name {
            $($(#[$field_about])* pub $field: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }
    };
}

pub(super) mod seconds {
    use jiff::SignedDuration;
    use serde::{Deserializer, Serializer};

    use crate::readers::value;

    pub(in crate::vendors) fn serialize<S: Serializer>(span: &SignedDuration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(span.as_secs())
    }

    pub(in crate::vendors) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SignedDuration, D::Error> {
        value(from, "a number of whole seconds", |_: &u32| true)
            .map(|seconds| SignedDuration::from_secs(seconds.into()))
    }
}

readers! {
    success: Option<u16>, "a status from 200 to 299, or null",
        |status: &Option<u16>| status.is_none_or(|status| (200..=299).contains(&status));
    refusal: u16, "a status from 400 to 599", |status| (400..=599).contains(status);
    some: String, "a string that is not empty", |text: &String| !text.is_empty();
}

/// Whether a text is an http or https URL with a host and, if it has a port, a valid one (AT-99).
pub(super) fn is_web_address(url: &str) -> bool {
    WebUrl::parse(url).is_ok()
}
