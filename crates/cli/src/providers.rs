//! The list of providers. `cargo xtask new-provider` adds a line here, and the module that it names.

use std::sync::Arc;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use identkit_mock_server::{MockVendor, Sandbox, SandboxBuilder, vendors};
use identkit_wire::Callback;

use crate::account::Account;
use crate::calls::Provider;
use crate::commands::listen::Webhooks;
use crate::commands::sandbox::Hints;
use crate::commands::{identify24, tm};
use crate::typed_id::IdKind;

/// What the guide prints about each vendor, in this order.
pub(crate) const HINTS: &[Hints] = &[tm::HINTS, identify24::HINTS];

/// The webhooks that `identkit listen` receives.
pub(crate) const WEBHOOKS: &[Webhooks] = &[tm::WEBHOOKS, identify24::WEBHOOKS];

/// Member of a ready line with the URL that is set for the whole account.
pub(crate) const ACCOUNT_WEBHOOK: &str = identify24::WEBHOOKS.member;

/// Returns the callbacks of these webhooks.
pub(crate) fn callbacks() -> impl Iterator<Item = Arc<dyn Callback>> {
    WEBHOOKS.iter().flat_map(|webhooks| (webhooks.callbacks)())
}

/// The ids that records can have.
pub(crate) const ID_KINDS: &[IdKind] = &[tm::ORDER_ID, identify24::IDENT_ID];

/// Declares the providers in crates of their own, one module each.
macro_rules! providers {
    ($($module:ident,)*) => {
        $(mod $module;)*

        /// The providers whose calls are commands by their metadata. Their mock vendors are in their own crates.
        pub(crate) const CALLABLE: &[&Provider] = &[$(&$module::PROVIDER),*];
    };
}

providers! {
    // Further providers are added above this line.
}

/// Returns the mock vendors that the sandbox's crate does not contain: those of the providers' own crates.
fn mock_vendors() -> Vec<Box<dyn MockVendor>> {
    CALLABLE.iter().map(|provider| (provider.mock_vendor)()).collect()
}

/// Returns all mock vendors.
pub(crate) fn all_vendors() -> Vec<Box<dyn MockVendor>> {
    vendors::all().into_iter().chain(mock_vendors()).collect()
}

/// The accounts of `identkit run` and `identkit case`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Accounts {
    #[command(flatten)]
    tm: tm::TmAccount,

    #[command(flatten)]
    identify24: identify24::Identify24Account,
}

impl Accounts {
    /// Accounts without credentials, for commands that make no call.
    pub(crate) fn offline() -> Self {
        Self { tm: tm::TmAccount::offline(), identify24: identify24::Identify24Account::offline() }
    }

    /// The accounts of all vendors.
    pub(crate) fn all(&self) -> [&dyn Account; 2] {
        [&self.tm, &self.identify24]
    }

    /// Variables with the credentials of a vendor, for messages.
    pub(crate) fn variables(&self) -> &'static str {
        "IDENTKIT_TM_CUSTOMER_ID and IDENTKIT_TM_CUSTOMER_CODE"
    }
}

/// Reads the word of `--provider`, and returns the name of the provider.
pub(crate) fn provider_name() -> impl TypedValueParser<Value = String> {
    let words = PossibleValuesParser::new([
        PossibleValue::new("tm").alias(identkit_identity_tm::PROVIDER),
        PossibleValue::new(identkit_identify24::PROVIDER),
    ]);
    words.map(|word| match word.as_str() {
        "tm" => identkit_identity_tm::PROVIDER.to_owned(),
        _ => word,
    })
}

/// The options of `identkit sandbox` that belong to one vendor.
#[derive(Debug, Args)]
pub(crate) struct VendorOptions {
    #[command(flatten)]
    identify24: identify24::SandboxOptions,

    /// Also serves the mock vendor that this provider has in its own crate. Can be given several times.
    // Hidden, because the document of the admin API does not describe the settings of such a vendor.
    #[arg(long, value_name = "PROVIDER", value_parser = mock_vendor, hide = true)]
    vendor: Vec<String>,
}

/// Reads the name of one of the [`mock_vendors`].
fn mock_vendor(text: &str) -> Result<String, String> {
    let vendors = mock_vendors();
    let names: Vec<&str> = vendors.iter().map(|vendor| vendor.name()).collect();
    match names.as_slice() {
        names if names.contains(&text) => Ok(text.to_owned()),
        [] => Err("no provider of this program has a mock vendor in its own crate".to_owned()),
        names => Err(format!("must be one of {}", names.join(", "))),
    }
}

impl VendorOptions {
    /// Adds the selected mock vendors to a sandbox.
    pub(crate) fn add_to(&self, sandbox: SandboxBuilder) -> SandboxBuilder {
        let selected = |name: &str| self.vendor.iter().any(|selected| selected == name);
        let vendors = mock_vendors().into_iter().filter(|vendor| selected(vendor.name()));
        vendors.fold(sandbox, SandboxBuilder::vendor)
    }

    /// Applies the options to the default world.
    pub(crate) fn apply(&self, sandbox: &Sandbox) {
        self.identify24.apply(sandbox);
    }
}
