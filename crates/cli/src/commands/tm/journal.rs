//! The journal of destructive reads: the vendor sends each entry only once (AT-06).
//!
//! One JSON object per line, each starting with `{"v":1,"at":TIME,"event":`:
//! - `"asked"` before a request is sent. If nothing follows, the response was lost or the process was killed.
//! - `"answer"` with `bytes`, `sha256` and `base64`: the response as received.
//! - `"nothing"`: the vendor had no new entries. `"refused"`: the read provably marked nothing.
//! - `"unknown"`: the response does not show which entries the vendor marked.
//!
//! Invariants:
//! - A record, and the name of a new file, is on disk before the method that writes it returns.
//! - A record that a crash cut off is moved to another file and never deleted: it may be part of a response.
//! - A file with any other content is not changed.
//! - The file is locked while it is open, and readable by its owner only.

use std::io;
use std::path::{Path, PathBuf};

use identkit_files::{AppendLog, OpenError, Tail};
use identkit_wire::{decode_base64, encode_base64};
use jiff::Timestamp;
use serde_json::Value;

use crate::save::digest;

/// Event: a request is about to be sent.
pub(super) const ASKED: &str = "asked";
/// Event: the vendor had no new entries.
pub(super) const NOTHING: &str = "nothing";
/// Event: the read provably marked nothing.
pub(super) const REFUSED: &str = "refused";

/// Event: the response, if there was one, does not show which entries the vendor marked.
pub(super) const UNKNOWN: &str = "unknown";

/// The start of every record.
const RECORD_START: &str = "{\"v\":1,\"at\":\"";

/// An open journal.
#[derive(Debug)]
pub(super) struct Journal(AppendLog);

/// The state of a journal when it was opened.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct JournalState {
    /// The file with a record that a crash cut off.
    pub(super) torn: Option<PathBuf>,
    /// Start time of the last read, if the journal does not record its end.
    pub(super) open: Option<String>,
    /// Start time of the last read with a recorded end. A lost response can contain only later entries.
    pub(super) since: Option<String>,
}

impl Journal {
    /// Opens or creates the file, checks every record in it, and locks it.
    ///
    /// # Errors
    /// If the file cannot be written, is in use, is not a regular file, or contains a line that is not a record.
    pub(super) fn open(path: &Path) -> io::Result<(Self, JournalState)> {
        // A record of its meaning can follow a response.
        let (mut since, mut open, mut answered) = (None, None, None);
        let read = |line: &[u8]| {
            let Some((at, event)) = record(line) else { return false };
            match event.as_str() {
                ASKED => {
                    since = answered.take().or(since.take());
                    open = Some(at);
                }
                REFUSED => (open, answered) = (None, None),
                UNKNOWN => open = open.take().or(answered.take()),
                NOTHING => since = open.take().or(since.take()),
                _ => answered = open.take().or(answered.take()),
            }
            true
        };
        let opened = AppendLog::open(path, RECORD_START.as_bytes(), Tail::SetAside, read);
        let (log, torn) = opened.map_err(|error| match error {
            OpenError::NotRegular => io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"),
            OpenError::InUse { .. } => io::Error::new(io::ErrorKind::ResourceBusy, "another process is using it"),
            OpenError::Foreign { line } => {
                let why = format!("line {line} is damaged or not a record of a journal; the file was not changed");
                io::Error::new(io::ErrorKind::InvalidData, why)
            }
            OpenError::Io(error) => error,
            other => io::Error::other(other),
        })?;
        Ok((Self(log), JournalState { torn, open, since: answered.or(since) }))
    }

    /// Appends a record of [`ASKED`], [`NOTHING`], [`REFUSED`] or [`UNKNOWN`].
    pub(super) fn record(&mut self, at: Timestamp, event: &str) -> io::Result<()> {
        self.append(&line(at, event, ""))
    }

    /// Appends a record made by [`answer`].
    pub(super) fn append(&mut self, record: &str) -> io::Result<()> {
        self.0.append(record.as_bytes())
    }
}

/// The record of a response, with its line break.
pub(super) fn answer(at: Timestamp, bytes: &[u8]) -> String {
    let (length, sha256) = (bytes.len(), digest(bytes).hex());
    let base64 = encode_base64(bytes);
    line(at, "answer", &format!(",\"bytes\":{length},\"sha256\":\"{sha256}\",\"base64\":\"{base64}\""))
}

fn line(at: Timestamp, event: &str, more: &str) -> String {
    format!("{RECORD_START}{at}\",\"event\":\"{event}\"{more}}}\n")
}

