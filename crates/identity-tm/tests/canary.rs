//! Nothing that came from a person or lets a bearer act is ever printed: every text of every message is a canary that
//! must not turn up in a `Debug`, an error or a warning.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fmt::Debug;

use identkit_identity_tm::messages::{IdentDataAnswer, OrderStatus, PutOrder, PutOrderAnswer, SignedPdfList};
use identkit_identity_tm::{Dialect, GetESignPdf, GetIdentData, GetStatus, OrderId};
use identkit_wire::Operation;
use serde_json::{Value, json};

mod support;
use support::{
    both_signatures, decode, full_order_json, ident_data_json, json as json_answer, not_text, order_json, plain_order,
    put_order_answer_json, set, signed_json, status_json,
};

/// Texts that are words of the vendor or of a form, not of a person: `Debug` prints them. Whoever makes one of them
/// personal data takes its row out.
const PRINTED: &[&str] = &[
    "LegitimationDocument.Document",
    "eSignPDF.SignatureFieldName",
    "eSignHash.Hash",
    "MultiSignOptions.SignParameters.SignatureFieldName",
    "IdentifyMethod",
];

/// Every text becomes a canary of its own; returns the JSON, and path and canary of each.
fn canaries(
    build: impl FnOnce(&mut dyn FnMut(&str) -> Value) -> Value,
    repeat: usize,
) -> (Value, Vec<(String, String)>) {
    let mut planted = Vec::new();
    let json = build(&mut |path| {
        not_text(path).unwrap_or_else(|| {
            let canary = format!("<canary-{}>", planted.len());
            planted.push((path.to_owned(), canary.clone()));
            canary.repeat(repeat).into()
        })
    });
    (json, planted)
}

fn quiet(shown: &str, planted: &[(String, String)]) {
    for (path, canary) in planted {
        assert!(!shown.contains(canary), "{path} is printed: {shown}");
    }
}

/// `Debug` shows the printed ones and none of the others.
fn redacted(shown: &str, planted: &[(String, String)]) {
    for (path, canary) in planted {
        assert_eq!(shown.contains(canary), PRINTED.contains(&path.as_str()), "{path} in {shown}");
    }
}

fn order_canaries(repeat: usize) -> (Value, Vec<(String, String)>) {
    canaries(|leaf| order_json(leaf), repeat)
}

