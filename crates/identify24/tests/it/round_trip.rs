//! Round trips of every message between client and sandbox; no input makes a reader panic. The request of
//! `ident/create`, which the writer normalizes, is in `writer.rs`.

use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::support::*;

/// Optional texts, more than any of these messages has keys.
fn texts() -> impl Strategy<Value = Vec<Option<String>>> {
    prop::collection::vec(prop::option::weighted(0.8, "\\PC{0,12}"), 20)
}

/// A message with these texts at its keys, in order, and an unlisted member.
fn filled(keys: &[&str], texts: Vec<Option<String>>) -> Map<String, Value> {
    let unlisted = texts.last().unwrap().clone().map_or(Value::Null, |text| json!([text, { "x": 1 }]));
    let mut object: Map<_, _> = keys.iter().zip(texts).map(|(key, text)| ((*key).to_owned(), text.into())).collect();
    object.insert("nickname".to_owned(), unlisted);
    object
}

fn message<T: DeserializeOwned>(object: Map<String, Value>) -> T {
    serde_json::from_value(Value::Object(object)).unwrap()
}

/// Members of a successful envelope, each optional: `result`, `messages`, `response_status`.
fn envelopes() -> impl Strategy<Value = Map<String, Value>> {
    let messages =
        prop_oneof![Just(Value::Null), prop::collection::vec("\\PC{0,12}", 0..3).prop_map(|texts| json!(texts)),];
    let status = prop::option::of(200_u16..300);
    (any::<bool>(), messages, status).prop_map(|(result, messages, status)| {
        let result = if result { Value::Bool(true) } else { Value::Null };
        [("result", result), ("messages", messages), ("response_status", json!(status))]
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect()
    })
}

fn messages<T: DeserializeOwned + std::fmt::Debug>(keys: &'static [&'static str]) -> impl Strategy<Value = T> {
    texts().prop_map(|texts| message(filled(keys, texts)))
}

/// The response as the sandbox encodes it and the client decodes it.
fn answered<Op>(operation: &Op, output: Op::Output) -> Op::Output
where
    Op: ServedOperation<Dialect = Dialect>,
{
    let response = Op::encode_response(output).unwrap();
    assert_eq!(
        (response.status().as_u16(), response.headers()["content-type"].as_bytes()),
        (200, &b"application/json"[..])
    );
    let body = futures_util::FutureExt::now_or_never(response.into_body().collect(1 << 20)).unwrap().unwrap();
    decode(operation, body).unwrap()
}

/// Passes the bytes to every reader of the crate.
fn read_by_all(bytes: &[u8]) {
    fn tried<Op: ServedOperation<Dialect = Dialect>>(operation: &Op, bytes: &[u8]) {
        if let Err(error) = decode(operation, bytes.to_vec()) {
            let _ = format!("{error} {error:?}");
        }
        let _ = Op::decode_request(&params(), &request(bytes.to_vec()));
    }
    tried(&Login::default(), bytes);
    tried(&CreateIdent::default(), bytes);
    tried(&GetIdent { ident_id: "x".into() }, bytes);
    tried(&GetAllProjects, bytes);
    tried(&GetProject::default(), bytes);
    if let Ok(ident) = serde_json::from_slice::<Ident>(bytes) {
        let _ = (ident.expires_estimate(), ident.address(), format!("{ident:?}"));
    }
    if let Ok(ident) = serde_json::from_slice::<CreateIdent>(bytes) {
        let _ = (ident.encode(&Dialect::new().compose(true)), format!("{ident:?}"));
    }
}

/// JSON with known keys and unexpected values.
fn odd_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<f64>().prop_filter("JSON has no other numbers", |number| number.is_finite()).prop_map(|n| n.to_string()),
        "\\PC{0,8}".prop_map(|text| json!(text).to_string()),
    ];
    let keys = prop::sample::select([Ident::KEYS, CreateIdent::KEYS, Envelope::<Ident>::KEYS].concat());
    leaf.prop_recursive(4, 32, 6, move |inner| {
        let pair = (keys.clone(), inner.clone()).prop_map(|(key, value)| format!("{key:?}:{value}"));
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|many| format!("[{}]", many.join(","))),
            prop::collection::vec(pair, 0..6).prop_map(|many| format!("{{{}}}", many.join(","))),
        ]
    })
}

