//! Rules of the writers.

use identkit_conformance::example_case;

use super::*;

/// Decodes a request with this body.
fn request<Op: ServedOperation<Dialect = Dialect>>(body: &Value) -> Op {
    let path = Op::META.path.replace("{OrderID}", ORDER);
    let params = Op::META.match_path(&path, false).unwrap();
    Op::decode_request(&params, &Request::new(body.to_string().into())).unwrap()
}

/// Returns the violations of a request or, if there are none, the warnings and the sent body.
fn check<Op: ServedOperation<Dialect = Dialect>>(body: &Value, dialect: &Dialect) -> (String, String, Value) {
    let operation: Op = request(body);
    let faults = violations_of(&operation, dialect);
    let text = faults.iter().map(|(field, rule)| format!("{field} {rule}")).collect::<Vec<_>>().join(", ");
    let Ok(encoded) = operation.encode(dialect) else { return (text, String::new(), Value::Null) };
    let sent = serde_json::from_slice(&body_bytes(&encoded.body)).unwrap();
    (text, rules(&encoded.warnings).join(", "), sent)
}

/// Each row of `writer_rules.tsv` has a call, a setting of the dialect, a request (of putOrder: changes to a minimal
/// order), the expected violations and, if there are none, values of the sent body and the warnings (`-`: any).
#[test]
fn at_20_at_30_at_34_at_43_at_44_at_45_at_47_at_51_at_52_at_81_at_83_rules() {
    for line in include_str!("writer_rules.tsv").lines().skip(1) {
        let [_, call, switch, change, expected, sent, warned] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let dialect = allowing(|dialect| match switch {
            "" => {}
            "any_reference" => dialect.any_reference = true,
            "any_tan_length" => dialect.any_tan_length = true,
            "bare_legitimation_documents" => dialect.bare_legitimation_documents = true,
            "long_first_order_ids" => dialect.long_first_order_ids = true,
            "long_zip_codes" => dialect.long_zip_codes = true,
            "pdf_and_hash_together" => dialect.pdf_and_hash_together = true,
            "same_file_names" => dialect.same_file_names = true,
            "three_letter_countries" => dialect.three_letter_countries = true,
            other => panic!("{other} is not a setting of the dialect"),
        });
        let mut body = if call == "putOrder" { serde_json::to_value(plain_order()).unwrap() } else { json!({}) };
        merge(&mut body, serde_json::from_str(change).unwrap());
        let (faults, warnings, sent_body) = match call {
            "putOrder" => check::<PutOrder>(&body, &dialect),
            "getAllStatus" => check::<GetAllStatus>(&body, &dialect),
            "getAllStatus/ExtendedList" => check::<GetAllStatusExtended>(&body, &dialect),
            "getVideoFileBinaryAsync" => check::<RequestVideo>(&body, &dialect),
            "confirmSign" => check::<ConfirmSign>(&body, &dialect),
            "checkSignmeUser" => check::<CheckSignmeUser>(&body, &dialect),
            other => panic!("{other} does not send a body"),
        };
        assert_eq!(faults, expected, "{line}");
        if expected.is_empty() {
            assert!(warned == "-" || warnings == warned, "unexpected warnings {warnings}: {line}");
            for (place, value) in &serde_json::from_str::<Map<String, Value>>(sent).unwrap() {
                assert_eq!(sent_body.pointer(place), Some(value), "{line}");
            }
            assert!(
                call != "putOrder" || order_of(&body).check(&dialect).is_ok(),
                "check applies to the normalized order"
            );
        }
    }
}

fn merge(at: &mut Value, change: Value) {
    match (at, change) {
        (Value::Object(at), Value::Object(change)) => {
            change.into_iter().for_each(|(key, value)| merge(at.entry(key).or_insert(Value::Null), value));
        }
        (at, change) => *at = change,
    }
}

/// The reader accepts values that the writer rejects (AT-44, AT-45, AT-46).
#[test]
fn at_46_the_reader_has_no_length_limits() {
    let long = "x".repeat(1000);
    let data = json!({"Country": "DEU", "ZipCode": "1012 AB", "Street": long, "Email": long});
    let read = ident_data(&json!({ "IdentData": data }));
    let read = read.checked().unwrap();
    assert_eq!((&read.country, &read.zip_code), (&Some("DEU".into()), &Some("1012 AB".into())));
    assert_eq!(read.street.as_ref().unwrap().expose().len(), 1000);
}

#[test]
fn at_50_the_port_leaves_a_third_gender_out() {
    use identkit_core::Gender;
    let read = ident_data(&json!({"IdentData": {"Gender": "diverse"}}));
    assert_eq!(read.checked().unwrap().gender, Some("diverse".into()), "the reader preserves the value");
    for (gender, sent) in
        [(Gender::Female, json!("female")), (Gender::Male, json!("male")), (Gender::Other, Value::Null)]
    {
        let client = client([reply(202, r#"{"OrderID":"1"}"#)]);
        let mut case = example_case(Purpose::Identification);
        case.person.gender = Some(gender);
        block_on(client.open(&case, &options())).unwrap();
        let body: Value = serde_json::from_slice(&client.sent()[0].body).unwrap();
        assert_eq!(body["IdentData"]["Gender"], sent);
    }
}
