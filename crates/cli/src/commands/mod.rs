//! The commands, one module each.

mod case;
mod completions;
mod demo;
mod doctor;
mod explain;
pub(crate) mod identify24;
mod inbox;
mod ledger;
pub(crate) mod listen;
mod man;
pub(crate) mod run;
pub(crate) mod sandbox;
mod state;
pub(crate) mod tm;

use std::process::ExitCode;

use clap::Subcommand;

use crate::calls;
use crate::exit::Failure;
use crate::output::Format;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Demo(demo::Arguments),
    Sandbox(sandbox::Arguments),
    Listen(listen::Arguments),
    Run(Box<run::Arguments>),
    Tm(tm::Arguments),
    Identify24(identify24::Arguments),
    Inbox(inbox::Arguments),
    State(state::Arguments),
    Case(case::Arguments),
    Ledger(ledger::Arguments),
    Doctor(Box<doctor::Arguments>),
    Explain(explain::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
    #[command(flatten)]
    Call(calls::Arguments),
}

impl Command {
    /// Whether the command calls a vendor or its mock, so that it can fail with a vendor's text.
    pub(crate) fn calls_a_vendor(&self) -> bool {
        !matches!(
            self,
            Self::Completions(_)
                | Self::Doctor(_)
                | Self::Explain(_)
                | Self::Inbox(_)
                | Self::Ledger(_)
                | Self::Listen(_)
                | Self::Man(_)
                | Self::Run(_)
                | Self::Sandbox(_)
                | Self::State(_)
        )
    }

    /// Runs the command. `definition` is the definition of all commands.
    pub(crate) async fn run(&self, format: Format, definition: fn() -> clap::Command) -> Result<ExitCode, Failure> {
        match self {
            Self::Demo(arguments) => demo::run(arguments, format).await,
            Self::Sandbox(arguments) => sandbox::run(arguments, format).await,
            Self::Listen(arguments) => listen::run(arguments).await,
            Self::Run(arguments) => run::run(arguments, format).await,
            Self::Tm(arguments) => tm::run(arguments, format).await,
            Self::Identify24(arguments) => identify24::run(arguments, format).await,
            Self::Inbox(arguments) => inbox::run(arguments, format).await,
            Self::Case(arguments) => case::run(arguments, format).await,
            Self::Ledger(arguments) => ledger::run(arguments, format).await,
            Self::State(arguments) => state::run(arguments, format),
            Self::Doctor(arguments) => doctor::run(arguments, format).await,
            Self::Explain(arguments) => explain::run(arguments, format),
            Self::Completions(arguments) => completions::run(arguments, definition()),
            Self::Man(arguments) => man::run(arguments, definition(), format),
            Self::Call(arguments) => calls::run(arguments, format).await,
        }
    }
}