fn read(text: &Value) -> PutOrder {
    PutOrder::from_json(text.to_string().as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn an_order_prints_none_of_its_texts() {
    let (text, planted) = order_canaries(1);
    assert_eq!(planted.len(), 58, "the texts among the 81 elements of the table");
    let order = read(&text);
    redacted(&format!("{order:?}"), &planted);
    redacted(&format!("{order:#?}"), &planted);
    redacted(&format!("{:?}", order.normalised()), &planted);
}

#[test]
fn the_faults_of_an_invalid_order_quote_none_of_its_texts() {
    for repeat in [1, 50] {
        let (text, planted) = order_canaries(repeat);
        let error = read(&text).encode(&Dialect::default()).unwrap_err();
        assert!(error.faults().len() > 5, "{error}");
        quiet(&format!("{error} {error:?} {error:#?}"), &planted);
    }
}

#[test]
fn an_encoded_order_and_its_warnings_print_none_of_its_texts() {
    let text = full_order_json();
    let mut planted = Vec::new();
    fn walk(value: &Value, planted: &mut Vec<(String, String)>) {
        match value {
            // Shorter ones, a country say, are part of other words.
            Value::String(text) if text.chars().count() > 5 => planted.push((String::new(), text.clone())),
            Value::Array(many) => many.iter().for_each(|value| walk(value, planted)),
            Value::Object(object) => object.values().for_each(|value| walk(value, planted)),
            _ => {}
        }
    }
    walk(&text, &mut planted);
    assert!(planted.len() > 45, "{}", planted.len());
    let encoded = read(&text).encode(&both_signatures()).unwrap();
    assert!(!encoded.warnings.is_empty());
    quiet(&format!("{encoded:?} {encoded:#?}"), &planted);
}

#[test]
fn an_order_that_cannot_be_read_is_quoted_nowhere() {
    let mut paths = Vec::new();
    order_json(|path| {
        paths.push(path.to_owned());
        Value::Null
    });
    let planted = [("key".to_owned(), "<canary-key>".to_owned()), ("value".to_owned(), "<canary-value>".to_owned())];
    let mut refused = 0;
    for path in &paths {
        for odd in [json!({"<canary-key>": "<canary-value>"}), json!(["<canary-value>", {"<canary-key>": 1}])] {
            let mut text = full_order_json();
            set(&mut text, path, odd);
            // Where any value is read, a Debug of what was read is as quiet as an error.
            match PutOrder::from_json(text.to_string().as_bytes()) {
                Err(error) => {
                    refused += 1;
                    quiet(&format!("{error} {error:?}"), &planted);
                }
                Ok(order) => quiet(&format!("{order:?}"), &planted),
            }
        }
    }
    assert!(refused > paths.len(), "{refused} of {}", paths.len() * 2);
    for broken in ["{\"Email\": \"<canary-value>\" <canary-key>", "<canary-value>", "[\"<canary-value>\"]"] {
        let error = PutOrder::from_json(broken.as_bytes()).unwrap_err();
        quiet(&format!("{error} {error:?}"), &planted);
    }
}

#[test]
fn elements_that_are_not_listed_print_neither_name_nor_value() {
    let planted = [("key".to_owned(), "<canary-key>".to_owned()), ("value".to_owned(), "<canary-value>".to_owned())];
    let mut order = plain_order();
    order.extra.0.insert("<canary-key>".to_owned(), json!({"<canary-key>": ["<canary-value>"]}));
    let encoded = order.encode(&Dialect::default()).unwrap();
    quiet(&format!("{order:?} {encoded:?}"), &planted);
}

/// Reads the answer by the operation, and as the message itself.
fn answered<Op>(operation: &Op, status: u16, text: &Value, planted: &[(String, String)])
where
    Op: Operation<Dialect = Dialect>,
    Op::Output: Debug,
{
    let decoded = decode(operation, &json_answer(status, text.to_string())).unwrap_or_else(|error| panic!("{error}"));
    redacted(&format!("{decoded:?}"), planted);
}

#[test]
fn answers_print_none_of_their_texts() {
    let (text, planted) = canaries(|leaf| put_order_answer_json(leaf), 1);
    assert_eq!(planted.len(), 6);
    redacted(&format!("{:?}", serde_json::from_value::<PutOrderAnswer>(text.clone()).unwrap()), &planted);
    answered(&plain_order(), 202, &text, &planted);

    let (text, planted) = canaries(|leaf| status_json(leaf), 1);
    redacted(&format!("{:?}", serde_json::from_value::<OrderStatus>(text.clone()).unwrap()), &planted);
    answered(&GetStatus::new(OrderId::received("1")), 200, &text, &planted);

    let (text, planted) = canaries(|leaf| ident_data_json(leaf), 1);
    assert!(planted.len() > 30, "{}", planted.len());
    redacted(&format!("{:?}", serde_json::from_value::<IdentDataAnswer>(text.clone()).unwrap()), &planted);
    let told = text["OrderID"].as_str().unwrap();
    let operation = GetIdentData::new(OrderId::received(told));
    answered(&operation, 200, &text, &planted);
    quiet(&format!("{operation:?}"), &planted);

    let (text, planted) = canaries(|leaf| signed_json(leaf), 1);
    redacted(&format!("{:?}", serde_json::from_value::<SignedPdfList>(text.clone()).unwrap()), &planted);
    answered(&GetESignPdf::new(OrderId::received("1")), 200, &text, &planted);
}

#[test]
fn answers_that_cannot_be_read_are_quoted_nowhere() {
    type Build = fn(&mut dyn FnMut(&str) -> Value) -> Value;
    let builds: [Build; 3] =
        [|leaf| put_order_answer_json(leaf), |leaf| status_json(leaf), |leaf| ident_data_json(leaf)];
    let planted = [("key".to_owned(), "<canary-key>".to_owned()), ("value".to_owned(), "<canary-value>".to_owned())];
    for build in builds {
        let mut paths = Vec::new();
        build(&mut |path| {
            paths.push(path.to_owned());
            Value::Null
        });
        for odd in &paths {
            let text = build(&mut |path| {
                if path == odd { json!({"<canary-key>": "<canary-value>"}) } else { Value::Null }
            });
            let answer = json_answer(200, text.to_string());
            let order = OrderId::received("1");
            for error in [
                decode(&plain_order(), &answer).map(drop).err(),
                decode(&GetStatus::new(order.clone()), &answer).map(drop).err(),
                decode(&GetIdentData::new(order.clone()), &answer).map(drop).err(),
                decode(&GetESignPdf::new(order), &answer).map(drop).err(),
            ]
            .into_iter()
            .flatten()
            {
                quiet(&format!("{error} {error:?}"), &planted);
            }
        }
    }
}
