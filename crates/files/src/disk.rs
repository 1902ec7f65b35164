//! Every operation that changes the disk. Tests make each of them fail and check what was synced.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use tempfile::{NamedTempFile, PersistError};

use crate::faults::Step;

/// What happens to a file that has the name already.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and saving fails: evidence is not overwritten by accident.
    #[default]
    Keep,
    /// The new file replaces it, once it is whole.
    Replace,
}

/// The disk; in tests, one with faults.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    #[cfg(test)]
    pub(crate) faults: Option<std::sync::Arc<std::sync::Mutex<crate::faults::Faults>>>,
}

impl Disk {
    #[cfg(not(test))]
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "in tests it may fail")]
    fn enter(&self, _: Step) -> io::Result<()> {
        Ok(())
    }

    #[cfg(test)]
    fn enter(&self, step: Step) -> io::Result<()> {
        self.faults.as_ref().map_or(Ok(()), |faults| faults.lock().unwrap().enter(step))
    }

    /// Opens or creates a file to read and write, readable by its owner only.
    pub(crate) fn open(&self, path: &Path, append: bool) -> io::Result<File> {
        self.enter(Step::Create)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).append(append).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path)
    }

    /// Creates a file beside its future place, readable by its owner only, which is removed unless it gets there.
    pub(crate) fn temporary(&self, target: &Path, prefix: &str) -> io::Result<NamedTempFile> {
        self.enter(Step::Create)?;
        tempfile::Builder::new().prefix(prefix).tempfile_in(parent(target))
    }

    pub(crate) fn write(&self, mut file: &File, bytes: &[u8]) -> io::Result<()> {
        let entered = self.enter(Step::Write);
        #[cfg(test)]
        if entered.is_err() {
            // As a full disk does.
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

    /// Syncs the content and the length, but no times.
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

    /// Syncs the directory of a file: the name of the file is on the disk only after that.
    pub(crate) fn sync_parent(&self, path: &Path) -> io::Result<()> {
        self.enter(Step::SyncParent)?;
        // Other systems cannot open a directory as a file.
        if cfg!(unix) { File::open(parent(path))?.sync_all() } else { Ok(()) }
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
