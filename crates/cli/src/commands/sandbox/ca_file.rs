//! The file with the sandbox's CA certificate, for clients to trust.

use std::io::Write;
use std::path::{Path, PathBuf};

use identkit_transport::http::certificates;

use crate::exit::Failure;
use crate::save::reject_dash;

/// Part of the name of each CA that a sandbox creates.
const NAME: &[u8] = b"identkit sandbox CA";

/// Fails if there is something else than the CA certificate of an earlier sandbox.
fn check(path: &Path) -> Result<(), Failure> {
    reject_dash("--write-ca", path)?;
    let Ok(existing) = std::fs::metadata(path) else { return Ok(()) };
    // The file must not contain anything else, e.g. a private key or a comment.
    let is_ours = |pem: Vec<u8>| {
        let text = String::from_utf8_lossy(&pem);
        let is_alone = text.matches("-----BEGIN ").count() == 1
            && text.trim().starts_with("-----BEGIN ")
            && text.trim().ends_with("-----END CERTIFICATE-----");
        let found = certificates(&pem).unwrap_or_default();
        is_alone && found.iter().any(|der| der.windows(NAME.len()).any(|part| part == NAME))
    };
    match existing.is_file() && std::fs::read(path).is_ok_and(is_ours) {
        true => Ok(()),
        false => Err(Failure::usage(format!(
            "--write-ca {} exists and is not the CA certificate of a sandbox: choose a new file",
            path.display()
        ))),
    }
}

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
            check(path)?;
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
