//! `identkit run`, `identkit case` and `identkit ledger`, against the sandbox.

mod commands;
mod configuration;
mod crashes;
mod disk;
mod flow;
mod kills;
mod object_store;
mod opening;
mod reuse;
mod trouble;
mod workers;

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::{NamedTempFile, TempDir};

use self::object_store::S3;
use crate::support::{HANGS, Run, Sandbox, Vendor as _, feed, ident, order, run, send};

/// The word of the sandbox for a positive end.
const POSITIVE: &str = "--outcome=Identified=positive";

/// Names in the documents' examples that must never be on standard error.
const PERSONS: [&str; 4] = ["Mustermann", "Erika", "Heidestr", "0171"];

/// A sandbox, a store, and a folder for artifacts.
struct Service {
    sandbox: Sandbox,
    folder: TempDir,
    /// URL of a database, and the file with its key. `None`: SQLite in the folder.
    store: Option<(String, String)>,
    /// The object store of the artifacts. `None`: they are in the folder.
    s3: Option<S3>,
}

impl Service {
    fn new() -> Self {
        Self::of(Sandbox::plain())
    }

    fn of(sandbox: Sandbox) -> Self {
        Self { sandbox, folder: tempfile::tempdir().unwrap(), store: None, s3: None }
    }

    fn store(&self) -> String {
        match &self.store {
            Some((url, _)) => url.clone(),
            None => format!("sqlite:{}", self.folder.path().join("state.db").display()),
        }
    }

    fn sink(&self) -> PathBuf {
        self.folder.path().join("evidence")
    }

    /// The value of `--sink`.
    fn sink_option(&self) -> PathBuf {
        self.s3.as_ref().map_or_else(|| self.sink(), |s3| s3.url.clone().into())
    }

    /// The bytes of artifacts.
    fn read_artifacts(&self, locations: &[&str]) -> Vec<Vec<u8>> {
        let read = |location: &&str| std::fs::read(self.sink().join(location)).unwrap();
        self.s3.as_ref().map_or_else(|| locations.iter().map(read).collect(), |s3| s3.read(locations))
    }

    /// A command on the store, with the credentials of the sandbox.
    fn command(&self, line: &str) -> Command {
        let mut command = self.sandbox.identkit();
        command.args(line.split(' ')).env("IDENTKIT_STORE", self.store());
        if let Some((_, key)) = &self.store {
            command.args(["--key-file", key]);
        }
        if let Some(s3) = &self.s3 {
            s3.set(&mut command);
        }
        command
    }

    fn run(&self, line: &str) -> Run {
        run(&mut self.command(line))
    }

    #[track_caller]
    fn json(&self, line: &str) -> Value {
        self.run(&format!("{line} --output json")).ends_with(0, &[]).json()
    }

    /// A command on the store without any credentials.
    fn without_credentials(&self, line: &str) -> Run {
        let mut command = crate::support::identkit();
        run(command.args(line.split(' ')).args(["--store", &self.store()]))
    }

    /// The command that starts a collector with a receiver.
    fn collector(&self, more: &[&str]) -> Command {
        let mut command = self.command("run --listen 127.0.0.1:0");
        command.args([POSITIVE, "--sink"]).arg(self.sink_option()).args(more);
        command
    }

    /// Starts a collector, and sets its URL at the vendor that has one for the account.
    fn start(&self, more: &[&str]) -> Running {
        let running = Running::start(&mut self.collector(more));
        let url = &running.ready["identify24_webhook"];
        self.sandbox.ask("settings", Some(&json!({ "identify24": { "webhook_url": url } }).to_string()));
        running
    }

    /// Opens a case with an input.
    #[track_caller]
    fn open(&self, provider: &str, input: &str) -> Value {
        let line = format!("case open - --provider {provider} --output json");
        feed(&mut self.command(&line), input.as_bytes()).ends_with(0, &[]).logs_none_of(&PERSONS).json()
    }

    #[track_caller]
    fn open_order(&self, changes: &Value) -> Value {
        self.open("tm", &order(changes))
    }

    #[track_caller]
    fn open_ident(&self, changes: &Value) -> Value {
        self.open("identify24", &ident(changes))
    }

