//! The strict writer of `ident/create`: puts values into the vendor's form, then checks all of them.
//!
//! Invariants: nothing invalid gets past it, every fault is told at once, and no fault or warning quotes a value.
//! Values that the integrator gets back (`custom_id`, `custom1` to `custom4`) are not touched (AI-18).

use bytes::Bytes;
use identkit_core::{Error, Pii, Secret, Violation};
use identkit_wire::json::{self, Blob};
use identkit_wire::{Body, Part, Warning};
use jiff::civil::Date;
use unicode_normalization::UnicodeNormalization;

use crate::countries::is_assigned;
use crate::messages::{CreateIdent, Gender, PdfContent, TypeOfId};
use crate::{CasePolicy, Dialect, PhonePolicy};

pub(crate) const SECTION: &str = "[I] ident/create";

/// Below this many characters a `custom_id` is easy to guess.
const SHORT: usize = 16;

impl CreateIdent {
    /// The ident as it is sent: blanks around values gone, empty values left out, names and places in the dialect's
    /// case, the phone number in the dialect's form (`[I] ident/create`; AI-04, AI-20, AI-24).
    #[must_use]
    pub fn normalised(&self, dialect: &Dialect) -> Self {
        let mut ident = self.clone();
        let Self { project_id, gender, type_of_id, pdf_url, pdf_content, .. } = &mut ident;
        if let Some(id) = project_id {
            *id = id.as_str().trim().into();
        }
        project_id.take_if(|id| id.as_str().is_empty());
        gender.take_if(|gender| gender.as_str().trim().is_empty());
        type_of_id.take_if(|kind| kind.as_str().trim().is_empty());
        pdf_url.take_if(|url| url.expose().trim().is_empty());
        pdf_content.take_if(|pdf| matches!(pdf, PdfContent::Text(text) if text.expose().trim().is_empty()));
        for own in
            [&mut ident.custom_id, &mut ident.custom1, &mut ident.custom2, &mut ident.custom3, &mut ident.custom4]
        {
            own.take_if(|text| text.expose().is_empty());
        }
        let Self { person_first_name, person_last_name, birth_place, street, city, .. } = &mut ident;
        for name in [person_first_name, person_last_name, birth_place, street, city] {
            rewrite(name, |text| match dialect.case {
                CasePolicy::Uppercase => text.trim().to_uppercase(),
                CasePolicy::Preserve => text.trim().to_owned(),
            });
        }
        rewrite(&mut ident.mobile_phone, |text| phone(text, dialect.phone));
        for text in [
            &mut ident.company_name,
            &mut ident.store_name,
            &mut ident.branche,
            &mut ident.person_title,
            &mut ident.person_position,
            &mut ident.email,
            &mut ident.house_no,
            &mut ident.zip_code,
            &mut ident.country,
            &mut ident.international_code,
            &mut ident.birthday,
            &mut ident.nationality,
            &mut ident.id_number,
            &mut ident.id_country,
            &mut ident.id_issue_date,
            &mut ident.id_end_date,
            &mut ident.issuing_authority,
        ] {
            rewrite(text, |text| text.trim().to_owned());
        }
        if dialect.compose {
            ident.compose();
        }
        ident
    }

    /// Last of all, since upper case of a composed letter may be a decomposed one.
    fn compose(&mut self) {
        for text in [
            &mut self.company_name,
            &mut self.store_name,
            &mut self.branche,
            &mut self.person_title,
            &mut self.person_first_name,
            &mut self.person_last_name,
            &mut self.person_position,
            &mut self.email,
            &mut self.street,
            &mut self.house_no,
            &mut self.zip_code,
            &mut self.city,
            &mut self.birth_place,
            &mut self.id_number,
            &mut self.issuing_authority,
        ] {
            rewrite(text, |text| text.nfc().collect());
        }
    }
}

/// Replaces a text, and leaves it out when nothing is left of it.
fn rewrite(field: &mut Option<Pii<String>>, how: impl FnOnce(&str) -> String) {
    let Some(text) = field else { return };
    *text = Pii::new(how(text.expose()));
    field.take_if(|text| text.expose().is_empty());
}

