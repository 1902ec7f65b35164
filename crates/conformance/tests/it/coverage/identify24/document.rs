//! JSON texts generated from rows: every element of an endpoint, each of them right.

use identkit_synthetic::sample_contract;
use identkit_wire::encode_base64;
use serde_json::{Value, json};

use super::beside;
use crate::coverage::document::{listed, put};
use crate::coverage::rows::Row;

/// Whether the row's note asks for upper case; that of a key or of a country's code is another matter.
pub(super) fn is_upper(row: &Row) -> bool {
    row.note.starts_with("upper case")
}

/// The two forms of a date-time, by the note: `10-09-2020 12:30:15` and `2020-09-10 12:30`.
pub(super) fn moment(row: &Row) -> Option<&'static str> {
    ["dd-MM-yyyy HH:mm:ss", "yyyy-MM-dd HH:mm"].into_iter().find(|form| row.note.starts_with(form))
}

/// A value that is right for the row, and another one for every row. A container's is empty.
pub(super) fn good(row: &Row) -> Value {
    let number: u32 = row.id.trim_start_matches("F-").parse().unwrap();
    let letter = |number: u32| char::from_u32(u32::from('A') + number % 26).unwrap();
    match (row.kind.as_str(), row.name()) {
        ("A", _) => json!([]),
        ("O", _) => json!({}),
        ("A<S>", _) => json!([format!("{number} of {}", row.id)]),
        ("B", _) => true.into(),
        ("N", "response_status") => 200.into(),
        ("N", _) => number.into(),
        ("DS", _) => format!("19{:02}-0{}-1{}", number % 100, 1 + number % 9, number % 8).into(),
        ("CC", _) => format!("{}{}", letter(number / 26), letter(number)).into(),
        ("S", _) if !listed(row).is_empty() => listed(row)[0].clone(),
        ("S", "email") => format!("e{number}@example.com").into(),
        ("S", "mobile_phone") => format!("+49170{number:07}").into(),
        ("S", "pdf_content") => format!("data:@file/pdf;base64,{}", encode_base64(&sample_contract())).into(),
        ("S", name) if name.ends_with("_url") => format!("https://example.com/{number}").into(),
        ("S", _) => match moment(row) {
            Some(form) if form.starts_with("dd") => format!("10-09-2020 12:30:{:02}", number % 60).into(),
            Some(_) => format!("2020-09-10 12:{:02}", number % 60).into(),
            // In upper case, which no writer has to change.
            None => format!("{number} OF {}", row.id).into(),
        },
        (other, _) => panic!("{}: no value of the type {other} is known: enter one", row.id),
    }
}

/// Whether the document gives room to one of the two only.
pub(super) fn exclude_each_other(one: &Row, other: &Row) -> bool {
    let either = |row: &Row| {
        let names = row.note.split("at most one of ").nth(1).unwrap_or_default();
        [one, other].iter().all(|row| names.split([',', ' ']).any(|name| name == row.name()))
    };
    one.id != other.id && (either(one) || either(other))
}

/// A text with every element of the row's endpoint and direction, each of them right. What excludes the row is left out.
pub(super) fn everything(wanted: &Row) -> Value {
    let mut text = Value::Null;
    let mut taken: Vec<&Row> = vec![wanted];
    put(&mut text, &wanted.steps, good(wanted));
    for row in beside(wanted) {
        if row.id != wanted.id && !taken.iter().any(|one| exclude_each_other(one, row)) {
            put(&mut text, &row.steps, good(row));
            taken.push(row);
        }
    }
    text
}

#[test]
fn the_two_sources_of_a_pdf_exclude_each_other_and_nothing_else_does() {
    let (url, content, email) = (super::row("F-033"), super::row("F-034"), super::row("F-013"));
    assert!(exclude_each_other(url, content) && exclude_each_other(content, url));
    assert!(!exclude_each_other(url, email) && !exclude_each_other(url, url));
    assert!(everything(url).get("pdf_content").is_none() && everything(content).get("pdf_url").is_none());
    assert_eq!(everything(email).as_object().unwrap().len(), 32);
}
