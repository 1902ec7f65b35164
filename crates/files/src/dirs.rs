//! Private directories.

use std::fs::DirBuilder;
use std::io;
use std::path::{Path, PathBuf};

use crate::disk::Disk;

/// Creates a directory and its missing parents, readable by their owner only. Returns those created, innermost first.
///
/// # Errors
/// If a directory cannot be created or synced. The directories created until then are removed.
pub fn create_dirs(path: &Path) -> io::Result<Vec<PathBuf>> {
    let missing = |dir: &&Path| !dir.as_os_str().is_empty() && dir.symlink_metadata().is_err();
    let created: Vec<PathBuf> = path.ancestors().take_while(missing).map(Path::to_owned).collect();
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let disk = Disk::default();
    let synced = builder.create(path).and_then(|()| created.iter().try_for_each(|dir| disk.sync_parent(dir)));
    match synced {
        Ok(()) => Ok(created),
        Err(error) => {
            for dir in created {
                // This fails for a directory that was not created.
                let _ = std::fs::remove_dir(dir);
            }
            Err(error)
        }
    }
}
