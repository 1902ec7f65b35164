//! Which file is at a path.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

use crate::disk::Disk;
use crate::error::OpenError;

/// Identity of the file at a path: it differs after the file was replaced. On systems other than Unix it never differs,
/// because an open file cannot be replaced there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileIdentity {
    device: u64,
    inode: u64,
}

impl FileIdentity {
    /// Reads the identity. Does not open the file: to close it would release the locks that this process has on it.
    ///
    /// # Errors
    /// If the file does not exist or cannot be examined.
    pub fn of(path: &Path) -> io::Result<Self> {
        path.metadata().map(|metadata| Self::from_metadata(&metadata))
    }

    #[cfg(unix)]
    pub(crate) fn from_metadata(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self { device: metadata.dev(), inode: metadata.ino() }
    }

    #[cfg(not(unix))]
    pub(crate) fn from_metadata(_: &Metadata) -> Self {
        Self { device: 0, inode: 0 }
    }
}

/// Creates an empty file that only its owner can read, and syncs its directory. An existing file stays unchanged and is
/// not opened. Returns whether the file is new.
///
/// # Errors
/// If the file cannot be created, or if its directory cannot be synced.
pub fn create_file(path: &Path) -> io::Result<bool> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Disk::default().sync_parent(path).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Opens a regular file for reading. Does not follow a symbolic link at its path.
///
/// # Errors
/// [`OpenError::NotRegular`] if the path is something else, and [`OpenError::Io`] if the file does not exist or cannot be
/// opened.
pub fn open_regular(path: &Path) -> Result<File, OpenError> {
    // Opening follows a symbolic link, and blocks on a pipe.
    let before = path.symlink_metadata()?;
    if !before.is_file() {
        return Err(OpenError::NotRegular);
    }
    let file = File::open(path)?;
    // The file can have been replaced in between.
    match FileIdentity::from_metadata(&file.metadata()?) == FileIdentity::from_metadata(&before) {
        true => Ok(file),
        false => Err(OpenError::NotRegular),
    }
}
