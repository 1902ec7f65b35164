//! All operations that change the disk. Tests make each of them fail, and check what was synced.

use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::Path;

use tempfile::{NamedTempFile, PersistError, TempPath};

use crate::faults::{Step, Target};

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

/// The disk. With the feature `faults`, tests can watch each operation and make it fail.
#[derive(Clone, Default)]
pub struct Disk {
    #[cfg(any(test, feature = "faults"))]
    hook: Option<std::sync::Arc<crate::faults::Hook>>,
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk").finish_non_exhaustive()
    }
}

impl Disk {
    /// Creates a disk with a function that is called before and after each operation. If it fails before an operation,
    /// the operation is not executed, and a write is torn. If it fails after an operation, the operation was executed.
    #[cfg(any(test, feature = "faults"))]
    pub fn with_hook(
        hook: impl Fn(crate::faults::When, Step, Target<'_>) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self { hook: Some(std::sync::Arc::new(hook)) }
    }

    #[cfg(not(any(test, feature = "faults")))]
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "it can fail in tests")]
    fn enter(&self, _: Step, _: Target<'_>) -> io::Result<()> {
        Ok(())
    }

    #[cfg(any(test, feature = "faults"))]
    fn enter(&self, step: Step, target: Target<'_>) -> io::Result<()> {
        self.hook.as_ref().map_or(Ok(()), |hook| hook(crate::faults::When::Before, step, target))
    }

    #[cfg(not(any(test, feature = "faults")))]
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "it can fail in tests")]
    pub(crate) fn leave(&self, _: Step, _: Target<'_>) -> io::Result<()> {
        Ok(())
    }

    #[cfg(any(test, feature = "faults"))]
    pub(crate) fn leave(&self, step: Step, target: Target<'_>) -> io::Result<()> {
        self.hook.as_ref().map_or(Ok(()), |hook| hook(crate::faults::When::After, step, target))
    }

    /// Opens or creates a file for reading and writing, readable by its owner only.
    pub(crate) fn open(&self, path: &Path, append: bool) -> io::Result<File> {
        self.enter(Step::Create, Target::Path(path))?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).append(append).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        self.leave(Step::Create, Target::Path(path))?;
        Ok(file)
    }

    /// Creates a temporary file beside `target`, readable by its owner only and removed on drop unless renamed. It is
    /// locked, so that other processes recognize that it is in use.
    pub(crate) fn temporary(&self, target: &Path) -> io::Result<NamedTempFile> {
        self.enter(Step::Create, Target::Path(target))?;
        let file = loop {
            let file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(parent(target))?;
            // Between its creation and its lock, another process can take the file for a leftover and remove it.
            if lock_in_use(&file) {
                break file;
            }
        };
        self.leave(Step::Create, Target::Path(file.path()))?;
        Ok(file)
    }

    pub(crate) fn write(&self, mut file: &File, bytes: &[u8]) -> io::Result<()> {
        let entered = self.enter(Step::Write, Target::File(file));
        #[cfg(any(test, feature = "faults"))]
        if entered.is_err() {
            // Like a full disk.
            let _ = file.write_all(bytes.get(..bytes.len() / 2).unwrap_or_default());
        }
        entered?;
        file.write_all(bytes)?;
        self.leave(Step::Write, Target::File(file))
    }

    pub(crate) fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        self.enter(Step::Truncate, Target::File(file))?;
        file.set_len(length)?;
        self.leave(Step::Truncate, Target::File(file))
    }

    pub(crate) fn sync(&self, file: &File) -> io::Result<()> {
        self.enter(Step::Sync, Target::File(file))?;
        file.sync_all()?;
        self.leave(Step::Sync, Target::File(file))
    }

    /// Syncs content and length of a file that was opened for reading, for a caller that did not write it itself. On
    /// systems other than Unix this is not possible.
    ///
    /// # Errors
    /// If it cannot be synced.
    pub fn sync_existing(&self, file: &File) -> io::Result<()> {
        if cfg!(unix) { self.sync(file) } else { Ok(()) }
    }

    /// Syncs content and length, but not the timestamps.
    pub(crate) fn sync_data(&self, file: &File) -> io::Result<()> {
        self.enter(Step::Sync, Target::File(file))?;
        file.sync_data()?;
        self.leave(Step::Sync, Target::File(file))
    }

    /// Renames a temporary file. The caller calls [`leave`](Self::leave), because the file is gone then.
    pub(crate) fn rename(&self, file: NamedTempFile, target: &Path, existing: Existing) -> Result<(), PersistError> {
        if let Err(error) = self.enter(Step::Rename, Target::Path(target)) {
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
        self.enter(Step::Rename, Target::Path(to))?;
        match existing {
            Existing::Keep => TempPath::try_from_path(from)?.persist_noclobber(to).map_err(|failed| {
                // A dropped `TempPath` would remove the file.
                let _ = failed.path.keep();
                failed.error
            })?,
            Existing::Replace => std::fs::rename(from, to)?,
        }
        self.leave(Step::Rename, Target::Path(to))
    }

    /// Renames a file over another one of the same directory, and syncs the directory.
    ///
    /// # Errors
    /// If one of these steps fails. If the directory cannot be synced, the file is renamed.
    pub fn replace_file(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.move_file(from, to, Existing::Replace)?;
        self.sync_parent(to)
    }

    /// Creates a directory that only its owner can read. Its parent must exist. Does not sync it.
    ///
    /// # Errors
    /// If it cannot be created, or with [`io::ErrorKind::AlreadyExists`].
    pub fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.enter(Step::CreateDir, Target::Path(path))?;
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path)?;
        self.leave(Step::CreateDir, Target::Path(path))
    }

    /// Removes a file. Does not sync its directory.
    ///
    /// # Errors
    /// If it cannot be removed, or with [`io::ErrorKind::NotFound`].
    pub fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.enter(Step::Remove, Target::Path(path))?;
        std::fs::remove_file(path)?;
        self.leave(Step::Remove, Target::Path(path))
    }

    /// Syncs the directory of a file, so that its name is on disk.
    ///
    /// # Errors
    /// If it cannot be synced.
    pub fn sync_parent(&self, path: &Path) -> io::Result<()> {
        self.enter(Step::SyncParent, Target::Path(path))?;
        // Other systems cannot open a directory like a file.
        if cfg!(unix) {
            File::open(parent(path))?.sync_all()?;
        }
        self.leave(Step::SyncParent, Target::Path(path))
    }
}

/// Locks a new temporary file. Returns whether it is in use by this process only.
fn lock_in_use(file: &NamedTempFile) -> bool {
    // On other systems, a locked file could not be read back.
    if !cfg!(unix) {
        return true;
    }
    match file.as_file().try_lock() {
        Ok(()) => file.path().symlink_metadata().is_ok(),
        Err(TryLockError::WouldBlock) => false,
        // File systems without locks exist.
        Err(TryLockError::Error(_)) => true,
    }
}

pub(crate) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
