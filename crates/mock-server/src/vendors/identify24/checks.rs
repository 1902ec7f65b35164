//! What only the profile `strict` refuses: where the document's own examples break its rules.

use bytes::Bytes;
use http::Request;
use http::header::CONTENT_TYPE;
use identkit_core::{Pii, Violation};
use identkit_identify24::messages::{CreateIdent, PdfContent};
use identkit_identify24::samples;
use serde_json::{Map, Value};

use crate::rules::Rules;
use crate::vendor::Refused;

fn refuse(faults: Vec<Violation>) -> Result<(), Refused> {
    if faults.is_empty() { Ok(()) } else { Err(Refused { status: 400, violations: faults }) }
}

fn object(text: &[u8]) -> Map<String, Value> {
    match serde_json::from_slice(text) {
        Ok(Value::Object(map)) => map,
        // Told by whoever reads the message itself.
        _ => Map::new(),
    }
}

/// Every call: its media type (I-002, AI-26), and a body that is flat, holds nothing unlisted (I-003, AI-05), and texts
/// where the document has texts (M-08).
pub(super) fn strict(request: &Request<Bytes>, rules: &Rules) -> Result<(), Refused> {
    let given = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if rules.enforce("I-002/type") && !essence.eq_ignore_ascii_case("application/json") {
        let message = "is required on every call: application/json";
        return Err(Refused::new(400, Violation::new("Content-Type", message, "I-002", "[I] Headers")));
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
    let mut faults = Vec::new();
    if rules.enforce("AI-05") && given.values().any(|value| value.is_object() || value.is_array()) {
        faults.push(Violation::new("body", "must be flat: no value is an object or an array", "AI-05", section));
    }
    // What the document shows as a text is one; of project_id it shows both (AI-06).
    let texts = listed.iter().filter(|key| rules.enforce("M-08/texts") && *key != "project_id");
    for key in texts.filter(|key| given.get(*key).is_some_and(|value| value.is_number() || value.is_boolean())) {
        faults.push(Violation::new(key.clone(), "must be a string, as in the document's example", "M-08", section));
    }
    if rules.enforce("M-08/attributes") && given.keys().any(|key| !listed.contains(key)) {
        let message = "holds an attribute that the document does not list; the profile literal passes over it";
        faults.push(Violation::new("body", message, "M-08", section));
    }
    refuse(faults)
}

/// The rules of `ident/create` that the document's example breaks: upper case (AI-04), and a PDF that is one (AI-19).
pub(super) fn ident(ident: &CreateIdent, rules: &Rules) -> Result<(), Refused> {
    let section = "[I] ident/create";
    let names: [(&'static str, Option<&Pii<String>>); 5] = [
        ("person_first_name", ident.person_first_name.as_ref()),
        ("person_last_name", ident.person_last_name.as_ref()),
        ("birth_place", ident.birth_place.as_ref()),
        ("street", ident.street.as_ref()),
        ("city", ident.city.as_ref()),
    ];
    let lower = |text: &Pii<String>| text.expose().to_uppercase() != *text.expose();
    let mut faults: Vec<Violation> = names
        .into_iter()
        .filter(|(_, text)| rules.enforce("AI-04") && text.is_some_and(lower))
        .map(|(field, _)| Violation::new(field, "must be in upper case", "AI-04", section))
        .collect();
    let pdf = |content: &PdfContent| content.to_bytes().is_ok_and(|bytes| bytes.starts_with(b"%PDF-"));
    if rules.enforce("AI-19/pdf") && ident.pdf_content.as_ref().is_some_and(|content| !pdf(content)) {
        faults.push(Violation::new("pdf_content", "must be a PDF in Base64", "AI-19", section));
    }
    refuse(faults)
}
