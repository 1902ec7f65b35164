//! A file that gets its place as a whole.

use std::fmt;
use std::io::{self, Seek as _, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::disk::{Disk, Existing};

/// The new content of a file, in a temporary file beside it. [`commit`](Self::commit) puts it in place; a draft that is
/// dropped leaves nothing.
#[derive(Debug)]
pub struct Draft {
    disk: Disk,
    file: NamedTempFile,
    target: PathBuf,
    length: u64,
    synced: bool,
}

impl Draft {
    /// Creates the temporary file for `target`, whose directory must exist.
    ///
    /// # Errors
    /// If the directory cannot be written. The error may name the path.
    pub fn new(target: impl Into<PathBuf>) -> io::Result<Self> {
        Self::with_prefix(target, ".tmp")
    }

    /// Creates the temporary file with a name that begins with `prefix`.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_prefix(target: impl Into<PathBuf>, prefix: &str) -> io::Result<Self> {
        Self::on(Disk::default(), target.into(), prefix)
    }

    pub(crate) fn on(disk: Disk, target: PathBuf, prefix: &str) -> io::Result<Self> {
        let file = disk.temporary(&target, prefix)?;
        Ok(Self { disk, file, target, length: 0, synced: false })
    }

    /// Allocates space for the content before it exists, so that writing it cannot fail for lack of space. Must be called
    /// before anything is written.
    ///
    /// # Errors
    /// If the disk has no space.
    pub fn reserve(&mut self, bytes: usize) -> io::Result<()> {
        self.disk.write(self.file.as_file(), &vec![b' '; bytes])?;
        self.disk.sync(self.file.as_file())?;
        self.file.as_file_mut().rewind()
    }

    /// Syncs what was written, for a caller that reads it back before it commits.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn sync(&mut self) -> io::Result<()> {
        if !self.synced {
            // Takes away what was reserved and not used.
            self.disk.truncate(self.file.as_file(), self.length)?;
            self.disk.sync(self.file.as_file())?;
            self.synced = true;
        }
        Ok(())
    }

    /// The temporary file.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Removes the temporary file.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn discard(self) -> io::Result<()> {
        self.file.close()
    }

    /// Puts the file in place: synced, renamed, and the directory synced.
    ///
    /// # Errors
    /// If the disk refuses, or if there is a file that is to be kept ([`io::ErrorKind::AlreadyExists`]).
    pub fn commit(mut self, existing: Existing) -> Result<(), CommitError> {
        if let Err(error) = self.sync() {
            return Err(CommitError { error, file: None, place: None });
        }
        let Self { disk, file, target, .. } = self;
        if let Err(lost) = disk.rename(file, &target, existing) {
            return Err(CommitError { error: lost.error, file: Some(lost.file), place: None });
        }
        disk.sync_parent(&target).map_err(|error| CommitError { error, file: None, place: Some(target) })
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.synced = false;
        self.disk.write(self.file.as_file(), bytes)?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Why a draft is not in place. The temporary file is removed when this is dropped.
#[derive(Debug)]
pub struct CommitError {
    error: io::Error,
    file: Option<NamedTempFile>,
    place: Option<PathBuf>,
}

impl CommitError {
    /// The kind of the error.
    pub fn kind(&self) -> io::ErrorKind {
        self.error.kind()
    }

    /// Keeps the content where it is, and returns the path; `None` if the content was lost.
    pub fn keep(self) -> Option<PathBuf> {
        self.place.or_else(|| self.file?.keep().ok().map(|(_, path)| path))
    }
}

impl From<CommitError> for io::Error {
    fn from(error: CommitError) -> Self {
        error.error
    }
}

impl fmt::Display for CommitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for CommitError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
