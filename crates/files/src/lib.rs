//! Durable files: a log of records, a file that is replaced as a whole, and a lock.
//!
//! Invariants:
//! - When a function returns `Ok`, the bytes are on the disk, and so is the name of the file: both the file and its
//!   directory are synced.
//! - When it returns an error, or the process dies, the file holds what it held before, or the whole of the new content.
//! - New files and directories are readable by their owner only (Unix).
//! - Every write, sync and rename goes through one private type, in which the tests inject faults.

mod disk;
mod draft;
mod error;
mod lock;
mod log;
#[cfg(test)]
mod tests;

use std::fs::DirBuilder;
use std::io;
use std::path::{Path, PathBuf};

pub use self::draft::{CommitError, Draft, Existing};
pub use self::error::OpenError;
pub use self::lock::LockFile;
pub use self::log::{AppendLog, Tail};

/// Creates a directory with its missing parents, readable by their owner only, and returns what it created, innermost
/// first.
///
/// # Errors
/// If a directory cannot be created. Those that it had created until then are removed.
pub fn create_dirs(path: &Path) -> io::Result<Vec<PathBuf>> {
    let missing = |dir: &&Path| !dir.as_os_str().is_empty() && dir.symlink_metadata().is_err();
    let created: Vec<PathBuf> = path.ancestors().take_while(missing).map(Path::to_owned).collect();
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let disk = disk::Disk::default();
    let synced = builder.create(path).and_then(|()| created.iter().try_for_each(|dir| disk.sync_parent(dir)));
    match synced {
        Ok(()) => Ok(created),
        Err(error) => {
            for dir in created {
                // Fails for a directory that was never created.
                let _ = std::fs::remove_dir(dir);
            }
            Err(error)
        }
    }
}
