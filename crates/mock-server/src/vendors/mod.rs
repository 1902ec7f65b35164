//! The vendors of this sandbox, one block each. A vendor from outside is added by
//! [`SandboxBuilder::vendor`](crate::SandboxBuilder::vendor).

use crate::MockVendor;

#[cfg(feature = "identify24")]
pub mod identify24;
#[cfg(feature = "identity-tm")]
pub mod identity_tm;
#[cfg(feature = "server")]
pub(crate) mod schemas;
#[cfg(any(feature = "identify24", feature = "identity-tm"))]
mod settings;

/// Every vendor of this crate that its features name.
pub fn all() -> Vec<Box<dyn MockVendor>> {
    vec![
        #[cfg(feature = "identify24")]
        Box::new(identify24::Identify24::new()),
        #[cfg(feature = "identity-tm")]
        Box::new(identity_tm::IdentityTm::new()),
    ]
}
