//! The admin API tells which URLs are set up, and not the secrets in them, unless it is asked to.

use crate::support::*;

const URL: &str = "https://user:geheim@hooks.example/h?token=geheim&id=1";
const TOLD: &str = "https://(masked)@hooks.example/h?token=(masked)&id=1";

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_set_is_told_without_the_secrets_in_its_url() {
    let (_bench, door) = Harness::with_door().await;
    let set = json!({ "identify24": { "webhook_url": URL } }).to_string();
    let url = |settings: &Value| settings["identify24"]["webhook_url"].as_str().unwrap().to_owned();
    assert_eq!(url(&door.good("POST", "settings", &set).await), TOLD);
    assert_eq!(url(&door.get("settings").await), TOLD);
    assert_eq!(url(&door.get("settings?reveal=true").await), URL);
    assert_eq!(url(&door.good("POST", "settings?reveal=true", "{}").await), URL);
    // The accounts' own credentials are what one logs in with.
    assert_eq!(door.get("settings").await["identify24"]["api_key"], "sandbox-api-key");

    // What was told masked cannot be set: the webhook would be called by that URL.
    let told = door.get("settings").await.to_string();
    let problem = door.problem("POST", "settings", &told, 400, "admin-reveal").await;
    assert!(problem["detail"].as_str().unwrap().contains("reveal=true"), "{problem}");
    // As those write it who encode URLs.
    let encoded = r#"{"identify24":{"webhook_url":"https://hooks.example/h?token=%28masked%29"}}"#;
    door.problem("POST", "settings", encoded, 400, "admin-reveal").await;
    assert_eq!(url(&door.get("settings?reveal=true").await), URL, "nothing was changed");
    let whole = door.get("settings?reveal=true").await;
    assert_eq!(door.good("POST", "settings?reveal=true", &whole.to_string()).await, whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_told_without_the_secrets_in_urls_that_stand_in_it() {
    let (bench, door) = Harness::with_door().await;
    let id = bench.place(order().reference(URL)).await;
    let path = format!("orders/{}", id.expose());
    let reference = |case: &Value| case["status"]["Ref"].as_str().unwrap().to_owned();
    assert_eq!(reference(&door.get(&path).await), TOLD);
    assert_eq!(reference(&door.get(&format!("{path}?reveal=true")).await), URL);
    let (moved, positive) = (format!("{path}/transition"), r#"{"story":"positive"}"#);
    assert_eq!(reference(&door.good("POST", &moved, positive).await), TOLD);
    let late = r#"{"status":77}"#;
    assert_eq!(reference(&door.good("POST", &format!("{moved}?reveal=true"), late).await), URL);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_is_told_without_the_secrets_in_its_location() {
    let (_bench, door) = Harness::with_door().await;
    let rule = json!({ "fault": "redirect", "location": URL });
    let (status, _, told) = door.text("POST", "faults", &rule.to_string()).await;
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((status, &told["location"]), (201, &json!(TOLD)));
    assert_eq!(door.get("faults").await["faults"][0]["location"], TOLD);
    assert_eq!(door.get("faults?reveal=true").await["faults"][0]["location"], URL);
    let masked = json!({ "fault": "redirect", "location": TOLD }).to_string();
    door.problem("POST", "faults", &masked, 400, "admin-reveal").await;
    assert_eq!(door.get("faults").await["faults"].as_array().unwrap().len(), 1, "nothing was done");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_can_be_got_tells_no_secret_of_a_url_and_what_is_saved_keeps_it() {
    let (bench, door) = Harness::with_door().await;
    let set = json!({ "identify24": { "webhook_url": URL } }).to_string();
    door.good("POST", "settings", &set).await;
    let hook = format!("{URL}&order=[OrderID]");
    let id = bench.place(order().reference(URL).webhook_url(WebhookUrl::default().on_final(hook))).await;
    door.text("POST", "faults", &json!({ "fault": "redirect", "location": URL, "operation": "getStatus" }).to_string())
        .await;
    bench.tm_call("GET", &format!("/getStatus/{}", id.expose()), "").await;
    for case in [id.expose(), EXAMPLE_IDENT] {
        door.good("POST", &format!("orders/{case}/transition"), r#"{"story":"positive"}"#).await;
    }
    door.good("POST", "clock/advance", r#"{"seconds":0}"#).await;
    let deliveries = door.get("deliveries").await["deliveries"].as_array().unwrap().clone();
    assert_eq!(deliveries.len(), 2, "of the order and of the ident: {deliveries:?}");
    let calls = server::admin_calls().filter(|(method, path)| *method == Method::GET && !path.ends_with("/events"));
    let mut asked = 0;
    for (_, path) in calls {
        let path = path.trim_start_matches("/_sandbox/v1/").replace("{world}", "default");
        let path = if path == "tans" { format!("tans?order={}", id.expose()) } else { path };
        let ids = [id.expose(), EXAMPLE_IDENT, "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"];
        for path in ids.map(|id| path.replace("{id}", id)) {
            let (status, _, text) = door.text("GET", &path, "").await;
            assert!(!text.contains("geheim"), "{path}: {text}");
            asked += usize::from(status == 200);
        }
    }
    assert!(asked > 100, "{asked} answers");
    let saved = bench.sandbox.with_world(|world| world.to_json(&vendors::all())).unwrap().to_string();
    assert!(saved.matches(URL).count() >= 4, "a world that is saved is whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_who_follows_nor_who_waits_is_told_a_secret() {
    let bench = Harness::new();
    let listening = server::admin(&bench.sandbox, any()).await.unwrap();
    let door = Door::of(&bench.sandbox).await;
    let mut order: serde_json::Value =
        serde_json::from_slice(&fixture("identity-tm", "S-035-put-order-request.json")).unwrap();
    order["WebhookURL"] = json!({ "OnFinal": "http://user:hunter2@127.0.0.1:9/h?token=hunter2" });
    bench.tm_call("PUT", "/putOrder?token=hunter2", order.to_string()).await;
    bench.tm_call("GET", "/serverStatus?the=end", "").await;

    let mut stream = TcpStream::connect(listening.address()).await.unwrap();
    stream.write_all(b"GET /_sandbox/v1/events?since=0 HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    // Comments come all the time.
    let told = within(MINUTE, identkit_testkit::hear(&mut stream, "the=end")).await.expect("the end is told");
    let body =
        json!({ "path": "/x?token=hunter2", "headers": { "authorization": "hunter2" }, "timeout": 0 }).to_string();
    let late = door.problem("POST", "journal/wait", &body, 408, "admin-wait").await.to_string();
    let basic = identkit_wire::encode_base64(b"sandbox-customer:sandbox-code");
    for (told, words) in [(&told, "event: call"), (&late, "near_misses")] {
        assert!(told.contains(words) && told.contains("(masked)"), "{told}");
        assert!(!told.contains("hunter2") && !told.contains(&basic), "{told}");
    }
}
