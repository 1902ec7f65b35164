//! Output: results on standard output, everything else on standard error.

use std::borrow::Cow;
use std::io::{self, IsTerminal as _};
use std::sync::mpsc::{SyncSender, sync_channel};

use clap::ValueEnum;
use comfy_table::{ColumnConstraint, ContentArrangement, LineStyle, Table, presets};
use serde::Serialize;
use serde_json::Value;

use crate::exit::{CLOSED_PIPE, Failure};
use crate::stopping::may_have_changed;
use crate::streams;
use crate::text::{escape, plain};
use identkit_files::cause;

/// Format of a result: a table for people, JSON for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Table,
    Json,
}

impl Format {
    /// Writes the result of a read as the JSON document or as the page that `table` fills.
    pub(crate) fn show(self, json: &Value, table: impl FnOnce(&mut Page)) -> Result<(), Failure> {
        self.write(json, table).map_err(|error| unread(&error))
    }

    /// Writes a result like [`show`](Self::show), for a command that changes something.
    ///
    /// # Errors
    /// If standard output cannot be written.
    pub(crate) fn write(self, json: &Value, table: impl FnOnce(&mut Page)) -> io::Result<()> {
        match self {
            Self::Json => write_text(&format!("{json:#}\n")),
            Self::Table => {
                let mut page = Page::default();
                table(&mut page);
                write_text(&page.text(io::stdout().is_terminal()))?;
                page.notes.iter().for_each(|note| say(&format!("note: {note}")));
                Ok(())
            }
        }
    }
}

/// A result for people: text on standard output, then notes on standard error.
#[derive(Debug, Default)]
pub(crate) struct Page {
    blocks: Vec<Block>,
    notes: Vec<String>,
}

#[derive(Debug)]
enum Block {
    Line(String),
    Table(Box<Table>),
}

impl Page {
    pub(crate) fn line(&mut self, line: impl Into<String>) {
        self.blocks.push(Block::Line(line.into()));
    }

    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    pub(crate) fn table(&mut self, table: Table) {
        self.blocks.push(Block::Table(Box::new(table)));
    }

    /// Notes that a table leaves out rows, if there are any.
    pub(crate) fn note_hidden(&mut self, count: usize, what: &str) {
        if count > 0 {
            self.note(format!("{count} more {what} are not shown: --output json has all"));
        }
    }

    pub(crate) fn pairs<N: Into<String>>(&mut self, pairs: impl IntoIterator<Item = (N, String)>) {
        let mut table = table(&[]);
        for (name, value) in pairs {
            table.add_row([name.into(), value]);
        }
        self.table(table);
    }

    /// The text for standard output. Without a terminal, tables are tab-separated values (TSV).
    fn text(&self, terminal: bool) -> String {
        let block = |block: &Block| match block {
            Block::Line(line) => format!("{line}\n"),
            Block::Table(table) if terminal => format!("{}\n", fitted(table)),
            Block::Table(table) => tab_separated(table),
        };
        self.blocks.iter().map(block).collect()
    }
}

/// The cells of all rows, header included.
fn rows(table: &Table) -> Vec<Vec<String>> {
    let rows = table.header().into_iter().chain(table.row_iter());
    rows.map(|row| row.cell_iter().map(comfy_table::Cell::content).collect()).collect()
}

/// Maximum number of rows of a table whose rows the vendor names. More cannot be read by a person.
pub(crate) const MOST_ROWS: usize = 1_000;

/// Number of rows whose words are checked.
const CHECKED_ROWS: usize = 50;

