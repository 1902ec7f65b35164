//! What can be typed.

use clap::Parser;

use crate::commands::Command;
use crate::help::{EXIT_CODES, OUTPUT, TOP};
use crate::output::Format;

/// Verifies who people are, and has documents signed, through German identity-verification vendors.
#[derive(Debug, Parser)]
#[command(name = "identkit", version, about = ABOUT, after_help = format!("{TOP}\n{EXIT_CODES}"), max_term_width = 110)]
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

const ABOUT: &str = "Verifies who people are, and has documents signed, through German identity-verification vendors";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }
}
