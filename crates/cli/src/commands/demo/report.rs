//! The report of the demo: a line per step and per call while it runs, then a table or a JSON document.

use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use identkit_collector::{CaseState, Incident};
use identkit_core::{Clock as _, Instant, Kind};
use identkit_transport::{AttemptReport, CallInfo, CallObserver, CallReport, Observer, StreamReport, SystemClock};
use serde::Serialize;
use serde_json::{Value, json};

use super::files::{Folder, STORE};
use crate::exit::Failure;
use crate::output::{self, Format, Page};
use crate::progress::{Progress, Wait};
use crate::save::SavedFile;

/// Minimum width of a terminal for the column of notes.
const MIN_WIDTH_FOR_NOTES: u16 = 160;

/// A step of the demo, or a call of a client.
#[derive(Debug, Serialize)]
struct Entry {
    #[serde(rename = "step")]
    title: &'static str,
    operation: String,
    milliseconds: f64,
    #[serde(rename = "http_status")]
    status: Option<u16>,
    note: String,
    ok: bool,
}

/// A step that has begun.
#[must_use]
pub(super) struct Step {
    report: Report,
    title: &'static str,
    pub(super) operation: String,
    pub(super) status: Option<u16>,
    begun: Instant,
}

impl Step {
    pub(super) fn done(self, note: impl Into<String>) {
        self.check(true, note);
    }

