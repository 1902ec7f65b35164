//! The list of providers for `identkit sandbox`. A new provider adds its lines here and in `commands/mod.rs`.

use clap::Args;
use identkit_mock_server::Sandbox;

use crate::commands::sandbox::Hints;
use crate::commands::{identify24, tm};

/// What the guide prints about each vendor, in this order.
pub(crate) const HINTS: &[Hints] = &[tm::HINTS, identify24::HINTS];

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
