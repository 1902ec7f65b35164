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
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use identkit_core::{Accepted, Error, Event, Inbox, Kind};

/// How every line begins.
const BEGIN: &[u8] = b"{\"provider\":";

/// An append-only file of events. One process at a time.
#[derive(Clone)]
pub struct FileInbox {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    file: File,
    keys: HashSet<(String, String)>,
    /// Where the last whole line ends; a failed write is cut back to it.
    end: u64,
    /// A failed write may have left something behind the last whole line.
    torn: bool,
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
        if path.symlink_metadata().is_ok_and(|found| !found.is_file()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the inbox is no regular file"));
        }
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => {
                io::Error::new(io::ErrorKind::ResourceBusy, "the inbox file is open in another process")
            }
            TryLockError::Error(error) => error,
        })?;
        #[cfg(unix)]
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        // The name of a new file is durable only with its folder.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
        let (mut keys, mut end) = (HashSet::new(), 0);
        let mut reader = BufReader::new(file.try_clone()?);
        reader.seek(SeekFrom::Start(0))?;
        let mut line = Vec::new();
        loop {
            line.clear();
            let count = reader.read_until(b'\n', &mut line)?;
            if count == 0 {
                break;
            }
            if line.last() != Some(&b'\n') {
                // Only what a crash can leave of a line of ours is cut off.
                let shared = line.len().min(BEGIN.len());
                if line.get(..shared) != BEGIN.get(..shared) {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        "the inbox file holds a line that is no event",
                    ));
                }
                break;
            }
            let event: Event = serde_json::from_slice(&line).map_err(|_| {
                io::Error::new(io::ErrorKind::InvalidData, "the inbox file holds a line that is no event")
            })?;
            keys.insert((event.provider.clone(), event.key.expose().to_owned()));
            end += count as u64;
        }
        if file.metadata()?.len() > end {
            file.set_len(end)?;
        }
        // A process may have died between writing an event and syncing it: its vendor tries again, and is told that
        // the event is known. That is true only once it is on the disk.
        file.sync_all()?;
        Ok(Self { inner: Arc::new(Mutex::new(Inner { file, keys, end, torn: false })) })
    }
}

impl Inner {
    fn accept(&mut self, event: &Event) -> io::Result<Accepted> {
        let key = (event.provider.clone(), event.key.expose().to_owned());
        if self.keys.contains(&key) {
            return Ok(Accepted::Duplicate);
        }
        let mut line = serde_json::to_vec(event).map_err(|_| io::Error::other("the event has no JSON form"))?;
        line.push(b'\n');
        if self.torn {
            // Nothing is written behind what a failed write left.
            self.file.set_len(self.end)?;
            self.torn = false;
        }
        let written = self.file.write_all(&line).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            self.torn = self.file.set_len(self.end).is_err();
            return Err(error);
        }
        self.end += line.len() as u64;
        self.keys.insert(key);
        Ok(Accepted::New)
    }
}

#[async_trait]
impl Inbox for FileInbox {
    async fn accept(&self, event: Event) -> Result<Accepted, Error> {
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

    #[tokio::test]
    async fn events_survive_a_restart_and_stay_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inbox.jsonl");
        let inbox = FileInbox::open(&path).unwrap();
        assert_eq!(inbox.accept(event("AfterIdent")).await.unwrap(), Accepted::New);
        assert_eq!(inbox.accept(event("OnFinal")).await.unwrap(), Accepted::New);
        drop(inbox);
        let inbox = FileInbox::open(&path).unwrap();
        assert_eq!(inbox.accept(event("OnFinal")).await.unwrap(), Accepted::Duplicate);
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2);
    }

    #[tokio::test]
    async fn a_line_cut_by_a_crash_is_cut_off_at_every_byte() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inbox.jsonl");
        let inbox = FileInbox::open(&path).unwrap();
        inbox.accept(event("AfterIdent")).await.unwrap();
        let first = std::fs::metadata(&path).unwrap().len();
        inbox.accept(event("OnFinal")).await.unwrap();
        drop(inbox);
        let whole = std::fs::read(&path).unwrap();
        for cut in usize::try_from(first).unwrap()..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let inbox = FileInbox::open(&path).unwrap();
            assert_eq!(inbox.accept(event("AfterIdent")).await.unwrap(), Accepted::Duplicate);
            assert_eq!(inbox.accept(event("OnFinal")).await.unwrap(), Accepted::New, "cut at {cut}");
            assert_eq!(std::fs::read(&path).unwrap(), whole);
        }
    }

    #[tokio::test]
    async fn a_second_process_is_refused_and_harms_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inbox.jsonl");
        let inbox = FileInbox::open(&path).unwrap();
        inbox.accept(event("AfterIdent")).await.unwrap();
        assert_eq!(FileInbox::open(&path).unwrap_err().kind(), io::ErrorKind::ResourceBusy);
        inbox.accept(event("OnFinal")).await.unwrap();
        drop(inbox);
        let inbox = FileInbox::open(&path).unwrap();
        for name in ["AfterIdent", "OnFinal"] {
            assert_eq!(inbox.accept(event(name)).await.unwrap(), Accepted::Duplicate);
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

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inbox.jsonl");
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        FileInbox::open(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let link = folder.path().join("link.jsonl");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(FileInbox::open(&link).is_err(), "a link may lead anywhere");
    }
}
