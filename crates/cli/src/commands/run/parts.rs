//! The parts of a collector that the options select.

use identkit_collector::{DeletePolicy, ProviderSetup};

use super::arguments::Arguments;
use crate::account::{Account, Renew, WebhookBase};
use crate::exit::Failure;
use crate::reception::PublicUrl;

/// The URL at which the vendors reach the receiver.
pub(super) fn public_url(options: &Arguments) -> PublicUrl<'_> {
    PublicUrl { option: "--webhook-base", url: options.webhook_base.as_deref() }
}

/// When the data are deleted at the vendor.
pub(super) fn delete_policy(options: &Arguments) -> DeletePolicy {
    match options.no_delete {
        true => DeletePolicy::Never,
        false => DeletePolicy::After(options.delete_after.unwrap_or_default()),
    }
}

/// A selected provider.
pub(super) struct Selected {
    pub(super) name: &'static str,
    pub(super) setup: ProviderSetup,
    pub(super) renew: Renew,
}

/// The selected providers.
pub(super) async fn select(options: &Arguments, base: WebhookBase) -> Result<Vec<Selected>, Failure> {
    let arguments = &options.accounts;
    if options.wishes.video && options.listen.is_none() && options.webhook_base.is_none() {
        return Err(Failure::usage("--video needs a receiver, because the vendor announces recordings: use --listen"));
    }
    let mut selected = Vec::new();
    for account in arguments.select(&options.provider)? {
        let (provider, renew) = account.lasting(&arguments.route).await?;
        let setup = account.with_webhooks(ProviderSetup::new(provider), base.clone());
        selected.push(Selected { name: name(account), setup, renew });
    }
    Ok(selected)
}

/// The name of an account's provider.
fn name(account: &dyn Account) -> &'static str {
    account.names().first().copied().unwrap_or_default()
}
