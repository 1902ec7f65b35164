//! Each link leads to a page, and each form to a call.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::support::{Answer, Bench, receiver};

/// A sandbox in which something of each kind exists.
async fn busy() -> Bench {
    let bench = Bench::new().await;
    let (url, _) = receiver(500).await;
    let id = bench.place(json!({ "WebhookURL": { "OnFinal": url }, "Add": 131_072, "Product": 0 })).await;
    bench.place(json!({ "Ref": "open" })).await;
    bench.put(json!({ "Product": 13 })).await;
    bench.play(&id, "positive").await;
    bench.post("/faults", "fault=latency").await;
    bench.post("/worlds", "id=other").await;
    bench.post("/worlds/default/snapshot", "").await;
    bench.post("/webhooks/mode", &format!("mode=late&seconds=1&order={id}")).await;
    bench
}

/// Opens all pages that are reached from the first one. Pages that differ in their query only count once for each set of
/// names in it.
async fn crawl(bench: &Bench) -> BTreeMap<String, Answer> {
    let (mut pages, mut seen) = (BTreeMap::new(), BTreeSet::new());
    let mut open = vec!["/".to_owned()];
    while let Some(link) = open.pop() {
        let (path, query) = link.split_once('?').unwrap_or((&link, ""));
        let names: Vec<&str> = query.split('&').map(|pair| pair.split('=').next().unwrap()).collect();
        if !seen.insert((path.to_owned(), names.join("&"))) {
            continue;
        }
        let page = bench.get(&link).await;
        assert_eq!(page.status, 200, "{link}: {}", page.text());
        if page.header("content-type").starts_with("text/html") {
            let links = ["href", "src", "data", "action"].map(|name| page.attributes(name));
            let is_form = |link: &String| page.body.contains(&format!("method=\"post\" action=\"{link}\""));
            let links = links.into_iter().flatten().filter(|link| link.starts_with('/') && !is_form(link));
            open.extend(links);
        }
        pages.insert(link, page);
    }
    pages
}

#[tokio::test(flavor = "multi_thread")]
async fn no_link_is_broken_and_each_page_is_small() {
    let bench = busy().await;
    let pages = crawl(&bench).await;
    assert!(pages.len() > 40, "{:?}", pages.keys());
    for wanted in ["/clock", "/faults", "/outbox", "/rules", "/settings", "/worlds", "/webhooks", "/journal/3"] {
        assert!(pages.contains_key(wanted), "{wanted}");
    }
    assert!(pages.keys().any(|link| link.ends_with("/raw")), "files");
    for (link, page) in pages.iter().filter(|(_, page)| page.header("content-type").starts_with("text/html")) {
        assert!(page.body.len() <= 100 * 1024, "{link}: {} bytes", page.body.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_page_loads_nothing_from_elsewhere_and_has_landmarks() {
    let bench = busy().await;
    for (link, page) in crawl(&bench).await {
        if !page.header("content-type").starts_with("text/html") {
            continue;
        }
        let policy = page.header("content-security-policy");
        for part in ["default-src 'self';", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part) && !policy.contains("unsafe"), "{link}: {policy}");
        }
        for part in ["<!DOCTYPE html>", "<html lang=\"en\">", "<title>", "<h1>", "<main id=\"main\">", "href=\"#main\""]
        {
            assert!(page.body.contains(part), "{link}: {part}");
        }
        assert_eq!(page.body.matches("<script").count(), 1, "{link}: only the script of the console");
        for forbidden in ["<style", " style=\"", " onclick", "javascript:", "<iframe"] {
            assert!(!page.body.contains(forbidden), "{link}: {forbidden}");
        }
        for name in ["href", "src", "action", "data"] {
            for target in page.attributes(name) {
                let is_own = target.starts_with('/') && !target.starts_with("//") || target == "#main";
                // The landing page is on the listener of the vendors' APIs.
                let of_order = link.starts_with("/orders/") && name == "href";
                let is_landing_page = of_order && ["/status/", "/apply/"].iter().any(|path| target.contains(path));
                assert!(is_own || is_landing_page, "{link}: {name}={target}");
            }
        }
        // Each field has a label.
        for field in page.body.split("<input ").skip(1).map(|field| field.split('>').next().unwrap()) {
            let start = page.body.find(field).unwrap();
            let before = &page.body[..start];
            let labeled = before.rfind("<label").unwrap_or(0) > before.rfind("</label").unwrap_or(0);
            assert!(labeled || field.contains("type=\"hidden\""), "{link}: {field}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_form_makes_a_call() {
    let bench = busy().await;
    let mut forms = BTreeSet::new();
    for page in crawl(&bench).await.into_values() {
        for form in page.body.split("<form method=\"post\" action=\"").skip(1) {
            forms.insert(form.split('"').next().unwrap().replace("&amp;", "&"));
        }
    }
    assert!(forms.len() > 15, "{forms:?}");
    for form in &forms {
        let answer = bench.submit(form, "").await;
        assert!(!answer.body.contains("Unknown page"), "{form}: {}", answer.text());
        assert!(matches!(answer.status, 303 | 400 | 404 | 409), "{form}: {}", answer.status);
    }
    assert_eq!(bench.submit("/orders/1/fly", "").await.status, 404);
}