/// The table for a terminal: without trailing spaces, and without columns that have no value in any row. If the terminal
/// is too narrow for its words, each row is a list of names and values.
pub(crate) fn fitted(table: &Table) -> String {
    let mut table = table.clone();
    let hidden = hide_empty_columns(&mut table);
    let text = table.trim_fmt();
    let width = usize::from(table.width().unwrap_or(u16::MAX));
    let all = rows(&table);
    let shown = |row: &'_ Vec<String>| -> Vec<String> {
        row.iter().enumerate().filter(|(column, _)| !hidden.contains(column)).map(|(_, cell)| cell.clone()).collect()
    };
    let checked: Vec<String> = all.iter().take(CHECKED_ROWS).flat_map(shown).collect();
    let mut words = checked.iter().flat_map(|cell| cell.split_whitespace());
    let fits = text.lines().all(|line| line.chars().count() <= width) && words.all(|word| text.contains(word));
    let Some((header, rows)) = all.split_first().filter(|_| !fits && table.header().is_some()) else { return text };
    let longest = header.iter().map(|name| name.chars().count()).max().unwrap_or_default();
    let record = |row: &Vec<String>| -> String {
        let cells = header.iter().zip(row).filter(|(_, value)| !value.is_empty());
        cells.map(|(name, value)| format!("{name:longest$}  {value}\n")).collect()
    };
    rows.iter().map(record).collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

/// Hides the columns that have no value in any row, and returns their indexes.
fn hide_empty_columns(table: &mut Table) -> Vec<usize> {
    let has_value = |index: usize| {
        let mut cells = table.row_iter().filter_map(|row| row.cell_iter().nth(index));
        cells.any(|cell| !cell.content().is_empty())
    };
    let columns = table.header().map_or(0, |header| header.cell_iter().count());
    let empty: Vec<usize> = (0..columns).filter(|index| !has_value(*index)).collect();
    for index in &empty {
        if let Some(column) = table.column_mut(*index) {
            column.set_constraint(ColumnConstraint::Hidden);
        }
    }
    empty
}

/// One line per row, with a tab between cells. A tab or a line break in a cell becomes a space.
fn tab_separated(table: &Table) -> String {
    let has_break = |cell: &str| cell.bytes().any(|byte| matches!(byte, b'\t' | b'\n' | b'\r'));
    let cell = |cell: &String| if has_break(cell) { cell.replace(['\t', '\n', '\r'], " ") } else { cell.clone() };
    rows(table).iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join("\t") + "\n").collect()
}

/// Writes a line to standard error. Errors are ignored, and a blocked standard error delays the command only shortly.
pub(crate) fn say(line: &str) {
    streams::write_note(terminated(line));
}

fn terminated(line: &str) -> Vec<u8> {
    format!("{}\n", escape(line)).into_bytes()
}

/// Starts a thread that writes lines to standard error, for code that must not block. It ends with the sender.
pub(crate) fn reporter() -> SyncSender<String> {
    let (sender, lines) = sync_channel::<String>(64);
    // Without a thread, nothing is reported. It waits for each line: senders note how many lines they left out.
    let write = move || lines.iter().for_each(|line| streams::write_blocking(terminated(&line)));
    drop(std::thread::Builder::new().spawn(write));
    sender
}

/// Writes a line to standard error that must not get lost.
///
/// # Errors
/// If standard error is closed, cannot be written, or is blocked.
pub(crate) fn announce(line: &str) -> io::Result<()> {
    streams::write_needed(terminated(line))
}

/// Writes a question to standard error, without a line break.
pub(crate) fn ask(question: &str) -> io::Result<()> {
    streams::write_needed(escape(question).into_owned().into_bytes())
}

/// Writes text and a line break to standard output. A closed pipe (`| head`) is not an error; a full disk is.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    match write_text(&format!("{text}\n")) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::local(unwritten(&error))),
        _ => Ok(()),
    }
}

/// Writes text to standard output. A closed pipe is an error too.
fn write_text(text: &str) -> io::Result<()> {
    streams::write_result(escape(text).as_bytes())
}

/// Writes the bytes of a read to standard output, like [`write`].
pub(crate) fn print_bytes(bytes: &[u8]) -> Result<(), Failure> {
    write(bytes).map_err(|error| unread(&error))
}

/// Writes bytes to standard output: to a terminal as text that cannot control it, otherwise as they are. A closed pipe
/// is an error too.
///
/// # Errors
/// If standard output cannot be written.
pub(crate) fn write(bytes: &[u8]) -> io::Result<()> {
    match io::stdout().is_terminal() {
        true => write_text(&String::from_utf8_lossy(bytes)),
        false => streams::write_result(bytes),
    }
}

/// Why a result is not on standard output.
pub(crate) fn unwritten(error: &io::Error) -> String {
    format!("the result could not be written to standard output: {}", cause(error))
}

