//! The visible mark of a signature: four lines of text in a frame.

use lopdf::{Dictionary, Object, Stream, dictionary};

use super::canvas::{ACCENT, Canvas, Ink, TEXT};
use super::placement::{Placement, Spot};
use super::text::{Font, clip, encode, fit};

/// Content and position of the mark, and the time of the signature.
#[derive(Clone, Copy, Debug, Default)]
pub struct SignatureMark<'a> {
    /// Name of the signer.
    pub signer: &'a str,
    /// Order id of the signature.
    pub order_id: &'a str,
    /// Time of the signature, printed as given.
    pub time: &'a str,
    /// Time of the signature in seconds since 1970-01-01 00:00:00 UTC. Earlier times count as 0.
    pub unix_time: i64,
    /// Position of the mark.
    pub placement: Placement,
    /// Full name of an existing form field. Its rectangle replaces `placement`.
    pub field: Option<&'a str>,
}

/// First line of each mark, and reason of each signature.
pub(crate) const NOTICE: &str = "SANDBOX - no qualified electronic signature";
const MARK_GROUND: Ink = [0.985, 0.985, 0.955];
const WARNING: Ink = [0.66, 0.22, 0.10];
const MAX_TEXT_SIZE: f32 = 9.0;
/// Minimum text size; longer text is cut off.
const MIN_TEXT_SIZE: f32 = 3.0;

/// Returns the form that draws a mark.
pub(crate) fn appearance(spot: &Spot, mark: &SignatureMark<'_>) -> Stream {
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

/// Returns a PDF array of numbers.
pub(crate) fn numbers(values: &[f32]) -> Object {
    Object::Array(values.iter().map(|&value| Object::Real(value)).collect())
}
