//! The strict writer of `ident/create`: every rule has a fault, no fault quotes a value, and what is written is what
//! the sandbox reads.

use identkit_wire::FileSource;
use proptest::prelude::*;
use serde_json::Value;

use crate::support::*;

const REQUIRED: [&str; 12] = [
    "project_id",
    "birthday",
    "birth_place",
    "email",
    "gender",
    "person_first_name",
    "person_last_name",
    "mobile_phone",
    "nationality",
    "zip_code",
    "city",
    "country",
];

fn faults(ident: &CreateIdent) -> Vec<(String, &'static str)> {
    let error = ident.encode(&Dialect::new()).unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (Kind::InvalidInput, Some(Delivery::NotSent)));
    assert!(error.violations().iter().all(|fault| fault.section == "[I] ident/create"));
    error.violations().iter().map(|fault| (fault.field.to_string(), fault.rule)).collect()
}

fn only_fault(ident: &CreateIdent, field: &str, rule: &str) {
    let faults = faults(ident);
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!((faults[0].0.as_str(), faults[0].1), (field, rule));
}

fn warned(ident: &CreateIdent) -> Vec<&'static str> {
    encoded(ident, &Dialect::new()).warnings.iter().map(|warning| warning.rule).collect()
}

#[test]
fn the_twelve_required_fields_are_told_at_once() {
    let expected: Vec<_> = REQUIRED.iter().map(|field| ((*field).to_owned(), "I-043")).collect();
    assert_eq!(faults(&CreateIdent::default()), expected);
    let blank: CreateIdent = serde_json::from_value(REQUIRED.iter().map(|field| (*field, "  ")).collect()).unwrap();
    assert_eq!(faults(&blank), expected, "blanks are nothing");
}

#[test]
fn each_required_field_alone_is_missed() {
    let whole = serde_json::to_value(erika()).unwrap();
    assert_eq!(whole.as_object().unwrap().len(), REQUIRED.len());
    for field in REQUIRED {
        let mut less = whole.clone();
        less.as_object_mut().unwrap().remove(field);
        only_fault(&serde_json::from_value(less).unwrap(), field, "I-043");
    }
}

/// Values that are wrong for their field, each the only fault.
const WRONG: [(&str, &[&str], &str); 10] = [
    ("birthday", NO_DATES, "I-043"),
    ("id_issue_date", NO_DATES, "I-043"),
    ("id_end_date", NO_DATES, "I-043"),
    ("nationality", NO_COUNTRIES, "AI-27"),
    ("country", NO_COUNTRIES, "AI-27"),
    ("id_country", NO_COUNTRIES, "AI-27"),
    ("gender", &["DIVERSE"], "AI-22"),
    ("type_of_id", &["Passport"], "AI-23"),
    ("email", &["erika", "erika@", "@example.com", "a@b@c", "er ika@example.com"], "I-043"),
    ("mobile_phone", &["call me"], "AI-20"),
];

const NO_DATES: &[&str] = &["05.09.1981", "1981-9-5", "1981-02-30", "1981-09-05T00:00:00"];
const NO_COUNTRIES: &[&str] = &["de", "D", "DEU", "Ä", "49"];

#[test]
fn ai_20_ai_22_ai_23_ai_27_i_043_a_wrong_value_is_the_only_fault() {
    let whole = serde_json::to_value(erika()).unwrap();
    for (field, values, rule) in WRONG {
        for value in values {
            let mut text = whole.clone();
            text[field] = (*value).into();
            only_fault(&serde_json::from_value(text).unwrap(), field, rule);
        }
    }
    // What an explicit opt-in allows, and the words of the vendor.
    let other = erika().gender(Gender::Other("DIVERSE".into()));
    assert_eq!(written(&other, &Dialect::new().allow_other_gender(true))["gender"], "DIVERSE");
    assert_eq!(written(&erika().type_of_id(TypeOfId::IdCard), &Dialect::new())["type_of_id"], "Personalausweis");
    assert_eq!(written(&erika().type_of_id(TypeOfId::Passport), &Dialect::new())["type_of_id"], "Reisepass");
}

