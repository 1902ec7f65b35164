//! Signs a PDF file: adds a visible mark and the signature of the sandbox by an incremental update.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lopdf::{Dictionary, Document, IncrementalDocument, Object, ObjectId, StringFormat, dictionary, text_string};
use sha2::{Digest as _, Sha256};
use x509_cert::der::DateTime;

use super::certificates::{authority, signer};
use super::detached::detached_signature;
use super::error::Error;
use super::form::{Field, Locks, covers, fields};
use super::mark::{NOTICE, SignatureMark, appearance, numbers};
use super::placement::Spot;
use super::reading::{Opened, open};

/// Prefix of the names of all marks.
const MARK_NAME: &[u8] = b"identkit-sandbox-mark-";
/// Flags of the annotation: printed and locked.
const MARK_FLAGS: i64 = 4 | 128;
/// Flags of the form: it has signatures, and is only saved by incremental updates.
const SIGNATURE_FLAGS: i64 = 1 | 2;
/// Number of names for a new field that earlier signatures can lock, until all are assumed to be locked.
const MAX_LOCKED_NAMES: usize = 100;
/// Maximum length of each text in the description of the mark, in characters.
const MAX_DESCRIBED: usize = 200;
/// Space for the signature in bytes. With both certificates it needs less than half.
const SIGNATURE_SPACE: usize = 4096;
/// Placeholder for a position in the file; at least as many digits as every position has.
const POSITION: i64 = 9_999_999_999;

/// Adds a visible mark and a signature to a PDF file.
///
/// The original bytes are a prefix of the result, so earlier signatures remain valid. The signature is valid in itself,
/// and issued by [`signing_authority`](super::signing_authority): it proves nothing outside a test. Marks at the default
/// position are stacked upwards.
///
/// An empty signature field that [`SignatureMark::field`] names is filled. Otherwise the signature has a new field. A
/// certification of level 2 or 3 allows both (ISO 32000-1, 12.8.2.2), although pyHanko reports a new visible field.
///
/// # Errors
/// - [`Error::NotPdf`], [`Error::Unreadable`] or [`Error::Encrypted`] if `original` is not a readable, unencrypted PDF;
/// - [`Error::ChangesForbidden`] if an earlier signature forbids changes;
/// - [`Error::NoSuchField`], [`Error::FieldNotShown`] or [`Error::FieldSigned`] if the mark's field does not exist, is
///   shown by no page or too small for a mark, or is signed;
/// - [`Error::NoSuchPage`] or [`Error::Placement`] if the mark's page does not exist or its position is invalid;
/// - [`Error::TooLarge`] if the result exceeds the limits of the format.
pub fn sign(original: &[u8], mark: &SignatureMark<'_>) -> Result<Vec<u8>, Error> {
    let file = open(original)?;
    let fields = fields(&file.document);
    let place = Place::new(&file, &fields, mark)?;
    let target = Target::new(&file, &fields, &place)?;
    let mut update = Update::new(file);
    let signature = update.add(signature_dictionary(mark)?)?;
    let appearance = update.add(appearance(&place.spot, mark))?;
    match target {
        Target::Existing { field, widget } => {
            update.edit_form(None)?;
            update.edit(field, |field| field.set("V", signature))?;
            update.edit(widget, |widget| {
                // Poppler and MuPDF read only the widget, although it inherits the value of its field.
                widget.set("V", signature);
                widget.set("F", MARK_FLAGS);
                // A layer that is hidden would hide the mark.
                widget.remove(b"OC");
                show(widget, appearance);
            })?;
        }
        Target::New { name } => {
            let mut field = new_field(&name, &place, mark);
            field.set("V", signature);
            show(&mut field, appearance);
            update.add_field(field, place.page)?;
        }
    }
    let bytes = update.write(original)?;
    seal(bytes, original.len(), signature, mark)
}

/// Sets the appearance of an annotation.
fn show(annotation: &mut Dictionary, appearance: ObjectId) {
    annotation.set("AP", dictionary! { "N" => appearance });
}

/// Where a signature is shown.
struct Place<'a> {
    page: ObjectId,
    spot: Spot,
    /// The named field, and its annotation that shows the mark.
    field: Option<(&'a Field, ObjectId)>,
}

