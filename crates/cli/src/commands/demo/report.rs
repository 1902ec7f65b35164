//! The report of the demo: a line per step while it runs, then a table or a JSON document.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use identkit_core::Clock as _;
use identkit_core::{Error, Instant};
use identkit_transport::{Response, SystemClock};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::{Value, json};

use super::files::{Folder, STORE};
use crate::exit::Failure;
use crate::output::{self, Format, Page};
use crate::progress::Screen;
use crate::save::SavedFile;

/// Minimum width of a terminal for the column of notes.
const MIN_WIDTH_FOR_NOTES: u16 = 160;

/// A step of the demo.
#[derive(Serialize)]
pub(super) struct Step {
    #[serde(rename = "step")]
    title: &'static str,
    operation: &'static str,
    #[serde(skip)]
    begun: Instant,
    milliseconds: f64,
    #[serde(rename = "http_status")]
    status: Option<u16>,
    note: String,
    ok: bool,
}

/// Why a flow stopped early.
#[derive(Debug)]
pub(super) enum Stop {
    /// A check failed; its explanation is in the report.
    Check,
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
            let bar = ProgressBar::with_draw_target(None, Screen::target());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(80));
            bar
        });
        Self { format, clock: SystemClock::new(), steps: Vec::new(), account: Vec::new(), bar }
    }

    pub(super) fn begin(&self, title: &'static str, operation: &'static str) -> Step {
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{title} ({operation})"));
        }
        let begun = self.clock.now();
        Step { title, operation, begun, milliseconds: 0.0, status: None, note: String::new(), ok: true }
    }

    fn end(&mut self, step: Step, status: Option<u16>, note: impl Into<String>, ok: bool) {
        let milliseconds = self.clock.now().since(step.begun).as_secs_f64() * 1000.0;
        let step = Step { milliseconds, status, note: note.into(), ok, ..step };
        let mark = if ok { "ok  " } else { "FAIL" };
        let code = status.map_or_else(String::new, |status| format!(" HTTP {status}"));
        let note = if step.note.is_empty() { String::new() } else { format!(": {}", step.note) };
        let line = format!("{mark} {} [{}]{code} {milliseconds:.1} ms{note}", step.title, step.operation);
        match &self.bar {
            Some(bar) => bar.suspend(|| output::say(&line)),
            None => output::say(&line),
        }
        self.steps.push(step);
    }

    pub(super) fn done(&mut self, step: Step, status: Option<u16>, note: impl Into<String>) {
        self.end(step, status, note, true);
    }

    /// Ends the step of a call. If the call failed, reports the failure and stops the flow.
    pub(super) fn call<T>(
        &mut self,
        step: Step,
        result: Result<Response<T>, Error>,
        note: impl FnOnce(&T) -> String,
    ) -> Result<T, Stop> {
        match result {
            Ok(response) => {
                self.end(step, Some(response.status.as_u16()), note(&response.value), true);
                Ok(response.value)
            }
            Err(error) => Err(self.failed(step, error)),
        }
    }

    pub(super) fn failed(&mut self, step: Step, error: Error) -> Stop {
        self.end(step, error.status(), error.to_string(), false);
        error.into()
    }

    /// Ends the step of a check. If the check failed, reports `account`, an explanation in lines, and stops the flow.
    pub(super) fn check(&mut self, step: Step, ok: bool, note: &str, account: &str) -> Result<(), Stop> {
        self.checked_call(step, None, ok, note, account)
    }

    /// Ends the step of a check on a response, as [`check`](Self::check) does.
    pub(super) fn checked_call(
        &mut self,
        step: Step,
        status: Option<u16>,
        ok: bool,
        note: &str,
        account: &str,
    ) -> Result<(), Stop> {
        self.end(step, status, note, ok);
        if ok {
            return Ok(());
        }
        self.account.extend(account.lines().map(str::to_owned));
        Err(Stop::Check)
    }

    /// Prints the report and returns the exit code.
    pub(super) fn finish(self, outcome: Result<(), Stop>, folder: &Folder) -> Result<ExitCode, Failure> {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let ok = outcome.is_ok() && self.steps.iter().all(|step| step.ok);
        self.format.show(&self.json(ok, folder), |page| self.table(ok, folder, page))?;
        match outcome {
            Ok(()) => Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
            Err(Stop::Check) => {
                self.account.iter().for_each(|line| output::say(line));
                Ok(ExitCode::FAILURE)
            }
            Err(Stop::Failed(failure)) => Err(failure),
        }
    }

    /// The report as JSON.
    fn json(&self, ok: bool, folder: &Folder) -> Value {
        let files: Vec<Value> = folder.files.iter().map(SavedFile::json).collect();
        json!({ "ok": ok, "steps": self.steps, "files": files, "account": self.account,
            "store": folder.path(STORE).display().to_string() })
    }

    fn table(&self, ok: bool, folder: &Folder, page: &mut Page) {
        let (steps, root) = (&self.steps, &folder.root);
        let mut header = vec!["", "Step", "Operation", "HTTP", "Time", "Note"];
        let mut table = output::table(&[]);
        // The notes were printed live: a narrow terminal does without them.
        let with_notes = table.width().is_none_or(|width| width >= MIN_WIDTH_FOR_NOTES);
        header.truncate(if with_notes { 6 } else { 5 });
        table.set_header(header);
        for step in steps {
            let mut row = vec![
                if step.ok { "ok" } else { "FAIL" }.to_owned(),
                step.title.to_owned(),
                step.operation.to_owned(),
                step.status.map_or_else(String::new, |status| status.to_string()),
                format!("{:.1} ms", step.milliseconds),
            ];
            row.extend(with_notes.then(|| step.note.clone()));
            table.add_row(row);
        }
        page.table(table);
        let name = root.display();
        page.line(format!("\nFiles in {name}, with size and SHA-256; store.db contains the webhooks:"));
        for SavedFile { path, digest } in &folder.files {
            let path = path.strip_prefix(root).unwrap_or(path).display();
            page.line(format!("  {path} ({} bytes)\n    {}", digest.length, digest.hex()));
        }
        let failed = steps.iter().filter(|step| !step.ok).count();
        let total: f64 = steps.iter().map(|step| step.milliseconds).sum();
        page.line(match ok {
            true => format!("\nEvery check passed: {} steps in {total:.1} ms.", steps.len()),
            false => format!("\n{failed} of {} steps failed; later steps did not run.", steps.len()),
        });
    }
}
