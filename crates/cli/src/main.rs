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
mod verdict;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Arguments, Command};
use crate::exit::Failure;

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
    match runtime.block_on(run(arguments)) {
        Ok(code) => code,
        Err(failure) => failure.report(show),
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
