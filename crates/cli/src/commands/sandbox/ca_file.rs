//! The file with the sandbox's CA certificate, for clients to trust.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::exit::Failure;

/// The CA certificate on disk. A temporary file is removed when this is dropped.
pub(super) struct CaFile {
    pub(super) path: PathBuf,
    _temporary: Option<tempfile::TempPath>,
}

impl CaFile {
    pub(super) fn write(pem: &str, path: Option<&Path>) -> Result<Self, Failure> {
        let cannot = |error: std::io::Error| {
            let name = path.map_or_else(String::new, |path| format!(" {}", path.display()));
            Failure::local(format!("the CA file{name} cannot be written: {error}"))
        };
        if let Some(path) = path {
            std::fs::write(path, pem).map_err(cannot)?;
            // A reader of the ready line may have another working directory.
            return Ok(Self { path: std::path::absolute(path).map_err(cannot)?, _temporary: None });
        }
        let mut file = tempfile::Builder::new().prefix("identkit-ca-").suffix(".pem").tempfile().map_err(cannot)?;
        file.write_all(pem.as_bytes()).map_err(cannot)?;
        let temporary = file.into_temp_path();
        Ok(Self { path: temporary.to_path_buf(), _temporary: Some(temporary) })
    }
}
