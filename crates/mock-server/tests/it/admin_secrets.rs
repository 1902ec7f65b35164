//! The admin API masks secrets in URLs unless `reveal=true`.

use identkit_mock_server::vendors::identity_tm::WebhookUrls;

use crate::support::*;

const URL: &str = "https://user:geheim@hooks.example/h?token=geheim&id=1";
const MASKED: &str = "https://(masked)@hooks.example/h?token=(masked)&id=1";

#[tokio::test(flavor = "multi_thread")]
async fn the_webhook_setting_is_returned_with_masked_secrets() {
    let (_bench, door) = Harness::with_door().await;
    let set = json!({ "identify24": { "webhook_url": URL } }).to_string();
    let url = |settings: &Value| settings["identify24"]["webhook_url"].as_str().unwrap().to_owned();
    assert_eq!(url(&door.good("POST", "settings", &set).await), MASKED);
    assert_eq!(url(&door.get("settings").await), MASKED);
    assert_eq!(url(&door.get("settings?reveal=true").await), URL);
    assert_eq!(url(&door.good("POST", "settings?reveal=true", "{}").await), URL);
    // The accounts' credentials are not masked.
    assert_eq!(door.get("settings").await["identify24"]["api_key"], "sandbox-api-key");

    // A masked URL cannot be set: the webhook would call that URL.
    let output = door.get("settings").await.to_string();
    let problem = door.problem("POST", "settings", &output, 400, "admin-reveal").await;
    assert!(problem["detail"].as_str().unwrap().contains("reveal=true"), "{problem}");
    // The percent-encoded form.
    let encoded = r#"{"identify24":{"webhook_url":"https://hooks.example/h?token=%28masked%29"}}"#;
    door.problem("POST", "settings", encoded, 400, "admin-reveal").await;
    assert_eq!(url(&door.get("settings?reveal=true").await), URL, "nothing was changed");
    let whole = door.get("settings?reveal=true").await;
    assert_eq!(door.good("POST", "settings?reveal=true", &whole.to_string()).await, whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn urls_in_an_order_are_returned_with_masked_secrets() {
    let (bench, door) = Harness::with_door().await;
    let id = bench.place(order().reference(URL)).await;
    let path = format!("orders/{}", id.expose());
    let reference = |case: &Value| case["status"]["Ref"].as_str().unwrap().to_owned();
    assert_eq!(reference(&door.get(&path).await), MASKED);
    assert_eq!(reference(&door.get(&format!("{path}?reveal=true")).await), URL);
    let (moved, positive) = (format!("{path}/transition"), r#"{"story":"positive"}"#);
    assert_eq!(reference(&door.good("POST", &moved, positive).await), MASKED);
    let late = r#"{"status":77}"#;
    assert_eq!(reference(&door.good("POST", &format!("{moved}?reveal=true"), late).await), URL);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_location_of_a_fault_is_returned_with_masked_secrets() {
    let (_bench, door) = Harness::with_door().await;
    let rule = json!({ "fault": "redirect", "location": URL });
    let (status, _, output) = door.text("POST", "faults", &rule.to_string()).await;
    let output: Value = serde_json::from_str(&output).unwrap();
    assert_eq!((status, &output["location"]), (201, &json!(MASKED)));
    assert_eq!(door.get("faults").await["faults"][0]["location"], MASKED);
    assert_eq!(door.get("faults?reveal=true").await["faults"][0]["location"], URL);
    let masked = json!({ "fault": "redirect", "location": MASKED }).to_string();
    door.problem("POST", "faults", &masked, 400, "admin-reveal").await;
    assert_eq!(door.get("faults").await["faults"].as_array().unwrap().len(), 1, "nothing was changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_get_masks_secrets_in_urls_and_saving_keeps_them() {
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
    assert_eq!(deliveries.len(), 2, "one of the order and one of the ident: {deliveries:?}");
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
    assert!(saved.matches(URL).count() >= 4, "a saved world contains the secrets");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_and_waits_mask_secrets() {
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
    // Comments arrive all the time.
    let output = within(MINUTE, identkit_testkit::hear(&mut stream, "the=end")).await.expect("the end is reported");
    let body =
        json!({ "path": "/x?token=hunter2", "headers": { "authorization": "hunter2" }, "timeout": 0 }).to_string();
    let late = door.problem("POST", "journal/wait", &body, 408, "admin-wait").await.to_string();
    let basic = identkit_wire::encode_base64(b"sandbox-customer:sandbox-code");
    for (output, words) in [(&output, "event: call"), (&late, "near_misses")] {
        assert!(output.contains(words) && output.contains("(masked)"), "{output}");
        assert!(!output.contains("hunter2") && !output.contains(&basic), "{output}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_url_of_a_delivery_is_shown_as_given() {
    for (given, masked) in [
        ("hooks example/h?token=geheim&id=1", "hooks example/h?token=(masked)&id=1"),
        ("https//user:geheim@hooks.example/h?id=1", "(masked)@hooks.example/h?id=1"),
        ("https://user:geheim@:x/h?token=geheim", "(masked)@:x/h?token=(masked)"),
    ] {
        let (bench, door) = Harness::with_door().await;
        bench.set_up(|settings| {
            settings.webhook_method = Method::POST;
            settings.webhook_urls.on_final = Some(Secret::new(given));
        });
        bench.ended(order(), "positive").await;
        let delivery = |all: Value| all["deliveries"][0].clone();
        let output = delivery(door.get("deliveries").await);
        assert_eq!((&output["url"], &output["method"]), (&json!(masked), &json!("POST")), "{output}");
        assert_eq!((&output["state"], &output["attempts"][0]["outcome"]), (&json!("failed"), &json!("failed")));
        assert!(!door.get(&format!("deliveries/{}", output["id"])).await.to_string().contains("geheim"));
        assert_eq!(delivery(door.get("deliveries?reveal=true").await)["url"], given);
        // An invalid URL in the settings cannot be saved.
        bench.set_up(|settings| settings.webhook_urls = WebhookUrls::default());
        let saved = bench.sandbox.restore(&bench.sandbox.save().unwrap()).unwrap();
        assert_eq!(saved.deliveries(None)[0].invalid_url, Some(Secret::new(given)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_without_a_name_are_masked_in_the_journal() {
    let (bench, door) = Harness::with_door().await;
    for body in [r#""481516""#, "481516", r#"["481516"]"#, r#"[["481516"], 481516]"#, "tan 481516", "[481516"] {
        bench.tm_call("POST", &format!("/confirmSign/{EXAMPLE_ORDER}"), body).await;
        let output = door.get("journal?limit=1").await;
        assert!(!output["requests"][0]["body"].is_null(), "{body}: {output}");
        let explained = door.get(&format!("explain/{}", output["requests"][0]["sequence"])).await;
        for output in [output, explained] {
            assert!(!output.to_string().contains("481516"), "{body}: {output}");
        }
        assert!(door.get("journal?limit=1&reveal=true").await.to_string().contains("481516"));
        assert!(!bench.sandbox.journal().canonical().contains("481516"), "{body}");
    }
    // Elements with names stay visible, and so does JSON in a text.
    for body in [r#"[{"Product":12}]"#, r#""{\"Product\":12}""#] {
        bench.tm_call("PUT", "/putOrder", body).await;
        assert!(door.get("journal?limit=1").await["requests"][0]["body"].to_string().contains("Product"), "{body}");
    }
}
