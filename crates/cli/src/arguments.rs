//! What can be typed.

use clap::{CommandFactory, FromArgMatches, Parser};

use crate::commands::Command;
use crate::help::{OUTPUT, with_texts};
use crate::output::Format;

/// Verifies who people are, and has documents signed, through German identity-verification vendors.
#[derive(Debug, Parser)]
#[command(name = "identkit", version, max_term_width = 110)]
pub(crate) struct Arguments {
    /// How results are written to standard output.
    #[arg(long, global = true, value_enum, default_value_t = Format::Table, help_heading = OUTPUT)]
    pub(crate) output: Format,

    /// Shows what the vendor wrote about an error. It may quote personal data; off, so that it stays out of logs.
    #[arg(long, global = true, help_heading = OUTPUT)]
    pub(crate) show_vendor_text: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Arguments {
    /// What was typed; ends the program when it cannot be understood or asks for help.
    pub(crate) fn typed() -> Self {
        let matches = with_texts(Self::command(), "identkit", "").get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        with_texts(Arguments::command(), "identkit", "").debug_assert();
    }
}