    fn play(&self, case: &Value, story: &str) {
        self.sandbox.play(case["vendor_id"].as_str().unwrap(), story);
    }

    #[track_caller]
    fn status(&self, case: &Value) -> Value {
        self.json(&format!("case status {}", case["case"]))
    }

    /// Waits until the case has a state.
    #[track_caller]
    fn becomes(&self, case: &Value, state: &str) -> Value {
        self.until(case, |status| status["state"] == state)
    }

    /// Waits until the status of the case fulfils a condition.
    #[track_caller]
    fn until(&self, case: &Value, condition: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let status = self.status(case);
            if condition(&status) {
                return status;
            }
            assert!(began.elapsed() < HANGS, "the case does not become what is expected: {status:#}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Number of calls that the vendor has received.
    fn calls(&self, operation: &str) -> u64 {
        self.sandbox.ask(&format!("journal/count?operation={operation}"), None)["count"].as_u64().unwrap()
    }

    /// The deletion ledger.
    fn ledger(&self) -> Vec<Value> {
        self.json("ledger export").as_array().unwrap().clone()
    }

    /// All files of the sink.
    fn files(&self) -> Vec<PathBuf> {
        if let Some(s3) = &self.s3 {
            return s3.keys();
        }
        let mut folders = vec![self.sink()];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        files
    }

    /// Asserts that the files of the sink are the artifacts of a case, with their hashes.
    #[track_caller]
    fn assert_artifacts(&self, status: &Value) {
        let artifacts = status["artifacts"].as_array().unwrap();
        let mut locations: Vec<&str> = artifacts.iter().map(|it| it["location"].as_str().unwrap()).collect();
        for (artifact, bytes) in artifacts.iter().zip(self.read_artifacts(&locations)) {
            assert_eq!(artifact["sha256"], crate::support::sha256(&bytes), "{artifact}");
            assert_eq!(artifact["bytes"], bytes.len(), "{artifact}");
        }
        locations.sort_unstable();
        locations.dedup();
        assert_eq!(locations.len(), artifacts.len(), "{status:#}");
    }
}

/// A collector process, killed on drop.
struct Running {
    child: Child,
    stdout: NamedTempFile,
    stderr: NamedTempFile,
    ready: Value,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        Self::try_start(command).unwrap_or_else(|failed| panic!("no ready line: {failed:#?}"))
    }

    /// Starts a collector, or returns its failure.
    fn try_start(command: &mut Command) -> Result<Self, Run> {
        let (stdout, stderr) = (NamedTempFile::new().unwrap(), NamedTempFile::new().unwrap());
        command.stdout(stdout.reopen().unwrap()).stderr(stderr.reopen().unwrap());
        let child = command.spawn().expect("the collector starts");
        let mut running = Self { child, stdout, stderr, ready: Value::Null };
        let began = Instant::now();
        loop {
            let stdout = std::fs::read_to_string(running.stdout.path()).unwrap();
            if stdout.ends_with('\n') {
                running.ready = serde_json::from_str(&stdout).expect("one line of JSON");
                return Ok(running);
            }
            if let Some(status) = running.child.try_wait().unwrap() {
                return Err(Run { code: status.code(), stdout, stderr: running.stderr(), took: began.elapsed() });
            }
            assert!(began.elapsed() < HANGS, "no ready line: {}", running.stderr());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn stderr(&self) -> String {
        std::fs::read_to_string(self.stderr.path()).unwrap()
    }

    /// Kills the process with SIGKILL.
    fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.stderr()
    }

    /// Ends the process with a signal. It must be a success, and nothing personal may be on standard error.
    #[track_caller]
    fn end(mut self, signal: &str) -> Run {
        let began = Instant::now();
        send(signal, self.child.id());
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(began.elapsed() < HANGS, "a signal ends the collector: {}", self.stderr());
            std::thread::sleep(Duration::from_millis(5));
        };
        let stdout = std::fs::read_to_string(self.stdout.path()).unwrap();
        let run = Run { code: status.code(), stdout, stderr: self.stderr(), took: began.elapsed() };
        run.ends_with(0, &[]).logs_none_of(&PERSONS).logs_none_of(&["sandbox-code", "sandbox-api-key"]);
        assert!(run.took < Duration::from_secs(14), "{run:?}");
        run
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
