//! The position of a mark on a page.
//!
//! Callers use the coordinates of the displayed page. A file can rotate and crop its pages, so the position is
//! converted to the coordinates of the file.

use lopdf::{Dictionary, Document, Object};

use super::error::Error;

/// Position of a mark, in PDF points from the lower left corner of the displayed page.
///
/// Defaults for `None`: the last page, the lower left corner above the margin, and a size for four lines of text.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Placement {
    /// Page, counted from zero.
    pub page: Option<usize>,
    /// Left edge.
    pub x: Option<f32>,
    /// Lower edge.
    pub y: Option<f32>,
    /// Width.
    pub width: Option<f32>,
    /// Height.
    pub height: Option<f32>,
}

const DEFAULT_X: f32 = 56.0;
const DEFAULT_Y: f32 = 80.0;
const DEFAULT_SIZE: (f32, f32) = (229.0, 60.0);
/// Minimum size at which the mark is recognizable as text.
const MIN_SIZE: (f32, f32) = (24.0, 12.0);
/// Maximum page size that most readers support.
const MAX_SIZE: f32 = 14_400.0;
/// Distance between stacked marks.
const GAP: f32 = 6.0;
/// Maximum depth of a page tree; a deeper one is a loop.
const MAX_DEPTH: usize = 64;

/// A rectangle on a page, and the rotation of its content.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spot {
    /// Lower left and upper right corner in the coordinates of the file.
    pub(crate) rect: [f32; 4],
    /// The matrix that turns the content upright.
    pub(crate) matrix: [f32; 4],
    /// Displayed width and height.
    pub(crate) size: (f32, f32),
}

/// The displayed part of a page.
struct Sheet {
    matrix: [f32; 4],
    /// Displayed lower left corner, in the coordinates of the file.
    origin: (f32, f32),
    /// Displayed width and height.
    size: (f32, f32),
}

impl Placement {
    /// Returns the rectangle on a page that already has `marks` marks.
    ///
    /// # Errors
    /// [`Error::Placement`] if the rectangle is not finite, is too small, or is outside the page.
    pub(crate) fn spot(&self, document: &Document, page: &Dictionary, marks: usize) -> Result<Spot, Error> {
        let sheet = Sheet::new(document, page);
        let (sheet_width, sheet_height) = sheet.size;
        // On a small page, the default is smaller.
        let left = DEFAULT_X.min(sheet_width * 0.1);
        let width = self.width.unwrap_or(DEFAULT_SIZE.0.min(sheet_width - 2.0 * left).max(MIN_SIZE.0));
        let height = self.height.unwrap_or(DEFAULT_SIZE.1.min(sheet_height * 0.3).max(MIN_SIZE.1));
        let x = self.x.unwrap_or(left);
        let y = self.y.unwrap_or_else(|| {
            let below = f32::from(u16::try_from(marks).unwrap_or(u16::MAX)) * (height + GAP);
            let top = (sheet_height - height).max(0.0);
            (DEFAULT_Y.min(sheet_height * 0.1) + below).min(top)
        });
        let finite = [x, y, width, height].iter().all(|v| v.is_finite() && v.abs() <= MAX_SIZE);
        let readable = width >= MIN_SIZE.0 && height >= MIN_SIZE.1;
        let visible = x < sheet_width && y < sheet_height && x + width > 0.0 && y + height > 0.0;
        if !(finite && readable && visible) {
            return Err(Error::Placement);
        }
        Ok(sheet.spot((x, y), (width, height)))
    }
}

impl Sheet {
    fn new(document: &Document, page: &Dictionary) -> Self {
        let corners = inherited(document, page, b"CropBox")
            .and_then(|value| corners(document, value))
            .or_else(|| inherited(document, page, b"MediaBox").and_then(|value| corners(document, value)))
            // A4, if the page has no size.
            .unwrap_or([0.0, 0.0, 595.28, 841.89]);
        let [left, bottom, right, top] = corners;
        let degrees = inherited(document, page, b"Rotate").and_then(|value| value.as_i64().ok());
        // Rotation is clockwise.
        let (matrix, origin) = match degrees.unwrap_or(0).rem_euclid(360) {
            90 => ([0.0, 1.0, -1.0, 0.0], (right, bottom)),
            180 => ([-1.0, 0.0, 0.0, -1.0], (right, top)),
            270 => ([0.0, -1.0, 1.0, 0.0], (left, top)),
            _ => ([1.0, 0.0, 0.0, 1.0], (left, bottom)),
        };
        let (width, height) = (right - left, top - bottom);
        let size = if matrix[0] == 0.0 { (height, width) } else { (width, height) };
        Self { matrix, origin, size }
    }

    fn spot(&self, at: (f32, f32), size: (f32, f32)) -> Spot {
        let (x0, y0) = self.point(at);
        let (x1, y1) = self.point((at.0 + size.0, at.1 + size.1));
        Spot { rect: [x0.min(x1), y0.min(y1), x0.max(x1), y0.max(y1)], matrix: self.matrix, size }
    }

    /// Converts a point of the displayed page to the coordinates of the file.
    fn point(&self, (x, y): (f32, f32)) -> (f32, f32) {
        let [a, b, c, d] = self.matrix;
        (self.origin.0 + a * x + c * y, self.origin.1 + b * x + d * y)
    }
}

/// Returns an entry of a page, or of its nearest ancestor that has it.
fn inherited<'a>(document: &'a Document, page: &'a Dictionary, key: &[u8]) -> Option<&'a Object> {
    let mut node = page;
    for _ in 0..MAX_DEPTH {
        if let Ok(value) = node.get_deref(key, document) {
            return Some(value);
        }
        node = node.get_deref(b"Parent", document).ok()?.as_dict().ok()?;
    }
    None
}

/// Reads a rectangle with its corners in order, if it has an area.
fn corners(document: &Document, value: &Object) -> Option<[f32; 4]> {
    let numbers: Vec<f32> = value
        .as_array()
        .ok()?
        .iter()
        .filter_map(|number| document.dereference(number).ok()?.1.as_float().ok())
        .collect();
    let [a, b, c, d] = <[f32; 4]>::try_from(numbers).ok()?;
    let rect = [a.min(c), b.min(d), a.max(c), b.max(d)];
    let [left, bottom, right, top] = rect;
    let finite = rect.iter().all(|v| v.is_finite() && v.abs() <= MAX_SIZE * 10.0);
    (finite && right - left >= 1.0 && top - bottom >= 1.0).then_some(rect)
}
