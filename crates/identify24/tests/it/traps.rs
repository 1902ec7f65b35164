//! Tests of the document's traps (contract, chapter 6) that fit no other file.

use proptest::prelude::*;

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