impl<'a> Place<'a> {
    fn new(file: &Opened, fields: &'a [Field], mark: &SignatureMark<'_>) -> Result<Self, Error> {
        let document = &file.document;
        let Some(name) = mark.field else {
            let page = match mark.placement.page {
                Some(index) => file.pages.ids.get(index),
                None => file.pages.ids.last(),
            };
            let page = *page.ok_or(Error::NoSuchPage)?;
            let dictionary = document.get_dictionary(page).map_err(|_| Error::Unreadable)?;
            let annotations = annotations(document, dictionary);
            let marks = annotations.filter(|entry| is_mark(document, entry)).count();
            let spot = mark.placement.spot(document, dictionary, marks)?;
            return Ok(Self { page, spot, field: None });
        };
        let field = fields.iter().find(|field| field.name == name).ok_or(Error::NoSuchField)?;
        if field.is_signature && field.has_value {
            return Err(Error::FieldSigned);
        }
        let shown = |&widget: &ObjectId| {
            let page = page_of(file, widget)?;
            let annotation = document.get_dictionary(widget).ok()?;
            let spot = Spot::of_annotation(document, document.get_dictionary(page).ok()?, annotation)?;
            Some(Self { page, spot, field: Some((field, widget)) })
        };
        field.widgets.iter().find_map(shown).ok_or(Error::FieldNotShown)
    }
}

/// The field that the signature becomes the value of.
enum Target {
    /// An empty signature field of the file, and its annotation.
    Existing { field: ObjectId, widget: ObjectId },
    /// A new field.
    New { name: String },
}

impl Target {
    fn new(file: &Opened, fields: &[Field], place: &Place<'_>) -> Result<Self, Error> {
        let locks = Locks::new(&file.document, fields);
        if let Some((field, widget)) = place.field.filter(|(field, _)| field.is_signature) {
            let target = Self::Existing { field: field.id, widget };
            return if locks.forbid(&field.name) { Err(Error::ChangesForbidden) } else { Ok(target) };
        }
        let is_used = |name: &str| fields.iter().any(|field| covers(name, &field.name));
        let names = (1..=fields.len() + MAX_LOCKED_NAMES).map(|number| format!("Signature{number}"));
        let name = names.into_iter().find(|name| !is_used(name) && !locks.forbid(name));
        name.map(|name| Self::New { name }).ok_or(Error::ChangesForbidden)
    }
}

/// Returns the page that shows an annotation. Readers do not show an annotation that only names its page.
fn page_of(file: &Opened, id: ObjectId) -> Option<ObjectId> {
    let document = &file.document;
    let shows = |page: &&ObjectId| {
        let Ok(page) = document.get_dictionary(**page) else { return false };
        annotations(document, page).any(|entry| entry.as_reference().is_ok_and(|entry| entry == id))
    };
    file.pages.ids.iter().find(shows).copied()
}

fn annotations<'a>(document: &'a Document, page: &'a Dictionary) -> impl Iterator<Item = &'a Object> {
    page.get_deref(b"Annots", document).and_then(Object::as_array).into_iter().flatten()
}

fn is_mark(document: &Document, annotation: &Object) -> bool {
    let name = document
        .dereference(annotation)
        .and_then(|(_, object)| object.as_dict())
        .and_then(|entry| entry.get_deref(b"NM", document))
        .and_then(Object::as_str);
    name.is_ok_and(|name| name.starts_with(MARK_NAME))
}

/// The changed objects of a file.
struct Update {
    file: Opened,
    changed: BTreeSet<ObjectId>,
}

impl Update {
    fn new(mut file: Opened) -> Self {
        let changed = std::mem::take(&mut file.pages.changed);
        Self { file, changed }
    }

    fn add(&mut self, object: impl Into<Object>) -> Result<ObjectId, Error> {
        let id = self.file.document.try_add_object(object).map_err(|_| Error::TooLarge)?;
        self.changed.insert(id);
        Ok(id)
    }

    fn edit(&mut self, id: ObjectId, change: impl FnOnce(&mut Dictionary)) -> Result<(), Error> {
        change(self.file.document.get_dictionary_mut(id).map_err(|_| Error::Unreadable)?);
        self.changed.insert(id);
        Ok(())
    }