/// The time and the event of a record; `None` if the record is incomplete or its digest is wrong.
fn record(line: &[u8]) -> Option<(String, String)> {
    let record: Value = serde_json::from_slice(line).ok()?;
    let text = |key| record.get(key).and_then(Value::as_str);
    let (at, event) = (text("at")?, text("event")?);
    if event == "answer" {
        let digest = digest(&decode_base64(text("base64")?).ok()?);
        let recorded = (record.get("bytes")?.as_u64()?, text("sha256")?);
        (recorded == (digest.length, digest.hex().as_str())).then_some(())?;
    } else if ![ASKED, NOTHING, REFUSED, UNKNOWN].contains(&event) {
        return None;
    }
    Some((at.to_owned(), event.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = br#"[{"OrderID":"99921269855041","Status":[{"Kind":6}]}]"#;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_600_000_000 + second).unwrap()
    }

    fn open(path: &Path) -> (Journal, JournalState) {
        Journal::open(path).unwrap()
    }

    /// Writes a journal of two reads and returns its bytes.
    fn written(path: &Path) -> Vec<u8> {
        let (mut journal, state) = open(path);
        assert_eq!(state, JournalState::default());
        journal.record(at(0), ASKED).unwrap();
        journal.record(at(1), NOTHING).unwrap();
        journal.record(at(10), ASKED).unwrap();
        journal.append(&answer(at(11), ANSWER)).unwrap();
        drop(journal);
        std::fs::read(path).unwrap()
    }

    #[test]
    fn at_06_the_format_is_as_documented_in_the_help() {
        let folder = tempfile::tempdir().unwrap();
        let text = String::from_utf8(written(&folder.path().join("j"))).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], r#"{"v":1,"at":"2020-09-13T12:26:40Z","event":"asked"}"#);
        assert_eq!(lines[1], r#"{"v":1,"at":"2020-09-13T12:26:41Z","event":"nothing"}"#);
        let record: Value = serde_json::from_str(lines[3]).unwrap();
        assert_eq!((&record["event"], &record["bytes"]), (&"answer".into(), &ANSWER.len().into()));
        assert_eq!(decode_base64(record["base64"].as_str().unwrap()).unwrap(), ANSWER);
        assert_eq!(record["sha256"], digest(ANSWER).hex());
    }

    #[test]
    fn at_06_a_read_without_an_end_is_detected() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let state_after = |write: &dyn Fn(&mut Journal) -> io::Result<()>| {
            write(&mut open(&path).0).unwrap();
            let state = open(&path).1;
            (state.open, state.since)
        };
        let time = |second: i64| Some(at(second).to_string());
        assert_eq!(state_after(&|journal| journal.record(at(0), ASKED)), (time(0), None));
        assert_eq!(state_after(&|journal| journal.record(at(1), REFUSED)), (None, None));
        assert_eq!(state_after(&|journal| journal.record(at(2), ASKED)), (time(2), None));
        assert_eq!(state_after(&|journal| journal.append(&answer(at(3), b""))), (None, time(2)));
        assert_eq!(state_after(&|journal| journal.record(at(4), ASKED)), (time(4), time(2)));
        assert_eq!(state_after(&|journal| journal.record(at(5), ASKED)), (time(5), time(2)));
        assert_eq!(state_after(&|journal| journal.record(at(6), NOTHING)), (None, time(5)));
        // A response whose meaning follows.
        let answered = |journal: &mut Journal, at_: i64, event| {
            journal.record(at(at_), ASKED)?;
            journal.append(&answer(at(at_), b"{}"))?;
            journal.record(at(at_), event)
        };
        assert_eq!(state_after(&|journal| answered(journal, 7, REFUSED)), (None, time(5)));
        assert_eq!(state_after(&|journal| answered(journal, 8, UNKNOWN)), (time(8), time(5)));
    }

    #[test]
    fn a_damaged_or_foreign_file_is_not_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let whole = String::from_utf8(written(&path)).unwrap();
        let damaged = [
            "my notes\n".to_owned(),
            "my notes".to_owned(),
            format!("{whole}my notes"),
            format!("\n{whole}"),
            format!("{whole}\0\0\0"),
            whole.replace("asked", "often"),
            whole.replace("\"bytes\":5", "\"bytes\":6"),
            whole.replacen("\"sha256\":\"", "\"sha256\":\"0", 1),
            whole.replacen("\"base64\":\"W", "\"base64\":\"X", 1),
            whole.replacen("\"v\":1", "\"v\":2", 1),
        ];
        for text in damaged {
            assert_ne!(text, whole);
            std::fs::write(&path, &text).unwrap();
            assert_eq!(Journal::open(&path).unwrap_err().kind(), io::ErrorKind::InvalidData, "{text}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
