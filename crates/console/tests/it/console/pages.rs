//! What each page shows.

use serde_json::json;

use super::support::{Answer, Bench, receiver};

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_sandbox_says_what_appears_where() {
    let bench = Bench::new().await;
    for (path, words) in [
        ("/", "No orders here."),
        ("/?kind=idents", "No idents here."),
        ("/webhooks", "No webhooks here."),
        ("/journal", "No call here."),
        ("/outbox", "No message."),
        ("/faults", "No fault is on."),
        ("/clock", "Clock"),
        ("/settings", "time_out"),
        ("/rules", "T-006"),
        ("/worlds", "default"),
    ] {
        let page = bench.page(path).await;
        assert!(page.text().contains(words), "{path}: {}", page.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_listed_newest_first_and_found_by_their_texts() {
    let bench = Bench::new().await;
    let first = bench.place(json!({ "Ref": "first" })).await;
    let second = bench.place(json!({ "Ref": "second", "Email": "john@example.com" })).await;
    let page = bench.page("/").await.text();
    assert!(page.contains("2 orders"), "{page}");
    assert!(page.find(&second).unwrap() < page.find(&first).unwrap(), "{page}");
    assert!(page.contains("E-mail has been sent"), "the status has its name: {page}");
    for search in ["FIRST", &first, "first"] {
        let found = bench.page(&format!("/?search={search}")).await.text();
        assert!(found.contains("1 order found") && found.contains(&first) && !found.contains(&second), "{found}");
    }
    assert!(bench.page("/?search=john%40").await.text().contains(&second));
    assert!(bench.page("/?search=mustermann").await.text().contains("2 orders found"));
    assert!(bench.page("/?search=nobody").await.text().contains("No orders here."));
    assert!(bench.page("/?status=7").await.text().contains("2 orders found"));
    assert!(bench.page("/?status=nosuch").await.text().contains("0 orders found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_has_pages() {
    let bench = Bench::new().await;
    let mut placed = Vec::new();
    for number in 0..60 {
        placed.push(bench.place(json!({ "Ref": format!("r-{number}") })).await);
    }
    let lists = |page: &Answer, order: usize| page.attributes("href").contains(&format!("/orders/{}", placed[order]));
    let page = bench.page("/").await;
    assert!(lists(&page, 59) && lists(&page, 10) && !lists(&page, 9));
    let older = page.attributes("href").into_iter().find(|link| link.contains("before=")).unwrap();
    let page = bench.page(&older).await;
    assert!(lists(&page, 9) && lists(&page, 0) && !lists(&page, 10));
    assert!(page.text().contains("Newest") && !page.text().contains("Older"), "{}", page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_has_its_timeline_request_stories_and_files() {
    let bench = Bench::new().await;
    let (url, _) = receiver(200).await;
    let id = bench.place(json!({ "WebhookURL": { "OnFinal": url } })).await;
    let page = bench.page(&format!("/orders/{id}")).await.text();
    for words in ["Address.City Köln", "25 Order initialized", "positive", "No webhook yet.", "Single status"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(bench.play(&id, "positive").await.text().contains("Played."));
    let page = bench.page(&format!("/orders/{id}")).await.text();
    for words in [
        "played positive",
        "6 Identification positively conducted",
        "webhook OnFinal , attempt 1 delivered",
        "No story can be played now: the order is final",
        "report.pdf application/pdf, getIdentDataPDF",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_shown_and_cannot_run_anything() {
    let bench = Bench::new().await;
    let id = bench.place(json!({})).await;
    bench.post(&format!("/orders/{id}/play"), "story=positive").await;
    let page = bench.page(&format!("/orders/{id}/files/report.pdf")).await;
    let raw = format!("/orders/{id}/files/report.pdf/raw");
    assert!(page.attributes("data").contains(&raw), "{}", page.body);
    let file = bench.page(&raw).await;
    assert!(file.body.starts_with("%PDF-"));
    assert_eq!((file.header("content-type"), file.header("x-content-type-options")), ("application/pdf", "nosniff"));
    assert!(file.header("content-security-policy").starts_with("default-src 'none'"));
    let json = bench.page(&format!("/orders/{id}/files/result.json/raw")).await;
    assert!(json.header("content-security-policy").starts_with("sandbox;"), "{}", json.head);
    assert!(json.body.contains("Mustermann"));
    for (name, status) in [("voice.mp3", 400), ("none.pdf", 404)] {
        assert_eq!(bench.get(&format!("/orders/{id}/files/{name}")).await.status, status, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_call_has_its_rule_section_and_curl() {
    let bench = Bench::new().await;
    let (status, _) = bench.put(json!({ "Product": 13, "Email": "it's@example.com" })).await;
    assert_eq!(status, 400);
    let list = bench.page("/journal").await;
    assert!(list.text().contains("putOrder") && list.text().contains("400"), "{}", list.text());
    let page = bench.page("/journal/1").await.text();
    for words in ["Why it was refused", "[T] 3.1", "body /Product", "Request", "Response", "\"$SANDBOX\"", "'\\''"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("c2FuZGJveC1jdXN0b21lc"), "credentials are masked: {page}");
    assert!(bench.page("/journal/1?reveal=true").await.text().contains("c2FuZGJveC1jdXN0b21lc"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_without_a_match_shows_near_misses() {
    let bench = Bench::new().await;
    bench.place(json!({})).await;
    let page = bench.page("/journal?operation=putOrder&status=400").await.text();
    assert!(page.contains("Near misses") && page.contains("status : wanted 400 , got 202"), "{page}");
    assert!(bench.page("/journal?operation=putOrder&status=202").await.text().contains("1 call found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_lists_what_is_due() {
    let bench = Bench::new().await;
    let id = bench.place(json!({})).await;
    let page = bench.page("/clock").await.text();
    assert!(page.contains(&id) && page.contains("time-out") && page.contains("in 30 d"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_worlds_orders_and_pages_are_404_pages() {
    let bench = Bench::new().await;
    for (path, title) in [
        ("/?world=none", "Unknown world"),
        ("/clock?world=none", "Unknown world"),
        ("/orders/1", "Unknown order"),
        ("/orders/1/files/report.pdf", "Unknown order"),
        ("/webhooks/1", "Unknown delivery"),
        ("/journal/9", "Unknown journal entry"),
        ("/nothing", "Unknown page"),
        ("/assets/console.css", "Unknown page"),
    ] {
        let page = bench.get(path).await;
        assert_eq!(page.status, 404, "{path}");
        assert!(page.body.contains(&format!("<title>{title}")), "{path}: {}", page.text());
    }
    assert_eq!(bench.send("DELETE", "/", "", "").await.status, 405);
    let head = bench.send("HEAD", "/", "", "").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_links_its_landing_page() {
    let bench = Bench::new().await;
    let (_, answer) = bench.put(json!({ "getTargetLink": true })).await;
    let url = answer["TargetURL"].as_str().unwrap();
    let page = bench.page(&format!("/orders/{}", answer["OrderID"].as_str().unwrap())).await;
    assert!(page.attributes("href").contains(url), "{}", page.body);
    assert!(page.text().contains("Open the landing page step choose"), "{}", page.text());
}
