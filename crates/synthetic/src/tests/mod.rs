//! The files, read by other programs and libraries than those that wrote them.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used
)]

mod arbitrary;
mod files;
mod forms;
mod leniency;
mod media;
mod reports;
mod signatures;
mod signing;
mod tools;

use lopdf::Document;

use super::{Placement, REPORT_LABELS, Report, Row, SignatureMark};

/// The report in the document's example.
fn example() -> Report<'static> {
    let values = [
        (Some("Mustermann"), Some("Mustermann")),
        (Some("Erika"), Some("Erika")),
        (Some("Heidestr. 17"), Some("Heidestr. 17")),
        (Some("51147"), Some("51147")),
        (Some("Köln"), Some("Köln")),
        (Some("12.08.1964"), Some("12.08.1964")),
        (Some("Berlin"), Some("Berlin")),
        (None, Some("DE")),
        (None, None),
        (None, None),
        (None, Some("T22000129")),
        (None, None),
        (None, Some("Stadt Köln")),
        (None, Some("31.10.2020")),
    ];
    Report {
        order_id: "99921267754340",
        reference: "Shop GWG",
        rows: REPORT_LABELS
            .into_iter()
            .zip(values)
            .map(|(label, (supplied, checked))| Row { label, supplied, checked })
            .collect(),
        positive: true,
        decided_at: "03.09.2018 08:52",
        printed_at: "06.09.2018 16:10",
        examiner: "1872",
    }
}

/// A mark at the default position.
fn mark() -> SignatureMark<'static> {
    SignatureMark {
        signer: "Erika Köln",
        order_id: "99921267754340",
        time: "03.09.2018 08:52",
        unix_time: 1_535_957_520,
        placement: Placement::default(),
        field: None,
    }
}

fn save(document: &mut Document) -> Vec<u8> {
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).unwrap();
    bytes
}

/// The same file with object streams and a cross-reference stream.
fn with_object_streams(pdf: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    Document::load_mem(pdf).unwrap().save_modern(&mut bytes).unwrap();
    bytes
}

/// The text of a page, counted from one, with white space collapsed.
fn text_of(pdf: &[u8], page: u32) -> String {
    let text = Document::load_mem(pdf).unwrap().extract_text(&[page]).unwrap();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Asserts that `text` contains `parts` in this order.
fn assert_in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("{part:?} is missing in the rest: {rest:?}"));
        rest = &rest[at + part.len()..];
    }
}
