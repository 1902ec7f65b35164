//! An inbox that is a file: one event a line, JSON.
//!
//! Invariants:
//! - An accepted event is on the disk (`fdatasync`) before `accept` returns; what an earlier process wrote is synced
//!   before any of it counts as known.
//! - A line that a crash cut short is cut off when the file is opened again, since its event was never acknowledged.
//! - One process at a time: the file is locked while it is open.
//! - The file is readable by its owner only.

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use identkit_core::{Acceptance, Error, Event, Inbox, Kind};
use identkit_files::{AppendLog, OpenError, Tail};

/// How every line begins.
const BEGIN: &[u8] = b"{\"provider\":";

/// An append-only file of events. One process at a time.
#[derive(Clone)]
pub struct FileInbox {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    log: AppendLog,
    keys: HashSet<(String, String)>,
}

impl fmt::Debug for FileInbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileInbox")
    }
}

impl FileInbox {
    /// Opens or creates the file, and reads which events it has.
    ///
    /// # Errors
    /// When the file cannot be opened, is open in another process, is no regular file, or holds something other than
    /// events.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut keys = HashSet::new();
        let read = |line: &[u8]| {
            let event = serde_json::from_slice::<Event>(line);
            event.map(|event| keys.insert(key(&event))).is_ok()
        };
        // A line without its end is cut off: its event was never acknowledged.
        let opened = AppendLog::open(path, BEGIN, Tail::Cut, read);
        let (log, _) = opened.map_err(|error| {
            let (kind, text) = match error {
                OpenError::NotRegular => (io::ErrorKind::InvalidInput, "the inbox is no regular file"),
                OpenError::InUse { .. } => (io::ErrorKind::ResourceBusy, "the inbox file is open in another process"),
                OpenError::Io(error) => return error,
                _ => (io::ErrorKind::InvalidData, "the inbox file holds a line that is no event"),
            };
            io::Error::new(kind, text)
        })?;
        Ok(Self { inner: Arc::new(Mutex::new(Inner { log, keys })) })
    }
}

fn key(event: &Event) -> (String, String) {
    (event.provider.clone(), event.key.expose().to_owned())
}

impl Inner {
    fn accept(&mut self, event: &Event) -> io::Result<Acceptance> {
        let key = key(event);
        if self.keys.contains(&key) {
            return Ok(Acceptance::Duplicate);
        }
        let mut line = serde_json::to_vec(event).map_err(|_| io::Error::other("the event has no JSON form"))?;
        line.push(b'\n');
        self.log.append(&line)?;
        self.keys.insert(key);
        Ok(Acceptance::New)
    }
}

#[async_trait]
impl Inbox for FileInbox {
    async fn accept(&self, event: Event) -> Result<Acceptance, Error> {
        let inner = Arc::clone(&self.inner);
        // A disk may take its time: not on a thread that others wait for.
        let written =
            tokio::task::spawn_blocking(move || inner.lock().unwrap_or_else(PoisonError::into_inner).accept(&event));
        match written.await {
            Ok(Ok(accepted)) => Ok(accepted),
            Ok(Err(source)) => Err(Error::new(Kind::Storage, "the event could not be written").with_source(source)),
            Err(_) => Err(Error::new(Kind::Storage, "writing the event was cut off")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str) -> Event {
        Event::new("identity-tm", name, format!("9992/{name}"))
    }

    fn opened() -> (tempfile::TempDir, std::path::PathBuf, FileInbox) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inbox.jsonl");
        let inbox = FileInbox::open(&path).unwrap();
        (folder, path, inbox)
    }

    #[tokio::test]
    async fn events_survive_a_restart_and_stay_known() {
        let (_folder, path, inbox) = opened();
        assert_eq!(inbox.accept(event("AfterIdent")).await.unwrap(), Acceptance::New);
        assert_eq!(inbox.accept(event("OnFinal")).await.unwrap(), Acceptance::New);
        drop(inbox);
        let inbox = FileInbox::open(&path).unwrap();
        assert_eq!(inbox.accept(event("OnFinal")).await.unwrap(), Acceptance::Duplicate);
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2);
    }

    #[tokio::test]
    async fn a_line_cut_by_a_crash_is_cut_off_at_every_byte() {
        let (_folder, path, inbox) = opened();
        inbox.accept(event("AfterIdent")).await.unwrap();
        let first = std::fs::metadata(&path).unwrap().len();
        inbox.accept(event("OnFinal")).await.unwrap();
        drop(inbox);
        let whole = std::fs::read(&path).unwrap();
        for cut in usize::try_from(first).unwrap()..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let inbox = FileInbox::open(&path).unwrap();
            assert_eq!(inbox.accept(event("AfterIdent")).await.unwrap(), Acceptance::Duplicate);
            assert_eq!(inbox.accept(event("OnFinal")).await.unwrap(), Acceptance::New, "cut at {cut}");
            assert_eq!(std::fs::read(&path).unwrap(), whole);
        }
    }

    #[tokio::test]
    async fn a_second_process_is_refused_and_harms_nothing() {
        let (_folder, path, inbox) = opened();
        inbox.accept(event("AfterIdent")).await.unwrap();
        assert_eq!(FileInbox::open(&path).unwrap_err().kind(), io::ErrorKind::ResourceBusy);
        inbox.accept(event("OnFinal")).await.unwrap();
        drop(inbox);
        let inbox = FileInbox::open(&path).unwrap();
        for name in ["AfterIdent", "OnFinal"] {
            assert_eq!(inbox.accept(event(name)).await.unwrap(), Acceptance::Duplicate);
        }
    }

    #[test]
    fn a_file_of_something_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        for notes in ["my notes\n", "my notes", "{\"my\": \"notes\"}"] {
            std::fs::write(&path, notes).unwrap();
            assert!(FileInbox::open(&path).is_err());
            assert_eq!(std::fs::read_to_string(&path).unwrap(), notes);
        }
    }
}
