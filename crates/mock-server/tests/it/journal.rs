//! The journal, asked over the admin API.

use crate::support::*;

/// An order with this Product, as JSON.
fn written(product: u32) -> String {
    serde_json::to_string(&order().product(product)).unwrap()
}

/// A sandbox with some calls in its journal, its door, and the id of an order that was placed.
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
async fn calls_are_found_and_counted_by_each_thing_that_tells_them_apart() {
    let (_bench, door, id) = busy_day().await;
    for (question, expected) in table::<Vec<(String, Vec<u64>)>>("journal-questions") {
        let question = question.replace("{id}", &id);
        let found = door.get(&format!("journal?{question}")).await;
        let requests = found["requests"].as_array().unwrap();
        let numbers: Vec<u64> = requests.iter().map(|request| request["sequence"].as_u64().unwrap()).collect();
        assert_eq!(numbers, expected, "{question}");
        assert_eq!(found["count"], expected.len());
        let counted = door.get(&format!("journal/count?{question}")).await;
        assert_eq!(counted, json!({ "count": expected.len() }), "{question}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_journal_is_told_in_pages_and_counted_whole() {
    let (bench, door) = Harness::with_door().await;
    for _ in 0..250 {
        bench.tm_call("GET", "/serverStatus", "").await;
    }
    let (mut since, mut told) = (0, Vec::new());
    for (count, requests) in [(250, 100), (150, 100), (50, 50)] {
        let page = door.get(&format!("journal?operation=serverStatus&since={since}")).await;
        let page_of: Vec<u64> =
            page["requests"].as_array().unwrap().iter().map(|call| call["sequence"].as_u64().unwrap()).collect();
        assert_eq!((page["count"].as_u64().unwrap(), page_of.len()), (count, requests));
        told.extend(page_of);
        match page.get("next") {
            Some(next) => since = next.as_u64().unwrap(),
            None => assert_eq!(count, 50, "the last page"),
        }
    }
    assert_eq!(told, (1..=250).collect::<Vec<u64>>());
    assert_eq!(door.get("journal?limit=1000").await["requests"].as_array().unwrap().len(), 250);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_had_to_go_is_told_and_what_was_taken_away_is_not() {
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
async fn waiting_answers_as_soon_as_it_holds_and_at_once_when_it_does_already() {
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
async fn waiting_in_vain_ends_with_what_came_closest() {
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
async fn the_nearest_misses_come_first_and_tell_each_difference() {
    let (_bench, door, id) = busy_day().await;
    let found = door
        .get("journal/near-misses?operation=putOrder&status=202&body/Product=15&body/Ref=ref-1&body/Nothing=1")
        .await;
    assert_eq!(found["count"], 0);
    let near = found["near_misses"].as_array().unwrap();
    let numbers: Vec<_> = near.iter().map(|near| near["request"]["sequence"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [2, 1, 3], "of the two with a difference less the later; the refused one after them");
    assert_eq!(
        near[0]["differences"],
        json!([
            { "what": "body /Product", "wanted": "15", "got": 0 },
            { "what": "body /Nothing", "wanted": "1", "got": null },
        ])
    );
    assert_eq!(near[2]["differences"][0], json!({ "what": "status", "wanted": 202, "got": 400 }));
    // What fits is no near miss.
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
async fn a_refused_request_is_explained_by_rule_pointer_section_and_what_would_be_valid() {
    let (bench, door, _) = busy_day().await;
    let explained = door.get("explain/3").await;
    assert_eq!(explained["refused"], true);
    let reason = &explained["reasons"][0];
    for (part, told) in [
        ("rule", json!("T-006")),
        ("section", json!("[T] 3.1.3")),
        ("in", json!("body")),
        ("pointer", json!("/Product")),
        ("given", json!(13)),
        ("valid", json!("must be 0, 12, 15 or 16")),
    ] {
        assert_eq!(reason[part], told);
    }
    assert_eq!(explained["request"]["body"].pointer(reason["pointer"].as_str().unwrap()), Some(&json!(13)));
    assert_eq!(explained["request"]["status"], 400);
    assert!(explained["request"]["answer"]["Error"].as_str().unwrap().contains("T-006"));

    // What is missing is pointed at where it belongs; of several faults each.
    let body =
        json!({ "Ref": "r", "Product": 12, "Add": 0, "Address": { "Country": "DE", "ZipCode": "x".repeat(99) } });
    bench.tm_call("PUT", "/putOrder", body.to_string()).await;
    let explained = door.get("explain/9").await;
    let pointers: Vec<_> =
        explained["reasons"].as_array().unwrap().iter().map(|reason| reason["pointer"].as_str().unwrap()).collect();
    assert!(pointers.contains(&"/Email") && pointers.contains(&"/Address/ZipCode"), "{pointers:?}");

    // In the path, in a header.
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
async fn secrets_are_masked_wherever_the_journal_is_told_unless_they_are_asked_for() {
    let (bench, door, _) = busy_day().await;
    bench.log_in(r#"{"PARTNER":"911-internet","APIKEY":"sandbox-api-key""#).await;
    let token = bench.token().await;
    let basic = identkit_wire::encode_base64(b"sandbox-customer:sandbox-code");
    let secrets = [token.as_str(), basic.as_str(), "sandbox-api-key", "open-sesame"];
    let canonical = door.text("GET", "journal/canonical", "").await;
    assert_eq!((canonical.0, canonical.1.as_str()), (200, "application/x-ndjson"));
    let mut told = vec![canonical.2];
    for path in ["journal", "journal/near-misses?status=999&limit=99", "explain/8", "explain/6"] {
        told.push(door.get(path).await.to_string());
    }
    for text in &told {
        for secret in secrets {
            assert!(!text.contains(secret), "{secret} is told in {text}");
        }
        assert!(text.contains("(masked)"));
    }
    let told = door.get("journal").await;
    assert_eq!(told["requests"][0]["headers"]["authorization"], "Basic (masked)");
    assert_eq!(told["requests"][5]["body"], json!({ "PARTNER": "911-internet", "APIKEY": "(masked)" }));
    assert_eq!(told["requests"][8]["body"], json!({ "bytes": 52 }), "of what cannot be read nothing is told");
    let revealed = door.get("journal?reveal=true").await.to_string();
    for secret in secrets {
        assert!(revealed.contains(secret), "{secret} is not told in {revealed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_with_a_large_document_is_still_found_by_its_elements() {
    let bench = Harness::new();
    let document = "JVBERi0xLjcK".repeat(20_000);
    let body = json!({ "Product": 15, "eSignPDF": [{ "Data": document, "Filename": "contract.pdf" }] });
    bench.tm_call("PUT", "/putOrder", body.to_string()).await;
    let mut filter = Filter::call("putOrder");
    filter.body = vec![
        ("/Product".to_owned(), Value::from(15).into()),
        ("/eSignPDF/0/Filename".to_owned(), Value::from("contract.pdf").into()),
    ];
    let journal = bench.sandbox.journal();
    assert_eq!(journal.find(&filter).count(), 1);
    let (_, call) = journal.find(&filter).next().unwrap();
    assert!(call.body.bytes.len() < 1_000 && call.body.len > 240_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_thousand_faults_a_hundred_are_answered_and_kept_and_the_rest_is_counted() {
    let bench = Harness::new();
    let body = json!({ "Product": 15, "eSignHash": vec![json!({}); 20_000] }).to_string();
    let answer = bench.tm_call("PUT", "/putOrder", body).await.json();
    let faults = answer["Faults"].as_array().unwrap();
    assert_eq!(faults.len(), 101);
    let last = faults[100]["message"].as_str().unwrap();
    assert!(last.starts_with("and ") && last.ends_with(" more violations"), "{last}");
    assert!(
        answer["Error"].as_str().unwrap().ends_with("(sandbox, docs/sandbox-control.md)"),
        "the text ends there too"
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

/// All that the journal of this world tells to who does not ask for secrets.
async fn all_told(bench: &Harness, door: &Door) -> String {
    let last = bench.sandbox.journal().last();
    let mut told = door.text("GET", "journal/canonical", "").await.2;
    for path in [
        "journal?limit=1000",
        "journal/near-misses?path=/x&limit=99",
        "journal/near-misses?path=/x%3Fy&limit=99",
        "journal/near-misses?body/IdentData=1&body/WebhookURL=1&body/0=1&body/data=1&limit=99",
        "journal/near-misses?header/authorization=x&header/referer=x&limit=99",
        "deliveries",
    ] {
        told.push_str(&door.get(path).await.to_string());
    }
    for number in 1..=last {
        let (_, _, text) = door.text("GET", &format!("explain/{number}"), "").await;
        told.push_str(&text);
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn no_way_of_writing_a_secret_brings_it_into_what_the_journal_tells() {
    let (bench, door) = Harness::with_door().await;
    let token = bench.token().await;
    bench.tm_call("GET", "/ident/abc?token=hunter2", "").await;
    bench.tm_call("GET", "/ident/abc?t%6Fken=hunter2&api-key=hunter2", "").await;
    let mut order: Value = serde_json::from_str(&written(12)).unwrap();
    order["WebhookURL"] = json!({ "OnFinal": "http://user:hunter2@127.0.0.1:9/h?token=hunter2&id=7" });
    let placed = bench.tm_call("PUT", "/putOrder", order.to_string()).await.json();
    let id = placed["OrderID"].as_str().unwrap();
    bench.tm_call("POST", &format!("/confirmSign/{id}"), r#"{"tan":"hunter2"}"#).await;
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
    let told = all_told(&bench, &door).await;
    let places: Vec<&str> = told.lines().filter(|line| line.contains("hunter2")).collect();
    assert!(places.is_empty(), "{places:?}");
    assert!(told.contains("http://(masked)@127.0.0.1:9/h?token=(masked)&id=7"), "the rest of a URL is told");
    let revealed = door.get("deliveries?reveal=true").await.to_string();
    assert!(revealed.contains("token=hunter2"), "{revealed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_calls_of_a_world_that_goes_is_told_so() {
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
