//! What stands below the options in `--help`: examples, and what must be known before a command is used.

use clap::Command;

/// A text for each command, below its path.
const TEXTS: &str = include_str!("help.txt");

/// Heading of the options that every command has.
pub(crate) const OUTPUT: &str = "Output";
/// Heading of the options of the commands that call a vendor.
pub(crate) const CONNECTION: &str = "Connection";

fn text(title: &str) -> Option<&'static str> {
    TEXTS.split("## ").find_map(|text| text.strip_prefix(title)?.strip_prefix('\n'))
}

/// Adds the texts to a command and to those below it. One without a text of its own has that of the command above it,
/// and a text without exit codes of its own has those of all.
pub(crate) fn with_texts(command: Command, path: &str, above: &str) -> Command {
    let own = text(path).unwrap_or(above);
    let codes = if own.contains("Exit codes:") { "" } else { text("Exit codes").unwrap_or_default() };
    let command = command.after_help(format!("{own}{codes}").trim_end().to_owned());
    command.mut_subcommands(|below| {
        let path = format!("{path} {}", below.get_name());
        with_texts(below, &path, own)
    })
}
