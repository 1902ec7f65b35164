//! JSON bodies generated from rows: all elements valid, or one of them invalid.

use identkit_synthetic::sample_contract;
use identkit_wire::encode_base64;
use serde_json::{Map, Value, json};

use crate::coverage::rows::{CHOSEN, Row, Step, row, siblings};

/// The order id in the document's examples and in generated responses.
pub(crate) const ORDER: &str = "99921269855041";

/// The date-time form that the note names, if any: `10-09-2020 12:30:15` or `2020-09-10 12:30`.
pub(crate) fn date_time_form(row: &Row) -> Option<&'static str> {
    ["dd-MM-yyyy HH:mm:ss", "yyyy-MM-dd HH:mm"].into_iter().find(|form| row.note.starts_with(form))
}

/// A text of `count` letters.
pub(crate) fn letters(count: usize) -> String {
    "ö".repeat(count)
}

fn is_mail(row: &Row) -> bool {
    row.name().eq_ignore_ascii_case("email") || row.note.contains("mail address")
}

fn is_url(row: &Row) -> bool {
    ["RedirectURL", "WebhookURL"].contains(&row.parent()) || row.name().to_lowercase().ends_with("url")
}

pub(crate) fn is_country(row: &Row) -> bool {
    row.name() == "Country" && row.request
}

/// The words or numbers that a note lists, if it begins with a list: `0,12,15,16`, `1 string,2 date`.
pub(crate) fn allowed_values(row: &Row) -> Vec<Value> {
    let first = row.note.split(';').next().unwrap_or_default();
    let words: Vec<&str> = first.split(',').map(|word| word.trim().split(' ').next().unwrap_or_default()).collect();
    match row.kind.as_str() {
        _ if words.len() < 2 => Vec::new(),
        "N" => {
            words.iter().map(|word| word.parse::<u64>().map(Value::from)).collect::<Result<_, _>>().unwrap_or_default()
        }
        "S" if first.split(',').all(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphabetic())) => {
            words.into_iter().map(Value::from).collect()
        }
        _ => Vec::new(),
    }
}

/// A valid value, different for every row. A container is empty.
pub(crate) fn valid_value(row: &Row) -> Value {
    let number: usize = row.id.trim_start_matches("F-").parse().unwrap();
    // In upper case, so no writer changes it.
    let text = |max: usize| -> Value { format!("{number} OF {}", row.id).chars().take(max).collect::<String>().into() };
    let letter = |number: usize| char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"[number % 26]);
    match (row.kind.as_str(), row.name()) {
        (kind, _) if kind.starts_with('A') && row.is_container() => json!([]),
        (_, _) if row.is_container() => json!({}),
        ("A<S>", _) => json!([text(100)]),
        ("B", _) => true.into(),
        ("CC", _) => format!("{}{}", letter(number / 26), letter(number)).into(),
        ("DS", _) => format!("19{:02}-0{}-1{}", number % 100, 1 + number % 9, number % 8).into(),
        ("DTS", _) => format!("2020-09-10T12:{:02}:{:02}+02:00", number / 60, number % 60).into(),
        // The project of the sandbox's account.
        ("S", "project_id") => "6".into(),
        ("PN", _) | (_, "mobile_phone") => format!("+49170{number:07}").into(),
        // A generated order contains PDFs and hashes, which need a signature product.
        ("N", "Product") => 15.into(),
        ("N", "response_status") => 200.into(),
        ("N", "Add") => 0.into(),
        ("N", "SignaturePage") => 1.into(),
        ("N", name) if name.starts_with("Signature") => (number as f64 + 0.5).into(),
        ("N", "blz") => (16_050_000 + number).into(),
        ("N", _) => allowed_values(row).first().cloned().unwrap_or_else(|| number.into()),
        ("N (S)", _) => format!("WELADED1{number}").into(),
        (_, "Country") => "DE".into(),
        (_, "OrderID") => ORDER.into(),
        (_, "FirstOrderID") => format!("999{number}").into(),
        (_, "ZipCode") => format!("{number:05}").into(),
        (_, "Ref") => format!("ref-{number}").into(),
        (_, "tan") => format!("{number:06}").into(),
        ("S", _) if is_mail(row) => format!("e{number}@example.com").into(),
        ("S", _) if is_url(row) => format!("https://example.com/{number}").into(),
        (_, "pdf_content") => format!("data:@file/pdf;base64,{}", encode_base64(&sample_contract())).into(),
        (_, "Data") if row.note.contains("PDF") => encode_base64(&pdf_with_fields()).into(),
        (_, "SignatureFieldName") if row.path.starts_with("eSignPDF") => "Bank".into(),
        (_, "SignatureFieldName") => "Customer".into(),
        ("S", _) if row.note.contains("JPEG") => {
            encode_base64(&[b"\xff\xd8\xff", format!("image of {}", row.id).as_bytes()].concat()).into()
        }
        ("S", name) if row.note.contains("Base64") || name == "Base64Data" => {
            encode_base64(format!("bytes of {}", row.id).as_bytes()).into()
        }
        ("S", _) if !allowed_values(row).is_empty() => allowed_values(row)[0].clone(),
        ("S", _) if date_time_form(row).is_some_and(|form| form.starts_with("dd")) => {
            format!("10-09-2020 12:30:{:02}", number % 60).into()
        }
        ("S", _) if date_time_form(row).is_some() => format!("2020-09-10 12:{:02}", number % 60).into(),
        // Hashes: Base64 of at least 20 bytes.
        (_, _) if row.path.starts_with("Hashes") => {
            encode_base64(format!("the signed hash of {}", row.id).as_bytes()).into()
        }
        _ => text(row.max.filter(|_| !row.of_name).unwrap_or(100)),
    }
}

