//! An inbox that is a file: one event a line, JSON.
//!
//! Invariants: an accepted event is on the disk (`fdatasync`) before `accept` returns; a line that a crash cut short
//! is cut off when the file is opened again, since its event was never acknowledged; the file is readable by its owner only.

use std::collections::HashSet;
use std::fmt;
use std::fs::{File, OpenOptions};
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
    /// When the file cannot be opened, or holds something other than events.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        // The name of a new file is durable only with its folder.
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder)?.sync_all()?;
        }
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
        file.set_len(end)?;
        Ok(Self { inner: Arc::new(Mutex::new(Inner { file, keys, end })) })
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
        let written = self.file.write_all(&line).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // What is half there must not stand before the next event. Should that fail too, opening cuts it off.
            let _ = self.file.set_len(self.end);
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
        let whole = std::fs::read(&path).unwrap();
        for cut in usize::try_from(first).unwrap()..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let inbox = FileInbox::open(&path).unwrap();
            assert_eq!(inbox.accept(event("AfterIdent")).await.unwrap(), Accepted::Duplicate);
            assert_eq!(inbox.accept(event("OnFinal")).await.unwrap(), Accepted::New, "cut at {cut}");
            assert_eq!(std::fs::read(&path).unwrap(), whole);
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
        FileInbox::open(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
