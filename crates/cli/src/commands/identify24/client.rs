//! Builds the client from the options.

use std::ops::Deref;
use std::sync::OnceLock;

use identkit_core::Error;
use identkit_identify24::{Builder, Identify24 as Client};

use super::arguments::Arguments;
use crate::context::Context;
use crate::exit::Failure;

/// The context of a command, and the client that it built.
pub(super) struct Identify24<'a> {
    context: Context<'a, Arguments>,
    client: OnceLock<Client>,
}

impl<'a> Deref for Identify24<'a> {
    type Target = Context<'a, Arguments>;

    fn deref(&self) -> &Self::Target {
        &self.context
    }
}

impl<'a> From<Context<'a, Arguments>> for Identify24<'a> {
    fn from(context: Context<'a, Arguments>) -> Self {
        Self { context, client: OnceLock::new() }
    }
}

impl Identify24<'_> {
    /// Makes one call that exists at every base URL of the API, with the token of the command's client.
    pub(super) async fn probe(&self) -> Result<(), Failure> {
        match self.client.get() {
            Some(client) => Ok(client.projects(&self.options.clone().attempts(1)).await.map(drop)?),
            None => Ok(()),
        }
    }

    /// Builds the client; `set_up` adds settings.
    pub(super) fn client(&self, set_up: impl FnOnce(Builder) -> Builder) -> Result<Client, Failure> {
        let mut builder = Client::builder(self.arguments.account.credentials()?).transport(self.transport()?);
        if let Some(observer) = self.observer() {
            builder = builder.observer(observer);
        }
        let built = set_up(builder.base_url(self.arguments.base_url.as_str())).build();
        built.inspect(|client| drop(self.client.set(client.clone()))).map_err(|error| unusable(&error))
    }
}

/// The failure if a client cannot be built.
pub(super) fn unusable(error: &Error) -> Failure {
    let faults: Vec<String> =
        error.violations().iter().map(|fault| format!("{} {}", fault.field, fault.message)).collect();
    Failure::usage(format!("--partner and --api-key cannot be used: {}", faults.join("; ")))
}
