//! What the vendor knows: its orders, their true files, and the calls that it received.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::support::{Sandbox, sha256};

/// Entries of a page of the sandbox's admin API.
const PAGE: usize = 1000;

/// The admin API of a sandbox, whose errors are values.
#[derive(Clone)]
pub(super) struct Admin(String);

/// A call that the vendor received.
pub(super) struct Call {
    pub(super) sequence: u64,
    pub(super) operation: String,
    pub(super) order: String,
    pub(super) status: u64,
}

impl Call {
    fn read(entry: &Value) -> Self {
        let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        Self {
            sequence: entry["sequence"].as_u64().unwrap(),
            operation: text("operation"),
            order: text("order"),
            status: entry["status"].as_u64().unwrap_or_default(),
        }
    }

    pub(super) fn succeeded(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Admin {
    pub(super) fn new(sandbox: &Sandbox) -> Self {
        Self(format!("{}/_sandbox/v1", sandbox.ready_text("/admin")))
    }

    /// Status and body of a response.
    pub(super) fn call(&self, path: &str, body: Option<&Value>) -> (u16, Vec<u8>) {
        let rest = self.0.strip_prefix("http://").unwrap();
        let (authority, base) = rest.split_at(rest.find('/').unwrap());
        let (method, body) = body.map_or(("GET", String::new()), |body| ("POST", body.to_string()));
        let mut stream = TcpStream::connect(authority).unwrap();
        let head = format!(
            "{method} {base}/{path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = memchr::memmem::find(&answer, b"\r\n\r\n").unwrap();
        let status = std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap();
        (status, answer.split_off(end + 4))
    }

    /// The JSON of a call that must succeed.
    #[track_caller]
    pub(super) fn json(&self, path: &str, body: Option<&Value>) -> Value {
        let (status, answer) = self.call(path, body);
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&answer));
        serde_json::from_slice(&answer).unwrap()
    }

    /// All entries of a list, newest first.
    pub(super) fn all(&self, list: &str) -> Vec<Value> {
        let (mut all, mut before) = (Vec::new(), String::new());
        loop {
            let page = self.json(&format!("{list}?limit={PAGE}{before}"), None);
            all.extend(page[list].as_array().unwrap().iter().cloned());
            let Some(next) = page["next"].as_str() else { return all };
            before = format!("&before={next}");
        }
    }

    /// The calls after an entry of the journal, oldest first.
    #[track_caller]
    pub(super) fn calls_since(&self, since: u64) -> Vec<Call> {
        let (mut calls, mut before) = (Vec::new(), String::new());
        loop {
            let page = self.json(&format!("journal?since={since}&limit={PAGE}{before}"), None);
            assert_eq!(page["forgotten"], Value::Null, "the journal has lost entries: read it more often");
            calls.extend(page["requests"].as_array().unwrap().iter().map(Call::read));
            match &page["next"] {
                Value::Null => break,
                next => before = format!("&before={next}"),
            }
        }
        calls.reverse();
        calls
    }

    /// Plays a story, and returns whether it fits the case.
    pub(super) fn play(&self, case: &str, story: &str) -> bool {
        self.call(&format!("orders/{case}/transition"), Some(&json!({ "story": story }))).0 == 200
    }

    /// The vendor's calls that return files of an order now, with their number and, where the bytes do not depend on
    /// the time of the call, their SHA-256. `None` if the order has no result yet, or none any more.
    pub(super) fn files(&self, order: &str) -> Option<Files> {
        let (status, details) = self.call(&format!("orders/{order}/details"), None);
        let details: Value = serde_json::from_slice(&details).ok().filter(|_| status == 200)?;
        let mut files = Files::default();
        for file in details["evidence"].as_array()?.iter().filter(|file| file["refused"].is_null()) {
            let operation = file["operation"].as_str()?.to_owned();
            let mut digests = Vec::new();
            if operation == "getESignPDF" {
                let name = file["name"].as_str()?;
                let (status, bytes) = self.call(&format!("orders/{order}/evidence?file={name}"), None);
                digests.push(sha256(&bytes));
                if status != 200 {
                    return None;
                }
            }
            files.entry(operation).or_default().extend(digests);
        }
        Some(files)
    }
}

/// The files of an order by the call that returns them.
pub(super) type Files = BTreeMap<String, Vec<String>>;
