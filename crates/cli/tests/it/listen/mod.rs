//! `identkit listen` as a process.

mod forward;
pub(crate) mod postgres;
mod process;
mod responses;
mod tls;
mod tokens;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::{NamedTempFile, TempDir};

use crate::support::{HANGS, ORDER, Run, identkit, send};

/// The events of identity.TM.
const EVENTS: [&str; 4] = ["AfterVideo", "AfterIdent", "OnFinal", "Video"];

/// A receiver process, killed on drop.
struct Receiver {
    child: Child,
    stdout: NamedTempFile,
    stderr: NamedTempFile,
    ready: Value,
}

impl Receiver {
    /// A receiver with a SQLite store in the folder, on a free port.
    fn on(folder: &TempDir, more: &[&str]) -> Self {
        Self::run(&mut command(folder, more))
    }

    /// Starts a receiver, and waits for its ready line.
    fn run(command: &mut Command) -> Self {
        let (stdout, stderr) = (NamedTempFile::new().unwrap(), NamedTempFile::new().unwrap());
        command.stdout(stdout.reopen().unwrap()).stderr(stderr.reopen().unwrap());
        let child = command.spawn().expect("the receiver starts");
        let mut receiver = Self { child, stdout, stderr, ready: Value::Null };
        let line = receiver.lines(1).remove(0);
        receiver.ready = line;
        receiver
    }

    /// All lines of standard output, as soon as there is this number.
    fn lines(&mut self, count: usize) -> Vec<Value> {
        let began = Instant::now();
        loop {
            let text = std::fs::read_to_string(self.stdout.path()).unwrap();
            let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
            let lines: Vec<Value> = whole.map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
            if lines.len() >= count {
                return lines;
            }
            let lives = self.child.try_wait().unwrap().is_none() && began.elapsed() < HANGS;
            assert!(lives, "{} of {count} lines; standard error: {}", lines.len(), self.stderr());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The printed events, as soon as there is this number.
    fn events(&mut self, count: usize) -> Vec<Value> {
        self.lines(count + 1).split_off(1)
    }

    fn stderr(&self) -> String {
        std::fs::read_to_string(self.stderr.path()).unwrap()
    }

    /// The URL of an order's event.
    fn order_url(&self, event: &str) -> String {
        let template = self.ready["identity_tm_webhooks"][event].as_str().unwrap();
        template.replace("[OrderID]", ORDER).replace("[Ref]", "R%2F1")
    }

    fn ident_url(&self) -> &str {
        self.ready["identify24_webhook"].as_str().unwrap()
    }

    /// The URL of a path.
    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.ready["listen"].as_str().unwrap())
    }

    /// Sends a signal, and waits for the end.
    fn end(mut self, signal: &str) -> Run {
        let began = Instant::now();
        send(signal, self.child.id());
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(began.elapsed() < HANGS, "a signal ends the receiver: {}", self.stderr());
            std::thread::sleep(Duration::from_millis(5));
        };
        let stdout = std::fs::read_to_string(self.stdout.path()).unwrap();
        Run { code: status.code(), stdout, stderr: self.stderr(), took: began.elapsed() }
    }

    /// Ends the receiver. The exit code must be 0, and no secret may be on standard error.
    fn stop(self) -> Run {
        let urls = [self.ready["identify24_webhook"].clone(), self.ready["identity_tm_webhooks"]["OnFinal"].clone()];
        let token = |url: &Value| url.as_str().unwrap().split('/').rev().nth(1).unwrap().to_owned();
        let tokens: Vec<String> = urls.iter().map(token).collect();
        let run = self.end("TERM");
        run.ends_with(0, &[]).logs_none_of(&[&tokens[0], &tokens[1], ORDER]);
        run
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(folder: &TempDir, more: &[&str]) -> Command {
    let mut command = identkit();
    command.args(["listen", "--listen", "127.0.0.1:0", "--store"]);
    command.arg(format!("sqlite:{}", folder.path().join("state.db").display())).args(more);
    command.stdin(Stdio::null());
    command
}

/// Begins a request. The rest of the body may follow.
fn begin(url: &str, method: &str, length: usize, body: &str) -> TcpStream {
    let rest = url.strip_prefix("http://").unwrap();
    let (authority, path) = rest.split_at(rest.find('/').unwrap());
    let mut stream = TcpStream::connect(authority).unwrap();
    stream.set_read_timeout(Some(HANGS)).unwrap();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: {authority}\r\ncontent-length: {length}\r\n\r\n{body}");
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

/// The whole response.
fn response(mut stream: TcpStream) -> String {
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}

/// Sends a request, and returns the response.
fn request(url: &str, method: &str, body: &str) -> String {
    response(begin(url, method, body.len(), body))
}

/// Sends a request, and returns the status of the response.
fn status(url: &str, method: &str, body: &str) -> u16 {
    let response = request(url, method, body);
    response.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{response}"))
}