    /// Adds a field that is its own annotation.
    fn add_field(&mut self, mut field: Dictionary, page: ObjectId) -> Result<(), Error> {
        let id = self.file.document.try_new_object_id().map_err(|_| Error::TooLarge)?;
        let name = [MARK_NAME, id.0.to_string().as_bytes()].concat();
        field.set("NM", Object::String(name, StringFormat::Literal));
        field.set("P", page);
        self.file.document.set_object(id, field);
        self.changed.insert(id);
        let list = |page: &ObjectId| -> Option<ObjectId> {
            self.file.document.get_dictionary(*page).ok()?.get(b"Annots").ok()?.as_reference().ok()
        };
        // Several pages can share one list, and only one of them shows the mark.
        let sharing =
            list(&page).map_or(0, |own| self.file.pages.ids.iter().filter(|id| list(id) == Some(own)).count());
        let mut dictionary = self.file.document.get_dictionary(page).map_err(|_| Error::Unreadable)?.clone();
        if self.append(&mut dictionary, b"Annots", id, sharing > 1) {
            self.set(page, dictionary);
        }
        self.edit_form(Some(id))
    }

    /// Appends to the array under `key`, or to a copy if the array is `shared` with other dictionaries. Returns whether
    /// the dictionary itself changed.
    fn append(&mut self, dictionary: &mut Dictionary, key: &[u8], item: ObjectId, shared: bool) -> bool {
        let document = &self.file.document;
        let (list, mut items) = match dictionary.get(key).and_then(|value| document.dereference(value)) {
            Ok((list, Object::Array(items))) => (list.filter(|_| !shared), items.clone()),
            _ => (None, Vec::new()),
        };
        items.push(Object::Reference(item));
        match list {
            Some(list) => self.set(list, items),
            None => dictionary.set(key, items),
        }
        list.is_none()
    }

    fn set(&mut self, id: ObjectId, object: impl Into<Object>) {
        self.file.document.set_object(id, object);
        self.changed.insert(id);
    }

    /// Sets the flags of the form so that the mark is visible, and adds a field.
    fn edit_form(&mut self, added: Option<ObjectId>) -> Result<(), Error> {
        let document = &self.file.document;
        let form = document.catalog().and_then(|catalog| catalog.get(b"AcroForm"));
        let (id, mut form) = match form.and_then(|form| document.dereference(form)) {
            Ok((id, Object::Dictionary(form))) => (id, form.clone()),
            _ => (None, Dictionary::new()),
        };
        let flags = form.get_deref(b"SigFlags", document).and_then(Object::as_i64).unwrap_or(0);
        form.set("SigFlags", flags | SIGNATURE_FLAGS);
        // Otherwise, readers replace the appearance of every field, and that of a signature becomes empty.
        form.remove(b"NeedAppearances");
        if let Some(field) = added {
            self.append(&mut form, b"Fields", field, false);
        }
        if let Some(id) = id {
            self.set(id, form);
            return Ok(());
        }
        // The form is a part of the catalog.
        let catalog = self.file.document.trailer.get(b"Root").and_then(Object::as_reference);
        self.edit(catalog.map_err(|_| Error::Unreadable)?, |catalog| catalog.set("AcroForm", form))
    }

    /// Writes the file with the update. The kind of its cross-reference section is that of the file, because some
    /// readers reject a mixture. If the section of the file had to be repaired, the update contains every object and
    /// does not refer to the section.
    fn write(self, original: &[u8]) -> Result<Vec<u8>, Error> {
        /// Trailer entries that describe the section, not the file.
        const SECTION_KEYS: &str = "Type Size XRefStm W Index Length Filter DecodeParms F FFilter FDecodeParms DL";
        let Opened { document, header, is_damaged, missing, .. } = self.file;
        let (before, file) = original.split_at_checked(header).unwrap_or_default();
        // A stream without an end must not end inside the update.
        let separator: &[u8] = if missing > 0 { b"\nendstream\nendobj\n" } else { b"" };
        let objects: BTreeMap<_, _> = if is_damaged {
            document.objects.clone()
        } else {
            self.changed.iter().filter_map(|id| Some((*id, document.objects.get(id)?.clone()))).collect()
        };
        // lopdf leaves out objects of these types, because it writes such streams itself.
        let is_left_out = |object: &Object| {
            object.as_dict().is_ok_and(|dictionary| dictionary.has_type(b"ObjStm") || dictionary.has_type(b"XRef"))
        };
        if objects.values().any(is_left_out) {
            return Err(Error::Unreadable);
        }
        let last_id = document.max_id;
        let mut update = IncrementalDocument::create_from([file, separator].concat(), document);
        let added = &mut update.new_document;
        (added.objects, added.max_id) = (objects, last_id);
        for key in SECTION_KEYS.split(' ').chain(is_damaged.then_some("Prev")) {
            added.trailer.remove(key.as_bytes());
        }
        let mut bytes = before.to_vec();
        update.save_to(&mut bytes).map_err(|_| Error::TooLarge)?;
        // Positions in a PDF file have four bytes.
        u32::try_from(bytes.len()).map_err(|_| Error::TooLarge)?;
        Ok(bytes)
    }
}