/// A file with the signature fields `Bank` and `Customer`.
pub(crate) fn pdf_with_fields() -> Vec<u8> {
    std::fs::read(identkit_testkit::workspace("crates/synthetic/tests/fixtures/empty-fields.pdf")).unwrap()
}

/// A valid value with `count` characters, or `None` if none exists.
pub(crate) fn of_length(row: &Row, count: usize) -> Option<Value> {
    let fill = |before: &str, filler: fn(usize) -> String, after: &str| {
        let rest = count.checked_sub(before.len() + after.len())?;
        (rest > 0).then(|| format!("{before}{}{after}", filler(rest)).into())
    };
    match row.name() {
        _ if row.kind == "PN" || is_country(row) => None,
        _ if is_mail(row) => fill("", letters, "@x.de"),
        _ if is_url(row) => fill("https://example.com/", |count| "a".repeat(count), ""),
        _ => fill("", letters, ""),
    }
}

/// Whether the document says that the two elements exclude each other.
pub(crate) fn exclude_each_other(one: &Row, other: &Row) -> bool {
    let is_position = |row: &Row| {
        ["SignaturePosX", "SignaturePosY", "SignatureHeight", "SignatureWidth", "SignaturePage"].contains(&row.name())
    };
    let at_most_one = |row: &Row| {
        let names = row.note.split("at most one of ").nth(1).unwrap_or_default();
        [one, other].iter().all(|row| names.split([',', ' ']).any(|name| name == row.name()))
    };
    one.id != other.id
        && one.parent() == other.parent()
        && (one.note.contains(&format!("xor {}", other.name()))
            || (one.name() == "SignatureFieldName" && is_position(other))
            || (other.name() == "SignatureFieldName" && is_position(one))
            || at_most_one(one)
            || at_most_one(other))
}

