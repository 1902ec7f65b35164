//! Every shape of an answer: another shape of the same thing is read, and what is odd costs nothing beside it.

use super::*;

/// What the operation reads of an answer, as it is written again, and the rules that warn.
fn read<Op>(operation: &Op, text: &str) -> Result<(Value, String), Error>
where
    Op: ServedOperation<Dialect = Dialect>,
    Op::Output: serde::Serialize,
{
    let decoded = decode(operation, &json_answer(Op::META.expect[0], text.to_owned()))?;
    Ok((serde_json::to_value(&decoded.value).unwrap(), rules(&decoded.warnings).join(", ")))
}

/// Each row of `reader_rules.tsv` is a text, what it is read as, and what is read: JSON with the rules that warn, or the
/// kind of an error with a part of its text. `R` is the contract's rule for readers.
#[test]
fn at_01_at_02_at_03_at_24_at_26_at_28_at_36_shapes_are_read() {
    for line in include_str!("reader_rules.tsv").lines().skip(1) {
        let [_, call, text, expected, also] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let told = match call {
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
            other => panic!("{other} is no operation of this table"),
        };
        match told {
            Ok((told, warned)) => {
                let expected = serde_json::from_str(expected).unwrap_or_else(|_| panic!("{line}: {told}"));
                assert_eq!((told, &*warned), (expected, also), "{line}");
            }
            Err(error) => {
                let shown = format!("{error} {error:?}");
                assert_eq!(format!("{:?}", error.kind()), expected, "{line}");
                assert!(error.to_string().contains(also), "{line}: {error}");
                assert!(!["Mustermann", "pdf", "99920006C38842"].iter().any(|told| shown.contains(told)), "{shown}");
            }
        }
    }
}

#[test]
fn at_29_one_document_is_read_alone() {
    let read: LegitimationDocument = serde_json::from_value(json!({"Document": "Pass"})).unwrap();
    assert_eq!(read, LegitimationDocument::default().document("Pass"));
    assert!(serde_json::from_value::<LegitimationDocument>(json!(["a", "b"])).is_err());
}

#[test]
fn an_object_for_a_code_is_refused_by_its_path_and_unquoted() {
    for (key, expected) in [("Kind", "a whole number"), ("Time", "a date-time"), ("Text", "a string")] {
        let order = json!({ "Status": [{ "Kind": 25 }, { key: { "Mustermann": 6 } }] });
        let error = fault(decode(&GetStatus::new(id()), &json_answer(200, order.to_string())));
        assert!(error.detail().contains(&format!("Status[1].{key}: expected {expected}")), "{error}");
    }
}
