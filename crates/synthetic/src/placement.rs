//! The position of a mark on a page.
//!
//! Callers use the coordinates of the displayed page. A file can rotate and crop its pages, so the position is
//! converted to the coordinates of the file.

use lopdf::{Dictionary, Document, Object};

use super::error::Error;
use super::pages::inherited;

/// Position of a mark, in PDF points from the lower left corner of the displayed page.
///
/// The part of the mark outside the page is cut off.
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
/// Size of a page without a size, as readers show it.
const DEFAULT_SHEET: [f32; 4] = [0.0, 0.0, 612.0, 792.0];

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
    /// Lower left and upper right corner in the coordinates of the file.
    visible: [f32; 4],
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
        let (left, bottom) = (x.max(0.0), y.max(0.0));
        let size = ((x + width).min(sheet_width) - left, (y + height).min(sheet_height) - bottom);
        // A page can be too small for any mark that is recognizable.
        let is_default = *self == Self { page: self.page, ..Self::default() };
        let minimum = if is_default { (1.0, 1.0) } else { MIN_SIZE };
        if finite && size.0 >= minimum.0 && size.1 >= minimum.1 {
            Ok(sheet.spot((left, bottom), size))
        } else {
            Err(Error::Placement)
        }
    }
}

impl Spot {
    /// Returns the rectangle of an annotation, or `None` if the page shows too little of it for a recognizable mark.
    pub(crate) fn of_annotation(document: &Document, page: &Dictionary, annotation: &Dictionary) -> Option<Self> {
        let rect = corners(document, annotation.get_deref(b"Rect", document).ok()?)?;
        let Sheet { matrix, visible, .. } = Sheet::new(document, page);
        let shown = displayed_size(matrix, intersection(rect, visible)?);
        let spot = Self { rect, matrix, size: displayed_size(matrix, rect) };
        (shown.0 >= MIN_SIZE.0 && shown.1 >= MIN_SIZE.1).then_some(spot)
    }
}

impl Sheet {
    fn new(document: &Document, page: &Dictionary) -> Self {
        let read = |key| inherited(document, page, key).and_then(|value| corners(document, value));
        let media = read(b"MediaBox").unwrap_or(DEFAULT_SHEET);
        // Readers show the part of the page that is inside both boxes.
        let visible = read(b"CropBox").and_then(|crop| intersection(crop, media)).unwrap_or(media);
        let [left, bottom, right, top] = visible;
        let degrees = inherited(document, page, b"Rotate").and_then(|value| value.as_float().ok()).unwrap_or(0.0);
        // Rotation is clockwise.
        let (matrix, origin) = match whole_degrees(degrees) {
            90 => ([0.0, 1.0, -1.0, 0.0], (right, bottom)),
            180 => ([-1.0, 0.0, 0.0, -1.0], (right, top)),
            270 => ([0.0, -1.0, 1.0, 0.0], (left, top)),
            _ => ([1.0, 0.0, 0.0, 1.0], (left, bottom)),
        };
        Self { matrix, visible, origin, size: displayed_size(matrix, visible) }
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

/// Returns a rotation as a whole number of degrees from 0 to 359. Some programs write it as a real number.
#[allow(clippy::cast_possible_truncation)]
fn whole_degrees(degrees: f32) -> i32 {
    degrees.rem_euclid(360.0) as i32
}

/// Returns the displayed width and height of a rectangle.
fn displayed_size(matrix: [f32; 4], [left, bottom, right, top]: [f32; 4]) -> (f32, f32) {
    let (width, height) = (right - left, top - bottom);
    if matrix[0] == 0.0 { (height, width) } else { (width, height) }
}

fn intersection(a: [f32; 4], b: [f32; 4]) -> Option<[f32; 4]> {
    with_area([a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])])
}

/// Returns a rectangle unless it is too narrow to show anything.
fn with_area(rect: [f32; 4]) -> Option<[f32; 4]> {
    let [left, bottom, right, top] = rect;
    let finite = rect.iter().all(|v| v.is_finite() && v.abs() <= MAX_SIZE * 10.0);
    (finite && right - left >= 1.0 && top - bottom >= 1.0).then_some(rect)
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
    with_area([a.min(c), b.min(d), a.max(c), b.max(d)])
}