    /// Ends a step that is a check.
    pub(super) fn check(self, ok: bool, note: impl Into<String>) {
        let Self { report, title, operation, status, begun } = self;
        let milliseconds = milliseconds(report.0.clock.now().since(begun));
        report.add(Entry { title, operation, milliseconds, status, note: note.into(), ok });
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[derive(Debug, Default)]
struct State {
    entries: Vec<Entry>,
    account: Vec<String>,
    /// What the next calls are for.
    purpose: &'static str,
    /// Why a step of the collector failed.
    failure: Option<Failure>,
}

#[derive(Debug)]
struct Shared {
    clock: SystemClock,
    format: Format,
    shown: Wait,
    state: Mutex<State>,
}

/// The report of the demo. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Report(Arc<Shared>);

impl Report {
    pub(super) fn new(format: Format) -> Self {
        let (clock, shown) = (SystemClock::new(), Progress::new(format).wait());
        Self(Arc::new(Shared { clock, format, shown, state: Mutex::default() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(&self, title: &'static str, operation: &'static str) -> Step {
        self.0.shown.describe(&format!("{title} ({operation})"));
        let (report, operation, begun) = (self.clone(), operation.to_owned(), self.0.clock.now());
        Step { report, title, operation, status: None, begun }
    }

    fn add(&self, entry: Entry) {
        let Entry { title, operation, milliseconds, status, note, ok } = &entry;
        let mark = if *ok { "ok  " } else { "FAIL" };
        let code = status.map_or_else(String::new, |status| format!(" HTTP {status}"));
        let note = if note.is_empty() { String::new() } else { format!(": {note}") };
        let line = format!("{mark} {title} [{operation}]{code} {milliseconds:.1} ms{note}");
        self.0.shown.hidden_while(|| output::say(&line));
        self.state().entries.push(entry);
    }

    /// Returns an observer that adds each call of a client. `name` makes the shown name of an operation.
    pub(super) fn observer(&self, name: fn(&'static str) -> &'static str) -> Arc<dyn Observer> {
        Arc::new(Calls { report: self.clone(), name })
    }

    /// Sets what the next calls are for.
    pub(super) fn expect_calls(&self, purpose: &'static str) {
        self.state().purpose = purpose;
    }

    /// Takes note of an incident of the collector.
    pub(super) fn note(&self, incident: Incident) {
        match incident {
            Incident::Changed { to: CaseState::Final, .. } => self.expect_calls("find out what there is to collect"),
            Incident::Changed { to: CaseState::Collecting, .. } => self.expect_calls("collect and verify the evidence"),
            Incident::Changed { to: CaseState::Collected, .. } => {
                self.expect_calls("delete the data, and prove it by a read");
            }
            Incident::Failed { error, .. } => self.state().failure = Some(error.into()),
            _ => {}
        }
    }

    /// Takes the last failure of the collector.
    pub(super) fn take_failure(&self) -> Option<Failure> {
        self.state().failure.take()
    }

    /// Explains a check that failed.
    pub(super) fn explain<const LINES: usize>(&self, lines: [String; LINES]) {
        self.state().account.extend(lines);
    }

    /// Prints the report and returns the exit code.
    pub(super) fn finish(&self, outcome: Result<(), Failure>, folder: &Folder) -> Result<ExitCode, Failure> {
        let state = self.state();
        let ok = outcome.is_ok() && state.entries.iter().all(|entry| entry.ok);
        let files: Vec<Value> = folder.files.iter().map(SavedFile::json).collect();
        let json = json!({ "ok": ok, "steps": state.entries, "files": files, "account": state.account,
            "store": folder.path(STORE).display().to_string() });
        self.0.shown.hidden_while(|| self.0.format.show(&json, |page| table(&state.entries, ok, folder, page)))?;
        state.account.iter().for_each(|line| output::say(line));
        outcome.map(|()| if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Adds each call of a client to a report.
#[derive(Debug)]
struct Calls {
    report: Report,
    name: fn(&'static str) -> &'static str,
}

impl Observer for Calls {
    fn begin(&self, call: &CallInfo) -> Arc<dyn CallObserver> {
        let title = self.report.state().purpose;
        Arc::new(Call { report: self.report.clone(), operation: (self.name)(call.operation), title })
    }
}

/// A call of a client.
struct Call {
    report: Report,
    operation: &'static str,
    title: &'static str,
}

impl CallObserver for Call {
    fn attempted(&self, attempt: &AttemptReport) {
        let (note, ok) = match attempt.failure {
            None => (String::new(), true),
            // The collector decides what it means: it is how the deletion is proved.
            Some(Kind::NotFound) => ("the vendor has no such data".to_owned(), true),
            Some(kind) => (format!("{kind:?}"), false),
        };
        let (operation, milliseconds) = (self.operation.to_owned(), milliseconds(attempt.elapsed));
        self.report.add(Entry { title: self.title, operation, milliseconds, status: attempt.status, note, ok });
    }

    fn ended(&self, _: &CallReport) {}

    fn streamed(&self, _: &StreamReport) {}
}

fn table(entries: &[Entry], ok: bool, folder: &Folder, page: &mut Page) {
    let mut header = vec!["", "Step", "Operation", "HTTP", "Time", "Note"];
    let mut table = output::table(&[]);
    // The notes were printed live: a narrow terminal does without them.
    let with_notes = table.width().is_none_or(|width| width >= MIN_WIDTH_FOR_NOTES);
    header.truncate(if with_notes { 6 } else { 5 });
    table.set_header(header);
    for entry in entries {
        let mut row = vec![
            if entry.ok { "ok" } else { "FAIL" }.to_owned(),
            entry.title.to_owned(),
            entry.operation.clone(),
            entry.status.map_or_else(String::new, |status| status.to_string()),
            format!("{:.1} ms", entry.milliseconds),
        ];
        row.extend(with_notes.then(|| entry.note.clone()));
        table.add_row(row);
    }
    page.table(table);
    let root = &folder.root;
    page.line(format!(
        "\nFiles in {}, with size and SHA-256; store.db contains the cases and their webhooks:",
        root.display()
    ));
    for SavedFile { path, digest } in &folder.files {
        let path = path.strip_prefix(root).unwrap_or(path).display();
        page.line(format!("  {path} ({} bytes)\n    {}", digest.length, digest.hex()));
    }
    let failed = entries.iter().filter(|entry| !entry.ok).count();
    page.line(match ok {
        true => format!("\nEvery check passed: {} steps.", entries.len()),
        false => format!("\n{failed} of {} steps failed; later steps did not run.", entries.len()),
    });
}