/// A body with every element of the row's endpoint and direction, all valid. It leaves out elements that exclude the
/// row's, and elements from examples, except the row's own.
pub(crate) fn everything(wanted: &Row) -> Value {
    let mut text = Value::Null;
    let mut added: Vec<&Row> = vec![wanted];
    put(&mut text, &wanted.steps, valid_value(wanted));
    for row in siblings(wanted) {
        if row.id == wanted.id || row.aside || row.is_wrapper() || added.iter().any(|one| exclude_each_other(one, row))
        {
            continue;
        }
        // Leave out other spellings of the row's element.
        if wanted.aside && wanted.note.contains(&row.id) || wanted.note.contains(&format!("({})", row.id)) {
            continue;
        }
        put(&mut text, &row.steps, valid_value(row));
        added.push(row);
    }
    if wanted.is_wrapper() {
        let rest = siblings(wanted).filter(|row| !row.is_wrapper()).last().map(everything).unwrap();
        return json!([{ wanted.name(): rest[0] }]);
    }
    text
}

/// Sets the value at the path and creates its parents. An existing container is not replaced by an empty one.
pub(crate) fn put(text: &mut Value, steps: &[Step], value: Value) {
    let Some((step, rest)) = steps.split_first() else {
        if text.is_null() || !(value.is_object() || value.is_array()) {
            *text = value;
        }
        return;
    };
    let name = match step {
        Step::Item => {
            if text.as_array().is_none_or(Vec::is_empty) {
                *text = json!([null]);
            }
            return put(&mut text[0], rest, value);
        }
        Step::Key(name) => name.as_str(),
        Step::Name => CHOSEN,
    };
    if !text.is_object() {
        *text = Value::Object(Map::new());
    }
    put(text.as_object_mut().unwrap().entry(name).or_insert(Value::Null), rest, value);
}

/// Returns the value at the path.
pub(crate) fn get<'a>(text: &'a Value, steps: &[Step]) -> Option<&'a Value> {
    steps.iter().try_fold(text, |at, step| match step {
        Step::Item => at.get(0),
        Step::Key(name) => at.get(name),
        Step::Name => at.get(CHOSEN),
    })
}

/// Replaces the value at the path.
pub(crate) fn replace(text: &mut Value, steps: &[Step], value: Value) {
    *at_mut(text, steps) = value;
}

/// Removes the element at the path.
pub(crate) fn remove(text: &mut Value, steps: &[Step]) {
    let (last, before) = steps.split_last().unwrap();
    let at = at_mut(text, before);
    match last {
        Step::Item => *at = json!([]),
        Step::Key(name) => drop(at.as_object_mut().unwrap().remove(name)),
        Step::Name => drop(at.as_object_mut().unwrap().remove(CHOSEN)),
    }
}

/// Renames the element with a chosen name.
pub(crate) fn rename(text: &mut Value, steps: &[Step], name: String) {
    let (_, before) = steps.split_last().unwrap();
    let at = at_mut(text, before).as_object_mut().unwrap();
    let value = at.remove(CHOSEN).unwrap();
    at.insert(name, value);
}

fn at_mut<'a>(text: &'a mut Value, steps: &[Step]) -> &'a mut Value {
    steps.iter().fold(text, |at, step| match step {
        Step::Item => &mut at[0],
        Step::Key(name) => &mut at[name.as_str()],
        Step::Name => &mut at[CHOSEN],
    })
}

/// A value of another JSON type than the row's.
pub(crate) fn wrong_type(row: &Row) -> Value {
    if row.is_container() { true.into() } else { json!({ "wrong": true }) }
}

/// Renames a member of the top-level object.
pub(crate) fn rename_key(text: &mut Value, from: &str, to: &str) {
    let object = text.as_object_mut().unwrap();
    let value = object.remove(from).unwrap();
    object.insert(to.to_owned(), value);
}

#[test]
fn only_the_two_pdf_sources_exclude_each_other() {
    let (url, content, email) = (row("F-033"), row("F-034"), row("F-013"));
    assert!(exclude_each_other(url, content) && exclude_each_other(content, url));
    assert!(!exclude_each_other(url, email) && !exclude_each_other(url, url));
    assert!(everything(url).get("pdf_content").is_none() && everything(content).get("pdf_url").is_none());
    assert_eq!(everything(email).as_object().unwrap().len(), 32);
}
