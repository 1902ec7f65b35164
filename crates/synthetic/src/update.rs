//! Incremental updates: new objects behind a file that stays as it is.
//!
//! The update has the kind of cross-reference section that the file has, because
//! readers may refuse a mixture. If the section of the file had to be repaired to
//! read it, the update lists every object anew and does not refer to it.

use std::collections::BTreeMap;

use lopdf::xref::{XrefEntry, XrefType};
use lopdf::{Dictionary, Document, Object, ObjectId, Stream, Writer};

use super::error::Error;

/// Entries of a trailer that describe its own section and not the file.
const SECTION_KEYS: [&[u8]; 13] = [
    b"Type",
    b"Size",
    b"Prev",
    b"XRefStm",
    b"W",
    b"Index",
    b"Length",
    b"Filter",
    b"DecodeParms",
    b"F",
    b"FFilter",
    b"FDecodeParms",
    b"DL",
];

/// A file that is being added to.
pub(crate) struct Update {
    bytes: Vec<u8>,
    entries: BTreeMap<u32, XrefEntry>,
    trailer: Dictionary,
    kind: XrefType,
    last_id: u32,
}

impl Update {
    /// Begins an update of `original`, which `document` was read from.
    pub(crate) fn new(original: &[u8], document: &Document) -> Result<Self, Error> {
        let mut bytes = original.to_vec();
        if !bytes.ends_with(b"\n") {
            bytes.push(b'\n');
        }
        let table = &document.reference_table;
        let mut trailer = document.trailer.clone();
        for key in SECTION_KEYS {
            trailer.remove(key);
        }
        let mut kind = table.cross_reference_type;
        let mut entries = BTreeMap::new();
        if document.xref_recovery.is_none() && document.xref_start != 0 {
            let previous = i64::try_from(document.xref_start).map_err(|_| Error::TooLarge)?;
            trailer.set("Prev", previous);
        } else {
            entries = table.entries.clone();
            entries.retain(|&id, entry| id != 0 && (entry.is_normal() || entry.is_compressed()));
            // A table has no way to say that an object is inside another one.
            if entries.values().any(XrefEntry::is_compressed) {
                kind = XrefType::CrossReferenceStream;
            }
        }
        let last_id = document.max_id.max(table.max_id());
        Ok(Self { bytes, entries, trailer, kind, last_id })
    }

    /// A number for a new object.
    pub(crate) fn allocate(&mut self) -> Result<ObjectId, Error> {
        self.last_id = self.last_id.checked_add(1).ok_or(Error::TooLarge)?;
        Ok((self.last_id, 0))
    }

    /// Writes an object, which replaces the one that has the same number.
    pub(crate) fn write(&mut self, id: ObjectId, object: &Object) -> Result<(), Error> {
        let offset = u32::try_from(self.bytes.len()).map_err(|_| Error::TooLarge)?;
        self.entries.insert(id.0, XrefEntry::Normal { offset, generation: id.1 });
        self.push(&format!("{} {} obj\n", id.0, id.1));
        self.push_object(object)?;
        self.push("\nendobj\n");
        Ok(())
    }

    /// Writes the cross-reference section and gives the whole file back.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>, Error> {
        let start = match self.kind {
            XrefType::CrossReferenceTable => self.finish_table()?,
            XrefType::CrossReferenceStream => self.finish_stream()?,
        };
        self.push(&format!("\nstartxref\n{start}\n%%EOF\n"));
        Ok(self.bytes)
    }

    fn finish_table(&mut self) -> Result<usize, Error> {
        let start = self.bytes.len();
        self.push("xref\n0 1\n0000000000 65535 f \n");
        for (first, run) in runs(&self.entries) {
            self.push(&format!("{first} {}\n", run.len()));
            for entry in run {
                if let XrefEntry::Normal { offset, generation } = entry {
                    self.push(&format!("{offset:010} {generation:05} n \n"));
                }
            }
        }
        let mut trailer = std::mem::take(&mut self.trailer);
        trailer.set("Size", i64::from(self.last_id) + 1);
        self.push("trailer\n");
        self.push_object(&Object::Dictionary(trailer))?;
        Ok(start)
    }

    fn finish_stream(&mut self) -> Result<usize, Error> {
        let id = self.allocate()?;
        let start = self.bytes.len();
        let offset = u32::try_from(start).map_err(|_| Error::TooLarge)?;
        self.entries.insert(id.0, XrefEntry::Normal { offset, generation: 0 });
        let widths = [1_usize, 4, 2];
        let mut index = Vec::new();
        let mut content = Vec::new();
        for (first, run) in runs(&self.entries) {
            let length = i64::try_from(run.len()).map_err(|_| Error::TooLarge)?;
            index.extend([Object::Integer(i64::from(first)), Object::Integer(length)]);
            for entry in run {
                content.extend(entry.encode_for_xref_stream(&widths));
            }
        }
        let mut section = std::mem::take(&mut self.trailer);
        section.set("Type", Object::Name(b"XRef".to_vec()));
        section.set("Size", i64::from(self.last_id) + 1);
        section.set("W", vec![Object::Integer(1), Object::Integer(4), Object::Integer(2)]);
        section.set("Index", index);
        let stream = Object::Stream(Stream::new(section, content));
        self.write(id, &stream)?;
        Ok(start)
    }

    fn push(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn push_object(&mut self, object: &Object) -> Result<(), Error> {
        // Writing to memory does not fail.
        Writer::write_object(&mut self.bytes, object).map_err(|_| Error::TooLarge)
    }
}

/// Entries in runs without a gap, each with the number of its first one.
fn runs(entries: &BTreeMap<u32, XrefEntry>) -> Vec<(u32, Vec<XrefEntry>)> {
    let mut runs: Vec<(u32, Vec<XrefEntry>)> = Vec::new();
    let mut next = None;
    for (&id, entry) in entries {
        match runs.last_mut() {
            Some((_, run)) if next == Some(id) => run.push(entry.clone()),
            _ => runs.push((id, vec![entry.clone()])),
        }
        next = id.checked_add(1);
    }
    runs
}
