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
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use identkit_core::{Acceptance, Error, Event, Inbox, Kind};
use identkit_files::{AppendLog, OpenError, Tail};
use identkit_wire::json;

/// The beginning of every line.
const BEGIN: &[u8] = b"{\"provider\":";

/// An append-only file of events, for one process at a time.
///
/// To process the events, move them to another file with [`rotate`](Self::rotate), which the inbox no longer uses:
///
/// ```
/// use std::path::Path;
///
/// use identkit_core::{Event, Inbox};
/// use identkit_webhook::FileInbox;
///
/// /// Processes the stored events in the order in which they arrived. Called e.g. once a minute.
/// fn process(inbox: &FileInbox, batch: &Path, handle: fn(Event)) -> std::io::Result<()> {
///     // After a crash, the file of the last batch still exists: it comes first.
///     let events = if batch.exists() { FileInbox::read(batch)? } else { inbox.rotate(batch)? };
///     for event in events {
///         handle(event?);
///     }
///     std::fs::remove_file(batch)
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// let inbox = FileInbox::open(&folder.path().join("inbox.jsonl"))?;
/// inbox.accept(Event::new("identity-tm", "OnFinal", "9992/OnFinal")).await?;
/// process(&inbox, &folder.path().join("batch.jsonl"), |event| assert_eq!(event.name, "OnFinal"))?;
/// assert_eq!(FileInbox::read(&folder.path().join("inbox.jsonl"))?.count(), 0);
/// # Ok(())
/// # }
/// ```
///
/// The handler must tolerate an event that it has processed before: a crash can come between the handler and the removal
/// of the file.
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
            let event = json::read::<Event>(line);
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

    /// Reads the events of a file in the order in which they arrived. An incomplete last line is skipped: its event was
    /// not acknowledged.
    ///
    /// The file can be in use. But do not move or delete a file that an inbox has open: use [`rotate`](Self::rotate).
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn read(path: &Path) -> io::Result<StoredEvents> {
        Ok(StoredEvents { lines: BufReader::new(File::open(path)?), path: path.to_owned() })
    }

    /// Moves the stored events to the file `to`, which must not exist, and returns them in the order in which they arrived.
    /// The inbox continues with an empty file, and no longer uses the other one. Both must be on one file system.
    ///
    /// Until the inbox is opened again, an event in `to` is still a [duplicate](Acceptance::Duplicate) if it is delivered
    /// again. Afterwards it is new.
    ///
    /// This function blocks on the disk.
    ///
    /// # Errors
    /// With [`io::ErrorKind::AlreadyExists`] if `to` exists, or if the file cannot be moved. The events then stay in the
    /// inbox.
    pub fn rotate(&self, to: &Path) -> io::Result<StoredEvents> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.log.rotate(to)?;
        drop(inner);
        Self::read(to)
    }
}

/// The events of a file, from [`FileInbox::read`] or [`FileInbox::rotate`].
///
/// An item is an error of kind [`io::ErrorKind::InvalidData`] if its line is not an event, which [`FileInbox`] never
/// writes. The lines after it can still be read.
pub struct StoredEvents {
    lines: BufReader<File>,
    path: PathBuf,
}

impl StoredEvents {
    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Iterator for StoredEvents {
    type Item = io::Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut line = Vec::new();
        if let Err(error) = self.lines.read_until(b'\n', &mut line) {
            return Some(Err(error));
        }
        let line = line.strip_suffix(b"\n")?;
        // The fault has no value of the line, but the line is personal data: its position would not help.
        let foreign =
            |_| io::Error::new(io::ErrorKind::InvalidData, "the inbox file contains a line that is not an event");
        Some(json::read(line).map_err(foreign))
    }
}

impl fmt::Debug for StoredEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredEvents")
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
        let mut line = json::write(event).map_err(|_| io::Error::other("the event cannot be encoded as JSON"))?;
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

    #[tokio::test]
    async fn stored_events_are_read_in_order() {
        let (_folder, path, inbox) = opened();
        assert_eq!(FileInbox::read(&path).unwrap().count(), 0);
        let mut whole = event("AfterIdent");
        (whole.case_id, whole.payload) = (Some("9992".into()), Some("{\"a\": \"Köln\\n\"}".to_owned().into()));
        for event in [whole.clone(), event("OnFinal"), event("Video")] {
            inbox.accept(event).await.unwrap();
        }
        let events = FileInbox::read(&path).unwrap();
        assert_eq!(events.path(), path);
        let events: Vec<_> = events.map(Result::unwrap).collect();
        assert_eq!(events, [whole.clone(), event("OnFinal"), event("Video")]);

        // A last line without its end was not acknowledged.
        let text = std::fs::read(&path).unwrap();
        let copy = path.with_file_name("copy.jsonl");
        std::fs::write(&copy, &text[..text.len() - 1]).unwrap();
        assert_eq!(FileInbox::read(&copy).unwrap().count(), 2);
        assert_eq!(FileInbox::read(&path.with_file_name("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn a_rotated_file_has_the_events_and_the_inbox_goes_on() {
        let (_folder, path, inbox) = opened();
        let batch = path.with_file_name("batch.jsonl");
        inbox.accept(event("AfterIdent")).await.unwrap();
        let names = |events: StoredEvents| events.map(|event| event.unwrap().name).collect::<Vec<_>>();
        assert_eq!(names(inbox.rotate(&batch).unwrap()), ["AfterIdent"]);
        assert_eq!(inbox.rotate(&batch).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        // A second delivery of a rotated event is still known.
        assert_eq!(inbox.accept(event("AfterIdent")).await.unwrap(), Acceptance::Duplicate);
        assert_eq!(inbox.accept(event("OnFinal")).await.unwrap(), Acceptance::New);
        std::fs::remove_file(&batch).unwrap();
        assert_eq!(names(inbox.rotate(&batch).unwrap()), ["OnFinal"]);
        drop(inbox);
        assert_eq!(FileInbox::open(&path).unwrap().accept(event("OnFinal")).await.unwrap(), Acceptance::New);
    }

    #[test]
    fn a_line_that_is_not_an_event_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inbox.jsonl");
        let good = r#"{"provider":"identity-tm","name":"OnFinal","key":"9992/OnFinal"}"#;
        // Derived code of serde would take an array of the values.
        for bad in ["", "geheim", r#"["identity-tm","OnFinal",null,null,null,"9992"]"#, r#"{"provider":"geheim"}"#] {
            std::fs::write(&path, format!("{good}\n{bad}\n{good}\n")).unwrap();
            let all: Vec<_> = FileInbox::read(&path).unwrap().collect();
            let [Ok(first), Err(error), Ok(last)] = &all[..] else { panic!("{bad}: {all:?}") };
            assert_eq!((first, error.kind()), (last, io::ErrorKind::InvalidData), "{bad}");
            assert!(!format!("{error} {error:?}").contains("geheim"));
            assert!(FileInbox::open(&path).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_directory_is_not_an_inbox() {
        let folder = tempfile::tempdir().unwrap();
        let error = FileInbox::open(folder.path()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains("not a regular file"), "{error}");
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
