//! Builds the client from the options.

use identkit_identify24::{Builder, Credentials, Identify24 as Client};

use super::arguments::Arguments;
use crate::context::{Context, required, secret};
use crate::exit::Failure;

pub(super) type Identify24<'a> = Context<'a, Arguments>;

impl Identify24<'_> {
    /// Builds the client; `set_up` adds settings.
    pub(super) fn client(&self, set_up: impl FnOnce(Builder) -> Builder) -> Result<Client, Failure> {
        let partner = required(self.arguments.partner.as_ref(), "--partner", "IDENTKIT_IDENTIFY24_PARTNER")?;
        let Arguments { api_key, api_key_file, .. } = self.arguments;
        let names = ("--api-key", "IDENTKIT_IDENTIFY24_API_KEY");
        let key = secret(api_key.as_ref(), api_key_file.as_deref(), names)?;
        let mut builder = Client::builder(Credentials::new(partner, key)).transport(self.transport()?);
        if let Some(observer) = self.observer() {
            builder = builder.observer(observer);
        }
        set_up(builder.base_url(self.arguments.base_url.as_str())).build().map_err(|error| {
            let faults: Vec<String> =
                error.violations().iter().map(|fault| format!("{} {}", fault.field, fault.message)).collect();
            Failure::usage(format!("--partner and --api-key cannot be used: {}", faults.join("; ")))
        })
    }
}