/// Returns a signature field that is its own annotation.
fn new_field(name: &str, place: &Place<'_>, mark: &SignatureMark<'_>) -> Dictionary {
    let texts = [NOTICE, mark.signer, mark.order_id, mark.time];
    // The description supports every character, unlike text on a page.
    let description = texts.map(|text| text.chars().take(MAX_DESCRIBED).collect::<String>()).join("\n");
    dictionary! {
        "Type" => "Annot",
        "Subtype" => "Widget",
        "FT" => "Sig",
        "T" => text_string(name),
        "TU" => text_string(&description),
        "Rect" => numbers(&place.spot.rect),
        "F" => MARK_FLAGS,
    }
}

/// Returns a signature with placeholders, which [`seal`] replaces.
fn signature_dictionary(mark: &SignatureMark<'_>) -> Result<Dictionary, Error> {
    let seconds = u64::try_from(mark.unix_time).unwrap_or(0);
    let at = DateTime::from_unix_duration(Duration::from_secs(seconds)).map_err(|_| Error::Encoding)?;
    let date = format!("{:04}{:02}{:02}", at.year(), at.month(), at.day());
    let time = format!("D:{date}{:02}{:02}{:02}Z", at.hour(), at.minutes(), at.seconds());
    let positions = [0, POSITION, POSITION, POSITION];
    Ok(dictionary! {
        "Type" => "Sig",
        "Filter" => "Adobe.PPKLite",
        "SubFilter" => "ETSI.CAdES.detached",
        "ByteRange" => positions.map(Object::Integer).to_vec(),
        "Contents" => Object::String(vec![0; SIGNATURE_SPACE], StringFormat::Hexadecimal),
        "M" => Object::string_literal(time),
        "Name" => text_string(&mark.signer.chars().take(MAX_DESCRIBED).collect::<String>()),
        "Reason" => text_string(NOTICE),
    })
}

/// Signs a file: fills the placeholders of a signature in the update, which begins at `update`.
fn seal(mut bytes: Vec<u8>, update: usize, id: ObjectId, mark: &SignatureMark<'_>) -> Result<Vec<u8>, Error> {
    // The last object with this number: an update that contains every object can contain a copy of a file.
    let object = format!("\n{} {} obj\n", id.0, id.1).into_bytes();
    let start = rfind(&bytes, update, &object).ok_or(Error::Unreadable)?;
    let contents = find(&bytes, start, b"/Contents<").ok_or(Error::Unreadable)?;
    let open = contents + b"/Contents".len();
    let close = open + 2 * SIGNATURE_SPACE + 2;
    let array = find(&bytes, start, b"/ByteRange[").ok_or(Error::Unreadable)? + b"/ByteRange".len();
    let range = format!("[0 {open} {close} {}]", bytes.len().saturating_sub(close));
    let placeholder = format!("[0 {POSITION} {POSITION} {POSITION}]").len();
    write_at(&mut bytes, array, format!("{range:placeholder$}").as_bytes());

    let mut digest = Sha256::new();
    digest.update(bytes.get(..open).unwrap_or_default());
    digest.update(bytes.get(close..).unwrap_or_default());
    let signer = signer(mark.signer, &[mark.order_id])?;
    let signature = detached_signature(&digest.finalize(), &signer, authority()?).map_err(|_| Error::Encoding)?;
    if signature.len() > SIGNATURE_SPACE {
        return Err(Error::TooLarge);
    }
    let hexadecimal: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
    write_at(&mut bytes, open + 1, hexadecimal.as_bytes());
    Ok(bytes)
}

fn find(bytes: &[u8], from: usize, wanted: &[u8]) -> Option<usize> {
    bytes.get(from..)?.windows(wanted.len()).position(|window| window == wanted).map(|at| from + at)
}

fn rfind(bytes: &[u8], from: usize, wanted: &[u8]) -> Option<usize> {
    bytes.get(from..)?.windows(wanted.len()).rposition(|window| window == wanted).map(|at| from + at)
}

fn write_at(bytes: &mut [u8], at: usize, text: &[u8]) {
    for (to, from) in bytes.iter_mut().skip(at).zip(text) {
        *to = *from;
    }
}
