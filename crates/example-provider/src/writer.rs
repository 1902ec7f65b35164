//! The rules of a case to create (ACME-03).

use identkit_core::{Error, Pii, Violation};
use identkit_wire::url::WebUrl;
use jiff::civil::Date;

use crate::messages::CreateCase;

/// Section of the document that violations name.
pub(crate) const SECTION: &str = "createCase";

const RULE: &str = "ACME-03";

/// Checks a case.
///
/// # Errors
/// [`Kind::InvalidInput`](identkit_core::Kind::InvalidInput) with all violations.
pub(crate) fn check(case: &CreateCase) -> Result<(), Error> {
    let mut faults = Vec::new();
    let mut fault = |broken: bool, field: &'static str, message: &'static str| {
        if broken {
            faults.push(Violation::new(field, message, RULE, SECTION));
        }
    };
    let person = case.person.clone().unwrap_or_default();
    let required = [
        ("person.givenName", &person.given_name),
        ("person.familyName", &person.family_name),
        ("person.birthDate", &person.birth_date),
        ("person.email", &person.email),
    ];
    for (field, value) in required {
        fault(value.as_ref().is_none_or(|text| text.expose().is_empty()), field, "is required");
    }
    for (field, value) in [("person.givenName", &person.given_name), ("person.familyName", &person.family_name)] {
        fault(is(value, |text| text.chars().count() > 60), field, "must have at most 60 characters");
    }
    let long = is(&person.birth_place, |text| text.chars().count() > 80);
    fault(long, "person.birthPlace", "must have at most 80 characters");
    let date = is(&person.birth_date, |text| !text.is_empty() && !is_date(text));
    fault(date, "person.birthDate", "must be a valid date in the form YYYY-MM-DD");
    let code = is(&person.nationality, |text| text.len() != 2 || !text.bytes().all(|byte| byte.is_ascii_uppercase()));
    fault(code, "person.nationality", "must be a two-letter country code in upper case (ISO 3166 alpha-2)");
    let email = is(&person.email, |text| !text.is_empty() && !is_email(text));
    fault(email, "person.email", "must be an e-mail address: one @ with text on both sides, no blanks");
    fault(is(&case.reference, |text| text.chars().count() > 64), "reference", "must have at most 64 characters");
    for (field, url) in [("callbackUrl", &case.callback_url), ("returnUrl", &case.return_url)] {
        let invalid = url.as_ref().is_some_and(|url| WebUrl::parse(url.expose()).is_err());
        fault(invalid, field, "must be a valid http or https URL");
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::invalid(faults)) }
}

/// Whether a text is present and the condition holds.
fn is(text: &Option<Pii<String>>, condition: impl FnOnce(&str) -> bool) -> bool {
    text.as_ref().is_some_and(|text| condition(text.expose()))
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<Date>().is_ok_and(|date| date.to_string() == text)
}

fn is_email(text: &str) -> bool {
    let sides = text.split_once('@');
    !text.contains(|c: char| c.is_whitespace() || c.is_control())
        && sides.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'))
}
