//! What the console reads from the admin API: search, details, files, statuses, timers, rules (M-18).

use identkit_mock_server::vendors::identity_tm::SCENARIOS;

use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn m_18_orders_are_found_by_their_texts_and_counted() {
    let (bench, door) = Harness::with_door().await;
    let mut placed = Vec::new();
    for number in 0..5 {
        placed.insert(0, bench.place(order().reference(format!("Ref-{number}"))).await.expose().to_owned());
    }
    let ids = |list: &Value| -> Vec<String> {
        list["orders"].as_array().unwrap().iter().map(|case| case["id"].as_str().unwrap().to_owned()).collect()
    };
    for (query, count, found) in [
        ("", 5, placed.clone()),
        ("limit=2", 5, placed[..2].to_vec()),
        ("search=ref-3", 1, vec![placed[1].clone()]),
        (&format!("search={}", placed[4].to_lowercase()), 1, vec![placed[4].clone()]),
        ("search=MUSTERMANN&limit=1", 5, placed[..1].to_vec()),
        (&format!("search=mustermann&before={}", placed[2]), 5, placed[3..].to_vec()),
        (&format!("search=ref-4&before={}", placed[2]), 1, vec![]),
        ("search=nobody", 0, vec![]),
        ("search=ref-3&status=6", 0, vec![]),
    ] {
        let page = door.get(&format!("orders?{query}")).await;
        assert_eq!((&page["count"], ids(&page)), (&json!(count), found), "{query}");
    }
    assert_eq!(door.get("orders?search=mustermann&limit=2").await["next"], placed[1].as_str());
    assert_eq!(door.get("orders?search=mustermann&limit=5").await.get("next"), None);
    let ident = bench.create_ident().await;
    let found = door.get("idents?search=optional").await;
    assert_eq!((&found["count"], &found["idents"][0]["id"]), (&json!(1), &json!(ident)));
    assert_eq!(found["idents"][0]["created_at"], "2020-09-10T12:00:00Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn m_18_details_mask_secrets_by_their_names() {
    let (bench, door) = Harness::with_door().await;
    let id = bench.ordered(json!({ "pinCode": "7391", "Extra": "{\"password\":\"hidden-word\"}" })).await;
    let masked = door.get(&format!("orders/{id}/details")).await["ordered"].to_string();
    assert!(masked.contains("Mustermann") && masked.contains("pinCode"), "{masked}");
    assert!(!masked.contains("7391") && !masked.contains("hidden-word"), "{masked}");
    let revealed = door.get(&format!("orders/{id}/details?reveal=true")).await["ordered"].to_string();
    assert!(revealed.contains("7391") && revealed.contains("hidden-word"), "{revealed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn m_18_details_have_names_stories_actions_and_files() {
    let (bench, door) = Harness::with_door().await;
    let id = bench.place(order()).await.expose().to_owned();
    let details = door.get(&format!("orders/{id}/details")).await;
    assert_eq!(details["ordered"]["Address"]["Surname"], "Mustermann");
    assert_eq!(details["timeline"][0]["name"], "Order initialized");
    assert_eq!(details["timeline"][0]["at"], "2020-09-10T12:00:00Z");
    let story = |details: &Value, name: &str| {
        let stories = details["stories"].as_array().unwrap().iter();
        stories.clone().find(|story| story["name"] == name).unwrap()["refused"].clone()
    };
    assert_eq!(details["stories"].as_array().unwrap().len(), SCENARIOS.len());
    assert_eq!(story(&details, "positive"), Value::Null);
    assert!(story(&details, "signed").as_str().unwrap().contains("nothing to sign"), "{details}");
    // Each story that the details allow can be played, and no other.
    for name in SCENARIOS {
        let copy = bench.sandbox.fork();
        let played = copy.play(&id, name).err().map(|error| error.to_string());
        let refused = story(&details, name);
        assert_eq!(played.is_none(), refused.is_null(), "{name}: {played:?}");
        assert!(played.is_none_or(|error| error.contains(refused.as_str().unwrap())), "{name}");
    }
    bench.play(&id, "positive").await;
    let details = door.get(&format!("orders/{id}/details")).await;
    assert_eq!(details["actions"][0]["by"], "positive");
    assert!(story(&details, "negative").as_str().unwrap().contains("the order is final"));
    let state = door.get(&format!("orders/{id}")).await;
    assert_eq!((&state["result"], &state["status_name"]), (&json!("positive"), &json!("Document verified")));
    let problem = door.problem("GET", "orders/none/details", "", 404, "admin-case").await;
    assert_eq!(problem["title"], "Unknown order");
    let ident = bench.create_ident().await;
    let details = door.get(&format!("orders/{ident}/details")).await;
    assert_eq!(details["timeline"], json!([{ "at": null, "name": null, "remark": null, "status": "Unidentified" }]));
    assert_eq!(details["evidence"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn m_18_files_are_those_of_the_vendors_calls() {
    let (bench, door) = Harness::with_door().await;
    bench.set_up(|settings| (settings.images, settings.voice_files, settings.record_video) = (true, true, true));
    let id = bench.place(order()).await;
    let path = format!("orders/{}/evidence", id.expose());
    let refused = door.problem("GET", &format!("{path}?file=report.pdf"), "", 400, "AT-62").await;
    assert_eq!(refused["type"], "urn:identkit:problem:refused-file");
    bench.play(id.expose(), "video").await;
    let before = bench.sandbox.journal().last();
    let report = bench.tm_call("GET", &format!("/getIdentDataPDF/{}", id.expose()), "").await.text();
    let files = door.get(&format!("orders/{}/details", id.expose())).await["evidence"].clone();
    let names: Vec<&str> = files.as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["result.json", "report.pdf", "front.png", "back.png", "recording.mp4", "voice.mp3"]);
    for (name, media_type, start) in [
        ("result.json", "application/json", "{"),
        ("report.pdf", "application/pdf", "%PDF-"),
        ("front.png", "image/png", "PNG"),
        ("voice.mp3", "audio/mpeg", ""),
    ] {
        let (status, media, body) = door.text("GET", &format!("{path}?file={name}"), "").await;
        assert_eq!((status, media.as_str()), (200, media_type), "{name}");
        assert!(body.get(..8).unwrap_or(&body).contains(start) || body.contains(start), "{name}");
        if name == "report.pdf" {
            assert_eq!(body, report);
        }
    }
    assert_eq!(bench.sandbox.journal().last(), before + 1, "no file leaves an entry");
    assert_eq!(files[4]["refused"].as_str().unwrap().split(':').next(), Some("the recording is not ready"));
    for (query, status, rule) in [("file=none", 404, "admin-case"), ("", 400, "admin-query")] {
        door.problem("GET", &format!("{path}?{query}"), "", status, rule).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m_18_statuses_timers_and_rules_are_listed() {
    let (bench, door) = Harness::with_door().await;
    let statuses = door.get("statuses").await;
    let statuses = statuses["statuses"].as_array().unwrap();
    assert!(statuses.iter().any(|one| one["status"] == "89" && one["name"] == "Fraud attempt by customer"));
    assert!(statuses.iter().any(|one| one["status"] == "Identified" && one["cases"] == "idents"));
    let id = bench.place(order()).await;
    let due = door.get("clock/due?limit=1").await;
    assert_eq!((&due["count"], &due["timers"][0]["what"]), (&json!(2), &json!("time-out")), "{due}");
    assert_eq!(due["timers"][0]["subject"], id.expose());
    assert_eq!(due["timers"][0]["at"], door.get("clock").await["next_due"]);
    door.problem("GET", "clock/due?limit=0", "", 400, "admin-query").await;
    let rules = door.get("rules").await;
    let rules = rules["rules"].as_array().unwrap();
    let known: BTreeSet<&str> = identkit_mock_server::vendors::rules().iter().map(|rule| rule.id).collect();
    let listed: BTreeSet<&str> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    assert!(known.is_subset(&listed), "{:?}", known.difference(&listed));
    let strict = rules.iter().filter(|rule| rule["profiles"] == json!(["strict"]));
    assert!(strict.clone().count() > 0 && strict.into_iter().all(|rule| rule["enforced"] == false));
}

#[tokio::test(flavor = "multi_thread")]
async fn m_18_deliveries_are_filtered_by_state() {
    let (bench, _) = Harness::with_receiver(Receiver::answering(Some(200)));
    let door = Door::of(&bench.sandbox).await;
    bench.ended(order_with(&["OnFinal"]), "positive").await;
    bench.clock.settle().await;
    let states = |list: &Value| list["deliveries"].as_array().unwrap().len();
    assert_eq!(states(&door.get("deliveries?state=delivered").await), 1);
    assert_eq!(states(&door.get("deliveries?state=failed").await), 0);
    door.problem("GET", "deliveries?state=lost", "", 400, "admin-query").await;
}
