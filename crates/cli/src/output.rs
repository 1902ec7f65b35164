//! Results on standard output, everything else on standard error.

use std::io::{self, Write};

use comfy_table::{ColumnConstraint, ContentArrangement, LineStyle, Table, presets};
use serde_json::Value;

use crate::exit::Failure;

/// A line on standard error. That nobody reads it is no failure.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// A question on standard error, which is answered on the same line.
pub(crate) fn ask(question: &str) -> io::Result<()> {
    let mut out = io::stderr().lock();
    write!(out, "{question}").and_then(|()| out.flush())
}

/// A result on standard output. A reader that has gone away (`| head`) is no failure; a full disk is.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    written(writeln!(out, "{text}").and_then(|()| out.flush()))
}

fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::local(format!("the result could not be written to standard output: {}", error.kind())))
        }
        _ => Ok(()),
    }
}

/// Bytes on standard output, as they are.
pub(crate) fn print_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    written(out.write_all(bytes).and_then(|()| out.flush()))
}

/// A JSON document on standard output.
pub(crate) fn print_json(value: &Value) -> Result<(), Failure> {
    print(&serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string()))
}

/// A table on standard output, without blanks at the ends of its lines.
pub(crate) fn print_table(table: &Table) -> Result<(), Failure> {
    print(&table.trim_fmt())
}

/// An empty table in the one style of this program.
pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()));
    table.set_content_arrangement(ContentArrangement::Dynamic);
    if !header.is_empty() {
        table.set_header(header.iter().copied());
    }
    table
}

/// Gives these columns the width of what is in them, however narrow the terminal is: an id or a time that is broken in
/// two is read wrong, and copied wrong. To be called when all rows are in.
pub(crate) fn keep_whole(table: &mut Table, header: &[&str], names: &[&str]) {
    for (index, name) in header.iter().enumerate() {
        if names.contains(name)
            && let Some(column) = table.column_mut(index)
        {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
}

/// What is printed of a text that came from elsewhere: without the characters that steer a terminal.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
