//! An append-only log: a file of records, one per line.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use crate::disk::{Disk, Existing};
use crate::draft::Draft;
use crate::error::OpenError;
use crate::identity::FileIdentity;

/// Maximum number of files of torn records.
const TORN_NAMES: u32 = 10_000;

/// What happens to a last record that a crash truncated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tail {
    /// It is removed, even if only its line end is missing.
    Cut,
    /// It is completed if only its line end is missing; otherwise it is moved to a file beside the log.
    SetAside,
}

/// An open log. Its file is locked while it is open, and readable by its owner only.
#[derive(Debug)]
pub struct AppendLog {
    disk: Disk,
    path: PathBuf,
    file: File,
    /// End of the last complete record.
    end: u64,
    /// Whether a failed write may have left bytes after the last complete record.
    torn: bool,
    /// Whether the file was moved away, and no other one took its place.
    gone: bool,
}

impl AppendLog {
    /// Opens or creates a log whose records all begin with `prefix`. `read` gets each record and returns whether it is
    /// valid. Returns the log, and the path of a torn record that was set aside.
    ///
    /// # Errors
    /// If the file cannot be opened, is in use, is not a regular file, or contains something other than records.
    pub fn open(
        path: &Path,
        prefix: &[u8],
        tail: Tail,
        read: impl FnMut(&[u8]) -> bool,
    ) -> Result<(Self, Option<PathBuf>), OpenError> {
        Self::on(Disk::default(), path, prefix, tail, read)
    }

    pub(crate) fn on(
        disk: Disk,
        path: &Path,
        prefix: &[u8],
        tail: Tail,
        read: impl FnMut(&[u8]) -> bool,
    ) -> Result<(Self, Option<PathBuf>), OpenError> {
        if path.symlink_metadata().is_ok_and(|metadata| !metadata.is_file()) {
            return Err(OpenError::NotRegular);
        }
        let file = disk.open(path, true)?;
        file.try_lock()?;
        #[cfg(unix)]
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        disk.sync_parent(path)?;
        let mut log = Self { disk, path: path.to_owned(), file, end: 0, torn: false, gone: false };
        let torn = log.recover(prefix, tail, read)?;
        // A previous process may have died between writing and syncing a record.
        log.disk.sync(&log.file)?;
        Ok((log, torn))
    }

    fn recover(
        &mut self,
        prefix: &[u8],
        tail: Tail,
        mut read: impl FnMut(&[u8]) -> bool,
    ) -> Result<Option<PathBuf>, OpenError> {
        let mut reader = BufReader::new(self.file.try_clone()?);
        reader.rewind()?;
        let mut record = Vec::new();
        for line in 1.. {
            record.clear();
            let count = reader.read_until(b'\n', &mut record)?;
            if count == 0 {
                break;
            }
            let complete = record.last() == Some(&b'\n');
            let shared = record.len().min(prefix.len());
            // A crash can leave the beginning of a record, but nothing else.
            if record.get(..shared) != prefix.get(..shared) {
                return Err(OpenError::Foreign { line });
            }
            if !complete && tail == Tail::Cut {
                self.disk.truncate(&self.file, self.end)?;
                break;
            }
            match (read(&record), complete) {
                (true, true) => self.end += count as u64,
                (true, false) => {
                    self.disk.write(&self.file, b"\n")?;
                    self.end += count as u64 + 1;
                }
                (false, true) => return Err(OpenError::Foreign { line }),
                (false, false) => {
                    let torn = self.set_aside(&record)?;
                    // Only after the copy is on disk.
                    self.disk.truncate(&self.file, self.end)?;
                    return Ok(Some(torn));
                }
            }
        }
        Ok(None)
    }

    fn set_aside(&self, record: &[u8]) -> io::Result<PathBuf> {
        for number in 1..TORN_NAMES {
            let mut name = self.path.as_os_str().to_owned();
            name.push(format!(".torn-{number}"));
            let path = PathBuf::from(name);
            if path.symlink_metadata().is_ok() {
                continue;
            }
            let mut draft = Draft::on(self.disk.clone(), path.clone())?;
            draft.write_all(record)?;
            match draft.commit(Existing::Keep) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                committed => return Ok(committed.map(|()| path)?),
            }
        }
        Err(io::Error::new(io::ErrorKind::AlreadyExists, "too many files of torn records beside the log: remove them"))
    }

    /// Appends a record, which must include its line end. When this returns, it is on disk, in the file at the log's path.
    ///
    /// # Errors
    /// If the record cannot be written or synced, or if the file is no longer at its path. The log then contains what it
    /// contained before.
    pub fn append(&mut self, record: &[u8]) -> io::Result<()> {
        if self.gone {
            return Err(io::Error::other("the file of the log was moved away"));
        }
        self.mend()?;
        let written = self.disk.write(&self.file, record).and_then(|()| self.disk.sync_data(&self.file));
        let placed = written.and_then(|()| match self.is_in_place() {
            true => Ok(()),
            false => Err(io::Error::new(io::ErrorKind::NotFound, "the file of the log was moved or deleted")),
        });
        if let Err(error) = placed {
            self.torn = self.disk.truncate(&self.file, self.end).is_err();
            return Err(error);
        }
        self.end += record.len() as u64;
        Ok(())
    }

    /// Whether the file is still at the path of the log.
    pub fn is_in_place(&self) -> bool {
        let own = self.file.metadata().map(|metadata| FileIdentity::from_metadata(&metadata));
        own.is_ok_and(|own| FileIdentity::of(&self.path).is_ok_and(|placed| placed == own))
    }

    /// Exchanges the disk, for a fault after the log was opened.
    #[cfg(test)]
    pub(crate) fn on_disk(self, disk: Disk) -> Self {
        Self { disk, ..self }
    }

    /// Removes what a failed write left after the last complete record.
    fn mend(&mut self) -> io::Result<()> {
        if self.torn {
            self.disk.truncate(&self.file, self.end)?;
            self.torn = false;
        }
        Ok(())
    }

    /// Moves the records to the file `to`, which must not exist, and continues with an empty file. Both files must be on one file system. When this returns, both names are on disk.
    ///
    /// # Errors
    /// With [`io::ErrorKind::AlreadyExists`] if `to` exists, or if a step fails. The records are then still in the log.
    /// If they cannot be moved back, they are in `to`, and the log accepts no further ones.
    pub fn rotate(&mut self, to: &Path) -> io::Result<()> {
        self.mend()?;
        self.disk.move_file(&self.path, to, Existing::Keep)?;
        match self.begin_file(to) {
            Ok(file) => {
                (self.file, self.end) = (file, 0);
                Ok(())
            }
            Err(error) => {
                // If another process uses the new file, it must not be replaced.
                if !self.gone {
                    let undone = self.disk.move_file(to, &self.path, Existing::Replace);
                    self.gone = undone.and_then(|()| self.disk.sync_parent(&self.path)).is_err();
                }
                Err(error)
            }
        }
    }

    /// Creates the file that follows the moved one.
    fn begin_file(&mut self, moved: &Path) -> io::Result<File> {
        // First, so that a crash cannot leave only the new file.
        self.disk.sync_parent(moved)?;
        let file = self.disk.open(&self.path, true)?;
        file.try_lock().inspect_err(|_| self.gone = true)?;
        self.disk.sync_parent(&self.path)?;
        Ok(file)
    }
}
