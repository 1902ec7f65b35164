//! The accounts with which a collector calls the vendors.

use clap::Args;

use crate::account::Account;
use crate::connection::Route;
use crate::exit::Failure;
use crate::providers::Accounts;

/// The accounts, and how the vendors are reached.
#[derive(Clone, Debug, Args)]
pub(crate) struct AccountArguments {
    #[command(flatten)]
    pub(crate) accounts: Accounts,

    #[command(flatten)]
    pub(crate) route: Route,
}

impl AccountArguments {
    /// Accounts without credentials, for commands that make no call.
    pub(crate) fn offline() -> Self {
        Self { accounts: Accounts::offline(), route: Route::default() }
    }

    /// The account with a name that [`provider_name`] accepts.
    pub(crate) fn account(&self, name: &str) -> Result<&dyn Account, Failure> {
        let found = self.accounts.all().into_iter().find(|account| account.names().contains(&name));
        found.ok_or_else(|| Failure::usage(format!("no account of this program belongs to the provider {name}")))
    }

    /// The selected accounts; without a selection, those whose credentials are given.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn select(&self, names: &[String]) -> Result<Vec<&dyn Account>, Failure> {
        let is_selected = |account: &&dyn Account| match names {
            [] => account.is_given(),
            names => names.iter().any(|name| account.names().contains(&name.as_str())),
        };
        let selected: Vec<_> = self.accounts.all().into_iter().filter(is_selected).collect();
        match selected.is_empty() {
            false => Ok(selected),
            true => Err(Failure::usage(format!(
                "no credentials are given: set those of a vendor, e.g. {}",
                self.accounts.variables()
            ))),
        }
    }
}
