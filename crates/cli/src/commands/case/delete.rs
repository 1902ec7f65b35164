//! `identkit case delete`: deletes the data of a case at the vendor now.

use clap::Args;
use identkit_collector::{DeletePolicy, Deleting};

use super::act::{collector, show};
use super::find;
use super::work::SinkArguments;
use crate::account::Calls;
use crate::accounts::AccountArguments;
use crate::exit::Failure;
use crate::input::confirm;
use crate::output::Format;
use crate::values::lease;

/// Deletes the data of a collected case at the vendor now, also if the collector is configured not to.
///
/// All artifacts are read from the sink and compared first. The ledger names `operator` as the actor.
#[derive(Clone, Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    case: find::Arguments,

    #[command(flatten)]
    sink: SinkArguments,

    /// Also deletes a case that has ended and whose evidence is not complete. The rest of the evidence is lost. Asks for a
    /// confirmation.
    #[arg(long)]
    force: bool,

    /// Confirms --force.
    #[arg(long, requires = "force")]
    yes: bool,

    /// The lease of the running collectors.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = lease)]
    lease: std::time::Duration,

    #[command(flatten)]
    accounts: AccountArguments,
}

pub(super) async fn run(arguments: &Arguments, format: Format) -> Result<(), Failure> {
    let (store, case) = arguments.case.find().await?;
    let account = arguments.accounts.account(&case.provider)?;
    let provider = account.provider(Calls::Open, &arguments.accounts.route).await?;
    let sink = arguments.sink.open(&store, &arguments.accounts.route).await?;
    let deleting = if arguments.force { Deleting::WithoutEvidence } else { Deleting::WithEvidence };
    if arguments.force {
        let question = format!("Evidence of case {} that is not saved will be lost.", case.id.0);
        confirm(arguments.yes, question, "not deleted").await?;
    }
    let collector = collector(&store, sink, provider, arguments.lease, DeletePolicy::Never)?;
    collector.delete_now(case.id, deleting).await?;
    show(&store, &case, format).await
}
