//! A sample contract without legal effect.

use super::canvas::{ACCENT, Canvas, LEFT, MUTED, PAGE_HEIGHT, RIGHT, RULE, TEXT, write_pdf};
use super::text::{Font, encode, wrap};

const TITLE: &str = "Mustervereinbarung / Sample agreement";
const GAP: f32 = 24.0;
const COLUMN: f32 = (RIGHT - LEFT - GAP) / 2.0;

/// Each section in German and in English, heading first.
const SECTIONS: [[(&str, &str); 2]; 4] = [
    [
        ("1. Beteiligte", "Diese Vereinbarung wird von Erika Mustermann abgegeben. Weitere Beteiligte gibt es nicht."),
        ("1. Parties", "This agreement is made by Erika Mustermann. There are no other parties."),
    ],
    [
        (
            "2. Gegenstand",
            "Das Dokument ist ein Beispiel von identkit. Es dient dazu, das Unterzeichnen eines \
             Dokuments in einer Testumgebung zu erproben.",
        ),
        (
            "2. Purpose",
            "This document is an example of identkit. It exists to try out the signing of a \
             document in a test environment.",
        ),
    ],
    [
        (
            "3. Wirkung",
            "Aus dem Dokument entstehen weder Rechte noch Pflichten. Das gilt auch dann, wenn es \
             unterschrieben ist.",
        ),
        ("3. Effect", "The document creates neither rights nor duties, even once it is signed."),
    ],
    [
        (
            "4. Unterschrift",
            "Das Feld unten links ist für die Unterschrift frei. Eine Testumgebung setzt dort ein \
             sichtbares Zeichen ein, aber keine qualifizierte elektronische Signatur.",
        ),
        (
            "4. Signature",
            "The field at the lower left is kept free for the signature. A test environment puts a \
             visible mark there, but no qualified electronic signature.",
        ),
    ],
];

/// Returns the sample contract: one page, always the same bytes.
///
/// By default, [`sign`](super::sign()) puts its mark above the signature line.
pub fn sample_contract() -> Vec<u8> {
    let mut page = Canvas::new();
    let mut y = PAGE_HEIGHT - 80.0;
    page.text((LEFT, y), Font::Bold, 20.0, ACCENT, &encode("Mustervereinbarung"));
    page.text((LEFT, y - 18.0), Font::Regular, 12.0, MUTED, &encode("Sample agreement"));
    page.rule((LEFT, y - 31.0), RIGHT - LEFT, 1.2, ACCENT);
    y -= 66.0;
    for section in SECTIONS {
        let mut lowest = y;
        for ((heading, body), x) in section.into_iter().zip([LEFT, LEFT + COLUMN + GAP]) {
            page.text((x, y), Font::Bold, 11.0, TEXT, &encode(heading));
            let mut line_y = y - 18.0;
            for line in wrap(&encode(body), Font::Regular, 10.0, COLUMN, 12) {
                page.text((x, line_y), Font::Regular, 10.0, TEXT, &line);
                line_y -= 14.5;
            }
            lowest = lowest.min(line_y);
        }
        y = lowest - 18.0;
    }
    for (x, label) in [(LEFT, "Unterschrift / Signature"), (LEFT + COLUMN + GAP, "Ort, Datum / Place, date")] {
        page.rule((x, 74.0), COLUMN, 0.8, TEXT);
        page.text((x, 62.0), Font::Regular, 8.5, MUTED, &encode(label));
    }
    page.rule((LEFT, 44.0), RIGHT - LEFT, 0.5, RULE);
    let note = encode("Beispiel von identkit, ohne rechtliche Wirkung / Example of identkit, without legal effect");
    page.text((LEFT, 32.0), Font::Regular, 8.0, MUTED, &note);
    page.text_right((RIGHT, 32.0), Font::Regular, 8.0, MUTED, b"(1/1)");
    write_pdf(TITLE, "de-DE", vec![page])
}
