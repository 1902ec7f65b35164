//! The strict writer of `ident/create`: every rule has a violation, no violation quotes a value, and the sandbox reads
//! every written request.

use identkit_wire::FileSource;
use proptest::prelude::*;
use serde_json::{Map, Value};

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

/// Each row of `writer_rules.tsv` changes an ident with the twelve required fields. It lists the violations in a
/// dialect or, for a valid ident, elements of the request (with an empty name: the whole request) and the warnings
/// (`-`: any).
#[test]
fn ai_04_ai_21_ai_24_ai_25_writer_applies_its_rules() {
    for line in include_str!("writer_rules.tsv").lines().skip(1) {
        let [_, dialect, change, expected, sent, warned] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let dialect = match dialect {
            "" => Dialect::new(),
            "assigned_countries" => Dialect::new().assigned_countries(true),
            "both_pdfs" => Dialect::new().allow_both_pdf_sources(true),
            "compose" => Dialect::new().compose(true),
            "double_zero" => Dialect::new().phone(PhonePolicy::DoubleZero),
            "other_gender" => Dialect::new().allow_other_gender(true),
            "plus" => Dialect::new().phone(PhonePolicy::Plus),
            "preserve" => Dialect::new().case(CasePolicy::Preserve),
            other => panic!("unknown dialect {other}"),
        };
        let mut text = serde_json::to_value(erika()).unwrap();
        assert_eq!(text.as_object().unwrap().len(), REQUIRED.len());
        text.as_object_mut().unwrap().extend(serde_json::from_str::<Map<String, Value>>(change).unwrap());
        let ident: CreateIdent = serde_json::from_value(text).unwrap();
        let encoded = match ident.encode(&dialect) {
            Ok(encoded) => encoded,
            Err(error) => {
                assert_eq!((error.kind(), error.delivery()), (Kind::InvalidInput, Some(Delivery::NotSent)));
                assert!(error.violations().iter().all(|fault| fault.section == "[I] ident/create"));
                let rules = error.violations().iter().map(|fault| format!("{} {}", fault.field, fault.rule));
                assert_eq!(rules.collect::<Vec<_>>().join(", "), expected, "{line}");
                continue;
            }
        };
        assert_eq!(expected, "", "{line}");
        let warnings: Vec<_> = encoded.warnings.iter().map(|warning| warning.rule).collect();
        assert!(warned == "-" || warnings.join(", ") == warned, "{warnings:?}: {line}");
        let body = written(&ident, &dialect);
        for (name, value) in &serde_json::from_str::<Map<String, Value>>(sent).unwrap() {
            assert_eq!(if name.is_empty() { &body } else { &body[name] }, value, "{line}");
        }
    }
    assert!(!serde_json::to_string(&CreateIdent::default()).unwrap().contains("null"));
    // The vendor's words for the types of documents (AI-23).
    assert_eq!((TypeOfId::IdCard.as_str(), TypeOfId::Passport.as_str()), ("Personalausweis", "Reisepass"));
}

#[test]
fn ai_19_dialect_selects_the_pdf_encoding() {
    let ident = erika().pdf_content(PdfContent::from_bytes("%PDF-1.7\n"));
    for (encoding, expected) in [
        (PdfEncoding::SampleDataUri, "data:@file/pdf;base64,JVBERi0xLjcK"),
        (PdfEncoding::StandardDataUri, "data:application/pdf;base64,JVBERi0xLjcK"),
        (PdfEncoding::RawBase64, "JVBERi0xLjcK"),
    ] {
        assert_eq!(written(&ident, &Dialect::new().pdf_encoding(encoding))["pdf_content"], expected);
    }
    // Blanks around a text are not sent; the URL-safe alphabet is an error.
    let blank = erika().pdf_content(PdfContent::from(" data:@file/pdf;base64,JVBERi0xLjcK\n"));
    assert_eq!(written(&blank, &Dialect::new())["pdf_content"], "data:@file/pdf;base64,JVBERi0xLjcK");
    let warnings = blank.encode(&Dialect::new()).unwrap().warnings;
    let message = "sent without the blanks around them: pdf_content";
    assert!(warnings.iter().any(|warning| warning.message == message), "{warnings:?}");
    for text in ["JVBERi0xLjcK__79", "data:application/pdf;base64,JVBERi0xLjcK-_79"] {
        let error = erika().pdf_content(PdfContent::from(text)).encode(&Dialect::new()).unwrap_err();
        let violations: Vec<_> = error.violations().iter().map(|fault| (&*fault.field, fault.rule)).collect();
        assert_eq!(violations, [("pdf_content", "AI-19")], "{text}");
    }
    for bytes in ["not a PDF", "%PDF"] {
        let error = erika().pdf_content(PdfContent::from_bytes(bytes)).encode(&Dialect::new()).unwrap_err();
        let violations: Vec<_> = error.violations().iter().map(|fault| (&*fault.field, fault.rule)).collect();
        assert_eq!(violations, [("pdf_content", "I-043")]);
    }
}

#[test]
fn ai_19_large_pdf_is_streamed_from_its_file() {
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

#[cfg(feature = "uuid")]
#[test]
fn i_022_missing_custom_id_becomes_a_uuid() {
    let id = |ident: CreateIdent| ident.custom_id.unwrap().expose().clone();
    let made: std::collections::BTreeSet<_> = (0..1000).map(|_| id(erika().with_custom_id())).collect();
    assert_eq!(made.len(), 1000);
    for one in &made {
        let groups: Vec<_> = one.split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12], "{one}");
        assert_eq!((&one[14..15], "89ab".contains(&one[19..20])), ("4", true), "{one} is not a UUID of version 4");
    }
    assert!(encoded(&erika().with_custom_id(), &Dialect::new()).warnings.is_empty(), "a UUID is hard to guess");
    assert_eq!(id(erika().custom_id("mine").with_custom_id()), "mine");
    assert!(!id(erika().custom_id("").with_custom_id()).is_empty());
}

#[test]
fn violations_and_warnings_quote_no_value() {
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

/// A text for each key and pattern.
fn texts(patterns: Vec<(&'static str, &'static str)>) -> Vec<impl Strategy<Value = (String, Value)>> {
    let text =
        |(key, pattern): (&'static str, &'static str)| pattern.prop_map(move |text| (key.to_owned(), text.into()));
    patterns.into_iter().map(text).collect()
}

fn idents() -> impl Strategy<Value = CreateIdent> {
    // A name or place: any text that is not empty.
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
        // Neither `(0)` nor 49 at the start, which are errors at some places (AI-20).
        ("mobile_phone", "((\\+|00|0)[1-9]|[1-35-9])[0-9 /.)-]{0,12}"),
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
        // Without the URL-safe alphabet, which is an error (AI-19).
        "[^\\pC_-]{0,12}".prop_map(|text| Some(PdfContent::from(text))),
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
    fn request_survives_a_round_trip(
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
        prop_assert_eq!(round_trip(&ident, &dialect), ident.normalized(&dialect));
    }
}
