//! The visible mark in place of a signature.
//!
//! It is a stamp annotation, so the content of the page does not change. It is not a signature field, because a reader
//! must not show a validity for a file that was never signed.

use lopdf::{Dictionary, Document, IncrementalDocument, Object, ObjectId, Stream, StringFormat, dictionary};

use super::canvas::{ACCENT, Canvas, Ink, TEXT};
use super::error::Error;
use super::placement::{Placement, Spot};
use super::reading::open;
use super::text::{Font, clip, encode, fit};

/// Content and position of the mark.
#[derive(Clone, Copy, Debug, Default)]
pub struct SignatureMark<'a> {
    /// Name of the signer.
    pub signer: &'a str,
    /// Order id of the signature.
    pub order_id: &'a str,
    /// Time of the signature, printed as given.
    pub time: &'a str,
    /// Position of the mark.
    pub placement: Placement,
}

const NOTICE: &str = "SANDBOX - no qualified electronic signature";
/// Prefix of the names of all marks.
const MARK_NAME: &[u8] = b"identkit-sandbox-mark-";
/// Annotation flags: printed, read-only, locked.
const MARK_FLAGS: i64 = 4 | 64 | 128;
const MARK_GROUND: Ink = [0.985, 0.985, 0.955];
const WARNING: Ink = [0.66, 0.22, 0.10];
const MAX_TEXT_SIZE: f32 = 9.0;
/// Minimum text size; longer text is cut off.
const MIN_TEXT_SIZE: f32 = 3.0;
/// Maximum length of each text in the description of the mark, in characters.
const MAX_DESCRIBED: usize = 200;

/// Adds a visible mark to a PDF file.
///
/// The original bytes are a prefix of the result. Marks at the default position are stacked upwards.
///
/// # Errors
/// - [`Error::NotPdf`], [`Error::Unreadable`] or [`Error::Encrypted`] if `original` is not a readable, unencrypted PDF;
/// - [`Error::NoSuchPage`] or [`Error::Placement`] if the mark's page does not exist or its position is invalid;
/// - [`Error::TooLarge`] if the result exceeds the limits of the format.
pub fn sign(original: &[u8], mark: &SignatureMark<'_>) -> Result<Vec<u8>, Error> {
    let document = open(original)?;
    let page_id = match mark.placement.page {
        Some(index) => document.page_iter().nth(index),
        None => document.page_iter().last(),
    }
    .ok_or(Error::NoSuchPage)?;
    let mut page = document.get_dictionary(page_id).map_err(|_| Error::Unreadable)?.clone();
    let mut annotations = annotations(&document, &page);
    let marks = annotations.iter().filter(|entry| is_mark(&document, entry)).count();
    let spot = mark.placement.spot(&document, &page, marks)?;

    let mut update = begin(original, document);
    let added = &mut update.new_document;
    let appearance = added.try_add_object(appearance_stream(&spot, mark)).map_err(|_| Error::TooLarge)?;
    let annotation = added.try_new_object_id().map_err(|_| Error::TooLarge)?;
    added.set_object(annotation, annotation_dictionary(annotation, appearance, page_id, &spot, mark));
    annotations.push(Object::Reference(annotation));
    // Always a direct array: several pages can share an indirect one.
    page.set("Annots", annotations);
    added.set_object(page_id, page);
    let mut bytes = Vec::new();
    update.save_to(&mut bytes).map_err(|_| Error::TooLarge)?;
    // Offsets in a PDF file have four bytes.
    u32::try_from(bytes.len()).map_err(|_| Error::TooLarge)?;
    Ok(bytes)
}

/// Trailer entries that describe the section, not the file.
const SECTION_KEYS: &str = "Type Size XRefStm W Index Length Filter DecodeParms F FFilter FDecodeParms DL";

/// Begins an incremental update. Its cross-reference section has the same kind as that of the file, because some
/// readers reject a mixture. If the section of the file had to be repaired, the update contains every object and does
/// not refer to the section.
fn begin(original: &[u8], document: Document) -> IncrementalDocument {
    let damaged = document.xref_recovery.is_some() || document.xref_start == 0;
    let objects = if damaged { document.objects.clone() } else { Default::default() };
    let last_id = document.max_id.max(document.reference_table.max_id());
    let mut update = IncrementalDocument::create_from(original.to_vec(), document);
    let added = &mut update.new_document;
    (added.objects, added.max_id) = (objects, last_id);
    for key in SECTION_KEYS.split(' ').chain(damaged.then_some("Prev")) {
        added.trailer.remove(key.as_bytes());
    }
    update
}

