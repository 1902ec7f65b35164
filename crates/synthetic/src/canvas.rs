//! Draws pages and writes them as a PDF file.
//!
//! Coordinates are PDF points from the lower left corner of an A4 page. The files have one cross-reference table, no
//! compression, two standard fonts and no dates: they are readable in a text editor, and reproducible.

use pdf_writer::types::TextRenderingMode;
use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, Str, TextStr};

use super::text::{Font, width};

/// Width of an A4 page.
pub(crate) const PAGE_WIDTH: f32 = 595.28;
/// Height of an A4 page.
pub(crate) const PAGE_HEIGHT: f32 = 841.89;
/// Left edge of text.
pub(crate) const LEFT: f32 = 56.0;
/// Right edge of text.
pub(crate) const RIGHT: f32 = PAGE_WIDTH - LEFT;

/// A color as red, green and blue from 0 to 1.
pub(crate) type Ink = [f32; 3];

/// Color of body text.
pub(crate) const TEXT: Ink = [0.13, 0.16, 0.20];
/// Color of labels and small print.
pub(crate) const MUTED: Ink = [0.42, 0.46, 0.52];
/// Color of rules between rows.
pub(crate) const RULE: Ink = [0.82, 0.85, 0.88];
/// Color of headings and the rule below them.
pub(crate) const ACCENT: Ink = [0.11, 0.29, 0.47];
/// Background of table heads and placeholders.
pub(crate) const GROUND: Ink = [0.94, 0.955, 0.97];

/// The content of one page or one mark.
pub(crate) struct Canvas {
    content: Content,
}

impl Canvas {
    pub(crate) fn new() -> Self {
        Self { content: Content::new() }
    }

    /// Draws one line of text with its baseline at `y`.
    pub(crate) fn text(&mut self, at: (f32, f32), font: Font, size: f32, ink: Ink, text: &[u8]) {
        if text.is_empty() {
            return;
        }
        let [r, g, b] = ink;
        self.content
            .begin_text()
            .set_text_rendering_mode(TextRenderingMode::Fill)
            .set_fill_rgb(r, g, b)
            .set_font(Name(font.resource()), size)
            .next_line(at.0, at.1)
            .show(Str(text))
            .end_text();
    }

    /// Draws one line of text that ends at `at`.
    pub(crate) fn text_right(&mut self, at: (f32, f32), font: Font, size: f32, ink: Ink, text: &[u8]) {
        self.text((at.0 - width(text, font, size), at.1), font, size, ink, text);
    }

    /// Fills a rectangle given by its lower left corner and its size.
    pub(crate) fn fill(&mut self, at: (f32, f32), size: (f32, f32), ink: Ink) {
        let [r, g, b] = ink;
        self.content.set_fill_rgb(r, g, b).rect(at.0, at.1, size.0, size.1).fill_nonzero();
    }

    /// Draws the outline of a rectangle.
    pub(crate) fn frame(&mut self, at: (f32, f32), size: (f32, f32), thickness: f32, ink: Ink) {
        let [r, g, b] = ink;
        self.content.set_stroke_rgb(r, g, b).set_line_width(thickness).rect(at.0, at.1, size.0, size.1).stroke();
    }

    /// Draws a horizontal line.
    pub(crate) fn rule(&mut self, from: (f32, f32), length: f32, thickness: f32, ink: Ink) {
        let [r, g, b] = ink;
        self.content
            .set_stroke_rgb(r, g, b)
            .set_line_width(thickness)
            .move_to(from.0, from.1)
            .line_to(from.0 + length, from.1)
            .stroke();
    }

    /// Draws the outline of a head and shoulders, without features, into a rectangle.
    pub(crate) fn silhouette(&mut self, at: (f32, f32), size: (f32, f32), ink: Ink) {
        let [r, g, b] = ink;
        let middle = at.0 + size.0 / 2.0;
        self.content.set_fill_rgb(r, g, b);
        self.dome(middle, at.1, size.0 * 0.38, size.1 * 0.36);
        let radius = size.0 * 0.2;
        let head = at.1 + size.1 * 0.6;
        self.dome(middle, head, radius, radius * 1.2);
        self.dome(middle, head, radius, -radius * 1.2);
        self.content.fill_nonzero();
    }

    /// Adds half an ellipse above its diameter, or below it if the height is negative.
    fn dome(&mut self, middle: f32, base: f32, radius: f32, height: f32) {
        // The control point distance at which a Bézier curve best approximates a circle.
        const KAPPA: f32 = 0.5523;
        let (kx, ky) = (radius * KAPPA, height * KAPPA);
        let (left, right, top) = (middle - radius, middle + radius, base + height);
        self.content
            .move_to(left, base)
            .cubic_to(left, base + ky, middle - kx, top, middle, top)
            .cubic_to(middle + kx, top, right, base + ky, right, base)
            .close_path();
    }

    /// Returns the content stream.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.content.finish().into_vec()
    }
}

/// Writes pages as a PDF file.
pub(crate) fn write_pdf(title: &str, language: &str, pages: Vec<Canvas>) -> Vec<u8> {
    let [catalog, tree, info] = [1, 2, 3].map(Ref::new);
    let fonts = [(Font::Regular, Ref::new(4)), (Font::Bold, Ref::new(5))];
    let mut pdf = Pdf::new();
    let mut entry = pdf.catalog(catalog);
    entry.pages(tree).lang(TextStr(language));
    entry.viewer_preferences().display_doc_title(true);
    entry.finish();
    pdf.document_info(info).title(TextStr(title)).producer(TextStr("identkit sandbox"));
    for (font, id) in fonts {
        pdf.type1_font(id).base_font(Name(font.base_font())).encoding_predefined(Name(b"WinAnsiEncoding"));
    }

    let numbered: Vec<(Ref, Ref, Canvas)> =
        (6..).step_by(2).zip(pages).map(|(n, page)| (Ref::new(n), Ref::new(n + 1), page)).collect();
    pdf.pages(tree)
        .kids(numbered.iter().map(|(id, _, _)| *id))
        .count(i32::try_from(numbered.len()).unwrap_or(i32::MAX));
    for (id, stream, canvas) in numbered {
        let mut page = pdf.page(id);
        page.parent(tree).media_box(Rect::new(0.0, 0.0, PAGE_WIDTH, PAGE_HEIGHT)).contents(stream);
        let mut resources = page.resources();
        let mut names = resources.fonts();
        for (font, id) in fonts {
            names.pair(Name(font.resource()), id);
        }
        names.finish();
        resources.finish();
        page.finish();
        pdf.stream(stream, &canvas.finish());
    }
    pdf.finish()
}
