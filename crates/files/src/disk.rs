//! All operations that change the disk. Tests make each of them fail, and check what was synced.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use tempfile::{NamedTempFile, PersistError, TempPath};

use crate::faults::Step;

/// The start of the names of temporary files.
pub(crate) const TEMPORARY: &str = ".identkit-tmp-";

/// What happens to an existing file of the same name.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// It is kept, and saving fails, so that evidence is not overwritten by accident.
    #[default]
    Keep,
    /// The new file replaces it when it is complete.
    Replace,
}

/// The disk; in tests, with faults.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    #[cfg(test)]
    pub(crate) faults: Option<std::sync::Arc<std::sync::Mutex<crate::faults::Faults>>>,
}

impl Disk {
    #[cfg(not(test))]
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "it can fail in tests")]
    fn enter(&self, _: Step) -> io::Result<()> {
        Ok(())
    }

    #[cfg(test)]
    fn enter(&self, step: Step) -> io::Result<()> {
        self.faults.as_ref().map_or(Ok(()), |faults| faults.lock().unwrap().enter(step))
    }

    /// Opens or creates a file for reading and writing, readable by its owner only.
    pub(crate) fn open(&self, path: &Path, append: bool) -> io::Result<File> {
        self.enter(Step::Create)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).append(append).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path)
    }

    /// Creates a temporary file beside `target`, readable by its owner only and removed on drop unless renamed. It is
    /// locked, so that other processes recognize that it is in use.
    pub(crate) fn temporary(&self, target: &Path) -> io::Result<NamedTempFile> {
        self.enter(Step::Create)?;
        let file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(parent(target))?;
        if cfg!(unix) {
            // File systems without locks exist. On other systems, a locked file could not be read back.
            let _ = file.as_file().try_lock();
        }
        Ok(file)
    }

    pub(crate) fn write(&self, mut file: &File, bytes: &[u8]) -> io::Result<()> {
        let entered = self.enter(Step::Write);
        #[cfg(test)]
        if entered.is_err() {
            // Like a full disk.
            let _ = file.write_all(&bytes[..bytes.len() / 2]);
        }
        entered?;
        file.write_all(bytes)
    }

    pub(crate) fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        self.enter(Step::Truncate)?;
        file.set_len(length)
    }

    pub(crate) fn sync(&self, file: &File) -> io::Result<()> {
        self.enter(Step::Sync)?;
        file.sync_all()
    }

    /// Syncs content and length, but not the timestamps.
    pub(crate) fn sync_data(&self, file: &File) -> io::Result<()> {
        self.enter(Step::Sync)?;
        file.sync_data()
    }

    pub(crate) fn rename(&self, file: NamedTempFile, target: &Path, existing: Existing) -> Result<(), PersistError> {
        if let Err(error) = self.enter(Step::Rename) {
            return Err(PersistError { error, file });
        }
        match existing {
            Existing::Keep => file.persist_noclobber(target),
            Existing::Replace => file.persist(target),
        }
        .map(drop)
    }

    /// Moves a file. With [`Existing::Keep`], `to` must not exist.
    pub(crate) fn move_file(&self, from: &Path, to: &Path, existing: Existing) -> io::Result<()> {
        self.enter(Step::Rename)?;
        match existing {
            Existing::Keep => TempPath::try_from_path(from)?.persist_noclobber(to).map_err(|failed| {
                // A dropped `TempPath` would remove the file.
                let _ = failed.path.keep();
                failed.error
            }),
            Existing::Replace => std::fs::rename(from, to),
        }
    }

    /// Syncs the directory of a file, so that its name is on disk.
    pub(crate) fn sync_parent(&self, path: &Path) -> io::Result<()> {
        self.enter(Step::SyncParent)?;
        // Other systems cannot open a directory like a file.
        if cfg!(unix) { File::open(parent(path))?.sync_all() } else { Ok(()) }
    }
}

pub(crate) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