#[test]
fn ai_04_names_and_places_are_upper_case_by_default() {
    let ident = erika().person_last_name("Groß").street("Straße ﬁ").birth_place("İzmir ı i");
    let upper = written(&ident, &Dialect::new());
    assert_eq!(upper["person_last_name"], "GROSS");
    assert_eq!(upper["person_first_name"], "ERIKA");
    assert_eq!(upper["street"], "STRASSE FI");
    // No Turkish rules: i becomes I.
    assert_eq!(upper["birth_place"], "İZMIR I I");
    assert_eq!(upper["city"], "KÖLN");
    assert_eq!(upper["email"], "erika@example.com", "nothing else is touched");
    let kept = written(&ident, &Dialect::new().case(CasePolicy::Preserve));
    assert_eq!((&kept["person_last_name"], &kept["city"]), (&"Groß".into(), &"Köln".into()));
}

#[test]
fn ai_05_the_address_is_written_flat() {
    let written = written(&erika().street("x"), &Dialect::new());
    assert!(written.as_object().unwrap().values().all(|value| !value.is_object() && !value.is_array()));
    assert_eq!(written["street"], "X");
}

#[test]
fn ai_06_the_project_is_a_string_in_a_create() {
    let ident: CreateIdent = serde_json::from_str(r#"{"project_id":6}"#).unwrap();
    assert_eq!(written(&erika().project_id(ident.project_id.unwrap()), &Dialect::new())["project_id"], "6");
}

#[test]
fn ai_18_ai_25_the_custom_fields_come_back_and_are_not_touched() {
    for value in ["Straße 7, as it is", " e\u{301} ", "  "] {
        let ident = erika().custom_id(value).custom1(value).custom2(value).custom3(value).custom4(value);
        let written = written(&ident, &Dialect::new());
        for field in ["custom_id", "custom1", "custom2", "custom3", "custom4"] {
            assert_eq!(written[field], value, "{field}: no case policy, no trimming");
        }
    }
}

#[test]
fn ai_19_at_most_one_pdf_unless_allowed() {
    let both = erika().pdf_url("https://example.com/a.pdf").pdf_content("verbatim");
    only_fault(&both, "pdf_content", "AI-19");
    let sent = written(&both, &Dialect::new().allow_both_pdf_sources(true));
    assert_eq!((&sent["pdf_content"], &sent["pdf_url"]), (&"verbatim".into(), &"https://example.com/a.pdf".into()));
    assert!(erika().encode(&Dialect::new()).is_ok(), "none is legal");
}

#[test]
fn ai_19_a_pdf_is_encoded_in_the_form_of_the_dialect() {
    let ident = erika().pdf_content(PdfContent::from_bytes("%PDF-1.7\n"));
    for (encoding, expected) in [
        (PdfEncoding::SampleDataUri, "data:@file/pdf;base64,JVBERi0xLjcK"),
        (PdfEncoding::StandardDataUri, "data:application/pdf;base64,JVBERi0xLjcK"),
        (PdfEncoding::RawBase64, "JVBERi0xLjcK"),
    ] {
        assert_eq!(written(&ident, &Dialect::new().pdf_encoding(encoding))["pdf_content"], expected);
    }
    only_fault(&erika().pdf_content(PdfContent::from_bytes("no PDF")), "pdf_content", "I-043");
    only_fault(&erika().pdf_content(PdfContent::from_bytes("%PDF")), "pdf_content", "I-043");
}

#[test]
fn ai_19_a_large_pdf_goes_out_from_its_file() {
    let path = std::env::temp_dir().join(format!("identify24-writer-{}.pdf", std::process::id()));
    let mut pdf = b"%PDF-1.7\n".to_vec();
    pdf.resize(300_000, b'x');
    std::fs::write(&path, &pdf).unwrap();
    let source: Arc<dyn identkit_wire::Source> = Arc::new(FileSource::new(&path).unwrap());
    let ident = erika().pdf_content(source);
    let body = encoded(&ident, &Dialect::new()).body;
    assert!(!body.in_memory());
    let sent = body_bytes(&body);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(sent.len() as u64, body.len());
    let read: CreateIdent = serde_json::from_slice(&sent).unwrap();
    assert_eq!(read.pdf_content.unwrap().to_bytes().unwrap(), pdf);
}

#[test]
fn ai_20_phone_numbers_are_sent_as_given_without_separators() {
    for (given, sent) in [("0151/111 11-111", "015111111111"), ("+49 (0)151 1", "+491511"), ("0049151", "0049151")] {
        assert_eq!(written(&erika().mobile_phone(given), &Dialect::new())["mobile_phone"], sent);
    }
    let plus = Dialect::new().phone(PhonePolicy::Plus);
    assert_eq!(written(&erika().mobile_phone("01511111111"), &plus)["mobile_phone"], "+491511111111");
}

#[test]
fn ai_20_a_national_number_abroad_is_told_also_where_the_policy_makes_a_german_one_of_it() {
    for policy in [PhonePolicy::AsGiven, PhonePolicy::DoubleZero, PhonePolicy::Plus] {
        let dialect = Dialect::new().phone(policy);
        let warned = |phone: &str, country: &str| {
            let ident = erika().mobile_phone(phone).country(country);
            let warnings = ident.encode(&dialect).unwrap().warnings;
            warnings.iter().map(|warning| warning.rule).collect::<Vec<_>>()
        };
        assert_eq!(warned("0660 1234567", "AT"), ["AI-20"], "{policy:?}");
        assert_eq!(warned(" (0660) 1234567", "AT"), ["AI-20"], "{policy:?}");
        assert_eq!(warned("0151 1", "AT"), ["AI-20"], "{policy:?}: odd, not wrong");
        for (phone, country) in [
            ("+43 660 1234567", "AT"),
            ("(+43) 660 1", "AT"),
            ("0043 660 1", "AT"),
            ("+43 1", "AT"),
            ("0151 1", "DE"),
            ("0660 1234567", "DE"),
        ] {
            assert!(warned(phone, country).is_empty(), "{policy:?} {phone} {country}");
        }
    }
}

#[test]
fn ai_21_an_odd_international_code_is_a_warning() {
    assert_eq!(warned(&erika().international_code("49")), ["AI-21"]);
    assert!(warned(&erika().international_code("DE")).is_empty());
    assert!(written(&erika(), &Dialect::new()).get("international_code").is_none(), "never derived");
}

#[test]
fn i_022_a_guessable_custom_id_is_a_warning() {
    assert_eq!(warned(&erika().custom_id("Optional")), ["I-022"]);
    assert_eq!(warned(&erika().custom_id("1234567890123456789")), ["I-022"]);
    assert!(warned(&erika().custom_id("2f1c6b0e-7d6a-4c55-9b6f-1f0d6a0a2c11")).is_empty());
}

#[cfg(feature = "uuid")]
#[test]
fn i_022_a_custom_id_is_made_where_there_is_none() {
    let id = |ident: CreateIdent| ident.custom_id.unwrap().expose().clone();
    let made: std::collections::BTreeSet<_> = (0..1000).map(|_| id(erika().with_custom_id())).collect();
    assert_eq!(made.len(), 1000);
    for one in &made {
        let groups: Vec<_> = one.split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12], "{one}");
        assert_eq!((&one[14..15], "89ab".contains(&one[19..20])), ("4", true), "{one} is no UUID of version 4");
    }
    assert!(warned(&erika().with_custom_id()).is_empty(), "it is not easy to guess");
    assert_eq!(id(erika().custom_id("mine").with_custom_id()), "mine");
    assert!(!id(erika().custom_id("").with_custom_id()).is_empty());
}

