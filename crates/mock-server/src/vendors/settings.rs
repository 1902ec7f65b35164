//! What the vendors' settings share: their declaration, and readers of values.

use identkit_wire::url::WebUrl;
use serde::{Deserialize, Serialize};

use crate::World;

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

/// Host in the URLs of landing pages.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum LandingPages {
    /// The sandbox, if it serves landing pages.
    #[default]
    Sandbox,
    /// The vendor's real host, which does not know the sandbox's cases.
    Vendor,
}

impl LandingPages {
    /// Returns the URL of a landing page: at the sandbox, or at the vendor's host.
    pub(super) fn url(self, world: &World, path: &str, vendor_host: &str) -> String {
        let own = if self == Self::Sandbox { world.landing_page(path) } else { None };
        own.unwrap_or_else(|| format!("https://{vendor_host}{path}"))
    }
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
