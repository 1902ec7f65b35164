//! Saved worlds in files.

use std::fs::File;
use std::io::{BufWriter, Read as _, Write as _};
use std::path::Path;

use serde_json::Value;
use tempfile::NamedTempFile;

use super::World;
use super::error::SavedError;
use crate::vendor::MockVendor;

impl World {
    /// Saves the world into a file, which is the whole world or, after an error, what it was before. On Unix its owner
    /// alone may read it: it holds whatever was sent to the sandbox, with credentials, tokens and TANs.
    ///
    /// # Errors
    /// As [`to_json`](Self::to_json), and [`SavedError::File`].
    pub fn save_file(&self, vendors: &[Box<dyn MockVendor>], path: &Path) -> Result<(), SavedError> {
        write(path, &self.to_json(vendors)?)
    }

    /// The world that was saved into a file of at most so many bytes.
    ///
    /// # Errors
    /// As [`from_json`](Self::from_json), and [`SavedError::File`], [`SavedError::TooLarge`], [`SavedError::NotJson`].
    pub fn load_file(vendors: &[Box<dyn MockVendor>], path: &Path, limit: u64) -> Result<Self, SavedError> {
        Self::from_json(vendors, &read(path, limit)?)
    }
}

/// Written beside its place and renamed into it. Made with mode 0600, which the rename keeps.
fn write(path: &Path, world: &Value) -> Result<(), SavedError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Dropped on any way out of here it is removed.
    let mut file = NamedTempFile::new_in(folder)?;
    let mut to = BufWriter::new(file.as_file_mut());
    serde_json::to_writer(&mut to, world).map_err(std::io::Error::from)?;
    to.write_all(b"\n")?;
    to.flush()?;
    drop(to);
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_folder(folder)
}

/// The name of a file is on the disk only when its folder is.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> Result<(), SavedError> {
    Ok(File::open(folder)?.sync_all()?)
}

/// Other systems do not open folders as files.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> Result<(), SavedError> {
    Ok(())
}

fn read(path: &Path, limit: u64) -> Result<Value, SavedError> {
    let mut bytes = Vec::new();
    // One byte more tells a file that is too large from one that just fits.
    File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(SavedError::TooLarge { limit });
    }
    serde_json::from_slice(&bytes).map_err(|error| SavedError::NotJson { line: error.line(), column: error.column() })
}
