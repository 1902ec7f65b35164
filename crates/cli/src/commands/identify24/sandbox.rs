//! identify24 in the guide and the options of `identkit sandbox`.

use clap::Args;
use identkit_core::Secret;
use identkit_mock_server::{Sandbox, vendors};

use crate::commands::sandbox::Hints;
use crate::values::webhook_url;

pub(crate) const HINTS: Hints = Hints {
    variables: &[
        ("IDENTKIT_IDENTIFY24_BASE_URL", "/identify24/base_url"),
        ("IDENTKIT_IDENTIFY24_PARTNER", "/identify24/partner"),
        ("IDENTKIT_IDENTIFY24_API_KEY", "/identify24/api_key"),
    ],
    example: "identkit identify24 get xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
};

/// The options of `identkit sandbox` for this vendor.
#[derive(Debug, Args)]
pub(crate) struct SandboxOptions {
    /// URL of identify24's webhooks. At the real vendor it is set in the partner portal.
    #[arg(long, value_name = "URL", value_parser = webhook_url)]
    identify24_webhook: Option<String>,
}

impl SandboxOptions {
    /// Applies the options to the default world.
    pub(crate) fn apply(&self, sandbox: &Sandbox) {
        if let Some(url) = &self.identify24_webhook {
            let url = Secret::new(url.as_str());
            sandbox.with_world(|world| vendors::identify24::set_webhook(world, Some(url)));
        }
    }
}