/// Drops separators; on request brings the number into one international form. What is no phone number stays, for
/// [`check`] to find.
fn phone(text: &str, policy: PhonePolicy) -> String {
    let separator = |c: char| c.is_whitespace() || matches!(c, '-' | '/' | '.' | '(' | ')');
    let text = text.trim();
    let foreign = text.starts_with('+') || text.starts_with("00");
    // In +49 (0)151 … the zero is dialled only within the country.
    let plain: String = if foreign { text.replace("(0)", "") } else { text.to_owned() };
    let plain: String = plain.chars().filter(|c| !separator(*c)).collect();
    let after_country_prefix = plain.strip_prefix('+').or_else(|| plain.strip_prefix("00"));
    let prefix = match policy {
        PhonePolicy::AsGiven => return plain,
        PhonePolicy::DoubleZero => "00",
        PhonePolicy::Plus => "+",
    };
    match after_country_prefix {
        Some(number) => format!("{prefix}{number}"),
        None if plain.is_empty() => plain,
        None => format!("{prefix}49{}", plain.strip_prefix('0').unwrap_or(&plain)),
    }
}

/// Collects faults of one request.
struct Faults(Vec<Violation>);

impl Faults {
    fn add(&mut self, field: &'static str, message: &'static str, rule: &'static str) {
        self.0.push(Violation::new(field, message, rule, SECTION));
    }

    fn date(&mut self, field: &'static str, value: Option<&Pii<String>>) {
        if value.is_some_and(|text| !is_date(text.expose())) {
            self.add(field, "must be a real date written YYYY-MM-DD", "I-043");
        }
    }

    fn country(&mut self, field: &'static str, value: Option<&Pii<String>>, dialect: &Dialect) {
        let Some(text) = value.map(Pii::expose) else { return };
        if !is_alpha_2(text) {
            self.add(field, "must be a two-letter country code in upper case (ISO 3166 alpha-2)", "AI-27");
        } else if dialect.assigned_countries && !is_assigned(text) {
            self.add(field, "must be a country code that ISO 3166 assigns to a country", "AI-27");
        }
    }
}

/// Checks a normalised ident and says what is legal but odd, about the phone number as it was given (AI-20).
///
/// # Errors
/// Every fault at once.
pub(crate) fn check(ident: &CreateIdent, given: &CreateIdent, dialect: &Dialect) -> Result<Vec<Warning>, Error> {
    let mut faults = Faults(Vec::new());
    for (field, there) in [
        ("project_id", ident.project_id.is_some()),
        ("birthday", ident.birthday.is_some()),
        ("birth_place", ident.birth_place.is_some()),
        ("email", ident.email.is_some()),
        ("gender", ident.gender.is_some()),
        ("person_first_name", ident.person_first_name.is_some()),
        ("person_last_name", ident.person_last_name.is_some()),
        ("mobile_phone", ident.mobile_phone.is_some()),
        ("nationality", ident.nationality.is_some()),
        ("zip_code", ident.zip_code.is_some()),
        ("city", ident.city.is_some()),
        ("country", ident.country.is_some()),
    ] {
        if !there {
            faults.add(field, "is required", "I-043");
        }
    }
    faults.date("birthday", ident.birthday.as_ref());
    faults.date("id_issue_date", ident.id_issue_date.as_ref());
    faults.date("id_end_date", ident.id_end_date.as_ref());
    faults.country("nationality", ident.nationality.as_ref(), dialect);
    faults.country("country", ident.country.as_ref(), dialect);
    faults.country("id_country", ident.id_country.as_ref(), dialect);
    if ident.email.as_ref().is_some_and(|email| !is_email(email.expose())) {
        faults.add("email", "must be an e-mail address: one @ with text on both sides, no blanks", "I-043");
    }
    if matches!(ident.gender, Some(Gender::Other(_))) && !dialect.allow_other_gender {
        faults.add("gender", "must be MALE or FEMALE", "AI-22");
    }
    if matches!(ident.type_of_id, Some(TypeOfId::Other(_))) {
        faults.add("type_of_id", "must be Personalausweis or Reisepass", "AI-23");
    }
    if ident.mobile_phone.as_ref().is_some_and(|phone| !is_phone(phone.expose())) {
        faults.add("mobile_phone", "must be digits, with + or 00 before a country code", "AI-20");
    }
    if ident.pdf_url.is_some() && ident.pdf_content.is_some() && !dialect.allow_both_pdf_sources {
        faults.add("pdf_content", "must not be given together with pdf_url", "AI-19");
    }
    if let Some(PdfContent::Pdf(source)) = &ident.pdf_content
        && Blob::Source(source.clone()).first_bytes(5) != b"%PDF-"
    {
        faults.add("pdf_content", "must be a PDF: its first bytes are %PDF-", "I-043");
    }
    if faults.0.is_empty() { Ok(warnings(ident, given)) } else { Err(Error::invalid(faults.0)) }
}

