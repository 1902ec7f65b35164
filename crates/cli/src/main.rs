//! The `identkit` command line.
//!
//! Standard output carries results and nothing else; everything that is said about them goes to standard error.

mod args;
mod commands;
mod connect;
mod demo;
mod exit;
mod network;
mod output;
mod progress;
mod save;
mod signals;
mod verdict;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use crate::args::{Arguments, Command};
use crate::exit::Failure;
use crate::signals::Ended;

/// How long an end from outside waits for the disk, which has files to remove.
const PARTING: Duration = Duration::from_secs(5);

/// How long the end of a command waits for other threads. What it needs of them it has waited for already; what is left
/// may never end, such as a name that nobody resolves, and must not outlive the deadline of the call.
const AFTER: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    // A panic message may quote what it was about: only the place is told.
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(String::new, |place| format!(" at {}:{}", place.file(), place.line()));
        output::say(&format!("error: a bug of identkit{place}; please report it"));
    }));
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::local(format!("no runtime could be started: {}", error.kind())).report(false),
    };
    let show = arguments.show_vendor_text;
    match runtime.block_on(until_ended(arguments)) {
        Ok(Ok(code)) => {
            runtime.shutdown_timeout(AFTER);
            code
        }
        Ok(Err(ended)) => {
            // The command is given up by now; what it has at work on the disk sees that and takes its files away.
            runtime.shutdown_timeout(PARTING);
            save::tidy();
            let told = "interrupted; nothing more is done here, and what was sent may be carried out by the vendor";
            output::say(&format!("error: {told}"));
            ExitCode::from(ended.code())
        }
        Err(failure) => {
            let code = failure.report(show);
            runtime.shutdown_timeout(AFTER);
            code
        }
    }
}

/// Runs the command, or gives it up where it stands when the program is ended from outside.
async fn until_ended(arguments: Arguments) -> Result<Result<ExitCode, Ended>, Failure> {
    if let Command::Sandbox(options) = &arguments.command {
        // To be ended is how it is done.
        return commands::sandbox::run(options).await.map(Ok);
    }
    let ended = signals::ended()?;
    tokio::select! {
        biased;
        ran = run(arguments) => ran.map(Ok),
        ended = ended => Ok(Err(ended)),
    }
}

async fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let format = arguments.output;
    match arguments.command {
        Command::Demo(options) => demo::run(&options, format).await,
        Command::Sandbox(options) => commands::sandbox::run(&options).await,
        Command::Tm(tm) => commands::tm::run(&tm, format).await,
        Command::Identify24(identify24) => commands::identify24::run(&identify24, format).await,
    }
}
