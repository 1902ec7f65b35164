//! Temporary files of processes that were killed.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::disk::{TEMPORARY, parent};

/// Maximum size in bytes of a file that is checked for content.
const CHECKED: u64 = 1024 * 1024;

/// A temporary file of a [`Draft`](crate::Draft) whose process was killed, or that was kept because the target could not
/// be written.
#[derive(Debug)]
pub struct Leftover {
    path: PathBuf,
    blank: bool,
    /// Locked, so that only one process removes the file.
    _file: File,
}

impl Leftover {
    /// Finds such files in the directory of `target`. Files of running processes are left out. On systems other than
    /// Unix nothing is found, because running processes cannot be recognized there.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn find_beside(target: &Path) -> io::Result<Vec<Self>> {
        let mut found = Vec::new();
        if !cfg!(unix) {
            return Ok(found);
        }
        for entry in std::fs::read_dir(parent(target))? {
            let entry = entry?;
            let is_ours = |name: &OsStr| name.to_str().is_some_and(|name| name.starts_with(TEMPORARY));
            if !is_ours(&entry.file_name()) || !entry.file_type()?.is_file() {
                continue;
            }
            let Ok(file) = File::open(entry.path()) else { continue };
            if file.try_lock().is_ok() {
                let blank = is_blank(&file)?;
                found.push(Self { path: entry.path(), blank, _file: file });
            }
        }
        found.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(found)
    }

    /// Path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file has no content but reserved space, so that removing it loses nothing.
    pub fn is_blank(&self) -> bool {
        self.blank
    }

    /// Removes the file.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn remove(self) -> io::Result<()> {
        std::fs::remove_file(&self.path)
    }
}

fn is_blank(file: &File) -> io::Result<bool> {
    if file.metadata()?.len() > CHECKED {
        return Ok(false);
    }
    let mut content = Vec::new();
    file.take(CHECKED).read_to_end(&mut content)?;
    Ok(content.iter().all(|byte| *byte == b' '))
}
