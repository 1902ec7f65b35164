//! Orders, idents, and deliveries with their answers, in the admin API (M-18); warnings about misspelled elements.

use crate::support::*;

fn ids(list: &Value, name: &str) -> Vec<String> {
    list[name].as_array().unwrap().iter().map(|case| case["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn m_18_orders_are_listed_newest_first_in_pages() {
    let (bench, door) = Harness::with_door().await;
    assert_eq!(door.get("orders").await, json!({ "count": 0, "orders": [] }), "without the documents' examples");
    let mut placed = Vec::new();
    for number in 0..5 {
        placed.insert(0, bench.place(order().reference(format!("ref-{number}"))).await.expose().to_owned());
    }
    let all = door.get("orders").await;
    assert_eq!((ids(&all, "orders"), all.get("next")), (placed.clone(), None));
    assert_eq!(all["orders"][4], door.get(&format!("orders/{}", placed[4])).await, "each as in getOrder");
    let (mut paged, mut path) = (Vec::new(), "orders?limit=2".to_owned());
    loop {
        let page = door.get(&path).await;
        assert!(page["orders"].as_array().unwrap().len() <= 2);
        paged.extend(ids(&page, "orders"));
        // A new order is in no later page.
        bench.place(order()).await;
        let Some(next) = page["next"].as_str() else { break };
        path = format!("orders?limit=2&before={next}");
    }
    assert_eq!(paged, placed);
    bench.play(&placed[1], "positive").await;
    bench.play(&placed[3], "positive").await;
    assert_eq!(ids(&door.get("orders?status=23").await, "orders"), [placed[1].clone(), placed[3].clone()]);
    assert_eq!(door.get("orders?status=23&limit=1").await["next"], placed[1].as_str());
    assert_eq!(ids(&door.get("orders?reference=ref-0").await, "orders"), [placed[4].clone()]);
    assert_eq!(ids(&door.get("orders?reference=ref-0&status=6").await, "orders"), [""; 0]);
    // Any status can be set, and is then a valid filter, even beside another one.
    assert_eq!(bench.sandbox.transition(&placed[2], &Transition::Status(json!(77_777))), Ok(()));
    assert_eq!(ids(&door.get("orders?status=77777").await, "orders"), [placed[2].clone()]);
    assert_eq!(ids(&door.get("orders?status=77777&reference=ref-0").await, "orders"), [""; 0]);
    for (query, rule, words) in [
        ("before=none", "admin-case", "`before`"),
        (&format!("before={EXAMPLE_ORDER}"), "admin-case", "`before`"),
        ("status=xyz", "admin-query", "known statuses are 3, 6, 7, 9"),
        ("status=88888", "admin-query", "known statuses are 3, 6, 7, 9"),
        ("status=", "admin-query", "unknown status"),
        ("limit=0", "admin-query", "from 1 to 1000"),
        ("limit=1001", "admin-query", "from 1 to 1000"),
        ("limit=%2B5", "admin-query", "from 1 to 1000"),
        ("Ref=ref-0", "admin-query", "unknown parameter `Ref`"),
        ("orderId2=1", "admin-query", "unknown parameter `orderId2`"),
    ] {
        let problem = door.problem("GET", &format!("orders?{query}"), "", 400, rule).await;
        assert!(problem["detail"].as_str().unwrap().contains(words), "{query}: {problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m_18_idents_are_listed_newest_first() {
    let (bench, door) = Harness::with_door().await;
    bench.place(order()).await;
    let first = bench.create_ident().await;
    let second = bench.create_ident().await;
    assert_eq!(ids(&door.get("idents").await, "idents"), [second.clone(), first.clone()]);
    assert_eq!(door.get("idents?limit=1").await["next"], second.as_str());
    assert_eq!(ids(&door.get(&format!("idents?before={second}")).await, "idents"), [first.as_str()]);
    bench.play(&first, "positive").await;
    assert_eq!(ids(&door.get("idents?status=Identified").await, "idents"), [first]);
    let problem = door.problem("GET", "idents?status=identified", "", 400, "admin-query").await;
    let words = "known statuses are Identified, Rejected, Unidentified";
    assert!(problem["detail"].as_str().unwrap().ends_with(words), "{problem}");
    assert_eq!(ids(&door.get("idents?reference=Optional").await, "idents").len(), 2);
    assert_eq!(ids(&door.get("orders").await, "orders").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn m_18_deliveries_are_listed_newest_first_in_pages() {
    let (bench, _) = Harness::with_receiver(Receiver::answering(Some(200)));
    let door = Door::of(&bench.sandbox).await;
    let mut ended = Vec::new();
    for _ in 0..3 {
        ended.insert(0, bench.ended(order_with(&["OnFinal"]), "positive").await.expose().to_owned());
    }
    let orders = |page: &Value| -> Vec<String> {
        let deliveries = page["deliveries"].as_array().unwrap().iter();
        deliveries.map(|delivery| delivery["order"].as_str().unwrap().to_owned()).collect()
    };
    let all = door.get("deliveries").await;
    assert_eq!((orders(&all), all.get("next")), (ended.clone(), None));
    let first = door.get("deliveries?limit=2").await;
    assert_eq!((orders(&first), &first["next"]), (ended[..2].to_vec(), &all["deliveries"][1]["id"]));
    let second = door.get(&format!("deliveries?limit=2&before={}", first["next"])).await;
    assert_eq!((orders(&second), second.get("next")), (ended[2..].to_vec(), None));
    // An order without a webhook is known.
    let silent = bench.place(order()).await;
    assert_eq!(door.get(&format!("deliveries?order={}", silent.expose())).await, json!({ "deliveries": [] }));
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_about_an_unknown_order_name_it() {
    let (_bench, door) = Harness::with_door().await;
    for list in ["deliveries", "outbox"] {
        let path = format!("{list}?order=99921234567890");
        let problem = door.problem("GET", &path, "", 404, "admin-case").await;
        assert!(problem["detail"].as_str().unwrap().contains("99921234567890"), "{problem}");
        let problem = door.problem("GET", &format!("{list}?order=Erika%20M"), "", 404, "admin-case").await;
        assert!(!problem.to_string().contains("Erika"), "another text can be personal data: {problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_of_a_query_have_digits_only() {
    let (bench, door) = Harness::with_door().await;
    bench.place(order()).await;
    for (path, status, rule) in [
        ("idents?limit=%2B5", 400, "admin-query"),
        ("outbox?limit=%2B5", 400, "admin-query"),
        ("outbox?before=%2B5", 400, "admin-query"),
        ("deliveries?limit=%2B5", 400, "admin-query"),
        ("deliveries?before=-1", 400, "admin-query"),
        ("deliveries?before=0", 400, "admin-query"),
        ("journal?limit=%2B5", 400, "admin-journal"),
        ("journal?before=%2B5", 400, "admin-journal"),
        ("journal?since=%2B1", 400, "admin-journal"),
        ("journal?status=%2B200", 400, "admin-journal"),
        ("journal/near-misses?limit=%2B5", 400, "admin-journal"),
        ("explain/%2B1", 404, "admin-explain"),
        ("deliveries/%2B1", 404, "admin-delivery"),
        ("events?since=%2B1", 400, "admin-events"),
    ] {
        door.problem("GET", path, "", status, rule).await;
    }
    // Parameters without effect are rejected too.
    for name in ["limit", "before", "reveal"] {
        let problem = door.problem("GET", &format!("journal/count?{name}=1"), "", 400, "admin-journal").await;
        assert!(problem["detail"].as_str().unwrap().contains(&format!("unknown parameter `{name}`")), "{problem}");
    }
}

/// Answers with a status, a header and a text, or after the notification.
#[derive(Clone)]
struct Talks(Arc<Mutex<Vec<(u16, &'static str)>>>);

impl fmt::Debug for Talks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Talks")
    }
}

#[async_trait::async_trait]
impl Transport for Talks {
    async fn send(&self, _: Request<Body>, _: &AttemptContext) -> Result<Response<Content>, Failure> {
        let (status, text) = self.0.lock().unwrap().remove(0);
        let content = Content::from_bytes(Bytes::from_static(text.as_bytes()));
        Ok(Response::builder().status(status).header("x-receiver", "mine").body(content).unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m_18_a_delivery_has_each_request_and_answer() {
    let answers = vec![(500, r#"{"error":"no database","token":"S"}"#), (202, "thank you")];
    let receiver = Talks(Arc::new(Mutex::new(answers)));
    let bench = Harness::with(|builder| builder.webhook_transport(Arc::new(receiver)));
    let door = Door::of(&bench.sandbox).await;
    let id = bench.ended(order_with(&["OnFinal"]), "positive").await;
    bench.clock.advance(2 * MINUTE).await;
    let list = door.get("deliveries").await;
    let number = list["deliveries"][0]["id"].as_u64().unwrap();
    assert!(list["deliveries"][0]["attempts"][0].get("request").is_none(), "lists are short");
    let delivery = door.get(&format!("deliveries/{number}")).await;
    let attempts = delivery["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 2);
    for attempt in attempts {
        let request = &attempt["request"];
        assert_eq!((&request["method"], &request["url"]), (&json!("GET"), &delivery["url"]));
        assert!(request["url"].as_str().unwrap().contains(id.expose()) && request["headers"].is_object());
        assert_eq!((&request["body"], &attempt["answer"]["headers"]["x-receiver"]), (&Value::Null, &json!("mine")));
        assert!(attempt.get("finding").is_none());
    }
    assert_eq!(attempts[0]["answer"]["body"], json!({ "error": "no database", "token": "(masked)" }));
    assert_eq!((&attempts[1]["answer"]["body"], &attempts[1]["status"]), (&json!("thank you"), &json!(202)));
    let revealed = door.get(&format!("deliveries/{number}?reveal=true")).await;
    assert_eq!(revealed["attempts"][0]["answer"]["body"]["token"], "S");
    // The journal has the answers too; its canonical form does not.
    let events: Vec<Value> =
        bench.sandbox.journal().since(0).map(|entry| entry.to_json(journal::Secrets::Masked)).collect();
    assert!(events.iter().any(|entry| entry["kind"] == "attempt" && entry["answer"]["body"] == "thank you"));
    assert!(!bench.sandbox.journal().canonical().contains("thank you"));
    door.good("DELETE", "journal", "").await;
    let delivery = door.get(&format!("deliveries/{number}")).await;
    assert!(delivery["attempts"][1].get("answer").is_none() && delivery["attempts"][1]["request"].is_object());
}

#[tokio::test(flavor = "multi_thread")]
async fn m_18_a_webhook_body_and_a_dropped_webhook_are_shown() {
    let (bench, _) = Harness::with_receiver(Receiver::answering(Some(200)));
    let door = Door::of(&bench.sandbox).await;
    bench.set_portal_url();
    let ident = bench.create_ident().await;
    bench.play(&ident, "positive").await;
    bench.sandbox.set_webhooks(None, webhooks::Mode::Drop);
    bench.play(&ident, "negative").await;
    let list = door.get("deliveries").await;
    let of = async |index: usize| {
        let number = list["deliveries"][index]["id"].as_u64().unwrap();
        door.get(&format!("deliveries/{number}")).await["attempts"][0].clone()
    };
    let sent = of(1).await;
    assert_eq!(
        (&sent["request"]["method"], &sent["request"]["body"]["status"]),
        (&json!("POST"), &json!("Identified"))
    );
    let dropped = of(0).await;
    assert!(dropped.get("request").is_none() && dropped.get("answer").is_none(), "{dropped}");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_during_a_webhook_are_a_finding() {
    let (bench, receiver, gate) = Harness::gated();
    let door = Door::of(&bench.sandbox).await;
    let id = bench.under_way(&receiver, &["OnFinal"]).await;
    let other = bench.place(order()).await;
    bench.tm_call("GET", &format!("/getStatus/{}", other.expose()), "").await;
    let read = {
        let (sandbox, path) = (bench.sandbox.clone(), format!("/getIdentData/{}", id.expose()));
        tokio::spawn(async move { sandbox.handle(tm_request("GET", &path).body(Bytes::new()).unwrap()).await.status() })
    };
    // The read waits. Its arrival is recorded before.
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    pause(Duration::from_millis(200)).await;
    assert!(!read.is_finished());
    gate.notify_one();
    assert_eq!(read.await.unwrap(), 200);
    let delivery = door.get("deliveries").await["deliveries"][0].clone();
    let finding = delivery["attempts"][0]["finding"].as_str().unwrap();
    let expected =
        "your receiver called getIdentData for this order while its webhook was unanswered: such a call waits";
    assert!(finding.starts_with(expected), "{finding}");
    // A saved world keeps it.
    let vendors = vendors::all();
    let saved = bench.sandbox.snapshot().to_json(&vendors).unwrap();
    let restored = World::from_json(&vendors, &saved).unwrap();
    assert_eq!(restored.deliveries[0].attempts[0].calls, ["getIdentData"]);
    // A call after the answer is not a finding.
    bench.tm_call("GET", &format!("/getStatus/{}", id.expose()), "").await;
    assert_eq!(door.get("deliveries").await["deliveries"][0], delivery);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_identify24_during_a_webhook_are_a_finding() {
    let (bench, receiver, gate) = Harness::gated();
    bench.set_portal_url();
    let token = bench.token().await;
    let ident = bench.create_ident().await;
    bench.begin(&ident, "positive").unwrap();
    receiver.until(1).await;
    // Calls about an ident do not wait.
    assert_eq!(bench.i24_call(&token, "GET", &format!("/ident/get/{ident}"), "").await.status, 200);
    gate.notify_one();
    bench.clock.settle().await;
    let delivery = bench.sandbox.deliveries(None).remove(0);
    let finding = delivery.finding(&delivery.attempts[0]).unwrap();
    let expected = "your receiver called ident/get for this ident while its webhook was unanswered: answer the webhook";
    assert!(finding.starts_with(expected), "{finding}");
}

async fn warnings(door: &Door, operation: &str) -> Vec<(String, String)> {
    let calls = door.get(&format!("journal?operation={operation}")).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let warnings = calls["requests"].as_array().unwrap().first().unwrap()["warnings"].as_array().cloned();
    let warnings = warnings.unwrap_or_default();
    assert!(warnings.iter().all(|warning| warning["rule"] == "M-08"));
    warnings.iter().map(|warning| (text(&warning["field"]), text(&warning["message"]))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn at_10_at_11_paths_of_examples_only_get_a_warning() {
    let (bench, door) = Harness::with_door().await;
    let warned = async |method: &str, path: &str| {
        bench.raw(tm_request(method, "").uri(path).body(Bytes::new()).unwrap()).await;
        let calls = door.get("journal?limit=1").await;
        let warnings = calls["requests"][0]["warnings"].as_array().cloned().unwrap_or_default();
        warnings.iter().map(|warning| warning["rule"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(warned("GET", "/api/2.10/getStatus/99921269855041").await, [""; 0]);
    assert_eq!(warned("GET", "/api/2.0/getStatus/99921269855041").await, ["AT-11"]);
    assert_eq!(warned("POST", "/api/2.10/confirm/99921269855041").await, ["AT-10"]);
    assert_eq!(warned("POST", "/api/2.0/confirm/99921269855041").await, ["AT-10", "AT-11"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn misspelled_elements_get_a_warning_with_the_nearest_name() {
    let (bench, door) = Harness::with_door().await;
    let near = |field: &str, nearest: &str| {
        (field.to_owned(), format!("is not in the document and has no effect; did you mean `{nearest}`?"))
    };
    bench
        .ordered(json!({
            "WebhookUrl": { "OnFinal": "https://hooks.example/" },
            "IdentData": { "Birthday": "1964-08-12", "IDCard": { "CardNr": "1" }, "Frau Mustermann": true },
            "WebhookURL": { "onfinal": "https://hooks.example/" },
            "Erika": "Mustermann",
        }))
        .await;
    assert_eq!(
        warnings(&door, "putOrder").await,
        [
            near("WebhookUrl", "WebhookURL"),
            near("WebhookURL.onfinal", "OnFinal"),
            near("IdentData.Birthday", "Birthdate"),
            near("IdentData.IDCard.CardNr", "CardNo"),
        ]
    );
    bench.ordered(json!({})).await;
    assert_eq!(warnings(&door, "putOrder").await, []);
    bench.tm_call("POST", "/getAllStatus", r#"{"period":{},"Period":{"Beginn":"2020-01-01T00:00:00Z"}}"#).await;
    assert_eq!(warnings(&door, "getAllStatus").await, [near("period", "Period"), near("Period.Beginn", "Begin")]);
    let mut ident = sample_ident();
    ident["personFirstName"] = json!("Erika");
    assert_eq!(bench.create(&ident).await.status, 200);
    assert_eq!(warnings(&door, "ident/create").await, [near("personFirstName", "person_first_name")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn strict_rejects_misspelled_elements_with_the_nearest_name() {
    let mut order = serde_json::to_value(order()).unwrap();
    order["WebhookUrl"] = json!({});
    let answer = Harness::strict().tm_call("PUT", "/putOrder", order.to_string()).await;
    answer.refused(400, "WebhookUrl", "M-08", "[T] 3.1.3");
    assert!(answer.text().contains("did you mean `WebhookURL`?"), "{}", answer.text());
}
