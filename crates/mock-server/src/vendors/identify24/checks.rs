//! Checks that the client's writer does not make: those of the profile `strict`, whose rules the document's own examples
//! violate, and those of texts that the writer corrects before it checks them.

use bytes::Bytes;
use http::Request;
use identkit_core::{Pii, Secret, Violation};
use identkit_identify24::messages::{CreateIdent, PdfContent, TypeOfId};
use identkit_identify24::samples;
use serde_json::{Map, Value};

use super::rules;
use crate::Rejection;
use crate::rules::Rules;
use crate::vendors::requests;

fn reject(violations: Vec<Violation>) -> Result<(), Rejection> {
    Rejection::invalid(violations).or_ok()
}

fn object(text: &[u8]) -> Map<String, Value> {
    match serde_json::from_slice(text) {
        Ok(Value::Object(map)) => map,
        // The reader of the message reports it.
        _ => Map::new(),
    }
}

/// Checks any call: the media type (I-002, AI-26), and that the body is flat, has no unlisted attributes (I-003, AI-05),
/// and has strings where the document shows strings (M-08).
pub(super) fn strict(request: &Request<Bytes>, rules: &Rules) -> Result<(), Rejection> {
    if rules.enforce(&rules::I_002_TYPE) {
        requests::check_media_type(request, &rules::I_002_TYPE, "must be application/json on every call")?;
    }
    if rules.enforce(&rules::M_08_TWICE) {
        requests::check_names(request.body(), &rules::M_08_TWICE)?;
    }
    let (listed, section) = match request.uri().path() {
        "/auth" => (vec!["PARTNER".to_owned(), "APIKEY".to_owned()], "[I] auth"),
        "/project/get" => (vec!["project_id".to_owned()], "[I] project/get"),
        // The document's example has every attribute of its table.
        "/ident/create" => {
            (object(samples::CREATE_IDENT_REQUEST.as_bytes()).keys().cloned().collect(), "[I] ident/create")
        }
        _ => return Ok(()),
    };
    let given = object(request.body());
    let mut violations = Vec::new();
    if rules.enforce(&rules::AI_05) && given.values().any(|value| value.is_object() || value.is_array()) {
        violations.push(rules::AI_05.violation("body", "must be flat: values must not be objects or arrays", section));
    }
    // The document shows project_id both as a string and as a number (AI-06).
    let texts = listed.iter().filter(|key| rules.enforce(&rules::M_08_TEXTS) && *key != "project_id");
    for key in texts.filter(|key| given.get(*key).is_some_and(|value| value.is_number() || value.is_boolean())) {
        violations.push(rules::M_08_TEXTS.violation(
            key.clone(),
            "must be a string, as in the document's example",
            section,
        ));
    }
    if rules.enforce(&rules::M_08_ATTRIBUTES) && given.keys().any(|key| !listed.contains(key)) {
        let message = "has an attribute that the document does not list; only the profile strict rejects it";
        violations.push(rules::M_08_ATTRIBUTES.violation("body", message, section));
    }
    reject(violations)
}

/// Checks the rules of `ident/create` that the document's example violates: upper case (AI-04), and a valid PDF (AI-19).
pub(super) fn ident(ident: &CreateIdent, rules: &Rules) -> Result<(), Rejection> {
    let section = "[I] ident/create";
    let names: [(&'static str, Option<&Pii<String>>); 5] = [
        ("person_first_name", ident.person_first_name.as_ref()),
        ("person_last_name", ident.person_last_name.as_ref()),
        ("birth_place", ident.birth_place.as_ref()),
        ("street", ident.street.as_ref()),
        ("city", ident.city.as_ref()),
    ];
    let lower = |text: &Pii<String>| text.expose().to_uppercase() != *text.expose();
    let mut violations: Vec<Violation> = names
        .into_iter()
        .filter(|(_, text)| rules.enforce(&rules::AI_04) && text.is_some_and(lower))
        .map(|(field, _)| rules::AI_04.violation(field, "must be in upper case", section))
        .collect();
    let pdf = |content: &PdfContent| content.to_bytes().is_ok_and(|bytes| bytes.starts_with(b"%PDF-"));
    if rules.enforce(&rules::AI_19_PDF) && ident.pdf_content.as_ref().is_some_and(|content| !pdf(content)) {
        violations.push(rules::AI_19.violation("pdf_content", "must be a PDF in Base64", section));
    }
    reject(violations)
}

/// Returns the violations of texts that the client's writer corrects: it removes blanks around a value, and separators of
/// a phone number. The vendor must reject a value that only the writer's correction makes valid. `written` is the ident as the writer corrects it, and
/// `known` has its violations.
pub(super) fn corrected(given: &CreateIdent, written: &CreateIdent, known: &[Violation]) -> Vec<Violation> {
    fn text(field: &Option<Pii<String>>) -> Option<&str> {
        field.as_ref().map(|text| text.expose().as_str())
    }
    fn kind(ident: &CreateIdent) -> Option<&str> {
        ident.type_of_id.as_ref().map(TypeOfId::as_str)
    }
    fn url(ident: &CreateIdent) -> Option<&str> {
        ident.pdf_url.as_ref().map(Secret::expose)
    }
    macro_rules! texts {
        ($($field:ident: $rule:expr;)+) => {
            [$((stringify!($field), text(&given.$field), text(&written.$field), $rule)),+]
        };
    }
    let texts = texts! {
        birthday: "I-043";
        id_issue_date: "I-043";
        id_end_date: "I-043";
        email: "I-043";
        mobile_phone: "AI-20";
        nationality: "AI-27";
        country: "AI-27";
        id_country: "AI-27";
    };
    let others = [("type_of_id", kind(given), kind(written), "AI-23"), ("pdf_url", url(given), url(written), "AT-99")];
    let is_changed = |given: Option<&str>, written| given != written && given.is_some_and(|text| !text.is_empty());
    let is_known = |field: &str| known.iter().any(|violation| violation.field == field);
    let changed = texts
        .into_iter()
        .chain(others)
        .filter(|(field, given, written, _)| is_changed(*given, *written) && !is_known(field));
    changed
        .map(|(field, _, _, rule)| {
            let message = match field {
                "mobile_phone" => "must be digits, optionally after + or 00, without blanks and other separators",
                _ => "must not have blanks around it",
            };
            Violation::new(field, message, rule, "[I] ident/create")
        })
        .collect()
}
