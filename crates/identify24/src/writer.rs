//! The strict writer of `ident/create`: converts values to the vendor's form, then checks all of them.
//!
//! Invariants: the writer returns all violations in one error; no violation or warning quotes a value; values that the
//! vendor returns (`custom_id`, `custom1` to `custom4`) are not changed (AI-18).

use bytes::Bytes;
use identkit_core::{Error, Pii, Secret, Violation};
use identkit_wire::json::{self, Blob};
use identkit_wire::url::{UrlFault, check_any_scheme};
use identkit_wire::{Body, Part, Warning};
use jiff::civil::Date;
use unicode_normalization::UnicodeNormalization;

use crate::countries::is_assigned;
use crate::messages::{CreateIdent, Gender, PdfContent, TypeOfId};
use crate::{CasePolicy, Dialect, PhonePolicy};

pub(crate) const SECTION: &str = "[I] ident/create";

/// Minimum length of a `custom_id` that is hard to guess.
const MIN_CUSTOM_ID: usize = 16;

/// Rewrites the texts of fields and removes the empty ones.
macro_rules! rewrite {
    ($ident:ident, $how:expr; $($field:ident)+) => {$(
        $ident.$field = $ident.$field.take().map(|text| $how(text.expose())).filter(|text| !text.is_empty()).map(Pii::new);
    )+};
}

impl CreateIdent {
    /// Returns the ident as it is sent: values trimmed, empty values removed, names and places in the dialect's case,
    /// the phone number in the dialect's form (`[I] ident/create`; AI-04, AI-20, AI-24).
    #[must_use]
    pub fn normalized(&self, dialect: &Dialect) -> Self {
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
        if let Some(PdfContent::Text(text)) = pdf_content
            && has_blanks(text.expose())
        {
            *text = Pii::from(text.expose().trim());
        }
        let Self { custom_id, custom1, custom2, custom3, custom4, .. } = &mut ident;
        for own in [custom_id, custom1, custom2, custom3, custom4] {
            own.take_if(|text| text.expose().is_empty());
        }
        let name = |text: &String| match dialect.case {
            CasePolicy::Uppercase => text.trim().to_uppercase(),
            CasePolicy::Preserve => text.trim().to_owned(),
        };
        rewrite!(ident, name; person_first_name person_last_name birth_place street city);
        rewrite!(ident, |text: &String| phone(text, dialect.phone); mobile_phone);
        rewrite!(
            ident, |text: &String| text.trim().to_owned();
            company_name store_name branche person_title person_position email house_no zip_code country
            international_code birthday nationality id_number id_country id_issue_date id_end_date issuing_authority
        );
        if dialect.compose {
            // Must be last: the upper case of a composed letter can be decomposed.
            rewrite!(
                ident, |text: &String| text.nfc().collect::<String>();
                company_name store_name branche person_title person_first_name person_last_name person_position email
                street house_no zip_code city birth_place id_number issuing_authority
            );
        }
        ident
    }
}

/// The country code of a national number.
const GERMAN: &str = "49";

/// Country codes of countries where a zero before the number is dialed within the country only. In others, e.g. Italy,
/// it is part of the number.
const WITH_TRUNK_ZERO: [&str; 3] = ["49", "43", "41"];

/// The text without the separators of a phone number.
fn without_separators(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '/' | '.' | '(' | ')')).collect()
}

/// The number behind `+` or `00`.
fn number_of(phone: &str) -> String {
    phone.strip_prefix('+').or_else(|| phone.strip_prefix("00")).unwrap_or(phone).to_owned()
}

/// The number without its trunk zero in parentheses, as in `+49 (0)151`. `None` if the zero may be part of the number:
/// behind another country code, or at another place.
fn without_trunk_zero(text: &str) -> Option<String> {
    let (code, rest) = text.split_once("(0)")?;
    let plain = without_separators(code);
    let code = plain.strip_prefix('+').or_else(|| plain.strip_prefix("00"))?;
    (WITH_TRUNK_ZERO.contains(&code) && !rest.contains("(0)")).then(|| format!("{plain}{rest}"))
}

