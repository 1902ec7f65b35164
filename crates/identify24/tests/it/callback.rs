//! The webhook in every shape that the document allows, and as the sandbox sends it.

use http::Uri;
use identkit_wire::CallbackPath;
use identkit_wire::json::read_answer;
use proptest::prelude::*;

use crate::support::*;

fn parse(body: &str) -> Event {
    IdentStatusCallback.parse(&request(body.to_owned())).unwrap()
}

#[test]
fn document_sample_is_an_event() {
    let sample = String::from_utf8(fixture("S-027-ident-webhook.json")).unwrap();
    let event = parse(&sample);
    assert_eq!((event.provider.as_str(), event.name.as_str()), ("identify24", "status"));
    assert_eq!(event.case_id.as_ref().unwrap().expose(), "xxxxx");
    assert_eq!(event.reference.as_ref().unwrap().expose(), "xxxxx");
    assert_eq!(event.payload.as_ref().unwrap().expose(), &sample);
    assert!(!format!("{event:?}").contains("xxxxx"));
}

#[test]
fn ai_13_json_is_read_with_any_content_type_and_value() {
    let body = r#"{"ident_id":"a","status_id":5,"project_id":6.0,"first_name":null,"custom1":true,"new":{"x":[]}}"#;
    for media in ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-8"] {
        let request = Request::builder().header("content-type", media).body(body.into()).unwrap();
        let event = IdentStatusCallback.parse(&request).unwrap();
        assert_eq!(event.case_id.unwrap().expose(), "a");
        assert!(event.key.expose().starts_with("a/5/"));
    }
    let payload = IdentStatusCallback::payload(body.as_bytes()).unwrap();
    assert_eq!(payload.status_id.unwrap().expose(), "5");
    assert!(payload.first_name.is_none());
    assert_eq!(parse("{}").case_id, None, "every key is optional");
    assert_eq!(parse(r#"{"ident_id":""}"#).case_id, None);
    assert_eq!(parse(r#"{"ident_id":0}"#).case_id, None, "a missing number");
}

#[test]
fn ai_13_a_form_with_the_same_keys_is_read() {
    let event = parse("ident_id=a%2Db&status_id=5&custom_id=K%C3%B6ln+1");
    assert_eq!(event.case_id.unwrap().expose(), "a-b");
    assert_eq!(event.reference.unwrap().expose(), "Köln 1");
}

#[test]
fn ai_13_other_bodies_are_rejected_without_quoting() {
    for body in
        ["", "Mustermann", "<Mustermann/>", "Mustermann=1", "[\"Mustermann\"]", "{\"ident_id\":[\"Mustermann\"]}"]
            .into_iter()
            .chain(["{\"ident_id\":false}", "{\"ident_id\":\"Mustermann\",\"status\":{}}"])
    {
        assert_eq!(fault(IdentStatusCallback.parse(&request(body))).kind(), Kind::Protocol, "{body}");
    }
    let error = IdentStatusCallback.parse(&request(&b"{\"ident_id\":\"\xff\"}"[..])).unwrap_err();
    assert_eq!(error.kind(), Kind::Protocol);
}

#[test]
fn i_084_key_identifies_the_delivery() {
    let one = r#"{"ident_id":"a","status_id":1,"agent_notes":"x"}"#;
    assert_eq!(parse(one).key, parse(one).key);
    for other in [
        r#"{"ident_id":"b","status_id":1,"agent_notes":"x"}"#,
        r#"{"ident_id":"a","status_id":2,"agent_notes":"x"}"#,
        r#"{"ident_id":"a","status_id":1,"agent_notes":"y"}"#,
    ] {
        assert_ne!(parse(one).key, parse(other).key);
    }
    // A literal, because stored keys must not change.
    assert_eq!(parse("{}").key.expose(), "//0880955dd2ab1be95aa0733055c655b5");
}

#[test]
fn payload_debug_prints_no_personal_data() {
    let mut filled = serde_json::Map::new();
    for key in IdentWebhook::KEYS.iter().filter(|key| **key != "project_id") {
        filled.insert((*key).to_owned(), "Canary4711".into());
    }
    let payload = IdentStatusCallback::payload(&serde_json::to_vec(&filled).unwrap()).unwrap();
    assert!(!format!("{payload:?} {payload:#?}").contains("Canary4711"));
    assert_eq!(serde_json::to_value(&payload).unwrap(), serde_json::Value::Object(filled));
}

#[test]
fn ai_14_webhook_and_api_name_the_person_differently() {
    let payload = IdentStatusCallback::payload(br#"{"first_name":"Erika","last_name":"M","person_first_name":"x"}"#);
    let ident: Ident = serde_json::from_str(r#"{"person_first_name":"Erika","person_last_name":"M"}"#).unwrap();
    let payload = payload.unwrap();
    assert_eq!(payload.given_names(), ident.given_names());
    assert_eq!(payload.family_name(), ident.family_name());
}

#[test]
fn ai_11_empty_dates_are_none_and_other_text_is_retained() {
    for empty in [r#""""#, "null", r#""0000-00-00 00:00""#, "[]", r#"{"date":"x"}"#] {
        let (ident, _) = read_answer::<Ident>(format!(r#"{{"created_at":{empty}}}"#).as_bytes()).unwrap();
        assert_eq!(ident.created_at, None, "{empty}");
    }
    let text = br#"{"created_at":"soon","appointment_date":1571644671}"#;
    let (ident, _) = read_answer::<Ident>(text).unwrap();
    assert_eq!(ident.created_at.unwrap().as_str(), "soon");
    assert_eq!(ident.appointment_date.unwrap().as_str(), "1571644671");
}

#[test]
fn ai_03_messages_are_read_in_every_shape() {
    let read = |json: &str| -> Vec<String> {
        let messages: Messages = serde_json::from_str(json).unwrap();
        messages.iter().map(|text| text.expose().clone()).collect()
    };
    assert!(read("null").is_empty() && read("[]").is_empty());
    assert_eq!(read(r#""a""#), ["a"]);
    assert_eq!(read(r#"["a","b"]"#), ["a", "b"]);
    assert_eq!(read(r#"[{"message":"a","code":1},{"text":"b"},{"email":["c"]}]"#), ["a", "b", r#"{"email":["c"]}"#]);
    assert_eq!(read(r#"{"message":"a"}"#), ["a"]);
}

#[test]
fn emitted_webhook_is_parsed_again() {
    let base = Uri::from_static("https://example.com/hooks");
    let url = IdentStatusCallback.url_template(&base, &Secret::new("t0ken")).unwrap();
    assert_eq!(url.expose(), "https://example.com/hooks/identify24/t0ken/status");

    let event = parse(r#"{"ident_id":"a","status_id":"1","custom_id":"c"}"#);
    let request = IdentStatusCallback.emit(url.expose(), &Method::POST, &event).unwrap();
    assert_eq!(
        (request.method(), &request.headers()["content-type"]),
        (&Method::POST, &"application/json".parse().unwrap())
    );
    assert_eq!(CallbackPath::parse(request.uri().path()).unwrap().event, IdentStatusCallback.name());
    assert_eq!(IdentStatusCallback.parse(&request).unwrap(), event);

    let mut bare = Event::new("identify24", "status", "k");
    bare.case_id = Some(Secret::new("a"));
    let request = IdentStatusCallback.emit(url.expose(), &Method::POST, &bare).unwrap();
    assert_eq!(request.body(), r#"{"ident_id":"a"}"#);

    assert!(IdentStatusCallback.emit(url.expose(), &Method::GET, &event).is_err());
    assert!(IdentStatusCallback.emit("not a url", &Method::POST, &event).is_err());
    for (method, expected) in [(Method::POST, true), (Method::PUT, false), (Method::GET, false)] {
        let (head, ()) = Request::builder().method(method).body(()).unwrap().into_parts();
        assert_eq!(IdentStatusCallback.recognize(&head), expected);
    }
}

proptest! {
    #[test]
    fn reading_a_webhook_never_panics(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = IdentStatusCallback.parse(&request(body));
    }

    #[test]
    fn reading_a_form_never_panics(body in "(ident_id|custom1|x)=[%+&=a-f0-9ü]{0,20}") {
        let _ = IdentStatusCallback.parse(&request(body));
    }
}

#[test]
fn at_95_a_webhook_with_two_ids_or_statuses_names_none() {
    for (body, id, status) in [
        (r#"{"ident_id":"a","ident_id":"b","status":"x"}"#, None, Some("x")),
        (r#"{"ident_id":"a","status":"x","status":"y"}"#, Some("a"), None),
        (r#"{"ident_id":"a","ident_id":"a","status":"x"}"#, Some("a"), Some("x")),
        ("ident_id=a&ident_id=b&status=x", None, Some("x")),
        ("ident_id=a&ident_id=a&status=x&status=y", Some("a"), None),
    ] {
        let event = parse(body);
        assert_eq!(event.case_id.as_ref().map(Secret::expose), id, "{body}");
        let payload = IdentStatusCallback::payload(body.as_bytes()).unwrap();
        assert_eq!(payload.status.as_ref().map(|status| status.as_str()).filter(|text| !text.is_empty()), status);
    }
}
