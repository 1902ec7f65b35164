//! The sandbox's side of requests: it takes a text with every element, and refuses it once the row's rule is broken.
//!
//! Where the document's own samples break its rules, both profiles are asked: `literal` must take what they hold, and
//! `strict` must not (AI-04, AI-19).

use identkit_mock_server::Profile;
use identkit_wire::encode_base64;
use serde_json::{Value, json};

use super::harness::{API_KEY, Answer, Harness, PARTNER};
use crate::coverage::calls::calls_of;
use crate::coverage::document::{everything, exclude_each_other, good, listed, put, remove, rename_key, replace};
use crate::coverage::evidence::{Evidence, Stand};
use crate::coverage::rows::{IDENTIFY24, Row, Step, beside, of, row};

/// Which profile must refuse it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum In {
    /// `literal`. In `strict` the whole text may be refused before the element is looked at (AI-05).
    Literal,
    /// `strict`, whatever `literal` makes of it.
    Strict,
    /// `strict`, and `literal` must take it, because the document's own samples are so.
    StrictOnly,
}

/// A request that breaks one rule.
struct Violation {
    rule: &'static str,
    text: Value,
    refused: In,
    /// The element that may be named instead of the row's.
    other: Option<&'static str>,
}

/// Everything that the row forbids, from its columns.
fn violations(row: &Row, right: &Value) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut breaks = |rule, refused, other, change: &dyn Fn(&mut Value)| {
        let mut text = right.clone();
        change(&mut text);
        found.push(Violation { rule, text, refused, other });
    };
    let set = |value: Value| move |text: &mut Value| replace(text, &row.steps, value.clone());
    for wrong in [json!({ "wrong": true }), json!([[true]])] {
        breaks("another type", In::Literal, None, &set(wrong));
    }
    // A number may stand for a project (AI-06).
    if row.name() != "project_id" {
        for scalar in [json!(7), json!(true)] {
            breaks("no text", In::Strict, None, &set(scalar));
        }
    }
    if row.required {
        breaks("required", In::Literal, None, &|text| remove(text, &row.steps));
        for nothing in [Value::Null, json!("")] {
            breaks("required", In::Literal, None, &set(nothing));
        }
    }
    if row.note.contains("upper-case key") {
        breaks("the key's case", In::Literal, None, &|text| rename_key(text, row.name(), &row.name().to_lowercase()));
    }
    let odd: &[&str] = match (row.kind.as_str(), row.name()) {
        ("DS", _) => &["12.08.1964", "1964-02-30", "1964-08-12T00:00", "soon"],
        ("CC", _) => &["de", "D", "D1", "DEU", "Germany"],
        (_, "email") => &["nobody", "a b@example.com", "@example.com"],
        (_, "mobile_phone") => &["call me", "+", "49+170"],
        _ => &[],
    };
    for odd in odd {
        breaks("not of its form", In::Literal, None, &set((*odd).into()));
    }
    for word in listed(row).iter().filter_map(Value::as_str) {
        breaks("not in its list", In::Literal, None, &set(format!("{word}X").into()));
        let other_case = if word == word.to_uppercase() { word.to_lowercase() } else { word.to_uppercase() };
        breaks("not in its list", In::Literal, None, &set(other_case.into()));
    }
    // That of a key or of a country's code is another matter.
    if row.note.starts_with("upper case") {
        breaks("upper case", In::StrictOnly, None, &set("Köln".into()));
    }
    if row.note.starts_with("Base64 PDF") {
        for no_pdf in [encode_base64(b"no PDF"), "data:@file/pdf;base64,xxxxxxxxxxxxxxxxx".into()] {
            breaks("a PDF in Base64", In::StrictOnly, None, &set(no_pdf.into()));
        }
    }
    for other in beside(row).filter(|other| exclude_each_other(row, other)) {
        breaks("not with the other", In::StrictOnly, Some(other.name()), &|text| put(text, &other.steps, good(other)));
    }
    found
}

/// A sandbox of each profile, and a token for each.
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
        harness.ask(token, method, path, text.to_string()).await
    }
}

/// The request with every element, right for the sandbox's account.
fn right(row: &Row) -> Value {
    let mut text = everything(row);
    let project = if row.endpoint == "GET /project/get" { json!(6) } else { good(self::row("F-007")) };
    for (name, value) in [("PARTNER", json!(PARTNER)), ("APIKEY", json!(API_KEY)), ("project_id", project)] {
        if text.get(name).is_some() {
            text[name] = value;
        }
    }
    text
}

