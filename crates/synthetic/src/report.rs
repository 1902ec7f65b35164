//! The identification report: a table of supplied and checked values, the result, and a page of image placeholders.
//!
//! The texts and their order follow the example in the vendor's document. A long table continues on further pages.

use super::canvas::{ACCENT, Canvas, GROUND, Ink, LEFT, MUTED, PAGE_HEIGHT, RIGHT, RULE, TEXT, write_pdf};
use super::error::Error;
use super::images;
use super::text::{Font, clip, encode, fit, wrap};

/// Labels of the rows in the documented example, in its order.
pub const REPORT_LABELS: [&str; 14] = [
    "Nachname",
    "Vorname",
    "Strasse",
    "PLZ",
    "Ort",
    "Geburtsdatum",
    "Geburtsort",
    "Nationalität",
    "Künstlername",
    "Titel",
    "Ausweisnummer",
    "AusstellungsLand",
    "AusstellungsOrt",
    "Gültig bis",
];

/// One row of the table. A value that is `None` leaves its cell empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct Row<'a> {
    /// Label, e.g. one of [`REPORT_LABELS`].
    pub label: &'a str,
    /// Value from the order.
    pub supplied: Option<&'a str>,
    /// Value from the identification.
    pub checked: Option<&'a str>,
}

/// Content of a report. Dates and times are printed as given.
#[derive(Clone, Debug, Default)]
pub struct Report<'a> {
    /// Order id.
    pub order_id: &'a str,
    /// Reference of the integrator.
    pub reference: &'a str,
    /// Rows of the table.
    pub rows: Vec<Row<'a>>,
    /// Whether the identity was established.
    pub positive: bool,
    /// Time of the decision, as `dd.MM.yyyy HH:mm`.
    pub decided_at: &'a str,
    /// Time when the report was created, as `dd.MM.yyyy HH:mm`.
    pub printed_at: &'a str,
    /// Number of the examiner, without "Prüfer".
    pub examiner: &'a str,
}

const TITLE: &str = "Resultat IDENTprüfung";
const NOTICE: &str = "SANDBOX – Erzeugt von einer Testumgebung; dieses Dokument bestätigt nichts. \
                      / Made by a sandbox; this document attests nothing.";

const POSITIVE: Ink = [0.10, 0.48, 0.29];
const NEGATIVE: Ink = [0.70, 0.16, 0.16];
const NOTICE_GROUND: Ink = [0.995, 0.955, 0.86];
const NOTICE_TEXT: Ink = [0.48, 0.31, 0.02];

const TOP: f32 = PAGE_HEIGHT - 74.0;
const BOTTOM: f32 = 96.0;
const WIDTH: f32 = RIGHT - LEFT;
/// Left edges of the three columns, from the left of the table.
const COLUMNS: [f32; 3] = [0.0, 132.0, 308.0];
const COLUMN_WIDTHS: [f32; 3] = [132.0, 176.0, WIDTH - 308.0];
const CELL_SIZE: f32 = 9.5;
const CELL_LEADING: f32 = 12.0;
const PADDING: f32 = 8.0;
/// Maximum lines of a cell, so that a row fits on a page. No documented value is that long.
const CELL_LINES: usize = 16;
/// Maximum number of pages, to keep the file small.
const MAX_PAGES: usize = 200;

/// Returns the report as a PDF file.
///
/// # Errors
/// [`Error::TooLarge`] if the rows need more than 200 pages.
pub fn report(report: &Report<'_>) -> Result<Vec<u8>, Error> {
    let mut flow = Flow::new();
    heading(&mut flow, report);
    table(&mut flow, &report.rows);
    result(&mut flow, report);
    let mut pages = flow.finish();
    pages.push(images::page(report.order_id));
    let count = pages.len();
    if count > MAX_PAGES {
        return Err(Error::TooLarge);
    }
    for (number, page) in (1..).zip(&mut pages) {
        footer(page, report.printed_at, number, count);
    }
    Ok(write_pdf(TITLE, "de-DE", pages))
}

/// Fills pages from the top.
struct Flow {
    full: Vec<Canvas>,
    page: Canvas,
    y: f32,
}

impl Flow {
    fn new() -> Self {
        Self { full: Vec::new(), page: Canvas::new(), y: TOP }
    }

    /// Begins a new page if `height` does not fit on this one. Returns whether it did.
    fn reserve(&mut self, height: f32) -> bool {
        let begin = self.y - height < BOTTOM;
        if begin {
            self.full.push(std::mem::replace(&mut self.page, Canvas::new()));
            self.y = TOP;
        }
        begin
    }

    fn finish(mut self) -> Vec<Canvas> {
        self.full.push(self.page);
        self.full
    }
}

