//! What happened: told live, and at the end as a table or one JSON document.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use identkit_core::Clock as _;
use identkit_core::{Error, Instant};
use identkit_transport::{Response, SystemClock};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::files::Folder;
use crate::exit::Failure;
use crate::output::{self, Format, Page, Render};
use crate::save::SavedFile;

/// From this width of a terminal on, the summary has room for notes beside the steps.
const ROOM_FOR_NOTES: u16 = 160;

/// One thing that was done.
struct Step {
    title: String,
    operation: String,
    status: Option<u16>,
    took: Duration,
    note: String,
    ok: bool,
}

/// A step under way.
pub(super) struct StartedStep {
    title: String,
    operation: String,
    at: Instant,
}

/// Why a flow ended before its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// A check did not hold; the account of it is in the report.
    Check,
    /// Something failed.
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Error> for Stop {
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
    pub(super) fn begin(&self, title: &str, operation: &str) -> StartedStep {
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{title} ({operation})"));
        }
        StartedStep { title: title.to_owned(), operation: operation.to_owned(), at: self.clock.now() }
    }

    fn end(&mut self, step: StartedStep, status: Option<u16>, note: &str, ok: bool) {
        let took = self.clock.now().since(step.at);
        let StartedStep { title, operation, .. } = step;
        let mark = if ok { "ok  " } else { "FAIL" };
        let code = status.map_or_else(String::new, |status| format!(" HTTP {status}"));
        let note_shown = if note.is_empty() { String::new() } else { format!(": {note}") };
        self.tell(&format!("{mark} {title} [{operation}]{code} {}{note_shown}", milliseconds(took)));
        self.steps.push(Step { title, operation, status, took, note: note.to_owned(), ok });
    }

    /// It was done.
    pub(super) fn done(&mut self, step: StartedStep, status: Option<u16>, note: &str) {
        self.end(step, status, note, true);
    }

    /// A call was made; its failure ends the flow and is told first.
    pub(super) fn call<T>(
        &mut self,
        step: StartedStep,
        result: Result<Response<T>, Error>,
        note: impl FnOnce(&T) -> String,
    ) -> Result<T, Stop> {
        match result {
            Ok(answered) => {
                let note = note(&answered.value);
                self.end(step, Some(answered.status.as_u16()), &note, true);
                Ok(answered.value)
            }
            Err(error) => Err(self.failed(step, error)),
        }
    }

    /// A call failed, which ends the flow.
    pub(super) fn failed(&mut self, step: StartedStep, error: Error) -> Stop {
        self.end(step, error.status(), &error.to_string(), false);
        error.into()
    }

    /// A check: what holds is noted, what does not ends the flow with an account for people.
    pub(super) fn check(&mut self, step: StartedStep, ok: bool, note: &str, account: &[&str]) -> Result<(), Stop> {
        self.checked_call(step, None, ok, note, account)
    }

    /// A check on a call's answer.
    pub(super) fn checked_call(
        &mut self,
        step: StartedStep,
        status: Option<u16>,
        ok: bool,
        note: &str,
        account: &[&str],
    ) -> Result<(), Stop> {
        self.end(step, status, note, ok);
        if ok {
            return Ok(());
        }
        self.account.extend(account.iter().map(|line| (*line).to_owned()));
        Err(Stop::Check)
    }

    /// Tells it all, and says how the program ends.
    pub(super) fn finish(self, outcome: Result<(), Stop>, folder: &Folder) -> Result<ExitCode, Failure> {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let ok = outcome.is_ok() && self.steps.iter().all(|step| step.ok);
        self.format.show(Summary { report: &self, ok, folder })?;
        match outcome {
            Ok(()) => Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
            Err(Stop::Check) => {
                for line in &self.account {
                    output::say(line);
                }
                Ok(ExitCode::FAILURE)
            }
            Err(Stop::Failed(failure)) => Err(failure),
        }
    }
}

/// All that happened, at the end.
struct Summary<'a> {
    report: &'a Report,
    ok: bool,
    folder: &'a Folder,
}

impl Render for Summary<'_> {
    fn json(&self) -> Value {
        let step = |step: &Step| {
            json!({
                "step": step.title,
                "operation": step.operation,
                "http_status": step.status,
                "milliseconds": step.took.as_secs_f64() * 1000.0,
                "note": step.note,
                "ok": step.ok,
            })
        };
        let steps: Vec<Value> = self.report.steps.iter().map(step).collect();
        let files: Vec<Value> = self.folder.files().iter().map(SavedFile::json).collect();
        json!({ "ok": self.ok, "steps": steps, "files": files, "account": self.report.account,
            "inbox": self.folder.path("inbox.jsonl").display().to_string() })
    }

    fn table(&self, page: &mut Page) {
        let (steps, root) = (&self.report.steps, self.folder.root());
        let mut header = vec!["", "Step", "Operation", "HTTP", "Time", "Note"];
        let mut table = output::table(&[]);
        // The notes have been told live; where they do not fit beside the rest they are left out here.
        let with_notes = table.width().is_none_or(|width| width >= ROOM_FOR_NOTES);
        header.truncate(if with_notes { 6 } else { 5 });
        table.set_header(header);
        for step in steps {
            let mut row = vec![
                if step.ok { "ok" } else { "FAIL" }.to_owned(),
                step.title.clone(),
                step.operation.clone(),
                step.status.map_or_else(String::new, |status| status.to_string()),
                milliseconds(step.took),
            ];
            row.extend(with_notes.then(|| step.note.clone()));
            table.add_row(row);
        }
        page.table(&table);
        let name = root.display();
        page.line(format!("\nFiles in {name}, each with its size and SHA-256; inbox.jsonl holds the webhooks:"));
        for file in self.folder.files() {
            let path = file.path.strip_prefix(root).unwrap_or(&file.path).display();
            page.line(format!("  {path} ({} bytes)\n    {}", file.bytes, file.sha256));
        }
        let failed = steps.iter().filter(|step| !step.ok).count();
        let total: Duration = steps.iter().map(|step| step.took).sum();
        page.line(match self.ok {
            true => format!("\nEvery check held: {} steps in {}.", steps.len(), milliseconds(total)),
            false => format!("\n{failed} of {} steps failed; what comes after them was not tried.", steps.len()),
        });
    }
}

pub(super) fn milliseconds(took: Duration) -> String {
    format!("{:.1} ms", took.as_secs_f64() * 1000.0)
}
