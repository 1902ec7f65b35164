//! The checks of the identkit workspace, run as `cargo xtask <command>`.
//!
//! What the documentation states as an invariant, a check here enforces. Each check is one module with a pure core
//! (plain data in, findings out), so that its tests can show it failing on a deliberate fault without a real repository.
//!
//! Exit codes: 0 when nothing was found, 1 when a check found something or could not run, 2 on wrong usage.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool speaks through its standard output and error"
)]

mod bench;
mod campaign;
mod cargo;
mod check;
mod ci;
mod command;
mod cone;
mod coverage;
mod deps;
mod features;
mod finding;
mod layers;
mod manifest;
mod members;
mod names;
mod prose;
mod public;
mod snapshots;
mod table;
mod test;
#[cfg(test)]
mod throwaway;
mod workspace;

use std::process::ExitCode;

use command::Command;
use workspace::Workspace;

fn main() -> ExitCode {
    let command = match command::parse(std::env::args().skip(1)) {
        Ok(command) => command,
        Err(usage) => {
            eprintln!("{usage}\n\n{}", command::help());
            return ExitCode::from(2);
        }
    };
    if matches!(command, Command::Help) {
        println!("{}", command::help());
        return ExitCode::SUCCESS;
    }
    let ws = match Workspace::here() {
        Ok(ws) => ws,
        Err(broken) => {
            eprintln!("{broken}");
            return ExitCode::FAILURE;
        }
    };
    let ok = match command {
        Command::Help => true,
        Command::One(check) => check::report(check, &ws),
        Command::Verbose(check) => check::report_verbose(check, &ws),
        Command::Ci(checks) => ci::run(&checks, &ws),
        Command::Bench(name, rows) => match bench::run(name, &rows, &ws) {
            Ok(ended) => ended,
            Err(broken) => {
                eprintln!("{broken}");
                false
            }
        },
        Command::Campaign(campaign) => match campaign::run(campaign, &ws) {
            Ok(held) => held,
            Err(broken) => {
                eprintln!("{broken}");
                false
            }
        },
    };
    if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
