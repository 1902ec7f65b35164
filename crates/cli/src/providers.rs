//! The list of providers for `identkit sandbox`. `cargo xtask new-provider` adds a line here.

use clap::Args;
use identkit_mock_server::{MockVendor, Sandbox, vendors};

use crate::commands::sandbox::Hints;
use crate::commands::{identify24, tm};

/// What the guide prints about each vendor, in this order.
pub(crate) const HINTS: &[Hints] = &[tm::HINTS, identify24::HINTS];

/// Returns the mock vendors that the sandbox's crate does not contain: those of the providers' own crates.
pub(crate) fn mock_vendors() -> Vec<Box<dyn MockVendor>> {
    vec![
        // Further mock vendors are added above this line.
    ]
}

/// Returns all mock vendors.
pub(crate) fn all_vendors() -> Vec<Box<dyn MockVendor>> {
    vendors::all().into_iter().chain(mock_vendors()).collect()
}

/// The options of `identkit sandbox` that belong to one vendor.
#[derive(Debug, Args)]
pub(crate) struct VendorOptions {
    #[command(flatten)]
    identify24: identify24::SandboxOptions,
}

impl VendorOptions {
    /// Applies the options to the default world.
    pub(crate) fn apply(&self, sandbox: &Sandbox) {
        self.identify24.apply(sandbox);
    }
}
