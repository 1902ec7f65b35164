//! An inbox in a file: one event per line, as JSON.
//!
//! Invariants:
//! - An event is synced (`fdatasync`) before `accept` returns. What an earlier process wrote is synced before it counts
//!   as known.
//! - Opening the file removes an incomplete last line, whose event was never acknowledged.
//! - The file is locked while it is open: one process at a time.
//! - Only its owner can read the file.

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use identkit_core::{Acceptance, Error, Event, Inbox, Kind};
use identkit_files::{AppendLog, OpenError, Tail};

/// The beginning of every line.
const BEGIN: &[u8] = b"{\"provider\":";

/// An append-only file of events, for one process at a time. It does not support reading events.
///
/// # Panics
/// [`accept`](Inbox::accept) panics outside a tokio runtime.
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
    /// Opens or creates the file, and reads the keys of its events.
    ///
    /// # Errors
    /// If the file cannot be opened, is open in another process, is not a regular file, or contains lines that are not
    /// events.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut keys = HashSet::new();
        let read = |line: &[u8]| {
            let event = serde_json::from_slice::<Event>(line);
            event.map(|event| keys.insert(key(&event))).is_ok()
        };
        let opened = AppendLog::open(path, BEGIN, Tail::Cut, read);
        let (log, _) = opened.map_err(|error| {
            let (kind, text) = match error {
                OpenError::NotRegular => (io::ErrorKind::InvalidInput, "the inbox is not a regular file"),
                OpenError::InUse { .. } => (io::ErrorKind::ResourceBusy, "the inbox file is open in another process"),
                OpenError::Io(error) => return error,
                _ => (io::ErrorKind::InvalidData, "the inbox file contains a line that is not an event"),
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
        let mut line =
            serde_json::to_vec(event).map_err(|_| io::Error::other("the event cannot be encoded as JSON"))?;
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
        // The disk may be slow, so an async thread must not wait for it.
        let written =
            tokio::task::spawn_blocking(move || inner.lock().unwrap_or_else(PoisonError::into_inner).accept(&event));
        match written.await {
            Ok(Ok(accepted)) => Ok(accepted),
            Ok(Err(source)) => Err(Error::new(Kind::Storage, "the event could not be written").with_source(source)),
            Err(_) => Err(Error::new(Kind::Storage, "the task that writes the event was canceled or panicked")),
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
    async fn events_are_known_after_a_restart() {
        let (_folder, path, inbox) = opened();
        assert_eq!(inbox.accept(event("AfterIdent")).await.unwrap(), Acceptance::New);
        assert_eq!(inbox.accept(event("OnFinal")).await.unwrap(), Acceptance::New);
        drop(inbox);
        let inbox = FileInbox::open(&path).unwrap();
        assert_eq!(inbox.accept(event("OnFinal")).await.unwrap(), Acceptance::Duplicate);
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2);
    }

    #[tokio::test]
    async fn an_incomplete_last_line_is_removed() {
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
    async fn a_second_process_cannot_open_the_file() {
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
    fn a_file_without_events_stays_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        for notes in ["my notes\n", "my notes", "{\"my\": \"notes\"}"] {
            std::fs::write(&path, notes).unwrap();
            assert!(FileInbox::open(&path).is_err());
            assert_eq!(std::fs::read_to_string(&path).unwrap(), notes);
        }
    }
}
