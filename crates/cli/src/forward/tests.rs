use identkit_core::{Event, WebhookDelivery};
use identkit_store::{EventId, Finish, KeyEncryptionKey, Memory};
use identkit_testkit::{Reply, Script, Step, TestClock, eventually};

use super::*;

const SECRET: &str = "geheim-4711";

struct Place {
    store: Store,
    event: StoredEvent,
    script: Arc<Script>,
    sink: HttpSink,
    clock: TestClock,
}

async fn place(steps: impl IntoIterator<Item = Step>) -> Place {
    let store = Store::open(Arc::new(Memory::default()), KeyEncryptionKey::from_bytes(&[7; 32])).await.unwrap();
    let mut event = Event::new("identify24", "webhook", "key");
    event.case_id = Some("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx".into());
    event.reference = Some("ref-1".into());
    event.payload = Some("{\"name\":\"Mustermann\"}".into());
    let received = "2020-09-10T12:00:00Z".parse().unwrap();
    store.accept(&WebhookDelivery::new(event, received)).await.unwrap();
    let event = store.events(EventId::default(), 1).await.unwrap().remove(0);
    let (script, clock) = (Arc::new(Script::new(steps)), TestClock::default());
    let mut headers = HeaderMap::new();
    headers.insert("x-secret", SECRET.parse().unwrap());
    let url = parse(&format!("https://example.com/events?token={SECRET}").into(), false).unwrap();
    let sink = HttpSink { url, headers, transport: script.clone(), clock: Arc::new(clock.clone()) };
    Place { store, event, script, sink, clock }
}

fn answer(status: u16) -> Step {
    Step::Answer(Reply::new(status, "Mustermann"))
}

#[tokio::test]
async fn an_event_is_posted_as_json_with_its_key() {
    let place = place([answer(204)]).await;
    place.sink.deliver(&place.event).await.unwrap();
    let [request] = &place.script.sent()[..] else { panic!("one request") };
    assert_eq!((&request.method, request.uri.to_string()), (&Method::POST, place.sink.url.to_string()));
    assert_eq!(request.header("content-type"), "application/json");
    assert_eq!(request.header("x-secret"), SECRET);
    let key = request.header("idempotency-key");
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let expected = serde_json::json!({
        "id": key,
        "provider": "identify24",
        "event": "webhook",
        "ident_id": "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
        "reference": "ref-1",
        "payload": "{\"name\":\"Mustermann\"}",
        "received_at": "2020-09-10T12:00:00Z",
        "attempt": 0,
    });
    assert_eq!(body, expected);
    assert_eq!(key.len(), 32);
}

#[tokio::test]
async fn only_a_status_of_success_is_accepted() {
    for (status, is_accepted) in
        [(200, true), (202, true), (299, true), (301, false), (307, false), (400, false), (404, false), (503, false)]
    {
        let place = place([answer(status)]).await;
        let delivered = place.sink.deliver(&place.event).await;
        assert_eq!(delivered.is_ok(), is_accepted, "{status}");
        assert_eq!(place.script.sent().len(), 1, "a redirect is not followed");
    }
    for step in [Step::NotSent, Step::Reset] {
        let place = place([step]).await;
        assert_eq!(place.sink.deliver(&place.event).await.unwrap_err().kind(), Kind::Unreachable);
    }
}

#[tokio::test]
async fn a_service_without_a_response_is_given_up() {
    let place = place([Step::Hang]).await;
    let (delivered, ()) = tokio::join!(place.sink.deliver(&place.event), async {
        eventually("the request is sent", || place.script.sent().len() == 1).await;
        place.clock.advance(TIMEOUT);
    });
    let error = delivered.unwrap_err();
    assert_eq!((error.kind(), error.detail()), (Kind::Timeout, "no complete response within 30 seconds"));
}

#[tokio::test]
async fn a_message_has_no_personal_data_and_no_secret() {
    let place = place([answer(503)]).await;
    let error = place.sink.deliver(&place.event).await.unwrap_err();
    let incident = Incident::Retry { event: EventId(7), attempts: 3, wait: Duration::from_millis(1500), error };
    let expected =
        "forward: event 7 is not accepted (attempt 3): the service responded with status 503; retry in 1.5 s";
    assert_eq!(message(&incident), expected);
    let error = Error::new(Kind::Timeout, "no complete response within 30 seconds");
    let dead = message(&Incident::Dead { event: EventId(7), attempts: 20, error });
    assert!(dead.contains("dead after 20 attempts") && dead.contains("inbox replay --dead"), "{dead}");
    let claims = place.store.claim(1, jiff::Timestamp::MAX).await.unwrap();
    place.store.finish(claims.first().unwrap(), Finish::Done).await.unwrap();
}

#[test]
fn http_is_allowed_for_this_machine_only() {
    for (url, without_tls) in [
        ("https://example.com/events?token=1", false),
        ("http://127.0.0.1:8080/events", false),
        ("http://[::1]:8080", false),
        ("http://localhost/events", false),
        ("http://10.0.0.1/events", true),
    ] {
        assert!(parse(&url.into(), without_tls).is_ok(), "{url}");
    }
    for (url, words) in [
        ("http://geheim.example.com/events", "--forward-without-tls"),
        ("http://127.0.0.1.geheim.example.com/", "--forward-without-tls"),
        ("https://user:geheim@example.com/", "--forward-header-file"),
        ("https://example.com/#geheim", "fragment"),
        ("https://example.com:99999/geheim", "port"),
        ("geheim.example.com", "https://"),
    ] {
        let failure = parse(&url.into(), false).unwrap_err();
        assert!(failure.code == 2 && failure.sentence.contains(words), "{}", failure.sentence);
        assert!(!failure.sentence.contains("geheim"), "{}", failure.sentence);
    }
}

#[test]
fn a_header_file_has_a_header_on_each_line() {
    let read = |text: &str| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        headers(file.path())
    };
    let map = read("Authorization: Bearer a:b\r\n\nX-One: 1\nX-Two: 1\n").unwrap();
    assert_eq!(map.get("authorization").unwrap(), "Bearer a:b");
    assert!(map.get("authorization").unwrap().is_sensitive() && map.len() == 3);
    for (text, words) in [
        ("geheim", "line 1 must be `Name: value`"),
        ("X: 1\nX geheim: 2", "line 2 has a name"),
        ("X: geheim\u{7f}", "line 1 has a value"),
        ("Host: geheim", "identkit sets"),
        ("Idempotency-Key: geheim", "identkit sets"),
        ("Transfer-Encoding: geheim", "identkit sets"),
        ("connection: geheim", "identkit sets"),
        ("Proxy-Connection: geheim", "identkit sets"),
        ("X-One: 1\nx-one: geheim", "line 2 has the name of an earlier line"),
    ] {
        let failure = read(text).unwrap_err();
        assert!(failure.sentence.contains(words) && !failure.sentence.contains("geheim"), "{}", failure.sentence);
    }
}
