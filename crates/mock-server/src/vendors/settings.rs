//! What the vendors' settings share: their declaration, and readers of values.

use http::Uri;

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
    refusal: u16, "a status from 400 to 599", |status| (400..=599).contains(status);
    some: String, "a string that is not empty", |text: &String| !text.is_empty();
}

/// Whether a text is an http or https URL with a host.
pub(super) fn is_web_address(url: &str) -> bool {
    let is_callable = |uri: Uri| uri.host().is_some() && matches!(uri.scheme_str(), Some("http" | "https"));
    url.parse().is_ok_and(is_callable)
}
