//! Signed data of an earlier case that go into a new one.

use std::path::Path;

use crate::exit::Failure;
use crate::input::bytes_of;

/// Signed data, byte for byte as the vendor sent them (AT-71).
pub(crate) struct SignedForm {
    /// The option that has selected them.
    pub(crate) option: &'static str,
    /// What names them in an error.
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

impl SignedForm {
    /// Reads the file of `--ident-data-signed`.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let option = "--ident-data-signed";
        Ok(Self { option, name: format!("{option} {}", path.display()), bytes: bytes_of(option, path)? })
    }
}
