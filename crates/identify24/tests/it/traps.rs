//! Tests of the document's traps (contract, chapter 6) that fit no other file.

use identkit_wire::json::{read_answer, read_input};
use proptest::prelude::*;
use serde::de::DeserializeOwned;

use crate::support::*;

#[test]
fn ai_01_error_retains_unreadable_responses_except_logins() {
    let body = r#"{"ident_id":"Mustermann" "x":1}"#;
    let get = GetIdent { ident_id: "x".into() };
    for error in [fault(decode(&erika(), body)), fault(decode(&get, body)), fault(decode(&GetAllProjects, body))] {
        assert_eq!(error.kind(), Kind::Protocol);
        assert_eq!(error.vendor_text().unwrap().expose(), body);
    }
    let long = format!(r#"{{"x":"{}"#, "y".repeat(10_000));
    assert_eq!(decode(&erika(), long).unwrap_err().vendor_text().unwrap().expose().len(), 2_000);
    let login = decode(&Login::default(), r#"{"token":"t0ken" "x":1}"#).unwrap_err();
    assert_eq!((login.kind(), login.vendor_text()), (Kind::Protocol, None));
}

#[test]
fn ai_05_address_is_read_flat_or_from_its_object() {
    let address = |body: &str| {
        let get = GetIdent { ident_id: "x".into() };
        let ident = decode(&get, format!(r#"{{"result":true,"data":{body}}}"#)).unwrap().data.unwrap();
        let found = ident.as_slice()[0].address();
        found.map(|found| {
            [found.street, found.house_number, found.postal_code, found.city, found.country]
                .map(|part| part.map(|text| text.expose().clone()).unwrap_or_default())
        })
    };
    assert_eq!(address(r#"{"id":"x"}"#), None);
    assert_eq!(address(r#"{"address":[]}"#), None);
    assert_eq!(address(r#"{"address":{"street":"","city":null}}"#), None);
    let nested = r#"{"address":{"street":"A","house_no":7,"zip_code":"51147","city":"KÖLN","country":"DE"}}"#;
    assert_eq!(address(nested).unwrap(), ["A", "7", "51147", "KÖLN", "DE"]);
    let both = r#"{"city":"KÖLN","address":{"city":"BERLIN","country":"DE"}}"#;
    assert_eq!(address(both).unwrap(), ["", "", "", "KÖLN", "DE"], "flat attributes win");
    let ident: Ident = serde_json::from_str(nested).unwrap();
    assert!(!format!("{ident:?} {:?}", ident.address()).contains("KÖLN"));
}

/// JSON types of a field that are read without a warning.
fn plain_types<T: DeserializeOwned>(key: &str) -> String {
    let types = [("text", r#""5""#), ("number", "5"), ("bool", "true"), ("object", "{}"), ("list", "[]")];
    let plain = types.into_iter().filter(|(_, value)| {
        let read = read_answer::<T>(format!(r#"{{"{key}":{value}}}"#).as_bytes());
        read.is_ok_and(|(_, notes)| notes.warnings().is_empty())
    });
    plain.map(|(name, _)| name).collect::<Vec<_>>().join(" ")
}

#[test]
fn ai_33_each_field_has_one_type_without_a_warning() {
    fn check<T: DeserializeOwned>(keys: &[&str], others: &[(&str, &str)]) {
        for key in keys {
            let others = others.iter().find(|(other, _)| other == key).map(|(_, types)| *types);
            let expected = others.unwrap_or(match *key {
                "result" => "bool",
                "response_status" => "number",
                // In the samples: a list of texts; in errors any shape (AI-03).
                "messages" => "text number bool object list",
                _ => "text",
            });
            assert_eq!(plain_types::<T>(key), expected, "{key} of {}", std::any::type_name::<T>());
        }
    }
    // A text in some samples, a number in others (AI-06).
    let id = "text number";
    check::<AuthResponse>(AuthResponse::KEYS, &[]);
    check::<CreateIdentResponse>(CreateIdentResponse::KEYS, &[]);
    check::<Envelope<Ident>>(Envelope::<Ident>::KEYS, &[("data", "object list")]);
    check::<Ident>(Ident::KEYS, &[("project_id", id)]);
    check::<Project>(Project::KEYS, &[("id", id)]);
    check::<IdentWebhook>(IdentWebhook::KEYS, &[("project_id", id)]);
}

#[test]
fn ai_33_other_types_are_converted_with_a_warning() {
    let warned = |text: &str| {
        let get = GetIdent { ident_id: "x".into() };
        let (head, ()) = Response::new(()).into_parts();
        let body = identkit_wire::Received::Whole(text.to_owned().into());
        let decoded = get.decode(&head, body, &Dialect::new()).unwrap();
        let rules: Vec<_> = decoded.warnings.iter().map(|warning| warning.rule).collect();
        (decoded.value, rules)
    };
    let (read, rules) = warned(r#"{"result":"1","data":{"id":"x","custom1":12345678901234567890123,"custom2":[]}}"#);
    let ident = &read.data.as_ref().unwrap().as_slice()[0];
    assert_eq!(ident.custom1.as_ref().unwrap().expose(), "12345678901234567890123");
    assert_eq!((read.result, &ident.custom2, rules), (Some(true), &None, vec!["AT-92"; 3]));
    let (read, rules) = warned(r#"{"response_status":" 200","data":{"id":"x"}}"#);
    assert_eq!((read.response_status, rules), (Some(200), vec!["AT-92"]));
    // A failure counts whatever its type.
    for text in
        [r#"{"result":"FALSE","data":{}}"#, r#"{"result":0.0,"data":{}}"#, r#"{"response_status":"400","data":{}}"#]
    {
        assert_eq!(decode(&GetIdent { ident_id: "x".into() }, text).unwrap_err().kind(), Kind::Rejected, "{text}");
    }
    assert_eq!(fault(decode(&GetProject::default(), r#"{"data":{"title":{"Mustermann":1}}}"#)).kind(), Kind::Protocol);
}

#[test]
fn ai_33_a_login_has_its_warnings() {
    let (head, ()) = Response::new(()).into_parts();
    let body = identkit_wire::Received::Whole(r#"{"result":1,"token":5}"#.into());
    let decoded = Login::default().decode(&head, body, &Dialect::new()).unwrap();
    assert_eq!((decoded.value.token().unwrap().expose(), decoded.warnings.len()), ("5", 2));
}

#[test]
fn ai_06_a_request_is_converted_but_loses_nothing() {
    let text = br#"{"project_id":6,"zip_code":51147,"custom1":99999999999999999999,"gender":"MALE"}"#;
    for read in
        [read_input::<CreateIdent>(text).unwrap(), CreateIdent::decode_request(&params(), &request(&text[..])).unwrap()]
    {
        assert_eq!(read.zip_code.unwrap().expose(), "51147");
        assert_eq!(read.custom1.unwrap().expose(), "99999999999999999999");
    }
    for text in [r#"{"custom1":[]}"#, r#"{"custom1":{}}"#, r#"{"zip_code":1,"city":"a","city":"b"}"#] {
        assert!(read_input::<CreateIdent>(text.as_bytes()).is_err(), "{text}");
    }
    assert!(CreateIdent::decode_request(&params(), &request(r#"{"custom1":[]}"#)).is_err());
}

#[test]
fn at_99_a_conference_url_that_is_invalid_is_kept_with_a_warning() {
    for (url, count) in [("https://identify24.de/apply/x1", 0), ("https://identify24.de:99999/apply/ä", 1), ("", 0)] {
        let (head, ()) = Response::new(()).into_parts();
        let text = format!(r#"{{"ident_id":"x1","conference_url":"{url}"}}"#);
        let decoded = erika().decode(&head, identkit_wire::Received::Whole(text.into()), &Dialect::new()).unwrap();
        assert_eq!(decoded.value.conference_url.unwrap().expose(), url);
        assert_eq!(decoded.warnings.iter().filter(|warning| warning.rule == "AT-99").count(), count, "{url}");
    }
}

#[tokio::test]
async fn ai_08_project_get_reads_a_project() {
    let vendor = Vendor::script(vec![ok(fixture("S-026-project-get-response.json"))]);
    let project = client(&vendor).project(&"6".into(), &options()).await.unwrap().value;
    assert_eq!(project.title.as_deref(), Some("911 Internet GmbH"));
    assert_eq!((vendor.last().path(), vendor.last().method.as_str()), ("/project/get", "GET"));
    assert_eq!(vendor.last().body, br#"{"project_id":6}"#);
}

#[test]
fn ai_06_only_canonical_project_ids_are_numbers() {
    for (id, expected) in [
        ("6", 6.into()),
        ("0", 0.into()),
        ("06", "06".into()),
        ("+6", "+6".into()),
        ("-6", "-6".into()),
        ("6.0", "6.0".into()),
        ("x", serde_json::Value::from("x")),
    ] {
        let get = GetProject(ProjectRequest::new(id));
        assert_eq!(written(&get, &Dialect::new()), serde_json::json!({ "project_id": expected }));
    }
    for empty in [GetProject::default(), GetProject(ProjectRequest::new(""))] {
        assert_eq!(empty.encode(&Dialect::new()).unwrap_err().kind(), Kind::InvalidInput);
    }
}

proptest! {
    #[test]
    fn ai_18_composing_never_changes_returned_values(text in "[a-zäe\u{301}\u{308}]{1,12}") {
        let ident = erika().custom_id(&*text).custom1(&*text).custom2(&*text).custom3(&*text).custom4(&*text);
        let written = written(&ident, &Dialect::new().compose(true));
        for field in ["custom_id", "custom1", "custom2", "custom3", "custom4"] {
            prop_assert_eq!(&written[field], &serde_json::Value::from(text.clone()));
        }
    }
}
