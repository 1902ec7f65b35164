//! The last page of a report, which in a real one contains photographs. Here it contains labeled placeholders: drawings
//! of a card and of a face without features.

use super::canvas::{ACCENT, Canvas, GROUND, Ink, LEFT, MUTED, PAGE_HEIGHT, RIGHT, RULE, TEXT};
use super::text::{Font, clip, encode};

const SHAPE: Ink = [0.74, 0.79, 0.84];
const CARD: (f32, f32) = (228.0, 144.0);
const PORTRAIT: (f32, f32) = (140.0, 180.0);

/// Draws the page.
pub(crate) fn page(order_id: &str) -> Canvas {
    let mut page = Canvas::new();
    let y = PAGE_HEIGHT - 74.0;
    page.text((LEFT, y), Font::Bold, 14.0, ACCENT, &encode("Bildaufnahmen"));
    page.rule((LEFT, y - 11.0), RIGHT - LEFT, 1.2, ACCENT);
    page.text((LEFT, y - 33.0), Font::Regular, 10.0, MUTED, &encode("Auftrag:"));
    let order = clip(&encode(order_id), Font::Bold, 10.0, RIGHT - LEFT - 58.0);
    page.text((LEFT + 58.0, y - 33.0), Font::Bold, 10.0, TEXT, &order);

    let row = y - 66.0 - CARD.1;
    front((LEFT, row), &mut page);
    caption(&mut page, (LEFT, row), "Ausweis Vorderseite");
    let second = RIGHT - CARD.0;
    back((second, row), &mut page);
    caption(&mut page, (second, row), "Ausweis Rückseite");

    let row = row - 62.0 - PORTRAIT.1;
    frame(&mut page, (LEFT, row), PORTRAIT);
    page.silhouette((LEFT, row), PORTRAIT, SHAPE);
    caption(&mut page, (LEFT, row), "Lichtbild");
    page
}

fn frame(page: &mut Canvas, at: (f32, f32), size: (f32, f32)) {
    page.fill(at, size, GROUND);
    page.frame(at, size, 0.8, RULE);
}

fn caption(page: &mut Canvas, at: (f32, f32), label: &str) {
    page.text((at.0, at.1 - 15.0), Font::Bold, 9.5, TEXT, &encode(label));
    page.text((at.0, at.1 - 27.0), Font::Regular, 8.0, MUTED, &encode("Platzhalter, keine Aufnahme"));
}

/// Draws a card with a portrait, and bars in place of its fields.
fn front(at: (f32, f32), page: &mut Canvas) {
    frame(page, at, CARD);
    let portrait = (at.0 + 14.0, at.1 + 20.0);
    page.fill(portrait, (62.0, 80.0), [1.0; 3]);
    page.silhouette(portrait, (62.0, 80.0), SHAPE);
    page.fill((at.0 + 14.0, at.1 + 116.0), (96.0, 10.0), SHAPE);
    for (step, length) in (0_u8..).zip([112.0, 78.0, 94.0, 60.0, 86.0]) {
        page.fill((at.0 + 92.0, at.1 + 93.0 - f32::from(step) * 17.0), (length, 6.0), SHAPE);
    }
}

/// Draws the back of a card with bars and a blank machine-readable zone.
fn back(at: (f32, f32), page: &mut Canvas) {
    frame(page, at, CARD);
    for (step, length) in (0_u8..).zip([120.0, 84.0, 104.0]) {
        page.fill((at.0 + 14.0, at.1 + 120.0 - f32::from(step) * 17.0), (length, 6.0), SHAPE);
    }
    page.fill((at.0 + CARD.0 - 58.0, at.1 + 82.0), (44.0, 44.0), SHAPE);
    page.fill((at.0 + 0.8, at.1 + 8.0), (CARD.0 - 1.6, 54.0), [1.0; 3]);
    for step in 0_u8..3 {
        let y = at.1 + 46.0 - f32::from(step) * 15.0;
        for column in 0_u8..25 {
            let x = at.0 + 15.0 + f32::from(column) * 8.0;
            page.fill((x, y), (5.0, 5.0), SHAPE);
        }
    }
}
