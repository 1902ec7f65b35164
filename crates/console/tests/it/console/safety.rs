//! The console obeys the protection of the admin API, and shows texts as texts.

use serde_json::json;

use super::support::Bench;

#[tokio::test(flavor = "multi_thread")]
async fn texts_of_orders_and_queries_are_not_markup() {
    let bench = Bench::new().await;
    let evil = "\"><script>alert(1)</script>";
    let mut order = json!({ "Ref": "<script>alert(1)</script>" });
    order["Address"] = json!({
        "Firstname": evil, "Surname": "<b>Mustermann</b>", "Street": "Heidestraße 17", "ZipCode": "51147",
        "City": "Köln", "Country": "DE"
    });
    let id = bench.place(order).await;
    let encoded = "%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    for path in [
        "/".to_owned(),
        format!("/orders/{id}"),
        "/journal/1".to_owned(),
        format!("/?search={encoded}"),
        format!("/rules?search={encoded}"),
        format!("/?done={encoded}"),
        format!("/journal?order={encoded}"),
        format!("/orders/{encoded}"),
        format!("/?world={encoded}"),
    ] {
        let page = bench.get(&path).await;
        assert!(matches!(page.status, 200 | 404), "{path}: {}", page.status);
        assert!(!page.body.contains("<script>") && !page.body.contains("<b>Muster"), "{path}: {}", page.body);
    }
    assert!(bench.page("/").await.body.contains("&lt;script&gt;"));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_page_can_open_the_console_but_not_use_it() {
    let bench = Bench::new().await;
    let id = bench.place(json!({})).await;
    let play = format!("/orders/{id}/play");
    for headers in [
        "Origin: https://evil.example\r\n",
        "Origin: null\r\n",
        "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n",
        "Sec-Fetch-Site: same-site\r\n",
    ] {
        assert_eq!(bench.send("POST", &play, headers, "story=positive").await.status, 403, "{headers}");
    }
    assert_eq!(bench.api(&format!("orders/{id}")).await["latest_status"], "7");
    let link = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
    let page = bench.send("GET", "/", link, "").await;
    assert_eq!((page.status, page.header("cross-origin-opener-policy")), (200, "same-origin"));
    assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
    // With `no-referrer`, browsers send `Origin: null` with the console's own forms.
    assert_eq!(page.header("referrer-policy"), "same-origin");
    assert_eq!(bench.send("GET", "/_sandbox/v1/orders", link, "").await.status, 403);
    let frame = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n";
    assert_eq!(bench.send("GET", "/", frame, "").await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_leads_back_to_this_host_only() {
    let bench = Bench::new().await;
    for (back, location) in [
        ("/clock?world=default", "/clock?world=default&done=advanced"),
        ("https%3A%2F%2Fevil.example%2F", "/?done=advanced"),
        ("%2F%2Fevil.example", "/?done=advanced"),
        ("%2F%5Cevil.example", "/?done=advanced"),
        ("%2F%0D%0AX-Evil%3A%201", "/?done=advanced"),
        ("", "/?done=advanced"),
    ] {
        let answer = bench.submit("/clock/advance", &format!("seconds=0&back={back}")).await;
        assert_eq!((answer.status, answer.header("location")), (303, location), "{back}");
        assert!(answer.header("x-evil").is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_get_changes_nothing() {
    let bench = Bench::new().await;
    let id = bench.place(json!({})).await;
    let before = bench.get("/_sandbox/v1/journal/canonical").await.body;
    for path in [
        format!("/orders/{id}/play?story=positive"),
        "/clock/advance?seconds=60".to_owned(),
        "/faults/clear".to_owned(),
    ] {
        assert_eq!(bench.get(&path).await.status, 404, "{path}");
    }
    bench.page(&format!("/orders/{id}")).await;
    assert_eq!(bench.get("/_sandbox/v1/journal/canonical").await.body, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn assets_are_cached_and_change_their_name() {
    let bench = Bench::new().await;
    let page = bench.page("/").await;
    for (attribute, media_type) in [("href", "text/css; charset=utf-8"), ("src", "text/javascript; charset=utf-8")] {
        let asset =
            page.attributes(attribute).into_iter().find(|path| path.starts_with("/assets/") && !path.ends_with("svg"));
        let asset = bench.page(&asset.unwrap()).await;
        assert_eq!(asset.header("content-type"), media_type);
        assert!(asset.header("cache-control").contains("immutable") && !asset.body.contains("http://"));
    }
    assert_eq!(page.header("cache-control"), "no-store");
}
