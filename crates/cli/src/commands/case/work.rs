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
use crate::connection::Route;
use crate::exit::Failure;
use crate::output::Format;
use crate::run_settings::RunSettings;
use crate::sink::{S3Arguments, SinkLocation};
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
    /// Where artifacts are stored: a folder, or s3://BUCKET/PREFIX. [default: that of the collector that was started last on
    /// this store]
    #[arg(long, value_name = "SINK", env = "IDENTKIT_SINK", hide_env_values = true)]
    sink: Option<SinkLocation>,

    #[command(flatten)]
    s3: S3Arguments,
}

impl SinkArguments {
    /// Opens the sink.
    ///
    /// # Errors
    /// If none is given, and no collector was started on the store.
    pub(super) async fn open(&self, store: &Store, route: &Route) -> Result<Arc<dyn ArtifactSink>, Failure> {
        let settings = RunSettings::read(store).await?.unwrap_or_default();
        let sink = match &self.sink {
            Some(sink) => sink.clone(),
            None if settings.sink.is_empty() => {
                return Err(Failure::usage("--sink is missing: no collector was started on this store"));
            }
            None => settings.sink.parse::<SinkLocation>().map_err(Failure::usage)?,
        };
        // The store that the collector uses, unless another sink is given.
        let s3 = match sink.shown() == settings.sink {
            true => self.s3.or_place(settings.s3_endpoint, settings.s3_region),
            false => self.s3.clone(),
        };
        sink.open(&s3, route).await
    }
}

pub(super) async fn run(arguments: &Arguments, format: Format) -> Result<(), Failure> {
    let (store, case) = arguments.case.find().await?;
    let account = arguments.accounts.account(&case.provider)?;
    let provider = account.provider(Calls::All, &arguments.accounts.route).await?;
    let sink = arguments.sink.open(&store, &arguments.accounts.route).await?;
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
