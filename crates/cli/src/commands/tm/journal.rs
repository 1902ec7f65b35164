//! The file that keeps what a destructive read brought: it is told once and never again (AT-06).
//!
//! One JSON object a line, each beginning with `{"v":1,"at":TIME,"event":`:
//! - `"asked"` before a request is sent. Nothing after it means that the answer was lost, or the process ended.
//! - `"answer"` with `bytes`, `sha256` and `base64`: the answer as it came.
//! - `"nothing"` when the vendor had nothing new, `"refused"` when it provably took nothing.
//!
//! Invariants:
//! - A record is on the disk before the method that writes it returns; the name of a new file, too.
//! - What a crash cut short is moved to a file beside it and never thrown away: it may be a part of an answer.
//! - A file that holds anything else is left alone.
//! - One process at a time: the file is locked while it is open. Its owner alone may read it.

use std::io;
use std::path::{Path, PathBuf};

use identkit_files::{AppendLog, OpenError, Tail};
use identkit_wire::{decode_base64, encode_base64};
use jiff::Timestamp;
use serde_json::Value;

use crate::save::digest;

/// Before a request is sent.
pub(super) const ASKED: &str = "asked";
/// The vendor had nothing new.
pub(super) const NOTHING: &str = "nothing";
/// The vendor has provably taken nothing.
pub(super) const REFUSED: &str = "refused";

/// How every record begins.
const BEGIN: &str = "{\"v\":1,\"at\":\"";

/// An open journal.
#[derive(Debug)]
pub(super) struct Journal(AppendLog);

/// What a journal held when it was opened.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct JournalState {
    /// Where a record that was cut short is now.
    pub(super) torn: Option<PathBuf>,
    /// When the last read was begun, if nothing is known of its end.
    pub(super) open: Option<String>,
    /// When the last read was begun that was answered: what came later may be what an open one was told.
    pub(super) since: Option<String>,
}

impl Journal {
    /// Opens or creates the file, checks every record in it, and locks it.
    ///
    /// # Errors
    /// When it cannot be written, is in use, is no regular file, or holds something that is no record.
    pub(super) fn open(path: &Path) -> io::Result<(Self, JournalState)> {
        let (mut since, mut open) = (None, None);
        let read = |line: &[u8]| {
            let Some((at, event)) = record(line) else { return false };
            match event.as_str() {
                ASKED => open = Some(at),
                REFUSED => open = None,
                _ => since = open.take().or(since.take()),
            }
            true
        };
        let opened = AppendLog::open(path, BEGIN.as_bytes(), Tail::SetAside, read);
        let (log, torn) = opened.map_err(|error| match error {
            OpenError::NotRegular => io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"),
            OpenError::InUse { .. } => {
                io::Error::new(io::ErrorKind::ResourceBusy, "another process is using it: one read at a time")
            }
            OpenError::Foreign { line } => {
                let told = format!("line {line} is no record of a journal, or is damaged; it is left as it is");
                io::Error::new(io::ErrorKind::InvalidData, told)
            }
            OpenError::Io(error) => error,
            other => io::Error::other(other),
        })?;
        Ok((Self(log), JournalState { torn, open, since }))
    }

    /// Writes one of the events above.
    pub(super) fn record(&mut self, at: Timestamp, event: &str) -> io::Result<()> {
        self.append(&line(at, event, ""))
    }

    /// A record as [`answer`] makes it.
    pub(super) fn append(&mut self, record: &str) -> io::Result<()> {
        self.0.append(record.as_bytes())
    }
}

/// The record of an answer, with the end of its line.
pub(super) fn answer(at: Timestamp, bytes: &[u8]) -> String {
    let (length, sha256) = (bytes.len(), digest(bytes).hex());
    let base64 = encode_base64(bytes);
    line(at, "answer", &format!(",\"bytes\":{length},\"sha256\":\"{sha256}\",\"base64\":\"{base64}\""))
}

fn line(at: Timestamp, event: &str, more: &str) -> String {
    format!("{BEGIN}{at}\",\"event\":\"{event}\"{more}}}\n")
}

/// When it was written and its event; `None` unless it is whole and true.
fn record(line: &[u8]) -> Option<(String, String)> {
    let record: Value = serde_json::from_slice(line).ok()?;
    let text = |key| record.get(key).and_then(Value::as_str);
    let (at, event) = (text("at")?, text("event")?);
    if event == "answer" {
        let digest = digest(&decode_base64(text("base64")?).ok()?);
        let told = (record.get("bytes")?.as_u64()?, text("sha256")?);
        (told == (digest.length, digest.hex().as_str())).then_some(())?;
    } else if ![ASKED, NOTHING, REFUSED].contains(&event) {
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

    /// A journal of two reads.
    fn written(path: &Path) -> Vec<u8> {
        let (mut journal, found) = open(path);
        assert_eq!(found, JournalState::default());
        journal.record(at(0), ASKED).unwrap();
        journal.record(at(1), NOTHING).unwrap();
        journal.record(at(10), ASKED).unwrap();
        journal.append(&answer(at(11), ANSWER)).unwrap();
        drop(journal);
        std::fs::read(path).unwrap()
    }

    #[test]
    fn at_06_the_format_is_the_one_that_the_help_documents() {
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
    fn at_06_a_read_without_an_end_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let of = |write: &dyn Fn(&mut Journal) -> io::Result<()>| {
            write(&mut open(&path).0).unwrap();
            let found = open(&path).1;
            (found.open, found.since)
        };
        let told = |second: i64| Some(at(second).to_string());
        assert_eq!(of(&|journal| journal.record(at(0), ASKED)), (told(0), None));
        assert_eq!(of(&|journal| journal.record(at(1), REFUSED)), (None, None));
        assert_eq!(of(&|journal| journal.record(at(2), ASKED)), (told(2), None));
        assert_eq!(of(&|journal| journal.append(&answer(at(3), b""))), (None, told(2)));
        assert_eq!(of(&|journal| journal.record(at(4), ASKED)), (told(4), told(2)));
        assert_eq!(of(&|journal| journal.record(at(5), ASKED)), (told(5), told(2)));
        assert_eq!(of(&|journal| journal.record(at(6), NOTHING)), (None, told(5)));
    }

    #[test]
    fn a_file_of_something_else_and_a_damaged_one_are_left_alone() {
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
