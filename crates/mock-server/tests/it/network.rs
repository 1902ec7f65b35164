//! The sandbox's listeners, and its admin API.

use crate::support::*;
use crate::support::{door::exchange, net::any};

pub(crate) fn client(url: &str, transport: Arc<dyn Transport>) -> IdentityTm {
    let builder = tm_builder().base_url(format!("{url}{TM}"));
    builder.transport(transport).clock(Arc::new(SystemClock::new())).build().unwrap()
}

struct Server {
    authority: Authority,
    listening: Listener,
}

impl Server {
    async fn new() -> Self {
        let sandbox = sandbox().start();
        let authority = Authority::new().unwrap();
        let listening = server::vendors(&sandbox, any(), Some(&authority)).await.unwrap();
        Self { authority, listening }
    }

    fn client(&self) -> IdentityTm {
        client(&self.listening.url(), trusting(&self.authority))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t_002_both_vendors_work_over_tls_with_the_sandboxs_ca() {
    let server = Server::new().await;
    assert!(server.listening.url().starts_with("https://127.0.0.1:"));
    assert_ne!(server.listening.address().port(), 0);
    let tm = server.client();
    let placed = tm.put_order(&order(), &options()).await.unwrap();
    assert_eq!(placed.status, 202);
    let status = tm.status(&placed.value.order_id, &options()).await.unwrap().value;
    assert!(status.kinds().any(|kind| kind == StatusKind::INITIALIZED));

    let credentials = identkit_identify24::Credentials::new("911-internet", "sandbox-api-key");
    let identify24 = identkit_identify24::Identify24::builder(credentials)
        .transport(trusting(&server.authority))
        .base_url(server.listening.url())
        .build()
        .unwrap();
    assert_eq!(identify24.projects(&options()).await.unwrap().value.len(), 1);
    // AI-07: a GET with a body over a socket.
    let project = identify24.project(&"6".into(), &options()).await.unwrap();
    assert_eq!((project.value.title.as_deref(), project.warnings.len()), (Some("911 Internet GmbH"), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_untrusted_ca_fails_before_anything_is_sent() {
    let server = Server::new().await;
    let other = Authority::new().unwrap();
    for transport in [plain(), trusting(&other)] {
        let tm = client(&server.listening.url(), transport);
        let error = tm.put_order(&order(), &options()).await.unwrap_err();
        assert_eq!((error.kind(), error.delivery()), (Kind::Unreachable, Some(Delivery::NotSent)), "{error}");
    }
    let in_the_clear = server.listening.url().replace("https://", "http://");
    let error = client(&in_the_clear, plain()).server_status(&options()).await.unwrap_err();
    assert_ne!(error.delivery(), Some(Delivery::Answered));
}

#[tokio::test(flavor = "multi_thread")]
async fn m_14_addresses_of_other_machines_are_refused() {
    let sandbox = sandbox().start();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[2001:db8::1]:0"] {
        let address: SocketAddr = address.parse().unwrap();
        for refused in [server::vendors(&sandbox, address, None).await, server::admin(&sandbox, address).await] {
            let error = refused.unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
            assert!(error.to_string().contains("loopback"), "{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_clients_at_once_get_fifty_orders() {
    let server = Server::new().await;
    let calls = (0..50).map(|index| {
        let tm = server.client();
        tokio::spawn(async move {
            let reference = format!("parallel-{index}");
            let placed = tm.put_order(&order().reference(&*reference), &options()).await.unwrap().value;
            let status = tm.status(&placed.order_id, &options()).await.unwrap().value;
            assert_eq!(status.reference.unwrap().expose(), &reference);
            placed.order_id.expose().to_owned()
        })
    });
    let mut ids = BTreeSet::new();
    for call in calls.collect::<Vec<_>>() {
        ids.insert(call.await.unwrap());
    }
    assert_eq!(ids.len(), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_disconnect_early_do_no_harm() {
    let receiver = Receiver::doing(|_| Box::pin(std::future::pending()));
    let sandbox = sandbox().webhook_transport(Arc::new(receiver.clone())).start();
    let listening = server::vendors(&sandbox, any(), None).await.unwrap();
    let tm = client(&listening.url(), plain());
    let head = "PUT /api/2.10/putOrder HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{\"Email\":";
    for cut in [0, 1, 20, head.len()] {
        let mut stream = TcpStream::connect(listening.address()).await.unwrap();
        stream.write_all(&head.as_bytes()[..cut]).await.unwrap();
        stream.flush().await.unwrap();
        pause(Duration::from_millis(5)).await;
    }
    // Another client disconnects while a webhook blocks its order.
    let placed = tm.put_order(&order_with(&["OnFinal"]), &options()).await.unwrap().value.order_id;
    sandbox.play(placed.expose(), "positive").unwrap();
    receiver.until(1).await;
    assert!(within(Duration::from_millis(100), tm.status(&placed, &options())).await.is_none(), "it is blocked");

    tm.server_status(&options()).await.unwrap();
    let garbage = identkit_testkit::exchange(listening.address(), "\u{16}\u{3}\u{1} this is no HTTP\r\n\r\n").await;
    assert!(garbage.is_empty() || garbage.starts_with("HTTP/1.1 400"), "{garbage}");
    tm.put_order(&order(), &options()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_to_the_tls_listener_does_no_harm() {
    let server = Server::new().await;
    let mut stream = TcpStream::connect(server.listening.address()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    drop(stream);
    server.client().server_status(&options()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_a_listener_closes_its_port_and_its_connections() {
    let sandbox = sandbox().start();
    let listening = server::vendors(&sandbox, any(), None).await.unwrap();
    let (address, url) = (listening.address(), listening.url());
    let tm = client(&url, plain());
    tm.server_status(&options()).await.unwrap();
    let mut idle = TcpStream::connect(address).await.unwrap();
    drop(listening);
    eventually("the port is closed", || std::net::TcpStream::connect(address).is_err()).await;
    let mut byte = [0];
    let read = within(5 * SECOND, idle.read(&mut byte)).await.expect("the connection ends");
    assert!(matches!(read, Ok(0) | Err(_)));
    tm.server_status(&options()).await.unwrap_err();
    // The sandbox itself remains, with another listener.
    let again = server::vendors(&sandbox, any(), None).await.unwrap();
    client(&again.url(), plain()).server_status(&options()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_the_sandbox_ends_its_tasks_and_webhooks() {
    let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(500)));
    bench.ended(order_with(&["OnFinal"]), "positive").await;
    bench.clock.advance(100 * SECOND).await;
    assert_eq!(receiver.count(), 2);
    let Harness { clock, sandbox } = bench;
    let clone = sandbox.clone();
    drop(sandbox);
    clock.advance(60 * SECOND).await;
    assert_eq!(receiver.count(), 3, "a clone keeps the sandbox alive");
    drop(clone);
    within(10 * SECOND, clock.advance(7 * DAY)).await.expect("time is not blocked");
    assert_eq!(receiver.count(), 3);
    eventually("the sandbox has left the clock", || clock.next_due().is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_the_sandbox_cuts_off_a_running_webhook() {
    let token = Arc::new(());
    let inside = Arc::downgrade(&token);
    let (bench, _) = Harness::with_receiver(Receiver::doing(move |_| {
        let held = inside.upgrade();
        Box::pin(async move {
            std::future::pending::<()>().await;
            drop(held);
            None
        })
    }));
    let id = bench.place(order_with(&["OnFinal"])).await;
    bench.begin(id.expose(), "positive").unwrap();
    eventually("the receiver is called", || Arc::strong_count(&token) == 2).await;
    let Harness { clock, sandbox } = bench;
    drop(sandbox);
    eventually("the call is dropped", || Arc::strong_count(&token) == 1).await;
    within(10 * SECOND, clock.settle()).await.expect("time is not blocked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_can_be_driven_from_outside_the_runtime() {
    let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(200)));
    let id = bench.place(order_with(&["OnFinal"])).await;
    let sandbox = bench.sandbox.clone();
    let moved = std::thread::spawn(move || sandbox.play(id.expose(), "positive"));
    assert_eq!(moved.join().unwrap(), Ok(()));
    receiver.until(1).await;
}

async fn admin(receiver: Receiver) -> (Harness, Door) {
    let bench = Harness::receiving(&receiver);
    let door = Door::of(&bench.sandbox).await;
    (bench, door)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_api_returns_health_and_time() {
    let (bench, door) = admin(Receiver::answering(Some(200))).await;
    let health = door.good("GET", "health", "").await;
    assert_eq!(health, json!({ "status": "ok", "now": "2020-09-10T12:00:00Z" }));
    bench.clock.advance(HOUR).await;
    let clock = door.good("GET", "clock", "").await;
    assert_eq!(clock["now"], "2020-09-10T13:00:00Z");
    // Expiry of the example ident after 90 days.
    assert_eq!(clock["next_due"], "2020-12-09T12:00:00Z");
    let id = bench.place(order()).await;
    assert_eq!(door.good("GET", "clock", "").await["next_due"], "2020-10-10T13:00:00Z");
    bench.play(id.expose(), "positive").await;
    assert_eq!(door.good("GET", "clock", "").await["next_due"], "2020-09-17T13:00:00Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_api_plays_the_person_and_shows_the_case() {
    let (bench, door) = admin(Receiver::answering(Some(200))).await;
    let id = bench.place(order()).await;
    let path = format!("orders/{}", id.expose());
    let fresh = door.good("GET", &path, "").await;
    assert_eq!((&fresh["vendor"], &fresh["blocked"]), (&json!("identity-tm"), &json!(false)));
    let moved = door.good("POST", &format!("{path}/transition"), r#"{"status":77}"#).await;
    assert_eq!(moved["status"]["Status"].as_array().unwrap().last().unwrap()["Kind"], 77);
    let moved = door.good("POST", &format!("{path}/transition"), r#"{"story":"positive"}"#).await;
    assert!(moved["status"].to_string().contains("\"Kind\":6,"));
    assert_eq!(door.good("GET", &path, "").await, moved);
    let ident = door.good("POST", &format!("orders/{EXAMPLE_IDENT}/transition"), r#"{"status":"Seen"}"#).await;
    assert_eq!((&ident["vendor"], &ident["ident"]["status"]), (&json!("identify24"), &json!("Seen")));
}

#[tokio::test(flavor = "multi_thread")]
async fn admin_api_problems_say_what_to_do() {
    let (bench, door) = admin(Receiver::answering(Some(200))).await;
    let id = bench.place(order()).await;
    let transition = format!("orders/{}/transition", id.expose());
    assert_eq!(door.refusal("GET", "tans", "", 400).await["rule"], "M-10", "the parameter order is missing");
    door.good("POST", &transition, r#"{"story":"positive"}"#).await;
    door.refusal("POST", &transition, r#"{"story":"positive"}"#, 409).await;
    let (status, media, _) = exchange(door.address(), "GET", "/getStatus", "").await;
    assert_eq!((status, media.as_str()), (404, "application/problem+json"));
    assert_eq!(exchange(door.address(), "GET", "/_sandbox/v1health", "").await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_api_changes_settings_and_explains_errors() {
    let (bench, door) = admin(Receiver::answering(Some(200))).await;
    let defaults = door.good("GET", "settings", "").await;
    assert_eq!(defaults["identity_tm"]["voice_files"], false);
    assert_eq!(door.good("POST", "settings", "{}").await, defaults, "an empty object changes nothing");
    let body = r#"{"identity_tm":{"voice_files":true,"time_out":3600},"identify24":{"may_create":false}}"#;
    let set = door.good("POST", "settings", body).await;
    assert_eq!((&set["identity_tm"]["voice_files"], &set["identify24"]["may_create"]), (&json!(true), &json!(false)));
    assert_eq!(door.good("GET", "settings", "").await, set);
    // It applies to the account at once.
    let id = bench.place(order()).await;
    bench.clock.advance(HOUR).await;
    let peeked = door.good("GET", &format!("orders/{}", id.expose()), "").await;
    assert!(peeked["status"].to_string().contains("\"Kind\":99,"), "{peeked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn t_035_a_successful_retry_ends_the_delivery() {
    let receiver = Receiver::script(&[Some(500), None, Some(202), Some(500)]);
    let (bench, door) = admin(receiver).await;
    let (one, other) = (bench.place(order_with(&["OnFinal"])).await, bench.place(order()).await);
    for id in [&one, &other] {
        bench.play(id.expose(), "positive").await;
    }
    let list = door.good("GET", &format!("deliveries?order={}", one.expose()), "").await;
    let delivery = &list["deliveries"][0];
    assert_eq!((&delivery["event"], &delivery["method"]), (&json!("OnFinal"), &json!("GET")));
    assert_eq!(delivery["order"], one.expose());
    assert!(delivery["url"].as_str().unwrap().contains(one.expose()));
    let first = json!({ "at": "2020-09-10T12:00:00Z", "status": 500, "outcome": "retry" });
    assert_eq!(delivery["attempts"], json!([first]));
    assert_eq!(delivery["next"], "2020-09-10T12:01:26.4Z");
    bench.clock.advance(DAY).await;
    let list = door.good("GET", "deliveries", "").await;
    let outcomes: Vec<_> =
        list["deliveries"][0]["attempts"].as_array().unwrap().iter().map(|attempt| &attempt["outcome"]).collect();
    assert_eq!(outcomes, ["retry", "retry", "delivered"]);
    assert_eq!(list["deliveries"][0]["next"], Value::Null);
    assert_eq!(list["deliveries"].as_array().unwrap().len(), 1);
    let none = door.good("GET", &format!("deliveries?order={}", other.expose()), "").await;
    assert_eq!(none["deliveries"], json!([]));
}
