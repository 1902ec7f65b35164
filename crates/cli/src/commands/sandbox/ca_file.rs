//! The certificate of the sandbox's authority, for clients to trust.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::exit::Failure;

/// The CA certificate on disk; a temporary one goes with the sandbox.
pub(super) struct CaFile {
    pub(super) path: PathBuf,
    _temporary: Option<tempfile::TempPath>,
}

impl CaFile {
    pub(super) fn write(pem: &str, wanted: Option<&Path>) -> Result<Self, Failure> {
        let cannot = |error: std::io::Error| {
            let name = wanted.map_or_else(String::new, |path| format!(" {}", path.display()));
            Failure::local(format!("the CA file{name} cannot be written: {error}"))
        };
        if let Some(path) = wanted {
            std::fs::write(path, pem).map_err(cannot)?;
            // Whoever reads the ready line may be in another folder.
            return Ok(Self { path: std::path::absolute(path).map_err(cannot)?, _temporary: None });
        }
        let mut file = tempfile::Builder::new().prefix("identkit-ca-").suffix(".pem").tempfile().map_err(cannot)?;
        file.write_all(pem.as_bytes()).map_err(cannot)?;
        let temporary = file.into_temp_path();
        Ok(Self { path: temporary.to_path_buf(), _temporary: Some(temporary) })
    }
}
