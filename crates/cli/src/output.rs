//! Output: results on standard output, everything else on standard error.

use std::io::{self, Write};

use clap::ValueEnum;
use comfy_table::{ColumnConstraint, ContentArrangement, LineStyle, Table, presets};
use serde::Serialize;
use serde_json::Value;

use crate::exit::Failure;

/// Format of a result: a table for people, JSON for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Table,
    Json,
}

impl Format {
    /// Writes a result as the JSON document or as the page that `table` fills.
    pub(crate) fn show(self, json: &Value, table: impl FnOnce(&mut Page)) -> Result<(), Failure> {
        match self {
            Self::Json => print(&format!("{json:#}")),
            Self::Table => {
                let mut page = Page::default();
                table(&mut page);
                page.lines.iter().try_for_each(|line| print(line))?;
                page.notes.iter().for_each(|note| say(&format!("note: {note}")));
                Ok(())
            }
        }
    }
}

/// A result for people: lines on standard output, then notes on standard error.
#[derive(Debug, Default)]
pub(crate) struct Page {
    lines: Vec<String>,
    notes: Vec<String>,
}

impl Page {
    pub(crate) fn line(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Adds a table without trailing spaces.
    pub(crate) fn table(&mut self, table: &Table) {
        self.line(table.trim_fmt());
    }

    pub(crate) fn pairs<N: Into<String>>(&mut self, pairs: impl IntoIterator<Item = (N, String)>) {
        let mut table = table(&[]);
        for (name, value) in pairs {
            table.add_row([name.into(), value]);
        }
        self.table(&table);
    }
}

/// Writes a line to standard error. Errors are ignored.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Writes a question to standard error, without a line break.
pub(crate) fn ask(question: &str) -> io::Result<()> {
    let mut out = io::stderr().lock();
    write!(out, "{question}").and_then(|()| out.flush())
}

pub(crate) fn print(text: &str) -> Result<(), Failure> {
    print_bytes(format!("{text}\n").as_bytes())
}

/// Writes bytes to standard output. A closed pipe (`| head`) is not an error; a full disk is.
pub(crate) fn print_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::local(format!("the result could not be written to standard output: {}", error.kind())))
        }
        _ => Ok(()),
    }
}

pub(crate) fn to_json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

/// An empty table in the style of this program.
pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()));
    table.set_content_arrangement(ContentArrangement::Dynamic);
    if !header.is_empty() {
        table.set_header(header.iter().copied());
    }
    table
}

/// Gives these columns the width of their content, even on a narrow terminal: a wrapped id or time cannot be copied.
/// Call this after the last row is added.
pub(crate) fn prevent_wrapping(table: &mut Table, header: &[&str], names: &[&str]) {
    for (index, name) in header.iter().enumerate() {
        if names.contains(name)
            && let Some(column) = table.column_mut(index)
        {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
}

/// A note that is written if the command is interrupted before [`disarm`](Self::disarm).
pub(crate) struct InterruptionNote(Option<String>);

impl InterruptionNote {
    pub(crate) fn new(note: Option<String>) -> Self {
        Self(note)
    }

    pub(crate) fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for InterruptionNote {
    fn drop(&mut self) {
        if let Some(note) = &self.0 {
            say(&format!("note: {note}"));
        }
    }
}
