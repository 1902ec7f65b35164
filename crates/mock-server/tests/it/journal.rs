//! The journal, through the admin API.

use crate::support::*;

/// Returns an order with this Product as JSON.
fn written(product: u32) -> String {
    serde_json::to_string(&order().product(product)).unwrap()
}

/// Returns a sandbox with calls in its journal, its admin API, and the id of an order.
async fn busy_day() -> (Harness, Door, String) {
    let bench = Harness::new();
    let placed = bench.tm_call("PUT", "/putOrder", written(12)).await;
    let id = placed.json()["OrderID"].as_str().unwrap().to_owned();
    bench.tm_call("PUT", "/putOrder", written(0)).await.json();
    bench.tm_call("PUT", "/putOrder", written(13)).await.refused(400, "Product", "T-006", "[T] 3.1.3");
    bench.tm_call("GET", &format!("/getStatus/{id}/ExtendedList"), "").await;
    bench.tm_call("GET", "/getStatus/9992UNKNOWN", "").await;
    let token = bench.token().await;
    bench.i24_call(&token, "GET", &format!("/ident/get/{EXAMPLE_IDENT}"), "").await;
    bench.tm_call("GET", "/noSuchCall?APIKEY=open-sesame", "").await;
    let door = Door::of(&bench.sandbox).await;
    (bench, door, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_found_and_counted_by_each_filter() {
    let (_bench, door, id) = busy_day().await;
    for (question, expected) in table::<Vec<(String, Vec<u64>)>>("journal-questions") {
        let question = question.replace("{id}", &id);
        let found = door.get(&format!("journal?{question}")).await;
        let requests = found["requests"].as_array().unwrap();
        let numbers: Vec<u64> = requests.iter().map(|request| request["sequence"].as_u64().unwrap()).collect();
        assert!(numbers.iter().eq(expected.iter().rev()), "{question}: {numbers:?}");
        assert_eq!(found["count"], expected.len());
        let counted = door.get(&format!("journal/count?{question}")).await;
        assert_eq!(counted, json!({ "count": expected.len() }), "{question}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_journal_is_returned_newest_first_in_pages() {
    let (bench, door) = Harness::with_door().await;
    for _ in 0..250 {
        bench.tm_call("GET", "/serverStatus", "").await;
    }
    let (mut before, mut output) = (String::new(), Vec::new());
    for requests in [100, 100, 50] {
        let page = door.get(&format!("journal?operation=serverStatus{before}")).await;
        let page_of: Vec<u64> =
            page["requests"].as_array().unwrap().iter().map(|call| call["sequence"].as_u64().unwrap()).collect();
        assert_eq!((page["count"].as_u64().unwrap(), page_of.len()), (250, requests));
        output.extend(page_of);
        match page.get("next") {
            Some(next) => before = format!("&before={next}"),
            None => assert_eq!(requests, 50, "the last page"),
        }
        // A new call is in no later page.
        bench.tm_call("GET", "/getStatus/9992UNKNOWN", "").await;
    }
    assert_eq!(output, (1..=250).rev().collect::<Vec<u64>>());
    assert_eq!(door.get("journal?since=2&before=4").await["requests"][0]["sequence"], 3);
    assert_eq!(door.get("journal?operation=serverStatus&limit=1000").await["requests"].as_array().unwrap().len(), 250);
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_entries_are_counted_and_cleared_ones_are_not() {
    let (bench, door) = Harness::with_door().await;
    bench.sandbox.with_world(|world| world.journal.set_limit(10));
    for _ in 0..15 {
        bench.tm_call("GET", "/serverStatus", "").await;
    }
    assert_eq!(door.get("journal/count").await, json!({ "count": 10, "forgotten": 5 }));
    assert_eq!(door.get("journal?limit=1&since=3").await["forgotten"], 2);
    assert_eq!(door.get("journal/count?since=5").await, json!({ "count": 10 }));
    assert_eq!(door.good("DELETE", "journal", "").await["count"], 0);
    assert_eq!(door.get("journal/count").await, json!({ "count": 0 }));
    bench.tm_call("GET", "/serverStatus", "").await;
    assert_eq!(door.get("journal").await["requests"][0]["sequence"], 16);
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_ends_as_soon_as_the_condition_holds() {
    let (bench, door, id) = busy_day().await;
    let held = json!({ "operation": "putOrder", "count": 2, "timeout": 0 }).to_string();
    assert_eq!(door.good("POST", "journal/wait", &held).await, json!({ "count": 3 }));
    let wanted = json!({ "operation": "getStatus", "order": id, "count": 3, "timeout": 60, "headers": {} }).to_string();
    let waiting = door.good("POST", "journal/wait", &wanted);
    let later = async {
        for _ in 0..2 {
            pause(20 * SECOND / 1_000).await;
            bench.tm_call("GET", &format!("/getStatus/{id}"), "").await;
            bench.tm_call("GET", "/getStatus/9992UNKNOWN", "").await;
        }
    };
    let (answer, ()) = futures_util::future::join(waiting, later).await;
    assert_eq!(answer, json!({ "count": 3 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timed_out_wait_returns_near_misses() {
    let (_bench, door, _) = busy_day().await;
    let wanted =
        json!({ "operation": "putOrder", "status": 202, "body": { "/Product": 15 }, "count": 1, "timeout": 0.05 });
    let problem = door.problem("POST", "journal/wait", &wanted.to_string(), 408, "admin-wait").await;
    assert_eq!(problem["count"], 0);
    assert_eq!(problem["detail"], "putOrder with status 202, body /Product 15: 0 of 1 arrived within 0.05 s");
    let near = &problem["near_misses"][0];
    assert_eq!(near["request"]["sequence"], 2);
    assert_eq!(near["differences"], json!([{ "what": "body /Product", "wanted": 15, "got": 0 }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn near_misses_are_sorted_and_list_each_difference() {
    let (_bench, door, id) = busy_day().await;
    let found = door
        .get("journal/near-misses?operation=putOrder&status=202&body/Product=15&body/Ref=ref-1&body/Nothing=1")
        .await;
    assert_eq!(found["count"], 0);
    let near = found["near_misses"].as_array().unwrap();
    let numbers: Vec<_> = near.iter().map(|near| near["request"]["sequence"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [2, 1, 3], "fewer differences first, then later calls first");
    assert_eq!(
        near[0]["differences"],
        json!([
            { "what": "body /Product", "wanted": "15", "got": 0 },
            { "what": "body /Nothing", "wanted": "1", "got": null },
        ])
    );
    assert_eq!(near[2]["differences"][0], json!({ "what": "status", "wanted": 202, "got": 400 }));
    // Matching calls are not near misses.
    let found = door.get(&format!("journal/near-misses?operation=getStatus&order={id}&limit=1")).await;
    assert_eq!((&found["count"], found["near_misses"].as_array().unwrap().len()), (&json!(1), 1));
    assert_eq!(
        found["near_misses"][0]["differences"],
        json!([{ "what": "order", "wanted": id, "got": "9992UNKNOWN" }])
    );
    let found = door.get("journal/near-misses?header/x-api-token=wrong&limit=1").await;
    assert_eq!(
        found["near_misses"][0]["differences"],
        json!([{ "what": "header x-api-token", "wanted": "(masked)", "got": "(masked)" }])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_is_explained_by_rule_pointer_and_section() {
    let (bench, door, _) = busy_day().await;
    let explained = door.get("explain/3").await;
    assert_eq!(explained["refused"], true);
    let reason = &explained["reasons"][0];
    for (part, output) in [
        ("rule", json!("T-006")),
        ("section", json!("[T] 3.1.3")),
        ("in", json!("body")),
        ("pointer", json!("/Product")),
        ("given", json!(13)),
        ("valid", json!("must be 0, 12, 15 or 16")),
    ] {
        assert_eq!(reason[part], output);
    }
    assert_eq!(explained["request"]["body"].pointer(reason["pointer"].as_str().unwrap()), Some(&json!(13)));
    assert_eq!(explained["request"]["status"], 400);
    assert!(explained["request"]["answer"]["Error"].as_str().unwrap().contains("T-006"));

    // A missing element has the pointer where it belongs; several violations are all reported.
    let body =
        json!({ "Ref": "r", "Product": 12, "Add": 0, "Address": { "Country": "DE", "ZipCode": "x".repeat(99) } });
    bench.tm_call("PUT", "/putOrder", body.to_string()).await;
    let explained = door.get("explain/9").await;
    let pointers: Vec<_> =
        explained["reasons"].as_array().unwrap().iter().map(|reason| reason["pointer"].as_str().unwrap()).collect();
    assert!(pointers.contains(&"/Email") && pointers.contains(&"/Address/ZipCode"), "{pointers:?}");

    // Violations in the path and in a header.
    assert_eq!(door.get("explain/5").await["reasons"][0]["in"], "path");
    bench.i24_call("wrong", "GET", &format!("/ident/get/{EXAMPLE_IDENT}"), "").await;
    let explained = door.get("explain/10").await;
    assert_eq!((&explained["reasons"][0]["in"], &explained["request"]["status"]), (&json!("header"), &json!(401)));

    let good = door.get("explain/1").await;
    assert_eq!((&good["refused"], &good["reasons"]), (&json!(false), &json!([])));
    bench.clock.advance(91 * DAY).await;
    door.problem("GET", "explain/11", "", 400, "admin-explain").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_element_of_additional_is_explained_by_its_name() {
    let (bench, door) = Harness::with_door().await;
    let mut order: Value = serde_json::from_str(&written(12)).unwrap();
    let mut explain = async |product: u32, details: Value| {
        (order["Product"], order["IdentData"]) = (product.into(), json!({ "Additional": details }));
        bench.tm_call("PUT", "/putOrder", order.to_string()).await;
        let number = door.get("journal").await["requests"][0]["sequence"].clone();
        let reasons = door.get(&format!("explain/{number}")).await["reasons"].take();
        let part = |reason: &Value| (reason["pointer"].as_str().unwrap().to_owned(), reason["given"].clone());
        reasons.as_array().unwrap().iter().map(part).collect::<Vec<_>>()
    };
    let details = json!({ "weight": { "Type": 9, "Label": "Weight" }, "height": { "Label": "Height" } });
    let at = |place: &str| format!("/IdentData/Additional{place}");
    assert_eq!(explain(12, details).await, [(at("/height/Type"), Value::Null), (at("/weight/Type"), json!(9))]);
    let detail = json!({ "Type": 1, "Label": "x" });
    let details = json!({ "a": detail, "b": detail, "c": detail });
    assert_eq!(explain(0, details.clone()).await, [(at(""), details)], "the value of the element");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_masks_secrets_unless_revealed() {
    let (bench, door, _) = busy_day().await;
    bench.log_in(r#"{"PARTNER":"911-internet","APIKEY":"sandbox-api-key""#).await;
    let token = bench.token().await;
    let basic = identkit_wire::encode_base64(b"sandbox-customer:sandbox-code");
    let secrets = [token.as_str(), basic.as_str(), "sandbox-api-key", "open-sesame"];
    let canonical = door.text("GET", "journal/canonical", "").await;
    assert_eq!((canonical.0, canonical.1.as_str()), (200, "application/x-ndjson"));
    let mut output = vec![canonical.2];
    for path in ["journal", "journal/near-misses?status=999&limit=99", "explain/8", "explain/6"] {
        output.push(door.get(path).await.to_string());
    }
    for text in &output {
        for secret in secrets {
            assert!(!text.contains(secret), "{secret} is in {text}");
        }
        assert!(text.contains("(masked)"));
    }
    let output = door.get("journal").await;
    assert_eq!(output["requests"][9]["headers"]["authorization"], "Basic (masked)");
    assert_eq!(output["requests"][4]["body"], json!({ "PARTNER": "911-internet", "APIKEY": "(masked)" }));
    assert_eq!(output["requests"][1]["body"], json!({ "bytes": 52 }), "an unreadable body is only counted");
    let revealed = door.get("journal?reveal=true").await.to_string();
    for secret in secrets {
        assert!(revealed.contains(secret), "{secret} is not in {revealed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_with_a_large_document_is_found_by_its_elements() {
    let bench = Harness::new();
    let document = "JVBERi0xLjcK".repeat(20_000);
    let body = json!({ "Product": 15, "eSignPDF": [{ "Data": document, "Filename": "contract.pdf" }] });
    bench.tm_call("PUT", "/putOrder", body.to_string()).await;
    let filter = Filter::call("putOrder").body("/Product", 15).body("/eSignPDF/0/Filename", "contract.pdf");
    let journal = bench.sandbox.journal();
    assert_eq!(journal.find(&filter).count(), 1);
    let (_, call) = journal.find(&filter).next().unwrap();
    assert!(call.body.bytes.len() < 1_000 && call.body.len > 240_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_100_of_20000_violations_are_returned_and_stored() {
    let bench = Harness::new();
    let body = json!({ "Product": 15, "eSignHash": vec![json!({}); 20_000] }).to_string();
    let answer = bench.tm_call("PUT", "/putOrder", body).await.json();
    let faults = answer["Faults"].as_array().unwrap();
    assert_eq!(faults.len(), 101);
    let last = faults[100]["message"].as_str().unwrap();
    assert!(last.starts_with("and ") && last.ends_with(" more violations"), "{last}");
    assert!(
        answer["Error"].as_str().unwrap().ends_with("(sandbox, docs/sandbox-control.md)"),
        "the text is limited too"
    );
    let journal = bench.sandbox.journal();
    let (_, call) = journal.calls().next().unwrap();
    assert_eq!(call.refused.len(), 101);

    let token = bench.token().await;
    let order = json!({ "files": vec![json!({}); 20_000] }).to_string();
    bench.i24_call(&token, "POST", "/ident/insert", order).await;
    let journal = bench.sandbox.journal();
    assert!(journal.calls().all(|(_, call)| call.refused.len() <= 101));
}

/// Returns everything that the journal of this world returns without `reveal`.
async fn everything_masked(bench: &Harness, door: &Door) -> String {
    let last = bench.sandbox.journal().last();
    let mut output = door.text("GET", "journal/canonical", "").await.2;
    for path in [
        "journal?limit=1000",
        "journal/near-misses?path=/x&limit=99",
        "journal/near-misses?path=/x%3Fy&limit=99",
        "journal/near-misses?body/IdentData=1&body/WebhookURL=1&body/0=1&body/data=1&limit=99",
        "journal/near-misses?header/authorization=x&header/referer=x&limit=99",
        "deliveries",
    ] {
        output.push_str(&door.get(path).await.to_string());
    }
    for number in 1..=last {
        let (_, _, text) = door.text("GET", &format!("explain/{number}"), "").await;
        output.push_str(&text);
    }
    output
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_in_any_encoding_stay_out_of_the_journal() {
    let (bench, door) = Harness::with_door().await;
    let token = bench.token().await;
    bench.tm_call("GET", "/ident/abc?token=hunter2", "").await;
    bench.tm_call("GET", "/ident/abc?t%6Fken=hunter2&api-key=hunter2", "").await;
    let mut order: Value = serde_json::from_str(&written(12)).unwrap();
    order["WebhookURL"] = json!({ "OnFinal": "http://user:hunter2@127.0.0.1:9/h?token=hunter2&id=7" });
    let placed = bench.tm_call("PUT", "/putOrder", order.to_string()).await.json();
    let id = placed["OrderID"].as_str().unwrap();
    bench.tm_call("POST", &format!("/confirmSign/{id}"), r#"{"tan":"hunter2"}"#).await;
    bench.tm_call("POST", &format!("/confirmSign/{id}"), r#"{"TAN_CODE":"hunter2","pin":"hunter2"}"#).await;
    for body in [
        json!(json!({ "APIKEY": "hunter2" }).to_string()).to_string(),
        r#"{"data":"APIKEY=hunter2"}"#.to_owned(),
        r#"{"Product":"APIKEY=hunter2"}"#.to_owned(),
        r#"{"api-key":"hunter2","IdentData":{"token":"hunter2"}}"#.to_owned(),
    ] {
        bench.tm_call("PUT", "/putOrder", body.clone()).await;
        bench.i24_call(&token, "POST", "/ident/insert", body).await;
    }
    for body in [r#"["hunter2"]"#, r#""hunter2""#, "hunter2", r#"{"PARTNER":"p","KEY":"hunter2"}"#] {
        bench.log_in(body).await;
    }
    for (name, value) in [
        ("authorization", "hunter2 x"),
        ("x-auth-token", "hunter2"),
        ("api-key", "hunter2"),
        ("x-apikey", "hunter2"),
        ("referer", "http://a.example/?token=hunter2"),
    ] {
        let request = http::Request::get("/api/2.10/serverStatus").header(name, value);
        bench.sandbox.handle(request.body(bytes::Bytes::new()).unwrap()).await;
    }
    door.good("POST", &format!("orders/{id}/transition"), r#"{"story":"positive"}"#).await;
    bench.clock.advance(DAY).await;
    let output = everything_masked(&bench, &door).await;
    let places: Vec<&str> = output.lines().filter(|line| line.contains("hunter2")).collect();
    assert!(places.is_empty(), "{places:?}");
    assert!(output.contains("http://(masked)@127.0.0.1:9/h?token=(masked)&id=7"), "the rest of a URL is visible");
    let revealed = door.get("deliveries?reveal=true").await.to_string();
    assert!(revealed.contains("token=hunter2"), "{revealed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_ends_with_409_when_the_world_goes_away() {
    let worlds = Worlds::from(&Sandbox::builder().start());
    worlds.create(&named("mine")).unwrap();
    worlds.keep_snapshot("mine", "before").unwrap();
    let door = Door::of(&worlds).await;
    for end in ["reset", "restore", "delete"] {
        let wanted = r#"{"operation":"putOrder","timeout":60}"#;
        let waiting = door.text("POST", "journal/wait?world=mine", wanted);
        let ending = async {
            pause(SECOND / 5).await;
            match end {
                "reset" => drop(worlds.reset("mine").unwrap()),
                "restore" => drop(worlds.restore("mine", "before").unwrap()),
                _ => worlds.delete("mine").unwrap(),
            }
        };
        let ((status, _, text), ()) = futures_util::future::join(waiting, ending).await;
        assert_eq!(status, 409, "{end}: {text}");
        assert!(text.contains("the world was reset, restored or deleted"), "{text}");
    }
}