proptest! {
    #[test]
    fn login_request_survives_a_round_trip(partner in "\\PC{1,20}", key in "\\PC{1,20}") {
        let login = Login(AuthRequest::new(partner, key));
        prop_assert_eq!(round_trip(&login, &Dialect::new()), login);
    }

    #[test]
    fn ident_request_survives_a_round_trip(id in "\\PC{1,20}") {
        prop_assume!(id != "." && id != "..");
        let get = GetIdent { ident_id: id.into() };
        prop_assert_eq!(round_trip(&get, &Dialect::new()), get);
    }

    #[test]
    fn project_request_survives_a_round_trip(id in prop_oneof!["\\PC{1,8}", "0?[0-9]{1,20}"]) {
        let get = GetProject(ProjectRequest::new(id));
        prop_assert_eq!(round_trip(&get, &Dialect::new()), get);
    }

    #[test]
    fn login_response_survives_a_round_trip(around in envelopes(), token in texts()) {
        let mut object = filled(&["token"], token);
        object.extend(around);
        let sent: AuthResponse = message(object);
        prop_assert_eq!(answered(&Login::default(), sent.clone()), sent);
    }

    #[test]
    fn create_response_survives_a_round_trip(around in envelopes(), texts in texts(), id in "id-1\\PC{0,15}") {
        let mut object = filled(&["conference_url"], texts);
        object.extend(around);
        object.insert("ident_id".to_owned(), id.into());
        let sent: CreateIdentResponse = message(object);
        prop_assert_eq!(answered(&erika(), sent.clone()), sent);
    }

    #[test]
    fn ident_response_survives_a_round_trip(around in envelopes(), ident in messages::<Ident>(Ident::KEYS), many: bool) {
        let data = if many { json!([ident]) } else { json!(ident) };
        let mut object = around;
        object.insert("data".to_owned(), data);
        let sent: Envelope<Ident> = message(object);
        prop_assert_eq!(sent.data.as_ref().unwrap().as_slice(), std::slice::from_ref(&ident));
        prop_assert_eq!(answered(&GetIdent { ident_id: "x".into() }, sent.clone()), sent);
    }

    #[test]
    fn project_responses_survive_a_round_trip(around in envelopes(), all in prop::collection::vec(messages::<Project>(Project::KEYS), 1..4)) {
        let mut object = around;
        object.insert("data".to_owned(), json!(all));
        let sent: Envelope<Project> = message(object.clone());
        prop_assert_eq!(answered(&GetAllProjects, sent.clone()), sent);
        if let Some(one) = all.first() {
            object.insert("data".to_owned(), json!(one));
            let sent: Envelope<Project> = message(object);
            prop_assert_eq!(answered(&GetProject(ProjectRequest::new("6")), sent.clone()), sent);
        }
    }

    #[test]
    fn webhook_survives_a_round_trip(texts in texts()) {
        let sent: IdentWebhook = message(filled(IdentWebhook::KEYS, texts));
        let mut event = Event::new("identify24", "status", "k");
        event.payload = Some(serde_json::to_string(&sent).unwrap().into());
        let request = IdentStatusCallback.emit("https://example.com/x", &Method::POST, &event).unwrap();
        prop_assert_eq!(IdentStatusCallback::payload(request.body()).unwrap(), sent.clone());
        let received = IdentStatusCallback.parse(&Request::new(request.into_body())).unwrap();
        let id = sent.ident_id.filter(|id| !id.is_empty()).map(|id| id.expose().to_owned());
        prop_assert_eq!(received.case_id.map(|id| id.expose().to_owned()), id);
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read_by_all(&bytes);
    }

    #[test]
    fn no_json_makes_a_reader_panic(text in odd_json()) {
        read_by_all(text.as_bytes());
    }
}
