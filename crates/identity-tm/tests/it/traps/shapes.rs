//! Shapes of responses: alternative shapes are read, and a malformed element does not affect the others.

use super::*;

/// Decodes a response. Returns the value as JSON and the rules of the warnings.
fn read<Op>(operation: &Op, text: &str) -> Result<(Value, String), Error>
where
    Op: ServedOperation<Dialect = Dialect>,
    Op::Output: serde::Serialize,
{
    let decoded = decode(operation, &json_answer(Op::META.expect[0], text.to_owned()))?;
    Ok((serde_json::to_value(&decoded.value).unwrap(), rules(&decoded.warnings).join(", ")))
}

/// Checks the rows of some traps. Each row of `reader_rules.tsv` has a call, a text and the expected result: JSON with the rules of the warnings, or the
/// kind of an error with a part of its text.
fn check_rows(of: impl Fn(&str) -> bool) {
    for line in include_str!("reader_rules.tsv").lines().skip(1).filter(|line| of(line.split('\t').next().unwrap())) {
        let [_, call, text, expected, also] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let result = match call {
            "order" => {
                PutOrder::from_json(text.as_bytes()).map(|order| (serde_json::to_value(&order).unwrap(), String::new()))
            }
            "putOrder" => read(&plain_order(), text),
            "getStatus" => read(&GetStatus::new(id()), text),
            "getStatus/ExtendedList" => read(&GetStatusExtended::new(id()), text),
            "getAllStatus" => read(&GetAllStatus::new(period()), text),
            "getIdentData" => read(&GetIdentData::new(id()), text),
            "getIdentData/IncludeInitialData" => read(&GetIdentDataInitial::new(id()), text),
            "getIdentData/IncludeIdentifyMethod" => read(&GetIdentDataMethod::new(id()), text),
            "getBankList" => read(&GetBankList, text),
            "getESignHash" => read(&GetESignHash::new(id()), text),
            other => panic!("{other} is not an operation of this table"),
        };
        match result {
            Ok((read, warned)) => {
                let expected = serde_json::from_str(expected).unwrap_or_else(|_| panic!("{line}: {read}"));
                assert_eq!((read, &*warned), (expected, also), "{line}");
            }
            Err(error) => {
                let shown = format!("{error} {error:?}");
                assert_eq!(format!("{:?}", error.kind()), expected, "{line}");
                assert!(error.to_string().contains(also), "{line}: {error}");
                assert!(!["Mustermann", "pdf", "99920006C38842"].iter().any(|text| shown.contains(text)), "{shown}");
            }
        }
    }
}

const TYPES: [&str; 5] = ["AT-92", "AT-93", "AT-94", "AT-95", "AT-96"];

#[test]
fn at_01_at_02_at_03_at_24_at_26_at_28_at_36_shapes_are_read() {
    check_rows(|trap| !TYPES.contains(&trap));
}

#[test]
fn at_92_at_93_at_94_at_95_at_96_deviations_are_read_or_named() {
    check_rows(|trap| TYPES.contains(&trap));
}

#[test]
fn at_92_each_field_has_one_type_without_a_warning() {
    fn check<T: serde::de::DeserializeOwned>(keys: &[&str]) {
        let types = [("text", r#""5""#), ("number", "5"), ("bool", "true"), ("object", "{}"), ("list", "[]")];
        for key in keys {
            let plain = types.into_iter().filter(|(_, value)| {
                let text = format!(r#"{{"{key}":{value}}}"#);
                let read = identkit_wire::json::read_answer::<T>(text.as_bytes());
                read.is_ok_and(|(_, notes)| notes.warnings().is_empty())
            });
            let plain = plain.map(|(name, _)| name).collect::<Vec<_>>().join(" ");
            let expected = match *key {
                "Kind" | "Type" if !std::any::type_name::<T>().ends_with("CheckedIdCard") => "number",
                "UserExists" | "UserIsAbleToSign" => "bool",
                "TVSlot" | "IDCard" | "DriverLicence" | "VideoHashes" | "Additional" => "object",
                "Status" | "Images" | "PDFs" | "Voicefiles" => "list",
                // Several are documented: O/A, AT-36, AT-57, and the nested images of the example.
                "IdentData" | "Hashes" => "object list",
                "Image" => "text object",
                "bic" => "text number bool",
                "blz" => "text number",
                _ => "text",
            };
            assert_eq!(plain, expected, "{key} of {}", std::any::type_name::<T>());
        }
    }
    check::<OrderStatus>(OrderStatus::KEYS);
    check::<StatusEntry>(StatusEntry::KEYS);
    check::<ListedOrder>(ListedOrder::KEYS);
    check::<TvSlot>(TvSlot::KEYS);
    check::<PutOrderAnswer>(PutOrderAnswer::KEYS);
    check::<IdentDataAnswer>(IdentDataAnswer::KEYS);
    check::<IdentData>(IdentData::KEYS);
    check::<CheckedIdCard>(CheckedIdCard::KEYS);
    check::<CheckedDriverLicense>(CheckedDriverLicense::KEYS);
    check::<Image>(Image::KEYS);
    check::<SignedPdfList>(SignedPdfList::KEYS);
    check::<SignedPdf>(SignedPdf::KEYS);
    check::<SignedHashes>(SignedHashes::KEYS);
    check::<VoiceFiles>(VoiceFiles::KEYS);
    check::<VoiceFile>(VoiceFile::KEYS);
    check::<Bank>(Bank::KEYS);
    check::<SignmeUser>(SignmeUser::KEYS);
}

#[test]
fn at_29_a_single_legitimation_document_is_read() {
    let read: LegitimationDocument = serde_json::from_value(json!({"Document": "Pass"})).unwrap();
    assert_eq!(read, LegitimationDocument::default().document("Pass"));
    assert!(serde_json::from_value::<LegitimationDocument>(json!(["a", "b"])).is_err());
}

#[test]
fn a_fault_in_a_status_entry_names_its_path() {
    for (key, expected) in [("Time", "a date-time"), ("Text", "a string")] {
        let order = json!({ "Status": [{ "Kind": 25 }, { key: { "Mustermann": 6 } }] });
        let error = error_of(decode(&GetStatus::new(id()), &json_answer(200, order.to_string())));
        assert!(error.detail().contains(&format!("Status[1].{key}: expected {expected}")), "{error}");
    }
}