fn warnings(ident: &CreateIdent, given: &CreateIdent) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let text =
        |field: &Option<Pii<String>>, holds: fn(&str) -> bool| field.as_ref().is_some_and(|text| holds(text.expose()));
    let national = |given: &str| {
        let number = phone(given, PhonePolicy::AsGiven);
        !number.starts_with('+') && !number.starts_with("00")
    };
    if text(&given.mobile_phone, national) && text(&ident.country, |country| country != "DE") {
        let message = "mobile_phone is given without a country code and read as German, and country is not DE";
        warnings.push(Warning::new(message, "AI-20"));
    }
    if text(&ident.international_code, |code| !is_alpha_2(code)) {
        let message = "international_code is not a two-letter country code as in the document's sample";
        warnings.push(Warning::new(message, "AI-21"));
    }
    let guessable = |id: &str| id.chars().count() < SHORT || id.bytes().all(|byte| byte.is_ascii_digit());
    if text(&ident.custom_id, guessable) {
        let message = "custom_id is short or only digits, so that it may be guessed";
        warnings.push(Warning::new(message, "I-022"));
    }
    if ident.pdf_url.as_ref().map(Secret::expose).is_some_and(|url| !url.starts_with("https://")) {
        warnings.push(Warning::new("pdf_url does not begin with https://", "I-043"));
    }
    warnings
}

/// The body of a checked ident. A PDF of ours goes out from its source; the object's last brace makes room for it.
///
/// # Errors
/// When the ident has no JSON form.
pub(crate) fn body(mut ident: CreateIdent, dialect: &Dialect) -> Result<Body, Error> {
    let source = match ident.pdf_content.take() {
        Some(PdfContent::Pdf(source)) => source,
        text => {
            ident.pdf_content = text;
            return Ok(json::write(&ident)?.into());
        }
    };
    let mut head = json::write(&ident)?;
    head.truncate(head.len().saturating_sub(1));
    if head.len() > 1 {
        head.push(b',');
    }
    head.extend_from_slice(b"\"pdf_content\":\"");
    head.extend_from_slice(dialect.pdf_encoding.prefix().as_bytes());
    Ok(Body::from_parts(vec![Part::Bytes(head.into()), Part::Base64(source), Part::Bytes(Bytes::from_static(b"\"}"))]))
}

fn is_date(text: &str) -> bool {
    let shape = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    shape && text.parse::<Date>().is_ok()
}

fn is_alpha_2(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn is_email(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control();
    let sides = text.split_once('@');
    !text.contains(odd)
        && sides.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'))
}

fn is_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ai_20_phone_numbers_keep_their_meaning_in_every_form() {
        for (given, as_given, double_zero, plus) in [
            ("01511111111", "01511111111", "00491511111111", "+491511111111"),
            ("0151 / 111-11.11", "01511111111", "00491511111111", "+491511111111"),
            ("1511111111", "1511111111", "00491511111111", "+491511111111"),
            ("+49 (0)151 11111", "+4915111111", "004915111111", "+4915111111"),
            ("0043 (660) 1", "00436601", "00436601", "+436601"),
            ("(0) 151 1", "01511", "00491511", "+491511"),
        ] {
            assert_eq!(phone(given, PhonePolicy::AsGiven), as_given, "{given}");
            assert_eq!(phone(given, PhonePolicy::DoubleZero), double_zero, "{given}");
            assert_eq!(phone(given, PhonePolicy::Plus), plus, "{given}");
        }
        assert!(!is_phone(&phone("+49 151 ext. 3", PhonePolicy::AsGiven)));
        assert!(!is_phone("") && !is_phone("+") && !is_phone("49+151"));
    }

    #[test]
    fn dates_are_real_and_of_one_form() {
        for good in ["1981-09-05", "2020-02-29", "0001-01-01"] {
            assert!(is_date(good), "{good}");
        }
        for bad in ["", "1981-9-5", "05-09-1981", "1981-02-29", "1981-13-01", "1981-09-05T00:00", "１981-09-0"] {
            assert!(!is_date(bad), "{bad}");
        }
    }

    #[test]
    fn an_address_has_one_at_and_no_blanks() {
        assert!(is_email("johndoe@identify24.de") && is_email("ä@ö"));
        for bad in ["", "@", "a@", "@b", "a@b@c", "a b@c", "a@b\n", "ab"] {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
