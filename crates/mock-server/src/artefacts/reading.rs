//! Opening PDF files that others made.
//!
//! Such files are often a little damaged, so reading is lenient. A stream that
//! unpacks to more than [`MAX_UNPACKED`] is refused, so that a small file cannot
//! fill the memory.

use lopdf::{Document, Error, LoadOptions};

use super::error::ArtifactError;

const MAX_UNPACKED: usize = 64 * 1024 * 1024;

/// Opens an unprotected file.
pub(super) fn open(bytes: &[u8]) -> Result<Document, ArtifactError> {
    if !bytes.starts_with(b"%PDF-") {
        return Err(ArtifactError::NotPdf);
    }
    let options = LoadOptions::with_max_decompressed_size(MAX_UNPACKED);
    let document = Document::load_mem_with_options(bytes, options).map_err(|error| match error {
        Error::Decryption(_) | Error::InvalidPassword | Error::UnsupportedSecurityHandler(_) => {
            ArtifactError::Encrypted
        }
        _ => ArtifactError::Unreadable,
    })?;
    // An empty password opens some files; they are protected all the same.
    if document.is_encrypted() || document.was_encrypted() {
        return Err(ArtifactError::Encrypted);
    }
    Ok(document)
}

/// The number of pages of an unprotected PDF file, or `None` for anything else.
pub fn page_count(bytes: &[u8]) -> Option<usize> {
    open(bytes).ok().map(|document| document.page_iter().count())
}

/// Whether a PDF file is encrypted, as its trailer says.
///
/// A file that cannot be read is not known to be encrypted, so the answer is no.
pub fn is_encrypted(bytes: &[u8]) -> bool {
    matches!(open(bytes), Err(ArtifactError::Encrypted))
}
