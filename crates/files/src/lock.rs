//! A file that says which process uses something.

use std::fs::{File, Metadata};
use std::io::{Read as _, Seek as _};
use std::path::{Path, PathBuf};

use crate::disk::Disk;
use crate::error::OpenError;

/// The lock on a file that holds the id of its process, removed when it is dropped. A process that is killed leaves the
/// file, but no lock. For a file that is replaced whenever it is saved the lock must be another file beside it.
#[derive(Debug)]
pub struct LockFile {
    file: File,
    path: PathBuf,
}

impl LockFile {
    /// Creates the file, or takes over one that is not locked.
    ///
    /// # Errors
    /// If another process has the lock, or if the file is something other than a lock.
    pub fn acquire(path: impl Into<PathBuf>) -> Result<Self, OpenError> {
        let (path, disk) = (path.into(), Disk::default());
        loop {
            // Opening a link follows it, and opening a pipe waits.
            if path.symlink_metadata().is_ok_and(|metadata| !metadata.is_file()) {
                return Err(OpenError::NotRegular);
            }
            let mut file = disk.open(&path, false)?;
            file.try_lock().map_err(|error| match error.into() {
                OpenError::InUse { .. } => OpenError::InUse { holder: content(&file).and_then(|id| id.parse().ok()) },
                other => other,
            })?;
            // The former holder may have removed the file in the meantime: then the lock excludes no other process.
            if is_at(&file, &path) {
                // The file is emptied now and removed at the end.
                if content(&file).is_none() {
                    return Err(OpenError::Foreign { line: 1 });
                }
                disk.truncate(&file, 0)?;
                file.rewind()?;
                disk.write(&file, std::process::id().to_string().as_bytes())?;
                return Ok(Self { file, path });
            }
        }
    }
}

/// The content, if it can be the id of a process, or nothing yet.
fn content(file: &File) -> Option<String> {
    let mut id = String::new();
    file.take(21).read_to_string(&mut id).ok()?;
    (id.len() < 21 && id.bytes().all(|byte| byte.is_ascii_digit())).then_some(id)
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let identity = |metadata: Metadata| (metadata.dev(), metadata.ino());
    let (own, there) = (file.metadata().map(identity), path.metadata().map(identity));
    own.is_ok_and(|own| there.is_ok_and(|there| own == there))
}

/// An open file cannot be removed there.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // While it is locked: a process that has opened it sees that it is gone.
        if is_at(&self.file, &self.path) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
