//! The commands that change a case in the store. They call no vendor: a running collector does the next step.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use identkit_collector::{ArtifactSink, Collector, Command, DeletePolicy, DiscardSink, Incident, ProviderSetup};
use identkit_core::{IdentityProvider, Secret};
use identkit_store::{Case, Store};
use identkit_transport::SystemClock;
use serde_json::json;

use super::find::{self, report};
use crate::account::{Account, Calls};
use crate::accounts::AccountArguments;
use crate::exit::Failure;
use crate::given::{Ways, value};
use crate::output::{Format, say, unwritten};
use crate::text::plain;
use crate::values::lease;

/// A case, and how long a worker can have it.
#[derive(Clone, Debug, Args)]
// It is part of other structs of this name.
#[group(skip)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) case: find::Arguments,

    /// The lease of the running collectors.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = lease)]
    pub(super) lease: Duration,
}

/// Gives a case of unknown outcome its id at the vendor.
///
/// It also corrects an id that a person gave, as long as the case is open, and takes back that a person closed a case of
/// unknown outcome.
#[derive(Clone, Debug, Args)]
pub(super) struct AdoptArguments {
    #[command(flatten)]
    act: Arguments,

    /// The vendor's id of the case; `-` reads it from standard input.
    #[arg(long, value_name = "ID|-")]
    vendor_id: Option<String>,

    /// Takes the id as the vendor gave it, in any form.
    #[arg(long)]
    any_id: bool,

    /// The id is right although the vendor states another reference for it. Without this option nothing of such a case is
    /// collected or deleted.
    #[arg(long)]
    any_reference: bool,
}

/// Gives up a case of unknown outcome, or one that the vendor has lost.
#[derive(Clone, Debug, Args)]
pub(super) struct CloseArguments {
    #[command(flatten)]
    act: Arguments,

    /// Why the case is given up, without personal data. It is stored with the case.
    #[arg(long, value_name = "TEXT", default_value = "no reason was given")]
    reason: String,
}

/// Does the next step of a case now, also if it is not due. A running collector does it.
#[derive(Clone, Debug, Args)]
pub(super) struct RetryArguments {
    #[command(flatten)]
    act: Arguments,

    /// Collects without the audio recordings, e.g. because the vendor refuses to read them for this product.
    #[arg(long, group = "given_up")]
    without_audio: bool,

    /// Collects without the signed data for a later case, e.g. because the account is not enabled for them.
    #[arg(long, group = "given_up")]
    without_signed_data: bool,

    /// Why the evidence is given up, without personal data. It is stored with the case.
    #[arg(long, value_name = "TEXT", default_value = "no reason was given", requires = "given_up")]
    reason: String,
}

pub(super) async fn retry(arguments: &RetryArguments, format: Format) -> Result<(), Failure> {
    let reason = arguments.reason.clone();
    let command = match (arguments.without_audio, arguments.without_signed_data) {
        (true, _) => Command::WithoutAudio(reason),
        (_, true) => Command::WithoutSignedData(reason),
        _ => Command::Retry,
    };
    run(&arguments.act, command, format).await
}

pub(super) async fn run(arguments: &Arguments, command: Command, format: Format) -> Result<(), Failure> {
    run_checked(arguments, command, |_| Ok(()), format).await
}

/// Like [`run`], after a check that depends on the vendor.
async fn run_checked(
    arguments: &Arguments,
    command: Command,
    check: impl FnOnce(&dyn Account) -> Result<(), Failure>,
    format: Format,
) -> Result<(), Failure> {
    let (store, case) = arguments.case.find().await?;
    let accounts = AccountArguments::offline();
    let account = accounts.account(&case.provider)?;
    check(account)?;
    let provider = account.provider(Calls::None, &accounts.route).await?;
    // Nothing is stored in it.
    let sink = Arc::new(DiscardSink::new(0));
    let collector = collector(&store, sink, provider, arguments.lease, DeletePolicy::Never)?;
    let done = collector.command(case.id, command).await;
    done.map_err(|error| account.name_options(error.into()))?;
    show(&store, &case, format).await
}

pub(super) async fn close(arguments: &CloseArguments, format: Format) -> Result<(), Failure> {
    run(&arguments.act, Command::Close(arguments.reason.clone()), format).await
}

pub(super) async fn adopt(arguments: &AdoptArguments, format: Format) -> Result<(), Failure> {
    let ways = Ways { option: "--vendor-id", file: "--vendor-id", prompt: "The vendor's id" };
    let id: Secret = value(arguments.vendor_id.as_deref(), None, ways).await?;
    let check = |account: &dyn Account| match arguments.any_id {
        true => Ok(()),
        false => account.check_id(id.expose()).map_err(|refusal| {
            Failure::from(refusal).note("--any-id takes an id of another form, as the vendor gave it")
        }),
    };
    let command = Command::Adopt { id: id.clone(), any_reference: arguments.any_reference };
    run_checked(&arguments.act, command, check, format).await
}

/// A collector for commands on one case.
pub(super) fn collector(
    store: &Store,
    sink: Arc<dyn ArtifactSink>,
    provider: Arc<dyn IdentityProvider>,
    lease: Duration,
    delete: DeletePolicy,
) -> Result<Collector, Failure> {
    let builder = Collector::builder(store.clone(), sink, Arc::new(SystemClock::new())).on_incident(|incident| {
        if let Incident::Waiting { case, limit } = incident {
            say(&format!(
                "note: a worker has case {}; waiting until it ends its step or, if it has stopped, until its lease ends: at \
                 most {} s",
                case.0,
                limit.as_secs()
            ));
        }
    });
    Ok(builder.provider(ProviderSetup::new(provider)).delete(delete).lease(lease).build()?)
}

/// Shows what a command has changed.
pub(super) async fn show(store: &Store, case: &Case, format: Format) -> Result<(), Failure> {
    let report = report(store, case.id).await?;
    let json = json!({
        "case": report.case.0,
        "state": report.state.as_str(),
        "paused": report.paused,
        "why": report.reason,
        "next": report.next_step,
    });
    let shown = format.write(&json, |page| {
        page.line(format!("case {} is {}: {}", report.case.0, report.state, plain(&report.reason)));
        page.line(format!("next: {}", plain(&report.next_step)));
    });
    shown.map_err(|error| Failure::local(unwritten(&error)).note("the command was carried out"))
}