#[test]
fn ai_24_what_is_empty_is_not_sent() {
    let ident = erika().company_name("").store_name("  ").custom1("").pdf_url("").pdf_content("");
    assert_eq!(written(&ident, &Dialect::new()), written(&erika(), &Dialect::new()));
    assert!(!serde_json::to_string(&CreateIdent::default()).unwrap().contains("null"));
}

#[test]
fn no_fault_and_no_warning_quotes_a_value() {
    let canary = "Canary4711";
    let mut all = serde_json::to_value(erika()).unwrap();
    for field in json(&fixture("S-011-ident-create-request.json")).as_object().unwrap().keys() {
        all[field] = canary.into();
    }
    let ident: CreateIdent = serde_json::from_value(all).unwrap();
    let error = ident.encode(&Dialect::new()).unwrap_err();
    assert!(error.violations().len() >= 9, "{error}");
    let shown = format!("{error} {error:?} {ident:?} {ident:#?}");
    let project = format!("ProjectId({canary:?})");
    assert!(!shown.replace(&project, "").contains(canary), "{shown}");
    assert!(shown.contains("[redacted]"));

    let odd = erika().international_code(canary).custom_id(canary).pdf_url(canary);
    let warnings = encoded(&odd, &Dialect::new()).warnings;
    assert_eq!(warnings.len(), 3);
    assert!(!format!("{warnings:?}").contains(canary));
}

