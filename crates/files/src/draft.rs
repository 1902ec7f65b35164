//! A file that is replaced as a whole.

use std::fmt;
use std::io::{self, Seek as _, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::disk::{Disk, Existing};
use crate::faults::{Step, Target};

/// New content of a file, in a temporary file beside it. [`commit`](Self::commit) renames it; dropping it removes it.
#[derive(Debug)]
pub struct Draft {
    disk: Disk,
    file: NamedTempFile,
    target: PathBuf,
    length: u64,
    synced: bool,
}

impl Draft {
    /// Creates the temporary file for `target`. The parent directory must exist.
    ///
    /// # Errors
    /// If the temporary file cannot be created. The error can contain the path.
    pub fn new(target: impl Into<PathBuf>) -> io::Result<Self> {
        Self::on(Disk::default(), target.into())
    }

    /// Creates the temporary file for `target` on this disk.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn on(disk: Disk, target: PathBuf) -> io::Result<Self> {
        let file = disk.temporary(&target)?;
        Ok(Self { disk, file, target, length: 0, synced: false })
    }

    /// Allocates space, so that a full disk cannot make later writes fail. Must be called before the first write.
    ///
    /// # Errors
    /// If the space cannot be written, e.g. because the disk is full.
    pub fn reserve(&mut self, bytes: usize) -> io::Result<()> {
        self.disk.write(self.file.as_file(), &vec![b' '; bytes])?;
        self.disk.sync(self.file.as_file())?;
        self.file.as_file_mut().rewind()
    }

    /// Syncs the content, for a caller that reads it back before it commits.
    ///
    /// # Errors
    /// If the file cannot be synced.
    pub fn sync(&mut self) -> io::Result<()> {
        if !self.synced {
            // Removes reserved space that was not used.
            self.disk.truncate(self.file.as_file(), self.length)?;
            self.disk.sync(self.file.as_file())?;
            self.synced = true;
        }
        Ok(())
    }

    /// Path of the temporary file.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Changes the name that [`commit`](Self::commit) gives to the file. It must be in the same directory.
    pub fn set_target(&mut self, target: impl Into<PathBuf>) {
        self.target = target.into();
    }

    /// Removes the temporary file.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn discard(self) -> io::Result<()> {
        self.file.close()
    }

    /// Syncs the file, renames it to the target, and syncs the directory.
    ///
    /// # Errors
    /// If one of these steps fails, or with [`io::ErrorKind::AlreadyExists`] if the target exists and `existing` is
    /// [`Existing::Keep`].
    pub fn commit(mut self, existing: Existing) -> Result<(), CommitError> {
        if let Err(error) = self.sync() {
            return Err(CommitError { error, draft: None, target: None });
        }
        let Self { disk, file, target, length, synced } = self;
        if let Err(lost) = disk.rename(file, &target, existing) {
            let draft = Self { disk, file: lost.file, target, length, synced };
            return Err(CommitError { error: lost.error, draft: Some(draft), target: None });
        }
        let named = disk.leave(Step::Rename, Target::Path(&target)).and_then(|()| disk.sync_parent(&target));
        named.map_err(|error| CommitError { error, draft: None, target: Some(target) })
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

/// Why a commit failed. Dropping the error removes the temporary file.
#[derive(Debug)]
pub struct CommitError {
    error: io::Error,
    /// The draft, if it was not renamed.
    draft: Option<Draft>,
    /// The target, if the file was renamed but the directory was not synced.
    target: Option<PathBuf>,
}

impl CommitError {
    /// Kind of the error.
    pub fn kind(&self) -> io::ErrorKind {
        self.error.kind()
    }

    /// Cause of the error as a text, see [`cause`](crate::cause).
    pub fn cause(&self) -> String {
        crate::cause(&self.error)
    }

    /// Retains the file that has the content, and returns its path; `None` if the content was lost.
    pub fn keep(self) -> Option<PathBuf> {
        self.target.or_else(|| self.draft?.file.keep().ok().map(|(_, path)| path))
    }

    /// Returns the draft, so that it can get another name; `None` if it was renamed or its content was lost.
    pub fn into_draft(self) -> Option<Draft> {
        self.draft
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
