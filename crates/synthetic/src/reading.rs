//! Opening PDF files that others made.
//!
//! Such files are often a little damaged, so reading is lenient. A stream that
//! unpacks to more than [`MAX_UNPACKED`] is refused, so that a small file cannot
//! fill the memory.

use lopdf::{Document, LoadOptions};

use super::error::Error;

const MAX_UNPACKED: usize = 64 * 1024 * 1024;

/// Opens an unprotected file.
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
    // An empty password opens some files; they are protected all the same.
    if document.is_encrypted() || document.was_encrypted() {
        return Err(Error::Encrypted);
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
    matches!(open(bytes), Err(Error::Encrypted))
}