/// The request with what is required and the row, right too: what `strict` does not know elsewhere is not the row's.
fn slim(row: &Row) -> Value {
    let mut text = right(row);
    for other in beside(row).filter(|other| other.id != row.id && !other.required) {
        text.as_object_mut().unwrap().remove(other.name());
    }
    text
}

/// What is right as well: the document says so, or the contract.
fn other_forms(row: &Row, right: &Value) -> Vec<Value> {
    let forms: Vec<Value> = match row.name() {
        // AI-20.
        "mobile_phone" => vec!["01511111111".into(), "00491511111111".into(), "+491511111111".into()],
        // AI-06.
        "project_id" if row.kind == "N" => vec!["6".into()],
        "project_id" => vec![6.into()],
        // AI-19.
        "pdf_content" => {
            let given = right["pdf_content"].as_str().unwrap().rsplit(',').next().unwrap().to_owned();
            vec![format!("data:application/pdf;base64,{given}").into(), given.into()]
        }
        _ => listed(row),
    };
    let with = |form: Value| {
        let mut text = right.clone();
        replace(&mut text, &row.steps, form);
        text
    };
    let mut texts: Vec<Value> = forms.into_iter().map(with).collect();
    if !row.required {
        let mut without = right.clone();
        remove(&mut without, &row.steps);
        texts.push(without);
    }
    texts
}

async fn shown(stage: &Stage, row: &Row) -> Stand {
    let (right, slim) = (right(row), slim(row));
    let mut broken = violations(row, &right);
    broken.retain(|one| one.refused == In::Literal);
    broken.extend(violations(row, &slim).into_iter().filter(|one| one.refused != In::Literal));
    let tried = broken.len();
    for Violation { rule, text, refused, other } in broken {
        let answer = stage.send(refused != In::Literal, row, &text).await;
        let named = answer.names(row.name()) || other.is_some_and(|name| answer.names(name));
        if answer.status != 400 || !named {
            return Stand::Missing(format!(
                "broken ({rule}) it is answered by {} {}: the sandbox must answer 400 and name the element",
                answer.status,
                answer.text()
            ));
        }
        if refused == In::StrictOnly {
            let answer = stage.send(false, row, &text).await;
            if answer.status != 200 {
                let told = answer.text();
                return Stand::Missing(format!("as in the document's sample ({rule}) `literal` refuses it: {told}"));
            }
        }
    }
    for (strict, right) in [(false, &right), (true, &slim)] {
        for text in [vec![right.clone()], other_forms(row, right)].concat() {
            let answer = stage.send(strict, row, &text).await;
            if answer.status != 200 {
                return Stand::Missing(format!("right as it is, it is refused by {} {}", answer.status, answer.text()));
            }
        }
    }
    Stand::Shown(format!("{tried} violations refused by its name, and taken when right"))
}

#[tokio::test]
async fn the_sandbox_of_identify24_refuses_by_its_name_what_breaks_the_rule_of_a_row() {
    let stage = Stage::new().await;
    let mut evidence = Evidence::of(IDENTIFY24, "sandbox-request");
    for row in of(IDENTIFY24).filter(|row| row.request) {
        assert!(!calls_of(row).is_empty(), "{} is no call", row.endpoint);
        evidence.add(&row.id, shown(&stage, row).await);
    }
    evidence.assert_complete();
}

/// The evidence would not be worth anything if it were given for an element that nobody looks at.
#[tokio::test]
async fn a_row_that_the_sandbox_of_identify24_does_not_check_is_a_gap() {
    let stage = Stage::new().await;
    let (street, number) = (row("F-022").clone(), row("F-023").clone());
    assert!(matches!(shown(&stage, &street).await, Stand::Shown(_)));
    let noted = |row: &Row, note: &str| Row { note: note.into(), ..row.clone() };
    let unknown = vec![Step::Key("nickname".into())];
    for (gap, rule) in [
        (Row { path: "nickname".into(), steps: unknown, ..street.clone() }, "(another type)"),
        (Row { required: true, ..street.clone() }, "(required)"),
        (noted(&street, "MUSTERWEG,MUSTERPLATZ"), "(not in its list)"),
        (Row { kind: "DS".into(), ..street }, "(not of its form)"),
        (noted(&number, "upper case"), "(upper case)"),
        (noted(&number, "at most one of house_no, custom1"), "(not with the other)"),
        (noted(row("F-028"), "Base64 PDF"), "(a PDF in Base64)"),
    ] {
        let stand = shown(&stage, &gap).await;
        assert!(matches!(&stand, Stand::Missing(why) if why.contains(rule)), "{rule}: {stand:?}");
    }
}
