//! The vendors of this sandbox, one line each. A vendor from outside is added by
//! [`SandboxBuilder::vendor`](crate::SandboxBuilder::vendor).

use crate::MockVendor;

macro_rules! vendors {
    ($($feature:literal $module:ident $vendor:ident),* $(,)?) => {
        $(
            #[cfg(feature = $feature)]
            pub mod $module;
        )*

        /// Every vendor of this crate that its features name.
        pub fn all() -> Vec<Box<dyn MockVendor>> {
            vec![$(
                #[cfg(feature = $feature)]
                Box::new($module::$vendor::new()),
            )*]
        }
    };
}

vendors! {
    "identify24" identify24 Identify24,
    "identity-tm" identity_tm IdentityTm,
}
