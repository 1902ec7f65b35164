//! The checks of the identkit workspace, run as `cargo xtask <command>`.
//!
//! The checks enforce the invariants that the documentation states. Each check is one module with a pure core (plain
//! data in, findings out), so that its tests can make it fail without a real repository.
//!
//! Exit codes: 0 without findings, 1 with findings or if a check could not run, 2 on wrong usage.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool prints")]

mod bench;
mod browser;
mod campaign;
mod cargo;
mod check;
mod ci;
mod command;
mod cone;
mod container;
mod coverage;
mod deny;
mod deps;
mod examples;
mod features;
mod finding;
mod generated;
mod growth;
mod lanes;
mod layers;
mod members;
mod names;
mod new_provider;
mod package;
mod platforms;
mod prose;
mod providers;
mod public;
mod snapshots;
mod table;
mod test;
#[cfg(test)]
mod throwaway;
mod tool;
mod traps;
mod workspace;

use std::process::ExitCode;

use campaign::Rounds;
use command::Command;
use workspace::Workspace;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let command = match command::parse(&args.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(command) => command,
        Err(usage) => {
            eprintln!("{usage}\n\n{}", command::help());
            return ExitCode::from(2);
        }
    };
    let ok = run(command).unwrap_or_else(|broken| {
        eprintln!("could not run: {broken}");
        false
    });
    if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(command: Command) -> Result<bool, String> {
    match command {
        Command::Help => {
            println!("{}", command::help());
            Ok(true)
        }
        Command::One(check) => Ok(check::report(check, &Workspace::current()?)),
        Command::Ci(checks) => Ok(ci::run(&checks, &Workspace::current()?)),
        Command::Full => Ok(ci::run_full(&Workspace::current()?)),
        Command::Bench(benchmark, rows) => bench::run(benchmark, &rows, &Workspace::current()?),
        Command::NewProvider(options) => new_provider::run(&options, &Workspace::current()?),
        Command::Campaign(campaign) => campaign::run(campaign, Rounds::Many, &Workspace::current()?),
    }
}
