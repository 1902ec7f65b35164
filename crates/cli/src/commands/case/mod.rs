//! `identkit case`: the cases of a store.

mod act;
mod delete;
mod explain;
mod find;
mod json;
mod list;
mod neutral;
mod open;
mod opener;
mod reuse;
mod status;
mod watch;
mod work;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use identkit_collector::Command as Act;

use crate::exit::Failure;
use crate::output::Format;

/// Opens cases at a vendor, and shows and steers the cases of a store.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Open(Box<open::Arguments>),
    /// Shows a case with its artifacts.
    Status(find::Arguments),
    /// Explains why a case waits, and what happens next.
    Explain(find::Arguments),
    Watch(watch::Arguments),
    List(list::Arguments),
    Collect(Box<work::Arguments>),
    /// Cancels an open case at the vendor. A running collector does it.
    Cancel(act::Arguments),
    Delete(Box<delete::Arguments>),
    Retry(act::RetryArguments),
    /// Stops the work on a case until `resume`.
    Pause(act::Arguments),
    /// Continues a paused case.
    Resume(act::Arguments),
    Adopt(act::AdoptArguments),
    Close(act::CloseArguments),
}

pub(crate) async fn run(arguments: &Arguments, format: Format) -> Result<ExitCode, Failure> {
    match &arguments.command {
        Command::Open(arguments) => open::run(arguments, format).await,
        Command::Status(arguments) => status::run(arguments, format).await,
        Command::Explain(arguments) => explain::run(arguments, format).await,
        Command::Watch(arguments) => watch::run(arguments, format).await,
        Command::List(arguments) => list::run(arguments, format).await,
        Command::Collect(arguments) => work::run(arguments, format).await,
        Command::Cancel(arguments) => act::run(arguments, Act::Cancel, format).await,
        Command::Delete(arguments) => delete::run(arguments, format).await,
        Command::Retry(arguments) => act::retry(arguments, format).await,
        Command::Pause(arguments) => act::run(arguments, Act::Pause, format).await,
        Command::Resume(arguments) => act::run(arguments, Act::Resume, format).await,
        Command::Adopt(arguments) => act::adopt(arguments, format).await,
        Command::Close(arguments) => act::close(arguments, format).await,
    }
    .map(|()| ExitCode::SUCCESS)
}
