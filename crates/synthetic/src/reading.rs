//! Opens PDF files from outside.
//!
//! Reading is lenient: a file that common readers open is accepted, although many such files are slightly damaged. A
//! stream larger than [`MAX_UNPACKED`] is rejected, so that a small file cannot fill the memory.

use std::borrow::Cow;
use std::collections::BTreeSet;

use lopdf::xref::XrefEntry;
use lopdf::{Document, LoadOptions, Object, ObjectId};

use super::error::Error;
use super::pages::Pages;
use super::repair::repair_tokens;

/// Maximum size of a decompressed stream in bytes. Streams of objects and cross-references are much smaller.
const MAX_UNPACKED: usize = 16 * 1024 * 1024;
const HEADER: &[u8] = b"%PDF-";
/// Number of bytes in which readers look for the header (ISO 32000-1, annex H, note 13).
const HEADER_RANGE: usize = 1024;

/// Maximum number of an object in common readers (ISO 32000-1, annex C).
const MAX_NUMBER: u32 = 8_388_607;

/// A file that is not encrypted and has at least one page.
pub(crate) struct Opened {
    pub(crate) document: Document,
    pub(crate) pages: Pages,
    /// Position of the header in the file. Readers count all other positions from there.
    pub(crate) header: usize,
    /// Whether the document's cross-references differ from those in the file.
    pub(crate) is_damaged: bool,
    /// Number of objects that references name and that are not there, or cannot be read.
    pub(crate) missing: usize,
}

impl Opened {
    fn is_whole(&self) -> bool {
        !self.pages.is_incomplete && self.missing == 0
    }

    /// Whether more of the file is readable than in `other`.
    fn is_better(&self, other: &Self) -> bool {
        let rank = |file: &Self| (!file.pages.is_incomplete, file.pages.ids.len(), std::cmp::Reverse(file.missing));
        rank(self) > rank(other)
    }
}

/// Opens a file that is not encrypted.
pub(crate) fn open(bytes: &[u8]) -> Result<Opened, Error> {
    let range = bytes.get(..HEADER_RANGE + HEADER.len()).unwrap_or(bytes);
    let header = range.windows(HEADER.len()).position(|window| window == HEADER).ok_or(Error::NotPdf)?;
    let file = bytes.get(header..).unwrap_or_default();
    let mut best = load(file, header, false);
    if best.as_ref().is_ok_and(Opened::is_whole) {
        return best;
    }
    let repaired = repair_tokens(file);
    let has_repaired = matches!(repaired, Cow::Owned(_));
    if !has_repaired && matches!(best, Err(Error::Encrypted)) {
        return best;
    }
    let attempts = [(has_repaired, repaired.as_ref(), false), (true, file, true), (has_repaired, &repaired, true)];
    for (_, file, scan) in attempts.into_iter().filter(|(is_useful, ..)| *is_useful) {
        // A file of which only other parts are missing needs no other cross-references.
        if scan && best.as_ref().is_ok_and(|best| !best.pages.is_incomplete) {
            break;
        }
        match load(file, header, scan) {
            Err(Error::Encrypted) => return Err(Error::Encrypted),
            Ok(other) if best.as_ref().map_or(true, |best| other.is_better(best)) => best = Ok(other),
            _ => {}
        }
    }
    best
}

/// Reads a file that begins with its header. With `scan`, the objects are searched for, whatever the cross-references
/// say.
fn load(file: &[u8], header: usize, scan: bool) -> Result<Opened, Error> {
    let limits = LoadOptions::with_max_decompressed_size(MAX_UNPACKED);
    let options = LoadOptions { force_reconstruct: scan, ..limits };
    let mut document = Document::load_mem_with_options(file, options).map_err(|error| match error {
        lopdf::Error::Decryption(_) | lopdf::Error::InvalidPassword | lopdf::Error::UnsupportedSecurityHandler(_) => {
            Error::Encrypted
        }
        _ => Error::Unreadable,
    })?;
    // Some encrypted files have an empty password.
    if document.is_encrypted() || document.was_encrypted() {
        return Err(Error::Encrypted);
    }
    let missing = missing_objects(&document);
    // A new object must not take the place of a missing one.
    let largest = missing.iter().map(|(number, _)| *number).filter(|number| *number <= MAX_NUMBER).max();
    document.max_id = document.max_id.max(document.reference_table.max_id()).max(largest.unwrap_or(0));
    let is_damaged = document.xref_recovery.is_some() || document.xref_start == 0 || is_misnumbered(&document);
    let pages = Pages::new(&mut document);
    if pages.ids.is_empty() {
        return Err(Error::Unreadable);
    }
    Ok(Opened { document, pages, header, is_damaged, missing: missing.len() })
}

/// Whether cross-references lead to objects with other numbers, e.g. because the table begins at 1 instead of 0.
fn is_misnumbered(document: &Document) -> bool {
    let entries = &document.reference_table.entries;
    let is_elsewhere = |(number, entry): (&u32, &XrefEntry)| match entry {
        XrefEntry::Normal { generation, .. } => !document.has_object((*number, *generation)),
        _ => false,
    };
    let has_no_entry =
        |(number, _): &ObjectId| matches!(entries.get(number), None | Some(XrefEntry::Free | XrefEntry::UnusableFree));
    entries.iter().any(is_elsewhere) && document.objects.keys().any(has_no_entry)
}

/// Returns the objects that references name and that are not there, or cannot be read.
fn missing_objects(document: &Document) -> BTreeSet<ObjectId> {
    let mut rest: Vec<&Object> = document.objects.values().collect();
    let mut missing = BTreeSet::new();
    while let Some(object) = rest.pop() {
        match object {
            Object::Reference(id) if !document.has_object(*id) => {
                missing.insert(*id);
            }
            Object::Array(items) => rest.extend(items),
            Object::Dictionary(dictionary) => rest.extend(dictionary.iter().map(|(_, value)| value)),
            Object::Stream(stream) => rest.extend(stream.dict.iter().map(|(_, value)| value)),
            _ => {}
        }
    }
    missing
}

/// Returns the number of pages, or `None` if the file is encrypted or not a readable PDF.
pub fn page_count(bytes: &[u8]) -> Option<usize> {
    open(bytes).ok().map(|file| file.pages.ids.len())
}

/// Whether a PDF file is encrypted, according to its trailer. `false` if the file cannot be read.
pub fn is_encrypted(bytes: &[u8]) -> bool {
    matches!(open(bytes), Err(Error::Encrypted))
}
