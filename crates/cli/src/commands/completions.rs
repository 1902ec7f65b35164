//! `identkit completions`: completions of command lines, as a script for a shell.

use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use crate::exit::Failure;
use crate::output::print_bytes;

/// Prints a script with which a shell completes command lines of identkit.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The shell.
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments, mut definition: Command) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    generate(arguments.shell, &mut definition, "identkit", &mut script);
    print_bytes(&script).map(|()| ExitCode::SUCCESS)
}
