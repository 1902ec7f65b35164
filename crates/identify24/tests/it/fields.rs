//! The contract's table of fields and the keys of the messages must be equal.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::*;

const TABLE: &str = include_str!("../../../../docs/contract/fields.tsv");

type Objects = &'static [(&'static str, &'static [&'static str])];

/// Keys of every message: endpoint, direction, and the keys of each object below its path.
const MESSAGES: [(&str, &str, Objects); 9] = [
    ("POST /auth", "req", &[("", AuthRequest::KEYS)]),
    ("POST /auth", "resp", &[("", AuthResponse::KEYS)]),
    ("POST /ident/create", "req", &[("", CreateIdent::KEYS)]),
    ("POST /ident/create", "resp", &[("", CreateIdentResponse::KEYS)]),
    ("GET /ident/get/{ident_id}", "resp", &[("", Envelope::<Ident>::KEYS), ("data.", Ident::KEYS)]),
    ("GET /project/getAll", "resp", &[("", Envelope::<Project>::KEYS), ("data[].", Project::KEYS)]),
    ("GET /project/get", "req", &[("", ProjectRequest::KEYS)]),
    ("GET /project/get", "resp", &[("", Envelope::<Project>::KEYS), ("data.", Project::KEYS)]),
    ("WEBHOOK POST", "in", &[("", IdentWebhook::KEYS)]),
];

fn rows() -> BTreeSet<(String, String, String)> {
    let columns = TABLE.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
    let rows = columns.filter(|row| row[1] == "identify24");
    rows.map(|row| (row[2].to_owned(), row[3].to_owned(), row[4].to_owned())).collect()
}

#[test]
fn keys_equal_the_documented_elements() {
    let mut keys = BTreeSet::new();
    for (endpoint, direction, objects) in MESSAGES {
        for (path, listed) in objects {
            for key in *listed {
                let new = keys.insert((endpoint.to_owned(), direction.to_owned(), format!("{path}{key}")));
                assert!(new, "{endpoint} {direction} lists {path}{key} twice");
            }
        }
    }
    // AI-02: read in responses about idents, although the document does not list it there.
    for endpoint in ["POST /ident/create", "GET /ident/get/{ident_id}"] {
        assert!(keys.remove(&(endpoint.to_owned(), "resp".to_owned(), "response_status".to_owned())));
    }
    assert_eq!(keys, rows());
    assert_eq!(keys.len(), 89, "number of identify24 rows in the contract");
}

#[test]
fn unlisted_members_survive_and_are_not_printed() {
    fn check<T: serde::Serialize + serde::de::DeserializeOwned + std::fmt::Debug>(text: &Value) {
        let read: T = serde_json::from_value(text.clone()).unwrap();
        assert_eq!(&serde_json::to_value(&read).unwrap(), text);
        let shown = format!("{read:?}");
        assert!(shown.contains("1 unlisted") && !shown.contains("nickname") && !shown.contains("Erika"), "{shown}");
    }
    let unlisted = json!({ "nickname": ["Erika", { "x": null }] });
    check::<AuthRequest>(&unlisted);
    check::<AuthResponse>(&unlisted);
    check::<CreateIdent>(&unlisted);
    check::<CreateIdentResponse>(&unlisted);
    check::<Ident>(&unlisted);
    check::<Project>(&unlisted);
    check::<ProjectRequest>(&unlisted);
    check::<IdentWebhook>(&unlisted);
    check::<Envelope<Ident>>(&unlisted);
    check::<Envelope<Ident>>(&json!({ "data": unlisted }));
    // Known keys in another case count as unlisted (AI-10).
    let read: AuthRequest = serde_json::from_value(json!({ "partner": "x", "Apikey": "y" })).unwrap();
    assert_eq!((read.partner, read.api_key, read.extra.len()), (None, None, 2));
}

#[test]
fn errors_have_a_path_and_quote_nothing() {
    let get = GetIdent { ident_id: "x".into() };
    for (body, part) in [
        (r#"{"data":{"custom_id":["Mustermann"]}}"#, "data."),
        (r#"{"data":"Mustermann"}"#, "data"),
        (r#"["Mustermann"]"#, "expected an object"),
    ] {
        let error = fault(decode(&get, body));
        assert_eq!(error.kind(), Kind::Protocol, "{body}");
        assert!(format!("{error} {error:?}").contains(part), "{error}");
    }
    let error = decode(&erika(), r#"{"ident_id":{"x":1}}"#).unwrap_err();
    assert!(error.to_string().contains("ident_id"), "{error}");
}
