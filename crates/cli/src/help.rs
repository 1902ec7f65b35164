//! The text below the options in `--help`: examples, explanations and exit codes.

use std::collections::HashMap;
use std::sync::LazyLock;

use clap::Command;

/// The text of each command, below a heading with the command's path.
const TEXTS: &str = include_str!("help.txt");

/// Heading of the options of every command.
pub(crate) const OUTPUT: &str = "Output";
/// Heading of the options of the commands that call a vendor.
pub(crate) const CONNECTION: &str = "Connection";
/// Heading of the options of an object store.
pub(crate) const OBJECT_STORE: &str = "Object store";
/// Heading of the options that select where requests are recorded.
pub(crate) const STATE: &str = "State";

/// The texts by their headings. Each start of the program looks up every command.
static BY_TITLE: LazyLock<HashMap<&str, &str>> =
    LazyLock::new(|| TEXTS.split("## ").filter_map(|text| text.split_once('\n')).collect());

fn text(title: &str) -> Option<&'static str> {
    BY_TITLE.get(title).copied()
}

/// Adds the texts to a command and its subcommands. A command without a text gets its parent's. A text without exit
/// codes gets the common ones.
pub(crate) fn with_texts(command: Command, path: &str, parent: &str) -> Command {
    let own = text(path).unwrap_or(parent);
    let codes = if own.contains("Exit codes:") { "" } else { text("Exit codes").unwrap_or_default() };
    let command = command.after_help(format!("{own}{codes}").trim_end().to_owned());
    command.mut_subcommands(|subcommand| {
        let path = format!("{path} {}", subcommand.get_name());
        with_texts(subcommand, &path, own)
    })
}
