//! The neutral form of a case: one JSON for every vendor.

use bytes::Bytes;
use identkit_core::{Address, Document, Gender, NewCase, Person, Pii, Purpose, Secret};
use identkit_wire::decode_base64;
use identkit_wire::json::read_input;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::exit::Failure;
use crate::input::Input;
use crate::misspelled::nearest;
use crate::text::plain;

/// Members of each object, by its place.
const MEMBERS: [(&str, &[&str]); 4] = [
    ("", &["purpose", "reference", "project", "person", "documents", "redirect_success", "redirect_abort"]),
    (
        "person",
        &[
            "given_names",
            "family_name",
            "birth_date",
            "birthplace",
            "nationality",
            "gender",
            "email",
            "mobile",
            "address",
        ],
    ),
    ("person.address", &["street", "house_number", "postal_code", "city", "country"]),
    ("documents", &["name", "pdf"]),
];

/// A case in the neutral form.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Form {
    purpose: Option<String>,
    reference: Option<Pii<String>>,
    project: Option<String>,
    person: PersonForm,
    documents: Vec<DocumentForm>,
    redirect_success: Option<Secret>,
    redirect_abort: Option<Secret>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PersonForm {
    given_names: Pii<String>,
    family_name: Pii<String>,
    birth_date: Option<Pii<String>>,
    birthplace: Option<Pii<String>>,
    nationality: Option<Pii<String>>,
    gender: Option<String>,
    email: Option<Pii<String>>,
    mobile: Option<Pii<String>>,
    address: AddressForm,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AddressForm {
    street: Option<Pii<String>>,
    house_number: Option<Pii<String>>,
    postal_code: Option<Pii<String>>,
    city: Option<Pii<String>>,
    country: Option<Pii<String>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct DocumentForm {
    name: String,
    /// In Base64.
    pdf: Pii<String>,
}

/// Whether an input has the neutral form: a member `person` or `purpose`, which no vendor's form has.
pub(super) fn is_neutral(input: &Input) -> bool {
    let members = serde_json::from_slice::<Map<String, Value>>(&input.bytes).unwrap_or_default();
    members.contains_key("person") || members.contains_key("purpose")
}

/// Reads a case in the neutral form.
///
/// # Errors
/// If it has another form. The message names members and no values.
pub(super) fn read(input: &Input) -> Result<NewCase, Failure> {
    let unusable = |why: String| Failure::unsent(format!("{}: {why}", input.name));
    let form: Form = read_input(&input.bytes).map_err(|fault| input.unusable(&fault.input()))?;
    let value = serde_json::from_slice(&input.bytes).unwrap_or_default();
    check_names(&value, "").map_err(unusable)?;
    let purpose = match form.purpose.as_deref() {
        None | Some("identification") => Purpose::Identification,
        Some("signature") => Purpose::Signature,
        Some(_) => return Err(unusable("purpose must be identification or signature".to_owned())),
    };
    let gender = match form.person.gender.as_deref() {
        None => None,
        Some("female") => Some(Gender::Female),
        Some("male") => Some(Gender::Male),
        Some("other") => Some(Gender::Other),
        Some(_) => return Err(unusable("person.gender must be female, male or other".to_owned())),
    };
    let birth_date = form.person.birth_date.map(|text| text.expose().parse::<Date>().map(Pii::new)).transpose();
    let birth_date =
        birth_date.map_err(|_| unusable("person.birth_date must be a date such as 1964-08-12".to_owned()))?;
    let documents = form.documents.into_iter().enumerate().map(|(index, document)| {
        let pdf = decode_base64(document.pdf.expose()).ok().filter(|pdf| pdf.starts_with(b"%PDF-"));
        let pdf = pdf.ok_or_else(|| unusable(format!("documents[{index}].pdf must be a PDF in Base64")))?;
        Ok(Document { name: document.name, pdf: Bytes::from(pdf) })
    });
    let address = form.person.address;
    Ok(NewCase {
        purpose,
        reference: form.reference,
        project: form.project,
        person: Person {
            given_names: form.person.given_names,
            family_name: form.person.family_name,
            birth_date,
            birthplace: form.person.birthplace,
            nationality: form.person.nationality,
            gender,
            email: form.person.email,
            mobile: form.person.mobile,
            address: Address {
                street: address.street,
                house_number: address.house_number,
                postal_code: address.postal_code,
                city: address.city,
                country: address.country,
            },
        },
        documents: documents.collect::<Result<_, Failure>>()?,
        redirect_success: form.redirect_success,
        redirect_abort: form.redirect_abort,
        webhook_final: None,
    })
}

/// Fails at the first member that the form does not have.
fn check_names(value: &Value, place: &str) -> Result<(), String> {
    let members = match value {
        Value::Object(members) => members,
        Value::Array(items) => return items.iter().try_for_each(|item| check_names(item, place)),
        _ => return Ok(()),
    };
    let Some((_, known)) = MEMBERS.iter().find(|(known, _)| *known == place) else { return Ok(()) };
    for (name, member) in members {
        let path = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
        if !known.contains(&name.as_str()) {
            let advice = nearest(name, known).map(|name| format!("; did you mean {name}?")).unwrap_or_default();
            return Err(format!("{} is not a member of this form{advice}", plain(&path)));
        }
        check_names(member, &path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn input(value: &Value) -> Input {
        Input { name: "case.json".to_owned(), bytes: value.to_string().into_bytes() }
    }

    #[test]
    fn the_neutral_form_has_a_person_or_a_purpose() {
        for (value, expected) in [
            (json!({"person": {}}), true),
            (json!({"purpose": "signature"}), true),
            (json!({"Address": {}, "Product": 6}), false),
            (json!({"person_first_name": "JOHN"}), false),
            (json!([]), false),
        ] {
            assert_eq!(is_neutral(&input(&value)), expected, "{value}");
        }
    }

    #[test]
    fn every_member_is_read() {
        let value = json!({
            "purpose": "signature", "reference": "A-1", "project": "6",
            "person": {
                "given_names": "Erika", "family_name": "Mustermann", "birth_date": "1964-08-12", "birthplace": "Berlin",
                "nationality": "DE", "gender": "female", "email": "e@example.com", "mobile": "+491711234567",
                "address": {"street": "Heidestr.", "house_number": "17", "postal_code": "51147", "city": "Köln", "country": "DE"},
            },
            "documents": [{"name": "a.pdf", "pdf": "JVBERi0xLjc="}],
            "redirect_success": "https://example.com/1", "redirect_abort": "https://example.com/2",
        });
        let case = read(&input(&value)).unwrap();
        assert_eq!(case.purpose, Purpose::Signature);
        assert_eq!(case.documents.first().map(|document| &document.pdf[..]), Some(&b"%PDF-1.7"[..]));
        assert_eq!(case.person.address.city.as_ref().map(|city| city.expose().as_str()), Some("Köln"));
        assert!(case.redirect_abort.is_some() && case.person.birth_date.is_some() && case.project.is_some());
        assert_eq!(case.person.gender, Some(Gender::Female));
    }

    #[test]
    fn an_unusable_member_is_named_without_its_value() {
        for (value, words) in [
            (json!({"purpose": "geheim"}), "purpose must be"),
            (json!({"person": {"gender": "geheim"}}), "person.gender must be"),
            (json!({"person": {"birth_date": "geheim"}}), "person.birth_date must be"),
            (
                json!({"person": {"adress": "geheim"}}),
                "person.adress is not a member of this form; did you mean address?",
            ),
            (json!({"person": {}, "documents": [{"name": "a", "pdf": "geheim"}]}), "documents[0].pdf must be"),
            (json!({"person": {"given_names": ["geheim"]}}), "given_names"),
        ] {
            let failure = read(&input(&value)).unwrap_err();
            assert!(failure.sentence.contains(words) && failure.code == 2, "{}", failure.sentence);
            assert!(!failure.sentence.contains("geheim"), "{}", failure.sentence);
        }
    }
}