fn heading(flow: &mut Flow, report: &Report<'_>) {
    flow.page.text((LEFT, flow.y), Font::Bold, 20.0, ACCENT, &encode(TITLE));
    flow.page.rule((LEFT, flow.y - 11.0), WIDTH, 1.2, ACCENT);
    flow.y -= 33.0;
    for (label, value) in [("Auftrag:", report.order_id), ("Referenz:", report.reference)] {
        flow.page.text((LEFT, flow.y), Font::Regular, 10.0, MUTED, &encode(label));
        for line in wrap(&encode(value), Font::Bold, 10.0, WIDTH - 58.0, 4) {
            flow.page.text((LEFT + 58.0, flow.y), Font::Bold, 10.0, TEXT, &line);
            flow.y -= 16.0;
        }
    }
    flow.y -= 4.0;
}

fn table(flow: &mut Flow, rows: &[Row<'_>]) {
    table_head(flow);
    for row in rows {
        let texts = [row.label, row.supplied.unwrap_or_default(), row.checked.unwrap_or_default()];
        let mut cells = Vec::with_capacity(texts.len());
        let mut lines = 1;
        for ((text, column), ink) in texts.iter().zip(COLUMN_WIDTHS).zip([MUTED, TEXT, TEXT]) {
            let cell = wrap(&encode(text), Font::Regular, CELL_SIZE, column - 2.0 * PADDING, CELL_LINES);
            lines = cell.len().max(lines);
            cells.push((cell, ink));
        }
        let height = f32::from(u16::try_from(lines).unwrap_or(u16::MAX)) * CELL_LEADING + 9.0;
        if flow.reserve(height) {
            table_head(flow);
        }
        for ((cell, ink), x) in cells.iter().zip(COLUMNS) {
            let mut y = flow.y - 14.0;
            for line in cell {
                flow.page.text((LEFT + x + PADDING, y), Font::Regular, CELL_SIZE, *ink, line);
                y -= CELL_LEADING;
            }
        }
        flow.y -= height;
        flow.page.rule((LEFT, flow.y), WIDTH, 0.5, RULE);
    }
}

fn table_head(flow: &mut Flow) {
    flow.page.fill((LEFT, flow.y - 22.0), (WIDTH, 22.0), GROUND);
    for (text, x) in ["Angabe", "Geliefert", "Geprüft"].into_iter().zip(COLUMNS) {
        flow.page.text((LEFT + x + PADDING, flow.y - 14.5), Font::Bold, CELL_SIZE, ACCENT, &encode(text));
    }
    flow.y -= 22.0;
}

fn result(flow: &mut Flow, report: &Report<'_>) {
    let (ink, word, finding) = if report.positive {
        (POSITIVE, "positiv", "Identität festgestellt.")
    } else {
        (NEGATIVE, "negativ", "Identität nicht festgestellt.")
    };
    // Keep the sentence and the result on one page.
    flow.reserve(150.0);
    flow.y -= 28.0;
    let sentence = format!(
        "Lichtbild und Merkmale gemäß Ausweisdokument mit der zu identifizierenden Person verglichen und {finding}"
    );
    for line in wrap(&encode(&sentence), Font::Regular, 10.0, WIDTH, 4) {
        flow.page.text((LEFT, flow.y), Font::Regular, 10.0, TEXT, &line);
        flow.y -= 14.5;
    }
    flow.y -= 20.0;
    flow.page.fill((LEFT, flow.y - 9.0), (3.0, 26.0), ink);
    let outcome = encode(&format!("Resultat {word} am {}", report.decided_at));
    let size = fit(&outcome, Font::Bold, 12.5, 6.0, WIDTH - 14.0);
    let outcome = clip(&outcome, Font::Bold, size, WIDTH - 14.0);
    flow.page.text((LEFT + 14.0, flow.y), Font::Bold, size, ink, &outcome);
    flow.y -= 36.0;
    flow.page.text((LEFT, flow.y), Font::Regular, 9.0, MUTED, b"Identifizierer");
    let examiner = encode(&format!("Prüfer {}", report.examiner));
    let examiner = clip(&examiner, Font::Regular, 10.0, WIDTH);
    flow.page.text((LEFT, flow.y - 14.0), Font::Regular, 10.0, TEXT, &examiner);
}

fn footer(page: &mut Canvas, printed_at: &str, number: usize, count: usize) {
    let notice = encode(NOTICE);
    page.fill((LEFT, 60.0), (WIDTH, 18.0), NOTICE_GROUND);
    let size = fit(&notice, Font::Regular, 8.0, 5.0, WIDTH - 2.0 * PADDING);
    page.text((LEFT + PADDING, 66.2), Font::Regular, size, NOTICE_TEXT, &notice);
    let line = encode(&format!("{printed_at} ({number}/{count})"));
    let line = clip(&line, Font::Regular, 8.5, WIDTH);
    page.text_right((RIGHT, 40.0), Font::Regular, 8.5, MUTED, &line);
}
