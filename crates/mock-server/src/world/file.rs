//! Saved worlds in files.

use std::fs::File;
use std::io::{self, BufWriter, IntoInnerError, Read as _, Write as _};
use std::path::Path;

use identkit_files::{Draft, Existing};
use serde_json::Value;

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

fn write(path: &Path, world: &Value) -> Result<(), SavedError> {
    let mut draft = BufWriter::new(Draft::new(path)?);
    serde_json::to_writer(&mut draft, world).map_err(io::Error::from)?;
    draft.write_all(b"\n")?;
    let draft = draft.into_inner().map_err(IntoInnerError::into_error)?;
    Ok(draft.commit(Existing::Replace).map_err(io::Error::from)?)
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
