//! The visible mark that stands for a signature.
//!
//! It is a stamp annotation with its own appearance, so the content of the page
//! stays as it is. It is not a signature field: a reader of the file must not show
//! a state of validity for something that was never signed.

use lopdf::{Dictionary, Document, Object, ObjectId, Stream, StringFormat};

use super::canvas::{ACCENT, Canvas, Ink, TEXT};
use super::error::Error;
use super::placement::{Placement, Spot};
use super::reading::open;
use super::text::{Font, clip, encode, fit};
use super::update::Update;

/// The mark on a signed file.
#[derive(Clone, Copy, Debug, Default)]
pub struct SignatureMark<'a> {
    /// Who signed.
    pub signer: &'a str,
    /// The number of the order that was signed in.
    pub order_id: &'a str,
    /// When that was, shown as given.
    pub time: &'a str,
    /// Where the mark goes.
    pub placement: Placement,
}

const NOTICE: &str = "SANDBOX - no qualified electronic signature";
/// What the names of all marks begin with.
const MARK_NAME: &[u8] = b"identkit-sandbox-mark-";
/// Printed with the page, and neither to be edited nor moved.
const MARK_FLAGS: i64 = 4 | 64 | 128;
const MARK_GROUND: Ink = [0.985, 0.985, 0.955];
const WARNING: Ink = [0.66, 0.22, 0.10];
const LARGEST_TEXT: f32 = 9.0;
/// Smaller text is cut off instead.
const SMALLEST_TEXT: f32 = 3.0;
/// The most of each text that goes into the description of the mark.
const MAX_DESCRIBED: usize = 200;

/// Adds a visible mark to a PDF file.
///
/// The original bytes are a prefix of the result. Marks at the default place do not
/// cover each other: each goes above the one before.
///
/// # Errors
///
/// - [`Error::NotPdf`], [`Error::Unreadable`] and
///   [`Error::Encrypted`] if `original` is no PDF file to work with,
/// - [`Error::NoSuchPage`] and [`Error::Placement`] if the mark
///   cannot go where it should,
/// - [`Error::TooLarge`] if the file has no room for more.
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

    let mut update = Update::new(original, &document)?;
    let appearance = update.allocate()?;
    let annotation = update.allocate()?;
    update.write(appearance, &appearance_stream(&spot, mark))?;
    update.write(annotation, &annotation_dictionary(annotation, appearance, page_id, &spot, mark))?;
    annotations.push(Object::Reference(annotation));
    // Always an array of this page alone: an indirect one may belong to other pages too.
    page.set("Annots", annotations);
    update.write(page_id, &Object::Dictionary(page))?;
    update.finish()
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
) -> Object {
    let mut name = MARK_NAME.to_vec();
    name.extend_from_slice(id.0.to_string().as_bytes());
    let description: Vec<String> = [NOTICE, mark.signer, mark.order_id, mark.time]
        .iter()
        .map(|text| text.chars().take(MAX_DESCRIBED).collect())
        .collect();
    let mut looks = Dictionary::new();
    looks.set("N", Object::Reference(appearance));
    let mut entry = Dictionary::new();
    entry.set("Type", name_object("Annot"));
    entry.set("Subtype", name_object("Stamp"));
    entry.set("Rect", numbers(&spot.rect));
    entry.set("F", MARK_FLAGS);
    entry.set("NM", Object::String(name, StringFormat::Literal));
    entry.set("Contents", text_string(&description.join("\n")));
    entry.set("P", Object::Reference(page));
    entry.set("AP", looks);
    Object::Dictionary(entry)
}

fn appearance_stream(spot: &Spot, mark: &SignatureMark<'_>) -> Object {
    let (width, height) = spot.size;
    let [a, b, c, d] = spot.matrix;
    let mut fonts = Dictionary::new();
    for font in [Font::Regular, Font::Bold] {
        let mut entry = Dictionary::new();
        entry.set("Type", name_object("Font"));
        entry.set("Subtype", name_object("Type1"));
        entry.set("BaseFont", Object::Name(font.base_font().to_vec()));
        entry.set("Encoding", name_object("WinAnsiEncoding"));
        fonts.set(font.resource(), entry);
    }
    let mut resources = Dictionary::new();
    resources.set("Font", fonts);
    let mut form = Dictionary::new();
    form.set("Type", name_object("XObject"));
    form.set("Subtype", name_object("Form"));
    form.set("BBox", numbers(&[0.0, 0.0, width, height]));
    form.set("Matrix", numbers(&[a, b, c, d, 0.0, 0.0]));
    form.set("Resources", resources);
    Object::Stream(Stream::new(form, draw(spot.size, mark)))
}

/// Draws four lines of text into a frame, as large as it allows.
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
    let wanted = (leading * 0.78).min(LARGEST_TEXT);
    for (step, (font, ink, text)) in (0_u8..).zip(lines) {
        let size = fit(&text, font, wanted, SMALLEST_TEXT.min(wanted), limit);
        let text = clip(&text, font, size, limit);
        let y = height - padding - leading * (f32::from(step) + 0.76);
        canvas.text((left, y), font, size, ink, &text);
    }
    canvas.finish()
}

fn name_object(name: &str) -> Object {
    Object::Name(name.as_bytes().to_vec())
}

fn numbers(values: &[f32]) -> Object {
    Object::Array(values.iter().map(|&value| Object::Real(value)).collect())
}

/// Text outside a page, which may hold any character.
fn text_string(text: &str) -> Object {
    let mut bytes = vec![0xfe, 0xff];
    bytes.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
    Object::String(bytes, StringFormat::Hexadecimal)
}
