//! `identkit case collect`: does the steps of a case now.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use identkit_collector::{ArtifactSink, Command, DeletePolicy};
use identkit_store::Store;

use super::act::{collector, show};
use super::find;
use crate::account::Calls;
use crate::accounts::AccountArguments;
use crate::exit::Failure;
use crate::output::Format;
use crate::run_settings::RunSettings;
use crate::sink::SinkLocation;
use crate::values::lease;

/// Does the steps of a case that are due now, in this process: reads the status, collects, verifies and deletes.
///
/// It does what `identkit run` does, for one case, also if no collector runs.
#[derive(Clone, Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    case: find::Arguments,

    #[command(flatten)]
    sink: SinkArguments,

    /// The lease of the running collectors.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = lease)]
    lease: std::time::Duration,

    /// Collects without the recording of the video, which the vendor has not announced.
    #[arg(long)]
    without_video: bool,

    #[command(flatten)]
    accounts: AccountArguments,
}

/// The sink of a command on one case.
#[derive(Clone, Debug, Args)]
pub(super) struct SinkArguments {
    /// The folder of the artifacts. [default: that of the collector that was started last on this store]
    #[arg(long, value_name = "DIR", env = "IDENTKIT_SINK", hide_env_values = true)]
    sink: Option<SinkLocation>,
}

impl SinkArguments {
    /// Opens the sink.
    ///
    /// # Errors
    /// If none is given, and no collector was started on the store.
    pub(super) async fn open(&self, store: &Store) -> Result<Arc<dyn ArtifactSink>, Failure> {
        if let Some(sink) = &self.sink {
            return sink.open().await;
        }
        let remembered = RunSettings::read(store).await?.map(|settings| settings.sink).filter(|sink| !sink.is_empty());
        let Some(sink) = remembered else {
            return Err(Failure::usage("--sink is missing: no collector was started on this store"));
        };
        sink.parse::<SinkLocation>().map_err(Failure::usage)?.open().await
    }
}

pub(super) async fn run(arguments: &Arguments, format: Format) -> Result<(), Failure> {
    let (store, case) = arguments.case.find().await?;
    let account = arguments.accounts.account(&case.provider)?;
    let provider = account.provider(Calls::All, &arguments.accounts.route).await?;
    let sink = arguments.sink.open(&store).await?;
    // That of the running collector, also if none runs now.
    let settings = RunSettings::read(&store).await?;
    let delete = settings.map_or(DeletePolicy::After(Duration::ZERO), |settings| settings.delete_policy());
    let collector = collector(&store, sink, provider, arguments.lease, delete)?;
    if arguments.without_video {
        collector.command(case.id, Command::WithoutRecording).await?;
    }
    collector.work_on(case.id).await?;
    show(&store, &case, format).await
}
