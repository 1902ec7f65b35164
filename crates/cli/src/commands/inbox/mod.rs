//! `identkit inbox`: the deliveries in a store.

mod deliveries;
mod list;
mod purge;
mod replay;
mod show;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::exit::Failure;
use crate::output::Format;

/// Lists, shows, replays and purges the webhooks in a store.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(list::Arguments),
    Show(show::Arguments),
    Replay(replay::Arguments),
    Purge(purge::Arguments),
}

pub(crate) async fn run(arguments: &Arguments, format: Format) -> Result<ExitCode, Failure> {
    match &arguments.command {
        Command::List(arguments) => list::run(arguments, format).await,
        Command::Show(arguments) => show::run(arguments, format).await,
        Command::Replay(arguments) => replay::run(arguments, format).await,
        Command::Purge(arguments) => purge::run(arguments, format).await,
    }
    .map(|()| ExitCode::SUCCESS)
}
