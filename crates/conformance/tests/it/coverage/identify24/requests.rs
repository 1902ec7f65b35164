//! Requests to identify24: the sandbox accepts a request with every element, and rejects it if a row's rule is broken.
//!
//! Where the document's samples break its rules, `literal` must accept the values of the samples and `strict` must not
//! (AI-04, AI-19).

use identkit_mock_server::Profile;
use identkit_wire::encode_base64;
use serde_json::{Value, json};

use super::harness::{API_KEY, Answer, Harness, PARTNER};
use crate::coverage::calls::calls_of;
use crate::coverage::document::{
    allowed_values, everything, exclude_each_other, put, remove, rename_key, replace, valid_value,
};
use crate::coverage::evidence::{Evidence, Stand};
use crate::coverage::rows::{IDENTIFY24, Row, Step, row, rows_of, siblings};

/// The profile that must reject a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RejectedBy {
    /// `literal`. `strict` can reject the body for another element first (AI-05).
    Literal,
    /// `strict`; `literal` may accept it.
    Strict,
    /// `strict`; `literal` must accept it, because the document's samples contain it.
    StrictOnly,
}

/// A request that breaks one rule.
struct Violation {
    rule: &'static str,
    text: Value,
    rejected_by: RejectedBy,
    /// Another element that the rejection may name instead.
    other: Option<&'static str>,
}

/// The requests that break a rule of the row, generated from its columns.
fn violations(row: &Row, valid: &Value) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut breaks = |rule, rejected_by, other, change: &dyn Fn(&mut Value)| {
        let mut text = valid.clone();
        change(&mut text);
        violations.push(Violation { rule, text, rejected_by, other });
    };
    let set = |value: Value| move |text: &mut Value| replace(text, &row.steps, value.clone());
    for wrong in [json!({ "wrong": true }), json!([[true]])] {
        breaks("another type", RejectedBy::Literal, None, &set(wrong));
    }
    // A project id may be a number (AI-06).
    if row.name() != "project_id" {
        for scalar in [json!(7), json!(true)] {
            breaks("not a text", RejectedBy::Strict, None, &set(scalar));
        }
    }
    if row.required {
        breaks("required", RejectedBy::Literal, None, &|text| remove(text, &row.steps));
        for empty in [Value::Null, json!("")] {
            breaks("required", RejectedBy::Literal, None, &set(empty));
        }
    }
    if row.note.contains("upper-case key") {
        breaks("the key's case", RejectedBy::Literal, None, &|text| {
            rename_key(text, row.name(), &row.name().to_lowercase())
        });
    }
    let odd: &[&str] = match (row.kind.as_str(), row.name()) {
        ("DS", _) => &["12.08.1964", "1964-02-30", "1964-08-12T00:00", "soon"],
        ("CC", _) => &["de", "D", "D1", "DEU", "Germany"],
        (_, "email") => &["nobody", "a b@example.com", "@example.com"],
        (_, "mobile_phone") => &["call me", "+", "49+170"],
        _ => &[],
    };
    for odd in odd {
        breaks("invalid form", RejectedBy::Literal, None, &set((*odd).into()));
    }
    for word in allowed_values(row).iter().filter_map(Value::as_str) {
        breaks("not in its list", RejectedBy::Literal, None, &set(format!("{word}X").into()));
        let other_case = if word == word.to_uppercase() { word.to_lowercase() } else { word.to_uppercase() };
        breaks("not in its list", RejectedBy::Literal, None, &set(other_case.into()));
    }
    // Not the rows about the case of keys or country codes.
    if row.note.starts_with("upper case") {
        breaks("upper case", RejectedBy::StrictOnly, None, &set("Köln".into()));
    }
    if row.note.starts_with("Base64 PDF") {
        for other in [encode_base64(b"not a PDF"), "data:@file/pdf;base64,xxxxxxxxxxxxxxxxx".into()] {
            breaks("a PDF in Base64", RejectedBy::StrictOnly, None, &set(other.into()));
        }
    }
    for other in siblings(row).filter(|other| exclude_each_other(row, other)) {
        breaks("excludes the other", RejectedBy::StrictOnly, Some(other.name()), &|text| {
            put(text, &other.steps, valid_value(other))
        });
    }
    violations
}

/// A sandbox and a token for each profile.
struct Stage {
    literal: (Harness, String),
    strict: (Harness, String),
}

impl Stage {
    async fn new() -> Self {
        let [literal, strict] = [Profile::Literal, Profile::Strict].map(Harness::new);
        let tokens = (literal.token().await, strict.token().await);
        Self { literal: (literal, tokens.0), strict: (strict, tokens.1) }
    }

    async fn send(&self, strict: bool, row: &Row, text: &Value) -> Answer {
        let (harness, token) = if strict { &self.strict } else { &self.literal };
        let (method, path) = row.endpoint.split_once(' ').unwrap();
        harness.send(token, method, path, text.to_string()).await
    }
}

