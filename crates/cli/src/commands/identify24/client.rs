//! Builds the client from the options.

use identkit_identify24::{Builder, Credentials, Identify24 as Client};

use super::arguments::Arguments;
use crate::context::{Context, required};
use crate::exit::Failure;

pub(super) type Identify24<'a> = Context<'a, Arguments>;

impl Identify24<'_> {
    /// Builds the client; `set_up` adds settings.
    pub(super) fn client(&self, set_up: impl FnOnce(Builder) -> Builder) -> Result<Client, Failure> {
        let partner = required(self.arguments.partner.as_ref(), "--partner", "IDENTKIT_IDENTIFY24_PARTNER")?;
        let key = required(self.arguments.api_key.as_ref(), "--api-key", "IDENTKIT_IDENTIFY24_API_KEY")?;
        let builder = Client::builder(Credentials::new(partner, key)).transport(self.transport()?);
        set_up(builder.base_url(self.arguments.base_url.as_str())).build().map_err(|error| {
            let faults: Vec<String> =
                error.violations().iter().map(|fault| format!("{} {}", fault.field, fault.message)).collect();
            Failure::usage(format!("--partner and --api-key cannot be used: {}", faults.join("; ")))
        })
    }
}