/// Removes separators and converts the number to the policy's form. Text that is not a phone number is left to
/// [`check`], and so is a zero in parentheses that may be part of the number, and a national number that begins with 49.
fn phone(text: &str, policy: PhonePolicy) -> String {
    let text = text.trim();
    let foreign = text.starts_with('+') || text.starts_with("00");
    let plain = match (text.rfind("(0)"), foreign, without_trunk_zero(text)) {
        // A national number can begin with it.
        (None, ..) | (Some(0), ..) => without_separators(text),
        (Some(_), true, Some(plain)) => without_separators(&plain),
        (Some(_), ..) => return text.to_owned(),
    };
    let after_country_prefix = plain.strip_prefix('+').or_else(|| plain.strip_prefix("00"));
    let prefix = match policy {
        PhonePolicy::AsGiven => return plain,
        PhonePolicy::DoubleZero => "00",
        PhonePolicy::Plus => "+",
    };
    match after_country_prefix {
        Some(number) => format!("{prefix}{number}"),
        None if plain.is_empty() || plain.starts_with(GERMAN) => plain,
        None => format!("{prefix}{GERMAN}{}", plain.strip_prefix('0').unwrap_or(&plain)),
    }
}

fn text(field: &Option<Pii<String>>, holds: impl FnOnce(&str) -> bool) -> bool {
    field.as_ref().is_some_and(|text| holds(text.expose()))
}

fn has_blanks(text: &str) -> bool {
    text.trim() != text
}

/// The names of those of the fields whose text has blanks around it.
macro_rules! with_blanks {
    ($ident:ident; $($field:ident)+) => {
        [$((stringify!($field), text(&$ident.$field, has_blanks))),+].into_iter().filter(|(_, has)| *has).map(|(name, _)| name)
    };
}

/// The names of the fields whose text loses blanks around it. Those of a phone number are separators.
fn trimmed(given: &CreateIdent) -> Vec<&'static str> {
    let project = given.project_id.as_ref().is_some_and(|id| has_blanks(id.as_str())).then_some("project_id");
    let texts = with_blanks!(
        given; company_name store_name branche person_title person_first_name person_last_name person_position email
        street house_no zip_code city country international_code birthday birth_place nationality id_number id_country
        id_issue_date id_end_date issuing_authority
    );
    let pdf = matches!(&given.pdf_content, Some(PdfContent::Text(pdf)) if has_blanks(pdf.expose()));
    project.into_iter().chain(texts).chain(pdf.then_some("pdf_content")).collect()
}

/// Lists the fields by name, each with whether it is set.
macro_rules! presence {
    ($ident:ident; $($field:ident)+) => { [$((stringify!($field), $ident.$field.is_some())),+] };
}

/// Checks a normalized ident and returns warnings. `given` is the ident before: its phone number shows whether there
/// was a country code (AI-20).
///
/// # Errors
/// [`Kind::InvalidInput`](identkit_core::Kind::InvalidInput) with all violations.
pub(crate) fn check(ident: &CreateIdent, given: &CreateIdent, dialect: &Dialect) -> Result<Vec<Warning>, Error> {
    let mut faults = Vec::new();
    let mut fault = |broken: bool, field: &'static str, message: &'static str, rule: &'static str| {
        if broken {
            faults.push(Violation::new(field, message, rule, SECTION));
        }
    };
    let required = presence!(
        ident; project_id birthday birth_place email gender person_first_name person_last_name mobile_phone
        nationality zip_code city country
    );
    for (field, present) in required {
        fault(!present, field, "is required", "I-043");
    }
    let (issue, end) = (&ident.id_issue_date, &ident.id_end_date);
    for (field, date) in [("birthday", &ident.birthday), ("id_issue_date", issue), ("id_end_date", end)] {
        fault(text(date, |date| !is_date(date)), field, "must be a valid date in the form YYYY-MM-DD", "I-043");
    }
    let (nationality, country) = (&ident.nationality, &ident.country);
    for (field, code) in [("nationality", nationality), ("country", country), ("id_country", &ident.id_country)] {
        let shape = "must be a two-letter country code in upper case (ISO 3166 alpha-2)";
        fault(text(code, |code| !is_alpha_2(code)), field, shape, "AI-27");
        let unassigned = |code: &str| dialect.assigned_countries && is_alpha_2(code) && !is_assigned(code);
        fault(text(code, unassigned), field, "must be a country code that ISO 3166-1 assigns", "AI-27");
    }
    let message = "must be an e-mail address: one @ with text on both sides, no blanks";
    fault(text(&ident.email, |email| !is_email(email)), "email", message, "I-043");
    let other_gender = matches!(ident.gender, Some(Gender::Other(_))) && !dialect.allow_other_gender;
    fault(other_gender, "gender", "must be MALE or FEMALE", "AI-22");
    let other_kind = matches!(ident.type_of_id, Some(TypeOfId::Other(_)));
    fault(other_kind, "type_of_id", "must be Personalausweis or Reisepass", "AI-23");
    let has = |holds: fn(&str) -> bool| text(&ident.mobile_phone, holds);
    let is_rewritten = dialect.phone != PhonePolicy::AsGiven;
    let message = if has(|phone| phone.contains("(0)")) {
        "has a (0) that may be part of the number: write the number as it is dialed from abroad"
    } else if is_rewritten && has(|phone| phone.starts_with(GERMAN)) {
        "begins with 49, which may be a country code or the start of a national number: write + or 0 before it"
    } else if has(|phone| !is_phone(phone)) {
        "must be one number of at most 15 digits, with + or 00 before a country code, which does not begin with 0"
    } else {
        ""
    };
    fault(!message.is_empty(), "mobile_phone", message, "AI-20");
    let url = ident.pdf_url.as_ref().and_then(|url| check_any_scheme(url.expose()).err());
    fault(url.is_some(), "pdf_url", url.map_or("", UrlFault::text), "AT-99");
    let both = ident.pdf_url.is_some() && ident.pdf_content.is_some() && !dialect.allow_both_pdf_sources;
    fault(both, "pdf_content", "must not be given together with pdf_url", "AI-19");
    let no_pdf = matches!(&ident.pdf_content, Some(PdfContent::Pdf(source))
        if Blob::Source(source.clone()).first_bytes(5) != b"%PDF-");
    fault(no_pdf, "pdf_content", "must be a PDF: its first bytes are %PDF-", "I-043");
    let url_safe = ident.pdf_content.as_ref().is_some_and(PdfContent::is_url_safe);
    fault(url_safe, "pdf_content", "must be Base64 with + and /, not with - and _ (RFC 4648, section 4)", "AI-19");
    if faults.is_empty() { Ok(warnings(ident, given)) } else { Err(Error::invalid(faults)) }
}

