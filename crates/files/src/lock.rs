//! A lock file that names the process that has the lock.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::{Path, PathBuf};

use crate::disk::Disk;
use crate::error::OpenError;
use crate::identity::FileIdentity;

/// A lock on a file that contains the id of its process. Dropping it removes the file. If the process is killed, the
/// file remains without a lock. To lock a file that is replaced when it is saved, use a separate lock file beside it.
#[derive(Debug)]
pub struct LockFile {
    file: File,
    path: PathBuf,
}

impl LockFile {
    /// Creates and locks the file, or takes over one that is not locked.
    ///
    /// # Errors
    /// If the lock is held, by another process or by this one; if the file is not a lock file; or if a disk operation fails.
    pub fn acquire(path: impl Into<PathBuf>) -> Result<Self, OpenError> {
        let (path, disk) = (path.into(), Disk::default());
        loop {
            // Opening follows a symbolic link, and blocks on a pipe.
            if path.symlink_metadata().is_ok_and(|metadata| !metadata.is_file()) {
                return Err(OpenError::NotRegular);
            }
            let mut file = disk.open(&path, false)?;
            file.try_lock().map_err(|error| match error.into() {
                OpenError::InUse { .. } => {
                    OpenError::InUse { holder: process_id(&file).and_then(|id| id.parse().ok()) }
                }
                other => other,
            })?;
            // If the previous holder has removed the file in the meantime, the lock does not exclude other processes.
            if is_at(&file, &path) {
                // The file is truncated here and removed on drop.
                if process_id(&file).is_none() {
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

/// Reads the content, if it is a process id or empty.
fn process_id(file: &File) -> Option<String> {
    let mut id = String::new();
    file.take(21).read_to_string(&mut id).ok()?;
    (id.len() < 21 && id.bytes().all(|byte| byte.is_ascii_digit())).then_some(id)
}

fn is_at(file: &File, path: &Path) -> bool {
    let own = file.metadata().map(|metadata| FileIdentity::from_metadata(&metadata));
    own.is_ok_and(|own| FileIdentity::of(path).is_ok_and(|there| own == there))
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // Removed while locked, so that a process that has opened it notices.
        if is_at(&self.file, &self.path) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
