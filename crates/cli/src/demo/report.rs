//! What happened: told live, and at the end as a table or one JSON document.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use identkit_core::Clock as _;
use identkit_core::{Error, Instant};
use identkit_transport::{Response, SystemClock};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::files::Folder;
use crate::args::Format;
use crate::exit::Failure;
use crate::output;

/// From this width of a terminal on, the summary has room for notes beside the steps.
const ROOM_FOR_NOTES: u16 = 160;

/// One thing that was done.
struct Step {
    title: String,
    operation: String,
    status: Option<u16>,
    took: Duration,
    note: String,
    held: bool,
}

/// A step under way.
pub(super) struct Began {
    title: String,
    operation: String,
    at: Instant,
}

/// Why a flow ended before its end.
#[derive(Debug)]
pub(super) enum Stopped {
    /// A check did not hold; the account of it is in the report.
    Check,
    /// Something failed.
    Failed(Failure),
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Failed(error.into())
    }
}

pub(super) struct Report {
    format: Format,
    clock: SystemClock,
    steps: Vec<Step>,
    account: Vec<String>,
    bar: Option<ProgressBar>,
}

impl Report {
    pub(super) fn new(format: Format) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(80));
            bar
        });
        Self { format, clock: SystemClock::new(), steps: Vec::new(), account: Vec::new(), bar }
    }

    fn tell(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => output::say(line),
        }
    }

    /// A step begins.
    pub(super) fn begin(&self, title: &str, operation: &str) -> Began {
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{title} ({operation})"));
        }
        Began { title: title.to_owned(), operation: operation.to_owned(), at: self.clock.now() }
    }

    fn end(&mut self, began: Began, status: Option<u16>, note: &str, held: bool) {
        let took = self.clock.now().since(began.at);
        let Began { title, operation, .. } = began;
        let mark = if held { "ok  " } else { "FAIL" };
        let code = status.map_or_else(String::new, |status| format!(" HTTP {status}"));
        let note_shown = if note.is_empty() { String::new() } else { format!(": {note}") };
        self.tell(&format!("{mark} {title} [{operation}]{code} {}{note_shown}", milliseconds(took)));
        self.steps.push(Step { title, operation, status, took, note: note.to_owned(), held });
    }

    /// It was done.
    pub(super) fn done(&mut self, began: Began, status: Option<u16>, note: &str) {
        self.end(began, status, note, true);
    }

    /// A call was made; its failure ends the flow and is told first.
    pub(super) fn call<T>(
        &mut self,
        began: Began,
        result: Result<Response<T>, Error>,
        note: impl FnOnce(&T) -> String,
    ) -> Result<T, Stopped> {
        match result {
            Ok(answered) => {
                let note = note(&answered.value);
                self.end(began, Some(answered.status.as_u16()), &note, true);
                Ok(answered.value)
            }
            Err(error) => Err(self.failed(began, error)),
        }
    }

    /// A call failed, which ends the flow.
    pub(super) fn failed(&mut self, began: Began, error: Error) -> Stopped {
        self.end(began, error.status(), &error.to_string(), false);
        error.into()
    }

    /// A check: what holds is noted, what does not ends the flow with an account for people.
    pub(super) fn check(&mut self, began: Began, held: bool, note: &str, account: &[&str]) -> Result<(), Stopped> {
        self.checked_call(began, None, held, note, account)
    }

    /// A check on a call's answer.
    pub(super) fn checked_call(
        &mut self,
        began: Began,
        status: Option<u16>,
        held: bool,
        note: &str,
        account: &[&str],
    ) -> Result<(), Stopped> {
        self.end(began, status, note, held);
        if held {
            return Ok(());
        }
        self.account.extend(account.iter().map(|line| (*line).to_owned()));
        Err(Stopped::Check)
    }

    /// Tells it all, and says how the program ends.
    pub(super) fn finish(self, outcome: Result<(), Stopped>, folder: &Folder) -> Result<ExitCode, Failure> {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let held = outcome.is_ok() && self.steps.iter().all(|step| step.held);
        match self.format {
            Format::Json => self.json(held, folder)?,
            Format::Table => self.tables(held, folder)?,
        }
        match outcome {
            Ok(()) => Ok(if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
            Err(Stopped::Check) => {
                for line in &self.account {
                    output::say(line);
                }
                Ok(ExitCode::FAILURE)
            }
            Err(Stopped::Failed(failure)) => Err(failure),
        }
    }

    fn tables(&self, held: bool, folder: &Folder) -> Result<(), Failure> {
        let mut header = vec!["", "Step", "Operation", "HTTP", "Time", "Note"];
        let mut table = output::table(&[]);
        // The notes have been told live; where they do not fit beside the rest they are left out here.
        let with_notes = table.width().is_none_or(|width| width >= ROOM_FOR_NOTES);
        header.truncate(if with_notes { 6 } else { 5 });
        table.set_header(header);
        for step in &self.steps {
            let mut row = vec![
                if step.held { "ok" } else { "FAIL" }.to_owned(),
                step.title.clone(),
                step.operation.clone(),
                step.status.map_or_else(String::new, |status| status.to_string()),
                milliseconds(step.took),
            ];
            if with_notes {
                row.push(step.note.clone());
            }
            table.add_row(row);
        }
        output::print_table(&table)?;
        let name = folder.root().display();
        output::print(&format!("\nFiles in {name}, each with its size and SHA-256; inbox.jsonl holds the webhooks:"))?;
        for file in folder.files() {
            let path = file.path.strip_prefix(folder.root()).unwrap_or(&file.path).display();
            output::print(&format!("  {path} ({} bytes)\n    {}", file.bytes, file.sha256))?;
        }
        let failed = self.steps.iter().filter(|step| !step.held).count();
        let total: Duration = self.steps.iter().map(|step| step.took).sum();
        let verdict = match (held, failed) {
            (true, _) => format!("Every check held: {} steps in {}.", self.steps.len(), milliseconds(total)),
            (false, failed) => {
                format!("{failed} of {} steps failed; what comes after them was not tried.", self.steps.len())
            }
        };
        output::print(&format!("\n{verdict}"))
    }

    fn json(&self, held: bool, folder: &Folder) -> Result<(), Failure> {
        let steps: Vec<_> = self
            .steps
            .iter()
            .map(|step| {
                json!({
                    "step": step.title,
                    "operation": step.operation,
                    "http_status": step.status,
                    "milliseconds": step.took.as_secs_f64() * 1000.0,
                    "note": step.note,
                    "ok": step.held,
                })
            })
            .collect();
        let files: Vec<_> = folder
            .files()
            .iter()
            .map(|file| json!({ "path": file.path.display().to_string(), "bytes": file.bytes, "sha256": file.sha256 }))
            .collect();
        output::print_json(&json!({ "ok": held, "steps": steps, "files": files, "account": self.account,
            "inbox": folder.path("inbox.jsonl").display().to_string() }))
    }
}

pub(super) fn milliseconds(took: Duration) -> String {
    format!("{:.1} ms", took.as_secs_f64() * 1000.0)
}