fn warnings(ident: &CreateIdent, given: &CreateIdent) -> Vec<Warning> {
    let national = |given: &str| {
        let number = phone(given, PhonePolicy::AsGiven);
        !number.starts_with('+') && !number.starts_with("00")
    };
    let guessable = |id: &str| id.chars().count() < MIN_CUSTOM_ID || id.bytes().all(|byte| byte.is_ascii_digit());
    let insecure = ident.pdf_url.as_ref().map(Secret::expose).is_some_and(|url| !url.starts_with("https://"));
    let abroad = text(&given.mobile_phone, national) && text(&ident.country, |country| country != "DE");
    let odd_code = text(&ident.international_code, |code| !is_alpha_2(code));
    let message = "mobile_phone has no country code, so it counts as German, but country is not DE";
    let sent = ident.mobile_phone.as_ref().map(|phone| number_of(phone.expose()));
    let changed = text(&given.mobile_phone, |given| sent != Some(number_of(&without_separators(given))));
    let rewritten =
        "mobile_phone is sent with the country code 49, or without a zero that is dialed within the country only";
    let trimmed = trimmed(given);
    let blanks = format!("sent without the blanks around them: {}", trimmed.join(", "));
    let returned: Vec<_> = with_blanks!(given; custom_id custom1 custom2 custom3 custom4).collect();
    let unchanged = format!("sent unchanged, with the blanks around them: {}", returned.join(", "));
    let code = "international_code is not a two-letter country code as in the document's sample";
    let short = "custom_id is easy to guess: use at least 16 characters, not only digits";
    let noticed = [
        Warning::when(abroad, message, "AI-20"),
        Warning::when(changed, rewritten, "AI-20"),
        (!trimmed.is_empty()).then(|| Warning::new(blanks, "AI-24")),
        (!returned.is_empty()).then(|| Warning::new(unchanged, "AI-18")),
        Warning::when(odd_code, code, "AI-21"),
        Warning::when(text(&ident.custom_id, guessable), short, "I-022"),
        Warning::when(insecure, "pdf_url does not begin with https://", "I-043"),
    ];
    noticed.into_iter().flatten().collect()
}

/// Returns the body of a checked ident. A [`PdfContent::Pdf`] is streamed from its source: it is inserted before the
/// object's closing brace.
///
/// # Errors
/// If the ident cannot be written as JSON.
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
    text.len() == 10 && text.parse::<Date>().is_ok_and(|date| date.to_string() == text)
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

/// Maximum number of digits of a phone number: 15 (E.164), after 00.
const LONGEST_PHONE: usize = 17;