/// A text of this pattern at each of the keys.
fn texts(patterns: Vec<(&'static str, &'static str)>) -> Vec<impl Strategy<Value = (String, Value)>> {
    let text =
        |(key, pattern): (&'static str, &'static str)| pattern.prop_map(move |text| (key.to_owned(), text.into()));
    patterns.into_iter().map(text).collect()
}

fn idents() -> impl Strategy<Value = CreateIdent> {
    // A name or place: not empty, whatever else.
    const WORD: &str = "[ ]?[a-zäöüßéŉﬁ]\\PC{0,8}";
    let required = texts(vec![
        ("project_id", "[1-9][0-9]{0,3}|[a-z]{1,4}"),
        ("person_first_name", WORD),
        ("person_last_name", WORD),
        ("birth_place", WORD),
        ("city", WORD),
        ("gender", "MALE|FEMALE"),
        ("birthday", "[0-2][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"),
        ("email", "[a-z.]{0,2}[a-z]@example\\.com"),
        ("mobile_phone", "(\\+|00|0)?[1-9][0-9 /.()-]{0,12}"),
        ("nationality", "[A-Z]{2}"),
        ("country", "[A-Z]{2}"),
        ("zip_code", "[0-9]{4,5}"),
    ]);
    let typed = ["type_of_id", "id_issue_date", "id_end_date", "id_country", "pdf_url", "pdf_content"];
    let optional = CreateIdent::KEYS.iter().copied().filter(|key| !REQUIRED.contains(key) && !typed.contains(key));
    let optional = texts(optional.chain(["nickname"]).map(|key| (key, "\\PC{0,12}")).collect());
    let optional: Vec<_> = optional.into_iter().map(prop::option::of).collect();
    let pdf = prop_oneof![
        Just(None),
        "\\PC{0,12}".prop_map(|text| Some(PdfContent::from(text))),
        prop::collection::vec(any::<u8>(), 0..200)
            .prop_map(|rest| Some(PdfContent::from_bytes([b"%PDF-".to_vec(), rest].concat()))),
    ];
    (required, optional, pdf).prop_map(|(required, optional, pdf)| {
        let text = required.into_iter().chain(optional.into_iter().flatten()).collect();
        let mut ident: CreateIdent = serde_json::from_value(Value::Object(text)).unwrap();
        ident.pdf_content = pdf;
        ident
    })
}

proptest! {
    #[test]
    fn what_is_written_is_what_is_read(
        ident in idents(),
        preserve: bool,
        compose: bool,
        phone in prop_oneof![Just(PhonePolicy::AsGiven), Just(PhonePolicy::DoubleZero), Just(PhonePolicy::Plus)],
        encoding in prop_oneof![
            Just(PdfEncoding::SampleDataUri),
            Just(PdfEncoding::StandardDataUri),
            Just(PdfEncoding::RawBase64),
        ],
    ) {
        let case = if preserve { CasePolicy::Preserve } else { CasePolicy::Uppercase };
        let dialect = Dialect::new().case(case).phone(phone).pdf_encoding(encoding).compose(compose);
        prop_assert_eq!(round_trip(&ident, &dialect), ident.normalised(&dialect));
    }
}
