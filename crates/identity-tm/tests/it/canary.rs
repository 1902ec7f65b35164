//! Personal data and secrets are never shown: every text of every message is a canary that must not occur in a `Debug`
//! text, an error or a warning.

use std::fmt::Debug;

use serde::de::DeserializeOwned;

use crate::support::*;

/// Texts that are not personal data: `Debug` shows them.
const PRINTED: &[&str] = &[
    "IdentifyMethod",
    // Of a bank.
    "bic",
    "name",
];

/// Returns the JSON of a message with a distinct canary in every text, and path and canary of each.
fn canaries(objects: Objects, repeat: usize) -> (Value, Vec<(String, String)>) {
    let mut planted = Vec::new();
    let json = message_json(objects, |path| {
        not_text(path).unwrap_or_else(|| {
            // From 1: a text whose only digit is 0 is not an OrderID (AT-22).
            let canary = format!("<canary-{}>", planted.len() + 1);
            planted.push((path.to_owned(), canary.clone()));
            canary.repeat(repeat).into()
        })
    });
    (json, planted)
}

fn assert_absent(shown: &str, planted: &[(String, String)]) {
    for (path, canary) in planted {
        assert!(!shown.contains(canary), "{path} is printed: {shown}");
    }
}

/// Returns a canary for the name and for the value of an unlisted element.
fn unlisted() -> [(String, String); 2] {
    ["key", "value"].map(|name| (name.to_owned(), format!("<canary-{name}>")))
}

/// Asserts that `Debug` shows the texts in [`PRINTED`] and no others.
fn assert_redacted(shown: &str, planted: &[(String, String)]) {
    for (path, canary) in planted {
        assert_eq!(shown.contains(canary), PRINTED.contains(&path.as_str()), "{path} in {shown}");
    }
}