/// The failure of a read whose result could not be written. If the pipe is closed (`| head`), no message is needed.
fn unread(error: &io::Error) -> Failure {
    let failure = Failure::local(unwritten(error));
    if error.kind() == io::ErrorKind::BrokenPipe { failure.with_code(CLOSED_PIPE) } else { failure }
}

pub(crate) fn to_json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

/// A member of an object as text for people; empty if it is missing or null.
pub(crate) fn text(object: &Value, name: &str) -> String {
    match object.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => plain(text),
        Some(other) => plain(&other.to_string()),
    }
}

/// The members of an object that are not listed, for a table: the vendor does not repeat some responses.
pub(crate) fn others(object: &Value, listed: &[&str]) -> Vec<(String, String)> {
    let members = object.as_object().into_iter().flatten();
    let others = members.filter(|(name, value)| !listed.contains(&name.as_str()) && !value.is_null());
    others.map(|(name, _)| (plain(name), text(object, name))).collect()
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

/// Writes the message of wrong usage, or of `--help` or `--version`, and ends the program. Arguments in the message can
/// contain any character, and only harmless ones are shown in color.
pub(crate) fn exit(error: &clap::Error) -> ! {
    let text = error.render().to_string();
    match escape(&text) {
        // clap ignores an error of standard output.
        Cow::Borrowed(text) if !error.use_stderr() && !io::stdout().is_terminal() => match print(text.trim_end()) {
            Ok(()) => std::process::exit(error.exit_code()),
            Err(failure) => exit_with(&format!("error: {}", failure.sentence), failure.code.into()),
        },
        Cow::Borrowed(_) if !error.use_stderr() || io::stderr().is_terminal() => error.exit(),
        text => exit_with(text.trim_end(), error.exit_code()),
    }
}

/// Writes a line to standard error and ends the program.
pub(crate) fn exit_with(line: &str, code: i32) -> ! {
    say(line);
    streams::finish();
    std::process::exit(code)
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

    /// Waits for a call. If the command is interrupted first, the note is written.
    pub(crate) async fn unless_done<T>(note: String, call: impl Future<Output = T>) -> T {
        let note = Self::new(Some(note));
        let result = call.await;
        note.disarm();
        result
    }
}

impl Drop for InterruptionNote {
    fn drop(&mut self) {
        // Otherwise the message of the interruption says that nothing was sent.
        if let Some(note) = self.0.as_ref().filter(|_| may_have_changed()) {
            say(&format!("note: {note}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Page {
        let mut page = Page::default();
        let mut table = table(&["OrderID", "Text"]);
        table.add_row(["1", "two\twords"]).add_row(["2", ""]);
        page.table(table);
        page.line("done");
        page
    }

    #[test]
    fn without_a_terminal_a_table_is_tab_separated() {
        assert_eq!(page().text(false), "OrderID\tText\n1\ttwo words\n2\t\ndone\n");
        assert!(page().text(true).contains('─'));
    }

    #[test]
    fn a_column_without_values_is_in_tsv_only() {
        let mut table = table(&["OrderID", "Ref", "Kind"]);
        table.add_row(["1", "", "6"]).add_row(["2", "", ""]);
        let fitted = fitted(table.set_width(80));
        assert!(!fitted.contains("Ref") && fitted.contains("Kind") && fitted.contains('─'), "{fitted}");
        assert_eq!(tab_separated(&table), "OrderID\tRef\tKind\n1\t\t6\n2\t\t\n");
    }

    #[test]
    fn a_table_too_wide_for_the_terminal_is_a_list() {
        let mut table = table(&["OrderID", "Time", "Kind"]);
        let (id, time) = ("12345678901234567890", "2020-09-10T12:00:00+02:00");
        table.add_row([id, time, "6"]).add_row([id, time, ""]);
        prevent_wrapping(&mut table, &["OrderID", "Time", "Kind"], &["OrderID", "Time"]);
        assert!(fitted(table.set_width(80)).contains('─'));
        let record = format!("OrderID  {id}\nTime     {time}");
        assert_eq!(fitted(table.set_width(40)), format!("{record}\nKind     6\n\n{record}"));
    }
}
