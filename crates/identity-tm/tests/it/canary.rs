//! Nothing that came from a person or lets a bearer act is ever printed: every text of every message is a canary that
//! must not turn up in a `Debug`, an error or a warning.

use std::fmt::Debug;

use bytes::Bytes;
use http::Request;
use identkit_core::Secret;
use identkit_identity_tm::messages::{
    AllStatusRequest, Bank, IdentDataAnswer, OrderList, OrderStatus, PutOrder, PutOrderAnswer, SignedHashes,
    SignedPdfList, SignmeUser, SignmeUserRequest, Tan, VideoRequest, VoiceFiles,
};
use identkit_identity_tm::{
    CheckSignmeUser, ConfirmSign, Dialect, DrainUnreportedExtended, GetAllStatus, GetBankList, GetESignHash,
    GetESignPdf, GetIdentData, GetIdentDataSigned, GetStatus, GetVoiceFiles, MaybeEncrypted, OrderId, RequestVideo,
};
use identkit_wire::{Operation, Params, ServedOperation};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::support::{
    ALL_STATUS_REQUEST, BANK, IDENT_DATA, LISTED_ORDER, Objects, PUT_ORDER, PUT_ORDER_ANSWER, SIGNED_HASHES,
    SIGNED_PDFS, SIGNME_REQUEST, SIGNME_USER, STATUS, TAN, VIDEO_REQUEST, VOICE_FILES, answer, both_signatures, decode,
    full_order_json, json as json_answer, message_json, not_text, plain_order, set,
};

/// Texts that are words of the vendor or of a form, not of a person: `Debug` prints them. Whoever makes one of them
/// personal data takes its row out.
const PRINTED: &[&str] = &[
    "IdentifyMethod",
    // Banks are no persons.
    "bic",
    "name",
];