fn read(text: &Value) -> PutOrder {
    PutOrder::from_json(text.to_string().as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

fn debug_of<T: DeserializeOwned + Debug>(text: &Value) -> String {
    let read: T = serde_json::from_value(text.clone()).unwrap_or_else(|error| panic!("{text}: {error}"));
    format!("{read:?} {read:#?}")
}

/// Returns the `Debug` text of an operation and of its decoded response.
fn decode_and_show<Op>(operation: impl FnOnce(OrderId) -> Op, text: &Value) -> String
where
    Op: ServedOperation<Dialect = Dialect> + Debug,
    Op::Output: Debug,
{
    let operation = operation(OrderId::new(text["OrderID"].as_str().unwrap_or("1")));
    let answer = json_answer(Op::META.expect[0], text.to_string());
    let decoded = decode(&operation, &answer).unwrap_or_else(|error| panic!("{error}"));
    format!("{operation:?} {decoded:?}")
}

type Show = fn(&Value) -> String;

#[test]
fn debug_of_messages_redacts_texts() {
    let put: Show = |text| decode_and_show(|_| plain_order(), text) + &debug_of::<PutOrderAnswer>(text);
    let status: Show = |text| decode_and_show(GetStatus::new, text) + &debug_of::<OrderStatus>(text);
    let data: Show = |text| decode_and_show(GetIdentData::new, text) + &debug_of::<IdentDataAnswer>(text);
    let pdfs: Show = |text| decode_and_show(GetESignPdf::new, text) + &debug_of::<SignedPdfList>(text);
    let order: Show = |text| format!("{}{:?}", debug_of::<PutOrder>(text), read(text).normalized());
    let messages: [(Objects, Show); 14] = [
        (PUT_ORDER, order),
        (PUT_ORDER_ANSWER, put),
        (STATUS, status),
        (IDENT_DATA, data),
        (SIGNED_PDFS, pdfs),
        (ALL_STATUS_REQUEST, debug_of::<AllStatusRequest>),
        (LISTED_ORDER, debug_of::<OrderList>),
        (SIGNED_HASHES, debug_of::<SignedHashes>),
        (VIDEO_REQUEST, debug_of::<VideoRequest>),
        (VOICE_FILES, debug_of::<VoiceFiles>),
        (TAN, debug_of::<Tan>),
        (BANK, debug_of::<Bank>),
        (SIGNME_REQUEST, debug_of::<SignmeUserRequest>),
        (SIGNME_USER, debug_of::<SignmeUser>),
    ];
    let texts = messages.map(|(objects, show)| {
        let (text, planted) = canaries(objects, 1);
        assert_redacted(&show(&text), &planted);
        planted.len()
    });
    assert_eq!(texts, [58, 6, 5, 32, 1, 2, 7, 1, 1, 2, 1, 2, 1, 0]);
}

#[test]
fn violations_of_an_order_do_not_quote_its_texts() {
    for repeat in [1, 50] {
        let (text, planted) = canaries(PUT_ORDER, repeat);
        let error = read(&text).encode(&Dialect::default()).unwrap_err();
        assert!(error.violations().len() > 5, "{error}");
        assert_absent(&format!("{error} {error:?} {error:#?}"), &planted);
    }
}

#[test]
fn debug_of_an_encoded_order_redacts_texts() {
    let text = full_order_json();
    let mut planted = Vec::new();
    fn walk(value: &Value, planted: &mut Vec<(String, String)>) {
        match value {
            // Shorter texts, e.g. a country, are part of other words.
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
    assert_absent(&format!("{encoded:?} {encoded:#?}"), &planted);
}

#[test]
fn errors_of_an_unreadable_order_do_not_quote_it() {
    let paths = leaves(PUT_ORDER);
    let mut refused = 0;
    for path in &paths {
        for odd in [json!({"<canary-key>": "<canary-value>"}), json!(["<canary-value>", {"<canary-key>": 1}])] {
            let mut text = full_order_json();
            set(&mut text, path, odd);
            // If the element accepts any value, `Debug` must redact it.
            match PutOrder::from_json(text.to_string().as_bytes()) {
                Err(error) => {
                    refused += 1;
                    assert_absent(&format!("{error} {error:?}"), &unlisted());
                }
                Ok(order) => assert_absent(&format!("{order:?}"), &unlisted()),
            }
        }
    }
    assert!(refused > paths.len(), "{refused} of {}", paths.len() * 2);
    for broken in ["{\"Email\": \"<canary-value>\" <canary-key>", "<canary-value>", "[\"<canary-value>\"]"] {
        let error = PutOrder::from_json(broken.as_bytes()).unwrap_err();
        assert_absent(&format!("{error} {error:?}"), &unlisted());
    }
}

#[test]
fn debug_redacts_names_and_values_of_unlisted_elements() {
    let mut order = plain_order();
    order.extra.insert("<canary-key>".to_owned(), json!({"<canary-key>": ["<canary-value>"]}));
    let encoded = order.encode(&Dialect::default()).unwrap();
    assert_absent(&format!("{order:?} {encoded:?}"), &unlisted());
}

/// Returns the `Debug` text of a request and of the encoded request or the error.
fn encode_and_show<Op: Operation<Dialect = Dialect> + Debug>(operation: &Op, good: bool) -> String {
    let encoded = operation.encode(&Dialect::default());
    assert_eq!(encoded.is_ok(), good, "{operation:?}");
    encoded
        .map_or_else(|error| format!("{operation:?} {error} {error:?}"), |encoded| format!("{operation:?} {encoded:?}"))
}

#[test]
fn debug_and_errors_of_other_calls_redact_texts() {
    let order = || OrderId::new("<canary-order>");
    let planted: Vec<_> = ["order", "tan", "url", "mail", "hash", "blob", "ref", "text", "name"]
        .map(|name| (name.to_owned(), format!("<canary-{name}>")))
        .into();
    let mut output = String::new();
    let mut show = |debug: String| output.push_str(&debug);

    let user = |email: &str| CheckSignmeUser(SignmeUserRequest::default().email(email));
    let video = |url: String| RequestVideo::new(order(), Secret::new(url));
    show(encode_and_show(&ConfirmSign::new(order(), Secret::new("<canary-tan>")), false));
    show(encode_and_show(&video("http://example.com/<canary-url>".to_owned()), false));
    show(encode_and_show(&video(format!("https://x.de/{}", "canary-url".repeat(20))), true));
    show(encode_and_show(&user("<canary-mail> "), false));
    show(encode_and_show(&user("<canary-mail>@example.com"), true));
    let body = Request::new(Bytes::from(r#"{"tan":["<canary-tan>"]}"#));
    let error = ConfirmSign::decode_request(&Params::default(), &body).unwrap_err();
    show(format!("{error} {error:?}"));

    let hashes = json_answer(200, r#"{"Hashes":[{"<canary-name>":"Y2FuYXJ5LWhhc2gtb2YtYS1wZGY="}]}"#);
    show(format!("{:?}", decode(&GetESignHash::new(order()), &hashes).unwrap()));
    let twice = json_answer(200, r#"{"Hashes":[{"<canary-name>":"<canary-hash>"},{"<canary-name>":"x"}]}"#);
    let error = decode(&GetESignHash::new(order()), &twice).unwrap_err();
    show(format!("{error} {error:?}"));
    let blob = answer(200, "text/plain", "sealed-sealed-<canary-blob>");
    let signed = decode(&GetIdentDataSigned::new(order()), &blob).unwrap();
    show(format!("{signed:?} {:?}", signed.value.for_reuse().unwrap()));
    let sealed = answer(200, "text/<canary-text>", "sealed-sealed-<canary-blob>");
    show(format!("{:?}", decode(&MaybeEncrypted(GetIdentData::new(order())), &sealed).unwrap()));
    let list = r#"[{"OrderID":"<canary-order>","Ref":"<canary-ref>","Status":[{"Kind":71,"Text":"<canary-text>"}]}]"#;
    show(format!("{:?}", decode(&DrainUnreportedExtended, &json_answer(200, list)).unwrap()));
    let voices = r#"{"Voicefiles":[{"Filename":"<canary-name>","Base64Data":"<canary-blob>"}]}"#;
    let voices = decode(&GetVoiceFiles::new(order()), &json_answer(200, voices)).unwrap();
    let error = voices.value.voicefiles.as_ref().unwrap()[0].audio().unwrap_err();
    show(format!("{voices:?} {error} {error:?}"));

    assert_absent(&output, &planted);
    assert!(!output.contains("canary"), "{output}");
}

/// Decodes a text as response and as request of each operation, and counts the errors.
struct Refusals<'a> {
    text: &'a str,
    count: usize,
}

impl EachOperation for Refusals<'_> {
    fn with<Op: ServedOperation<Dialect = Dialect>>(&mut self, operation: Op) {
        let request = Request::new(Bytes::from(self.text.to_owned()));
        let answer = decode(&operation, &json_answer(200, self.text.to_owned())).map(drop);
        for error in [answer.err(), Op::decode_request(&Params::default(), &request).map(drop).err()] {
            let Some(error) = error else { continue };
            self.count += 1;
            assert_absent(&format!("{error} {error:?}"), &unlisted());
        }
    }
}

#[test]
fn errors_of_unreadable_messages_do_not_quote_them() {
    let mut refused = 0;
    for objects in &MESSAGES[1..] {
        for odd in leaves(objects) {
            let text =
                |value: Value| message_json(objects, |path| if path == odd { value.clone() } else { Value::Null });
            let [object, word, list] =
                [json!({"<canary-key>": "<canary-value>"}), json!("<canary-value>"), json!([["<canary-value>"]])]
                    .map(text);
            for text in [json!([object]), object, word, list] {
                let mut refusals = Refusals { text: &text.to_string(), count: 0 };
                each_operation(&mut refusals);
                refused += refusals.count;
            }
        }
    }
    assert!(refused > 3_000, "{refused}");
}

/// The caller chooses the names of special attributes, so they may contain personal data.
#[test]
fn names_of_special_attributes_are_redacted() {
    let planted = [("name".to_owned(), "<canary-name>".to_owned())];
    let mut text = full_order_json();
    let detail = text["IdentData"]["Additional"]["detail"].take();
    text["IdentData"]["Additional"] = json!({ "<canary-name>": detail });
    assert_absent(&format!("{:?}", read(&text)), &planted);
    text["IdentData"]["Additional"]["<canary-name>"]["Type"] = json!(9);
    let error = read(&text).encode(&both_signatures()).unwrap_err();
    assert_absent(&format!("{error} {error:?}"), &planted);
    let body = json!({"IdentData": {"Additional": {"<canary-name>": "<canary-name>"}}});
    let decoded = decode(&GetIdentData::new(OrderId::new("1")), &json_answer(200, body.to_string())).unwrap();
    assert_absent(&format!("{decoded:?} {decoded:#?}"), &planted);
}