fn annotations(document: &Document, page: &Dictionary) -> Vec<Object> {
    let existing = page.get_deref(b"Annots", document).and_then(Object::as_array);
    existing.cloned().unwrap_or_default()
}

fn is_mark(document: &Document, annotation: &Object) -> bool {
    let name = document
        .dereference(annotation)
        .and_then(|(_, object)| object.as_dict())
        .and_then(|entry| entry.get_deref(b"NM", document))
        .and_then(Object::as_str);
    name.is_ok_and(|name| name.starts_with(MARK_NAME))
}

fn annotation_dictionary(
    id: ObjectId,
    appearance: ObjectId,
    page: ObjectId,
    spot: &Spot,
    mark: &SignatureMark<'_>,
) -> Dictionary {
    let name = [MARK_NAME, id.0.to_string().as_bytes()].concat();
    let texts = [NOTICE, mark.signer, mark.order_id, mark.time];
    let description = texts.map(|text| text.chars().take(MAX_DESCRIBED).collect::<String>()).join("\n");
    let mut contents = Vec::new();
    // The description supports every character, unlike text on a page.
    lopdf::encode_utf16_be(&description, &mut contents);
    dictionary! {
        "Type" => "Annot",
        "Subtype" => "Stamp",
        "Rect" => numbers(&spot.rect),
        "F" => MARK_FLAGS,
        "NM" => Object::String(name, StringFormat::Literal),
        "Contents" => Object::String(contents, StringFormat::Hexadecimal),
        "P" => page,
        "AP" => dictionary! { "N" => appearance },
    }
}

fn appearance_stream(spot: &Spot, mark: &SignatureMark<'_>) -> Stream {
    let (width, height) = spot.size;
    let [a, b, c, d] = spot.matrix;
    let mut fonts = Dictionary::new();
    for font in [Font::Regular, Font::Bold] {
        let entry = dictionary! {
            "Type" => "Font",
            "Subtype" => "Type1",
            "BaseFont" => Object::Name(font.base_font().to_vec()),
            "Encoding" => "WinAnsiEncoding",
        };
        fonts.set(font.resource(), entry);
    }
    let form = dictionary! {
        "Type" => "XObject",
        "Subtype" => "Form",
        "BBox" => numbers(&[0.0, 0.0, width, height]),
        "Matrix" => numbers(&[a, b, c, d, 0.0, 0.0]),
        "Resources" => dictionary! { "Font" => fonts },
    };
    Stream::new(form, draw(spot.size, mark))
}

/// Draws four lines of text into a frame, as large as possible.
fn draw((width, height): (f32, f32), mark: &SignatureMark<'_>) -> Vec<u8> {
    let mut canvas = Canvas::new();
    canvas.fill((0.0, 0.0), (width, height), MARK_GROUND);
    canvas.frame((0.4, 0.4), (width - 0.8, height - 0.8), 0.8, ACCENT);
    canvas.fill((0.0, 0.0), (3.0, height), ACCENT);
    let lines = [
        (Font::Bold, WARNING, encode(NOTICE)),
        (Font::Bold, TEXT, encode(mark.signer)),
        (Font::Regular, TEXT, encode(&format!("Auftrag / Order {}", mark.order_id))),
        (Font::Regular, TEXT, encode(mark.time)),
    ];
    let padding = (height * 0.08).min(6.0);
    let left = 3.0 + padding.max(2.0);
    let limit = width - left - padding.max(2.0);
    let leading = (height - 2.0 * padding) / 4.0;
    let wanted = (leading * 0.78).min(MAX_TEXT_SIZE);
    for (step, (font, ink, text)) in (0_u8..).zip(lines) {
        let size = fit(&text, font, wanted, MIN_TEXT_SIZE.min(wanted), limit);
        let text = clip(&text, font, size, limit);
        let y = height - padding - leading * (f32::from(step) + 0.76);
        canvas.text((left, y), font, size, ink, &text);
    }
    canvas.finish()
}

fn numbers(values: &[f32]) -> Object {
    Object::Array(values.iter().map(|&value| Object::Real(value)).collect())
}
