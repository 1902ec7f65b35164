//! The `identkit` command line.
//!
//! Standard output carries results and nothing else; everything that is said about them goes to standard error.

mod arguments;
mod commands;
mod connection;
mod context;
mod exit;
mod help;
mod input;
mod network;
mod output;
mod progress;
mod save;
mod signals;
mod text;
mod values;
mod verdict;

use std::process::ExitCode;
use std::time::Duration;

use crate::arguments::Arguments;
use crate::commands::Command;
use crate::exit::Failure;

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
    let arguments = Arguments::typed();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let failure = Failure::local(format!("no runtime could be started: {}", error.kind()));
            return report(&failure, false);
        }
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
            save::remove_folders();
            output::say(
                "error: interrupted; nothing more is done here, and what was sent may be carried out by the vendor",
            );
            ExitCode::from(ended)
        }
        Err(failure) => {
            let code = report(&failure, show);
            runtime.shutdown_timeout(AFTER);
            code
        }
    }
}

/// Writes a failure to standard error and returns its exit code.
fn report(failure: &Failure, show_vendor_text: bool) -> ExitCode {
    failure.lines(show_vendor_text).iter().for_each(|line| output::say(line));
    ExitCode::from(failure.code)
}

/// Runs the command, or gives it up where it stands when the program is ended from outside.
async fn until_ended(arguments: Arguments) -> Result<Result<ExitCode, u8>, Failure> {
    let ran = arguments.command.run(arguments.output);
    if let Command::Sandbox(_) = &arguments.command {
        // It listens for signals itself: to be ended is how it is done.
        return ran.await.map(Ok);
    }
    let ended = signals::listen()?;
    tokio::select! {
        biased;
        ran = ran => ran.map(Ok),
        ended = ended => Ok(Err(ended)),
    }
}