/// A valid request with every element.
fn valid(row: &Row) -> Value {
    let mut text = everything(row);
    let project = if row.endpoint == "GET /project/get" { json!(6) } else { valid_value(self::row("F-007")) };
    for (name, value) in [("PARTNER", json!(PARTNER)), ("APIKEY", json!(API_KEY)), ("project_id", project)] {
        if text.get(name).is_some() {
            text[name] = value;
        }
    }
    text
}

/// A valid request with the required elements and the row's, for `strict`, which knows fewer elements.
fn minimal(row: &Row) -> Value {
    let mut text = valid(row);
    for other in siblings(row).filter(|other| other.id != row.id && !other.required) {
        text.as_object_mut().unwrap().remove(other.name());
    }
    text
}

/// Other valid requests, by the document or the contract.
fn other_forms(row: &Row, valid: &Value) -> Vec<Value> {
    let forms: Vec<Value> = match row.name() {
        // AI-20.
        "mobile_phone" => vec!["01511111111".into(), "00491511111111".into(), "+491511111111".into()],
        // AI-06.
        "project_id" if row.kind == "N" => vec!["6".into()],
        "project_id" => vec![6.into()],
        // AI-19.
        "pdf_content" => {
            let given = valid["pdf_content"].as_str().unwrap().rsplit(',').next().unwrap().to_owned();
            vec![format!("data:application/pdf;base64,{given}").into(), given.into()]
        }
        _ => allowed_values(row),
    };
    let with = |form: Value| {
        let mut text = valid.clone();
        replace(&mut text, &row.steps, form);
        text
    };
    let mut texts: Vec<Value> = forms.into_iter().map(with).collect();
    if !row.required {
        let mut without = valid.clone();
        remove(&mut without, &row.steps);
        texts.push(without);
    }
    texts
}

async fn result(stage: &Stage, row: &Row) -> Stand {
    let (valid, minimal) = (valid(row), minimal(row));
    let mut broken = violations(row, &valid);
    broken.retain(|one| one.rejected_by == RejectedBy::Literal);
    broken.extend(violations(row, &minimal).into_iter().filter(|one| one.rejected_by != RejectedBy::Literal));
    let tried = broken.len();
    for Violation { rule, text, rejected_by, other } in broken {
        let answer = stage.send(rejected_by != RejectedBy::Literal, row, &text).await;
        let named = answer.names(row.name()) || other.is_some_and(|name| answer.names(name));
        if let Some(gap) = answer.gap_of_rejection(rule, named) {
            return gap;
        }
        if rejected_by == RejectedBy::StrictOnly {
            let answer = stage.send(false, row, &text).await;
            if answer.status != 200 {
                let text = answer.text();
                return Stand::Missing(format!("`literal` rejects the form of the document's sample ({rule}): {text}"));
            }
        }
    }
    for (strict, valid) in [(false, &valid), (true, &minimal)] {
        for text in [vec![valid.clone()], other_forms(row, valid)].concat() {
            let answer = stage.send(strict, row, &text).await;
            if let Some(gap) = answer.gap_of_acceptance(&[200]) {
                return gap;
            }
        }
    }
    Stand::Shown(format!("{tried} violations rejected by name, valid requests accepted"))
}

#[tokio::test]
async fn identify24_rejects_each_violation_by_name() {
    let stage = Stage::new().await;
    let mut evidence = Evidence::new(IDENTIFY24, "sandbox-request");
    for row in rows_of(IDENTIFY24).filter(|row| row.request) {
        assert!(!calls_of(row).is_empty(), "{} is not a call", row.endpoint);
        evidence.add(&row.id, result(&stage, row).await);
    }
    evidence.assert_complete();
}

/// Guards against results that would be positive for unchecked elements too.
#[tokio::test]
async fn unchecked_row_of_identify24_is_a_gap() {
    let stage = Stage::new().await;
    let (street, number) = (row("F-022").clone(), row("F-023").clone());
    assert!(matches!(result(&stage, &street).await, Stand::Shown(_)));
    let noted = |row: &Row, note: &str| Row { note: note.into(), ..row.clone() };
    let unknown = vec![Step::Key("nickname".into())];
    for (gap, rule) in [
        (Row { path: "nickname".into(), steps: unknown, ..street.clone() }, "(another type)"),
        (Row { required: true, ..street.clone() }, "(required)"),
        (noted(&street, "MUSTERWEG,MUSTERPLATZ"), "(not in its list)"),
        (Row { kind: "DS".into(), ..street }, "(invalid form)"),
        (noted(&number, "upper case"), "(upper case)"),
        (noted(&number, "at most one of house_no, custom1"), "(excludes the other)"),
        (noted(row("F-028"), "Base64 PDF"), "(a PDF in Base64)"),
    ] {
        let stand = result(&stage, &gap).await;
        assert!(matches!(&stand, Stand::Missing(why) if why.contains(rule)), "{rule}: {stand:?}");
    }
}
