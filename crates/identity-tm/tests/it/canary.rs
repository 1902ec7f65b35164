//! Nothing that came from a person or lets a bearer act is ever printed: every text of every message is a canary that
//! must not turn up in a `Debug`, an error or a warning.

use std::fmt::Debug;

use serde::de::DeserializeOwned;

use crate::support::*;

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

fn shown<T: DeserializeOwned + Debug>(text: &Value) -> String {
    let read: T = serde_json::from_value(text.clone()).unwrap_or_else(|error| panic!("{text}: {error}"));
    format!("{read:?} {read:#?}")
}

/// An operation about the order of the answer, and what it reads of the answer.
fn answered<Op>(operation: impl FnOnce(OrderId) -> Op, text: &Value) -> String
where
    Op: ServedOperation<Dialect = Dialect> + Debug,
    Op::Output: Debug,
{
    let operation = operation(OrderId::received(text["OrderID"].as_str().unwrap_or("1")));
    let answer = json_answer(Op::META.expect[0], text.to_string());
    let decoded = decode(&operation, &answer).unwrap_or_else(|error| panic!("{error}"));
    format!("{operation:?} {decoded:?}")
}

type Show = fn(&Value) -> String;

#[test]
fn no_message_prints_its_texts() {
    let put: Show = |text| answered(|_| plain_order(), text) + &shown::<PutOrderAnswer>(text);
    let status: Show = |text| answered(GetStatus::new, text) + &shown::<OrderStatus>(text);
    let data: Show = |text| answered(GetIdentData::new, text) + &shown::<IdentDataAnswer>(text);
    let pdfs: Show = |text| answered(GetESignPdf::new, text) + &shown::<SignedPdfList>(text);
    let order: Show = |text| format!("{}{:?}", shown::<PutOrder>(text), read(text).normalised());
    let messages: [(Objects, Show); 14] = [
        (PUT_ORDER, order),
        (PUT_ORDER_ANSWER, put),
        (STATUS, status),
        (IDENT_DATA, data),
        (SIGNED_PDFS, pdfs),
        (ALL_STATUS_REQUEST, shown::<AllStatusRequest>),
        (LISTED_ORDER, shown::<OrderList>),
        (SIGNED_HASHES, shown::<SignedHashes>),
        (VIDEO_REQUEST, shown::<VideoRequest>),
        (VOICE_FILES, shown::<VoiceFiles>),
        (TAN, shown::<Tan>),
        (BANK, shown::<Bank>),
        (SIGNME_REQUEST, shown::<SignmeUserRequest>),
        (SIGNME_USER, shown::<SignmeUser>),
    ];
    let texts = messages.map(|(objects, show)| {
        let (text, planted) = canaries(objects, 1);
        redacted(&show(&text), &planted);
        planted.len()
    });
    assert_eq!(texts, [58, 6, 5, 32, 1, 2, 7, 1, 1, 2, 1, 2, 1, 0]);
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
    let paths = leaves(PUT_ORDER);
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

/// A request and what the writer makes of it, printed.
fn encoded<Op: Operation<Dialect = Dialect> + Debug>(operation: &Op, good: bool) -> String {
    let encoded = operation.encode(&Dialect::default());
    assert_eq!(encoded.is_ok(), good, "{operation:?}");
    encoded
        .map_or_else(|error| format!("{operation:?} {error} {error:?}"), |encoded| format!("{operation:?} {encoded:?}"))
}

#[test]
fn the_other_calls_print_neither_what_they_send_nor_what_they_read() {
    let order = || OrderId::received("<canary-order>");
    let planted: Vec<_> = ["order", "tan", "url", "mail", "hash", "blob", "ref", "text", "name"]
        .map(|name| (name.to_owned(), format!("<canary-{name}>")))
        .into();
    let mut seen = String::new();
    let mut show = |debug: String| seen.push_str(&debug);

    let user = |email: &str| CheckSignmeUser(SignmeUserRequest::default().email(email));
    let video = |url: String| RequestVideo::new(order(), Secret::new(url));
    show(encoded(&ConfirmSign::new(order(), Secret::new("<canary-tan>")), false));
    show(encoded(&video("http://example.com/<canary-url>".to_owned()), false));
    show(encoded(&video(format!("https://x.de/{}", "canary-url".repeat(20))), true));
    show(encoded(&user("<canary-mail> "), false));
    show(encoded(&user("<canary-mail>@example.com"), true));
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

/// Reads a text as answer and as request of each operation, and counts what is refused.
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
            quiet(&format!("{error} {error:?}"), &foreign());
        }
    }
}

#[test]
fn messages_that_cannot_be_read_are_quoted_nowhere() {
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