fn is_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let international = text.strip_prefix('+').or_else(|| text.strip_prefix("00"));
    // Two numbers without their separators are longer than one with 00 (E.164).
    (1..=LONGEST_PHONE).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && international.is_none_or(|number| !number.is_empty() && !number.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ai_20_phone_number_is_the_same_in_every_form() {
        for (given, as_given, double_zero, plus) in [
            ("01511111111", "01511111111", "00491511111111", "+491511111111"),
            ("0151 / 111-11.11", "01511111111", "00491511111111", "+491511111111"),
            ("1511111111", "1511111111", "00491511111111", "+491511111111"),
            ("+49 (0)151 11111", "+4915111111", "004915111111", "+4915111111"),
            ("0043 (660) 1", "00436601", "00436601", "+436601"),
            ("(0) 151 1", "01511", "00491511", "+491511"),
            ("0043(0)660 1", "00436601", "00436601", "+436601"),
            // The zero can be part of the number, so nothing is changed.
            ("+39 (0)6 1", "+39 (0)6 1", "+39 (0)6 1", "+39 (0)6 1"),
            ("+49 151 (0)1", "+49 151 (0)1", "+49 151 (0)1", "+49 151 (0)1"),
            ("+49 (0)151 (0)1", "+49 (0)151 (0)1", "+49 (0)151 (0)1", "+49 (0)151 (0)1"),
            ("0151(0)1111", "0151(0)1111", "0151(0)1111", "0151(0)1111"),
            ("(0)151(0)1", "(0)151(0)1", "(0)151(0)1", "(0)151(0)1"),
            // The country code or the start of a national number.
            ("49 151 1", "491511", "491511", "491511"),
            ("049 151 1", "0491511", "0049491511", "+49491511"),
            ("+49 0151 1", "+4901511", "004901511", "+4901511"),
        ] {
            assert_eq!(phone(given, PhonePolicy::AsGiven), as_given, "{given}");
            assert_eq!(phone(given, PhonePolicy::DoubleZero), double_zero, "{given}");
            assert_eq!(phone(given, PhonePolicy::Plus), plus, "{given}");
        }
        assert!(!is_phone(&phone("+49 151 ext. 3", PhonePolicy::AsGiven)));
        assert!(!is_phone(&phone("+39 (0)6 1", PhonePolicy::Plus)));
        for bad in ["", "+", "49+151", "00", "+0491511", "0000491511", "+0049151"] {
            assert!(!is_phone(bad), "{bad}");
        }
    }

    #[test]
    fn ai_20_ai_24_a_changed_value_gives_a_warning() {
        let sample: CreateIdent = serde_json::from_str(crate::samples::CREATE_IDENT_REQUEST).unwrap();
        let warned = |change: &dyn Fn(&mut CreateIdent), dialect: &Dialect| {
            let mut given = sample.clone();
            given.pdf_content = None;
            change(&mut given);
            let warnings = check(&given.normalized(dialect), &given, dialect).unwrap();
            let texts = warnings.iter().map(|warning| warning.message.to_string());
            texts.filter(|text| text.contains("mobile_phone is sent") || text.contains("blanks")).collect::<Vec<_>>()
        };
        let (as_given, plus) = (Dialect::new(), Dialect::new().phone(PhonePolicy::Plus));
        for (phone, dialect, is_changed) in [
            ("0151 / 111", &as_given, false),
            ("+49 (0)151 111", &as_given, true),
            ("0151111", &plus, true),
            ("+49 151111", &plus, false),
            ("0049 151111", &plus, false),
        ] {
            let warnings = warned(&|ident| ident.mobile_phone = Some(phone.into()), dialect);
            assert_eq!(warnings.len(), usize::from(is_changed), "{phone}: {warnings:?}");
        }
        let blank = warned(&|ident| (ident.street, ident.city) = (Some(" A ".into()), Some("B\t".into())), &as_given);
        assert_eq!(blank, ["sent without the blanks around them: street, city"]);
    }

    #[test]
    fn dates_and_email_addresses_are_recognized() {
        type Rows = [(fn(&str) -> bool, &'static [&'static str], &'static [&'static str]); 2];
        let rows: Rows = [
            (
                is_date,
                &["1981-09-05", "2020-02-29", "0001-01-01"],
                &["", "1981-9-5", "05-09-1981", "1981-02-29", "1981-13-01", "1981-09-05T00:00", "１981-09-0"],
            ),
            (is_email, &["johndoe@identify24.de", "ä@ö"], &["", "@", "a@", "@b", "a@b@c", "a b@c", "a@b\n", "ab"]),
        ];
        for (is, good, bad) in rows {
            assert!(good.iter().all(|text| is(text)), "{good:?}");
            for bad in bad {
                assert!(!is(bad), "{bad}");
            }
        }
    }
}
