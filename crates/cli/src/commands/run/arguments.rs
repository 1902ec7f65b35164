//! The options of `identkit run`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::accounts::AccountArguments;
use crate::evidence::WishArguments;
use crate::help::OUTPUT;
use crate::providers::provider_name;
use crate::reception::{ReceptionArguments, TokenArguments, URLS, address};
use crate::sink::{S3Arguments, SinkLocation};
use crate::store::StoreArguments;
use crate::values::{age, lease, webhook_url};

/// Help heading of the options of the work on cases.
const WORK: &str = "Work";
/// Help heading of the options of the receiver.
const RECEIVER: &str = "Receiver";

/// Receives webhooks, and collects, verifies and deletes the results of all cases until it is stopped.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(super) store: StoreArguments,

    /// Where artifacts are stored: a folder, which is created if it does not exist, or s3://BUCKET/PREFIX.
    #[arg(long, value_name = "SINK", env = "IDENTKIT_SINK", hide_env_values = true)]
    pub(super) sink: SinkLocation,

    /// TOML file with options: `lease = "30s"` says the same as `--lease 30s`. An option on the command line or in a
    /// variable wins.
    // It is read before the command line is parsed: see `config`.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,

    /// Checks the configuration, the store and the sink, reports, and ends. It sends nothing.
    #[arg(long)]
    pub(super) check: bool,

    /// Vendor whose cases are worked on. Can be given several times. [default: those whose credentials are given]
    #[arg(long, value_name = "PROVIDER", value_parser = provider_name())]
    pub(super) provider: Vec<String>,

    /// Number of cases at once.
    #[arg(long, value_name = "NUMBER", default_value_t = 16, help_heading = WORK,
          value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) concurrency: u16,

    /// Time after which another process continues the work of one that has stopped. All processes of a store must have the
    /// same.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = lease, help_heading = WORK)]
    pub(super) lease: Duration,

    /// Time between the collection of a case and the deletion at the vendor, e.g. 12h or 2d. [default: none]
    #[arg(long, value_name = "DURATION", value_parser = age, conflicts_with = "no_delete", help_heading = WORK)]
    pub(super) delete_after: Option<Duration>,

    /// Deletes nothing at the vendors. They delete results after their retention.
    #[arg(long, help_heading = WORK)]
    pub(super) no_delete: bool,

    #[command(flatten)]
    pub(super) wishes: WishArguments,

    /// Address to listen on for webhooks. Port 0 selects a free port. Without it, the ends of cases are found by reading.
    #[arg(long, value_name = "ADDRESS", value_parser = address, help_heading = RECEIVER)]
    pub(super) listen: Option<SocketAddr>,

    #[command(flatten, next_help_heading = RECEIVER)]
    pub(super) reception: ReceptionArguments,

    /// URL at which the vendors reach the receiver, e.g. https://hooks.example.com. [default: that of the address]
    #[arg(long, value_name = "URL", value_parser = webhook_url, env = "IDENTKIT_WEBHOOK_BASE", help_heading = URLS)]
    pub(super) webhook_base: Option<String>,

    #[command(flatten)]
    pub(super) tokens: TokenArguments,

    /// Writes no line when the state of a case changes. Warnings remain.
    #[arg(long, help_heading = OUTPUT)]
    pub(super) quiet: bool,

    #[command(flatten)]
    pub(super) s3: S3Arguments,

    #[command(flatten)]
    pub(super) accounts: AccountArguments,
}
