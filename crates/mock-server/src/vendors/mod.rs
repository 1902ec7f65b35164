//! The mock vendors of this crate, one module each. [`SandboxBuilder::vendor`](crate::SandboxBuilder::vendor) adds others.

use crate::rules::Rule;
use crate::vendor::{MockVendor, rules_of};

/// Copies these fields from one value to another.
#[cfg(any(feature = "identify24", feature = "identity-tm"))]
macro_rules! copy {
    ($to:ident, $from:expr; $($field:ident),+) => {
        $($to.$field.clone_from(&$from.$field);)+
    };
}

#[cfg(any(feature = "identify24", feature = "identity-tm"))]
#[macro_use]
mod settings;

#[cfg(any(feature = "identify24", feature = "identity-tm"))]
mod berlin;
#[cfg(any(feature = "identify24", feature = "identity-tm"))]
mod delivery;
#[cfg(feature = "identify24")]
pub mod identify24;
#[cfg(feature = "identity-tm")]
pub mod identity_tm;
#[cfg(any(feature = "identify24", feature = "identity-tm"))]
mod requests;
#[cfg(feature = "server")]
#[cfg_attr(
    not(any(feature = "identify24", feature = "identity-tm")),
    expect(dead_code, reason = "used by each vendor's module")
)]
pub(crate) mod schemas;
pub(crate) mod secrets;
#[cfg(any(feature = "identify24", feature = "identity-tm"))]
mod short;
#[cfg(any(feature = "identify24", feature = "identity-tm"))]
mod success;
#[cfg(all(feature = "server", any(feature = "identify24", feature = "identity-tm")))]
mod test_accounts;
#[cfg(any(feature = "identify24", feature = "identity-tm"))]
mod unlisted;

#[cfg(any(feature = "identify24", feature = "identity-tm"))]
pub use self::settings::LandingPages;

/// Returns the vendors of this crate that its features enable.
pub fn all() -> Vec<Box<dyn MockVendor>> {
    vec![
        #[cfg(feature = "identify24")]
        Box::new(identify24::Identify24::new()),
        #[cfg(feature = "identity-tm")]
        Box::new(identity_tm::IdentityTm::new()),
    ]
}

/// Returns the rules of these vendors and of the sandbox.
pub fn rules() -> Vec<&'static Rule> {
    rules_of(&all()).collect()
}

/// Returns the vendors' schemas for the admin API.
#[cfg(feature = "server")]
pub(crate) fn schemas() -> Vec<schemas::VendorSchemas> {
    vec![
        #[cfg(feature = "identify24")]
        identify24::schemas(),
        #[cfg(feature = "identity-tm")]
        identity_tm::schemas(),
    ]
}
