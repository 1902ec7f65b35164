//! Opens PDF files from outside.
//!
//! Reading is lenient, because such files are often slightly damaged. A stream larger than [`MAX_UNPACKED`] is
//! rejected, so that a small file cannot fill the memory.

use lopdf::{Document, LoadOptions};

use super::error::Error;

/// Maximum size of a decompressed stream in bytes.
const MAX_UNPACKED: usize = 64 * 1024 * 1024;

/// Opens a file that is not encrypted.
pub(crate) fn open(bytes: &[u8]) -> Result<Document, Error> {
    if !bytes.starts_with(b"%PDF-") {
        return Err(Error::NotPdf);
    }
    let options = LoadOptions::with_max_decompressed_size(MAX_UNPACKED);
    let document = Document::load_mem_with_options(bytes, options).map_err(|error| match error {
        lopdf::Error::Decryption(_) | lopdf::Error::InvalidPassword | lopdf::Error::UnsupportedSecurityHandler(_) => {
            Error::Encrypted
        }
        _ => Error::Unreadable,
    })?;
    // Some encrypted files have an empty password.
    if document.is_encrypted() || document.was_encrypted() {
        return Err(Error::Encrypted);
    }
    Ok(document)
}

/// Returns the number of pages, or `None` if the file is encrypted or not a readable PDF.
pub fn page_count(bytes: &[u8]) -> Option<usize> {
    open(bytes).ok().map(|document| document.page_iter().count())
}

/// Whether a PDF file is encrypted, according to its trailer. `false` if the file cannot be read.
pub fn is_encrypted(bytes: &[u8]) -> bool {
    matches!(open(bytes), Err(Error::Encrypted))
}
