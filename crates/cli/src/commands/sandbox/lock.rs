//! Who uses a file alone, for as long as the process lives.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

/// The sole use of a file that is replaced whenever it is saved: the lock is on another file beside it, which says whose
/// it is. A process that is killed leaves that file, but no lock.
pub(super) struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// The sole use of the file of this path.
    ///
    /// # Errors
    /// When another process has it; the error says which one. When what is in the lock's place is none: it is left as it
    /// is.
    pub(super) fn take(of: &Path) -> io::Result<Self> {
        let mut path = of.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        // It would be emptied, and taken away at the end: whatever else has this name is somebody's.
        let no_lock = || {
            io::Error::new(
                io::ErrorKind::AlreadyExists,
                format!("{} is there, and no lock of a sandbox", path.display()),
            )
        };
        loop {
            // A link would be followed to what it leads to, and a pipe waited for.
            if path.symlink_metadata().is_ok_and(|there| !there.is_file()) {
                return Err(no_lock());
            }
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(&path)?;
            file.try_lock().map_err(|error| match error {
                TryLockError::WouldBlock => {
                    let told = format!("{} is using it, says {}", holder(&file), path.display());
                    io::Error::new(io::ErrorKind::ResourceBusy, told)
                }
                TryLockError::Error(error) => error,
            })?;
            // Whoever had it before may have taken it away in the meantime: then it keeps nobody out.
            if is_at(&file, &path) {
                if !is_lock(&file) {
                    return Err(no_lock());
                }
                file.set_len(0)?;
                file.rewind()?;
                write!(file, "{}", std::process::id())?;
                return Ok(Self { file, path });
            }
        }
    }
}

/// Whether a lock is all that the file can be: the number of a process, or nothing yet.
fn is_lock(file: &File) -> bool {
    let mut told = Vec::new();
    file.take(21).read_to_end(&mut told).is_ok() && told.len() < 21 && told.iter().all(u8::is_ascii_digit)
}

/// The process that has the lock, as it wrote itself.
fn holder(file: &File) -> String {
    let mut told = String::new();
    match file.take(20).read_to_string(&mut told).is_ok().then(|| told.parse::<u32>()) {
        Some(Ok(id)) => format!("another process ({id})"),
        _ => "another process".to_owned(),
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let identity = |found: std::fs::Metadata| (found.dev(), found.ino());
    let (own, there) = (file.metadata().map(identity), path.metadata().map(identity));
    own.is_ok_and(|own| there.is_ok_and(|there| own == there))
}

/// What is open is not taken away there.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While it is locked: nobody else has it by now, and whoever has opened it sees that it is gone.
        if is_at(&self.file, &self.path) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