/// Every text becomes a canary of its own; returns the JSON, and path and canary of each.
fn canaries(objects: Objects, repeat: usize) -> (Value, Vec<(String, String)>) {
    let mut planted = Vec::new();
    let json = message_json(objects, |path| {
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

/// A name and a value that no message has.
fn foreign() -> [(String, String); 2] {
    ["key", "value"].map(|name| (name.to_owned(), format!("<canary-{name}>")))
}

/// `Debug` shows the printed ones and none of the others.
fn redacted(shown: &str, planted: &[(String, String)]) {
    for (path, canary) in planted {
        assert_eq!(shown.contains(canary), PRINTED.contains(&path.as_str()), "{path} in {shown}");
    }
}

fn read(text: &Value) -> PutOrder {
    PutOrder::from_json(text.to_string().as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn an_order_prints_none_of_its_texts() {
    let (text, planted) = canaries(PUT_ORDER, 1);
    assert_eq!(planted.len(), 58, "the texts among the 81 elements of the table");
    let order = read(&text);
    redacted(&format!("{order:?}"), &planted);
    redacted(&format!("{order:#?}"), &planted);
    redacted(&format!("{:?}", order.normalised()), &planted);
}

#[test]
fn the_faults_of_an_invalid_order_quote_none_of_its_texts() {
    for repeat in [1, 50] {
        let (text, planted) = canaries(PUT_ORDER, repeat);
        let error = read(&text).encode(&Dialect::default()).unwrap_err();
        assert!(error.violations().len() > 5, "{error}");
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
    message_json(PUT_ORDER, |path| {
        paths.push(path.to_owned());
        Value::Null
    });
    let mut refused = 0;
    for path in &paths {
        for odd in [json!({"<canary-key>": "<canary-value>"}), json!(["<canary-value>", {"<canary-key>": 1}])] {
            let mut text = full_order_json();
            set(&mut text, path, odd);
            // Where any value is read, a Debug of what was read is as quiet as an error.
            match PutOrder::from_json(text.to_string().as_bytes()) {
                Err(error) => {
                    refused += 1;
                    quiet(&format!("{error} {error:?}"), &foreign());
                }
                Ok(order) => quiet(&format!("{order:?}"), &foreign()),
            }
        }
    }
    assert!(refused > paths.len(), "{refused} of {}", paths.len() * 2);
    for broken in ["{\"Email\": \"<canary-value>\" <canary-key>", "<canary-value>", "[\"<canary-value>\"]"] {
        let error = PutOrder::from_json(broken.as_bytes()).unwrap_err();
        quiet(&format!("{error} {error:?}"), &foreign());
    }
}

#[test]
fn elements_that_are_not_listed_print_neither_name_nor_value() {
    let mut order = plain_order();
    order.extra.insert("<canary-key>".to_owned(), json!({"<canary-key>": ["<canary-value>"]}));
    let encoded = order.encode(&Dialect::default()).unwrap();
    quiet(&format!("{order:?} {encoded:?}"), &foreign());
}

/// Reads the answer by the operation, and as the message itself.
fn answered<Op>(operation: &Op, status: u16, text: &Value, planted: &[(String, String)])
where
    Op: ServedOperation<Dialect = Dialect>,
    Op::Output: Debug,
{
    let decoded = decode(operation, &json_answer(status, text.to_string())).unwrap_or_else(|error| panic!("{error}"));
    redacted(&format!("{decoded:?}"), planted);
}

#[test]
fn answers_print_none_of_their_texts() {
    let (text, planted) = canaries(PUT_ORDER_ANSWER, 1);
    assert_eq!(planted.len(), 6);
    redacted(&format!("{:?}", serde_json::from_value::<PutOrderAnswer>(text.clone()).unwrap()), &planted);
    answered(&plain_order(), 202, &text, &planted);

    let (text, planted) = canaries(STATUS, 1);
    redacted(&format!("{:?}", serde_json::from_value::<OrderStatus>(text.clone()).unwrap()), &planted);
    let told = OrderId::received(text["OrderID"].as_str().unwrap());
    answered(&GetStatus::new(told), 200, &text, &planted);

    let (text, planted) = canaries(IDENT_DATA, 1);
    assert!(planted.len() > 30, "{}", planted.len());
    redacted(&format!("{:?}", serde_json::from_value::<IdentDataAnswer>(text.clone()).unwrap()), &planted);
    let told = text["OrderID"].as_str().unwrap();
    let operation = GetIdentData::new(OrderId::received(told));
    answered(&operation, 200, &text, &planted);
    quiet(&format!("{operation:?}"), &planted);

    let (text, planted) = canaries(SIGNED_PDFS, 1);
    redacted(&format!("{:?}", serde_json::from_value::<SignedPdfList>(text.clone()).unwrap()), &planted);
    answered(&GetESignPdf::new(OrderId::received("1")), 200, &text, &planted);
}

#[test]
fn answers_that_cannot_be_read_are_quoted_nowhere() {
    for objects in [PUT_ORDER_ANSWER, STATUS, IDENT_DATA] {
        let mut paths = Vec::new();
        message_json(objects, |path| {
            paths.push(path.to_owned());
            Value::Null
        });
        for odd in &paths {
            let text = message_json(objects, |path| {
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
                quiet(&format!("{error} {error:?}"), &foreign());
            }
        }
    }
}

/// The messages of the other calls.
const OTHERS: [Objects; 9] = [
    ALL_STATUS_REQUEST,
    LISTED_ORDER,
    SIGNED_HASHES,
    VIDEO_REQUEST,
    VOICE_FILES,
    TAN,
    BANK,
    SIGNME_REQUEST,
    SIGNME_USER,
];

fn shown<T: DeserializeOwned + Debug>(text: &Value) -> String {
    let read: T = serde_json::from_value(text.clone()).unwrap_or_else(|error| panic!("{text}: {error}"));
    format!("{read:?} {read:#?}")
}

#[test]
fn the_messages_of_the_other_calls_print_none_of_their_texts() {
    let show: [fn(&Value) -> String; 9] = [
        shown::<AllStatusRequest>,
        shown::<OrderList>,
        shown::<SignedHashes>,
        shown::<VideoRequest>,
        shown::<VoiceFiles>,
        shown::<Tan>,
        shown::<Bank>,
        shown::<SignmeUserRequest>,
        shown::<SignmeUser>,
    ];
    let mut texts = 0;
    for (objects, show) in OTHERS.iter().zip(show) {
        let (text, planted) = canaries(objects, 1);
        texts += planted.len();
        redacted(&show(&text), &planted);
    }
    assert_eq!(texts, 17, "the texts and dates among them");
}

#[test]
fn the_other_calls_print_neither_what_they_send_nor_what_they_read() {
    let order = || OrderId::received("<canary-order>");
    let planted: Vec<_> = ["order", "tan", "url", "mail", "hash", "blob", "ref", "text", "name"]
        .map(|name| (name.to_owned(), format!("<canary-{name}>")))
        .into();
    let mut seen = String::new();
    let mut show = |debug: String| seen.push_str(&debug);

    let confirm = ConfirmSign::new(order(), Secret::new("<canary-tan>"));
    let error = confirm.encode(&Dialect::default()).unwrap_err();
    show(format!("{confirm:?} {error} {error:?}"));
    let video = RequestVideo::new(order(), Secret::new("http://example.com/<canary-url>"));
    let error = video.encode(&Dialect::default()).unwrap_err();
    show(format!("{video:?} {error} {error:?}"));
    let long = RequestVideo::new(order(), Secret::new(format!("https://x.de/{}", "canary-url".repeat(20))));
    show(format!("{:?}", long.encode(&Dialect::default()).unwrap()));
    let user = CheckSignmeUser(SignmeUserRequest::default().email("<canary-mail> "));
    let error = user.encode(&Dialect::default()).unwrap_err();
    show(format!("{user:?} {error} {error:?}"));
    let user = CheckSignmeUser(SignmeUserRequest::default().email("<canary-mail>@example.com"));
    show(format!("{:?}", user.encode(&Dialect::default()).unwrap()));
    let body = Request::new(Bytes::from(r#"{"tan":["<canary-tan>"]}"#));
    let error = ConfirmSign::decode_request(&Params::default(), &body).unwrap_err();
    show(format!("{error} {error:?}"));

    let hashes = json_answer(200, r#"{"Hashes":[{"<canary-name>":"<canary-hash>"}]}"#);
    show(format!("{:?}", decode(&GetESignHash::new(order()), &hashes).unwrap()));
    let twice = json_answer(200, r#"{"Hashes":[{"<canary-name>":"<canary-hash>"},{"<canary-name>":"x"}]}"#);
    let error = decode(&GetESignHash::new(order()), &twice).unwrap_err();
    show(format!("{error} {error:?}"));
    let blob = answer(200, "text/plain", "<canary-blob>");
    let signed = decode(&GetIdentDataSigned::new(order()), &blob).unwrap();
    show(format!("{signed:?} {:?}", signed.value.for_reuse().unwrap()));
    let sealed = answer(200, "text/<canary-text>", "<canary-blob>");
    show(format!("{:?}", decode(&MaybeEncrypted(GetIdentData::new(order())), &sealed).unwrap()));
    let list = r#"[{"OrderID":"<canary-order>","Ref":"<canary-ref>","Status":[{"Kind":71,"Text":"<canary-text>"}]}]"#;
    show(format!("{:?}", decode(&DrainUnreportedExtended, &json_answer(200, list)).unwrap()));
    let voices = r#"{"Voicefiles":[{"Filename":"<canary-name>","Base64Data":"<canary-blob>"}]}"#;
    let voices = decode(&GetVoiceFiles::new(order()), &json_answer(200, voices)).unwrap();
    let error = voices.value.voicefiles.as_ref().unwrap()[0].audio().unwrap_err();
    show(format!("{voices:?} {error} {error:?}"));

    quiet(&seen, &planted);
    assert!(!seen.contains("canary"), "{seen}");
}

#[test]
fn answers_of_the_other_calls_that_cannot_be_read_are_quoted_nowhere() {
    let mut refused = 0;
    for objects in OTHERS {
        let mut paths = Vec::new();
        message_json(objects, |path| {
            paths.push(path.to_owned());
            Value::Null
        });
        for odd in &paths {
            for value in
                [json!({"<canary-key>": "<canary-value>"}), json!("<canary-value>"), json!([["<canary-value>"]])]
            {
                let text = message_json(objects, |path| if path == odd { value.clone() } else { Value::Null });
                let many = json!([text]);
                for text in [text, many] {
                    let told = json_answer(200, text.to_string());
                    let order = || OrderId::received("1");
                    let request = Request::new(Bytes::from(text.to_string()));
                    for error in [
                        decode(&GetAllStatus::default(), &told).map(drop).err(),
                        decode(&GetESignHash::new(order()), &told).map(drop).err(),
                        decode(&GetVoiceFiles::new(order()), &told).map(drop).err(),
                        decode(&GetBankList, &told).map(drop).err(),
                        decode(&CheckSignmeUser::default(), &told).map(drop).err(),
                        GetAllStatus::decode_request(&Params::default(), &request).map(drop).err(),
                        ConfirmSign::decode_request(&Params::default(), &request).map(drop).err(),
                        RequestVideo::decode_request(&Params::default(), &request).map(drop).err(),
                        CheckSignmeUser::decode_request(&Params::default(), &request).map(drop).err(),
                    ]
                    .into_iter()
                    .flatten()
                    {
                        refused += 1;
                        quiet(&format!("{error} {error:?}"), &foreign());
                    }
                }
            }
        }
    }
    assert!(refused > 300, "{refused}");
}

/// The integrator chooses the names of special attributes: they may say something about the person.
#[test]
fn the_names_of_special_attributes_are_printed_nowhere() {
    let planted = [("name".to_owned(), "<canary-name>".to_owned())];
    let mut text = full_order_json();
    let detail = text["IdentData"]["Additional"]["detail"].take();
    text["IdentData"]["Additional"] = json!({ "<canary-name>": detail });
    quiet(&format!("{:?}", read(&text)), &planted);
    text["IdentData"]["Additional"]["<canary-name>"]["Type"] = json!(9);
    let error = read(&text).encode(&both_signatures()).unwrap_err();
    quiet(&format!("{error} {error:?}"), &planted);
    let told = json!({"IdentData": {"Additional": {"<canary-name>": "<canary-name>"}}});
    let decoded = decode(&GetIdentData::new(OrderId::received("1")), &json_answer(200, told.to_string())).unwrap();
    quiet(&format!("{decoded:?} {decoded:#?}"), &planted);
}
