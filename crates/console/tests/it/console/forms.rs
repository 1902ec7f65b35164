//! What each form does.

use std::sync::atomic::Ordering;

use serde_json::json;

use super::support::{Bench, receiver};

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_fails_succeeds_on_resend_and_a_week_passes() {
    let bench = Bench::new().await;
    let (url, status) = receiver(500).await;
    let id = bench.place(json!({ "WebhookURL": { "OnFinal": url } })).await;
    bench.play(&id, "positive").await;
    let list = bench.page("/webhooks").await;
    assert!(list.text().contains("waiting 500"), "{}", list.text());
    let link = list.attributes("href").into_iter().find(|link| link.starts_with("/webhooks/")).unwrap();
    let page = bench.page(&link).await.text();
    for words in ["Attempt 1 retry", "Request", "Answer", "500", "seen", "Next attempt"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    status.store(200, Ordering::SeqCst);
    bench.post(&format!("{link}/resend"), &format!("back={link}")).await;
    bench.post("/clock/advance", "seconds=0").await;
    let page = bench.page(&link).await.text();
    assert!(page.contains("Attempt 2 delivered") && page.contains("by resend"), "{page}");
    let page = bench.post("/clock/advance", &format!("amount=7&unit=86400&back=/orders/{id}")).await.text();
    assert!(page.contains("The clock has moved.") && page.contains("deleted"), "{page}");
    assert_eq!(bench.api("clock").await["now"], "2026-03-08T09:00:00Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_held_released_and_duplicated() {
    let bench = Bench::new().await;
    let (url, _) = receiver(200).await;
    let id = bench.place(json!({ "WebhookURL": { "OnFinal": url } })).await;
    bench.post("/webhooks/mode", "mode=hold").await;
    bench.play(&id, "positive").await;
    assert!(bench.page("/webhooks?state=held").await.text().contains("OnFinal"));
    bench.post("/webhooks/release", "").await;
    bench.post("/clock/advance", "seconds=0").await;
    let delivery = bench.api("deliveries").await["deliveries"][0].clone();
    assert_eq!(delivery["state"], "delivered");
    bench.post(&format!("/webhooks/{}/duplicate", delivery["id"]), "").await;
    bench.post("/clock/advance", "seconds=0").await;
    assert_eq!(bench.api("deliveries").await["deliveries"][0]["attempts"].as_array().unwrap().len(), 2);
    let late = format!("mode=late&seconds=60&order={id}");
    assert!(bench.post("/webhooks/mode", &late).await.text().contains("The mode of webhooks has changed."));
    assert_eq!(bench.api("webhooks").await["orders"][&id], json!({ "mode": "late", "seconds": 60.0 }));
    bench.post("/webhooks/mode", &format!("order={id}")).await;
    assert_eq!(bench.api("webhooks").await, json!({ "mode": "hold", "orders": {} }));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_bar_freezes_runs_and_scales() {
    let bench = Bench::new().await;
    bench.place(json!({})).await;
    for (fields, mode) in [("mode=real", "real"), ("mode=scaled&factor=60", "scaled"), ("mode=frozen", "frozen")] {
        bench.post("/clock/mode", fields).await;
        assert_eq!(bench.api("clock").await["mode"], mode);
    }
    let next = bench.api("clock").await["next_due"].clone();
    bench.post("/clock/next", "").await;
    assert_eq!(bench.api("clock").await["now"], next);
    bench.post("/clock/advance", "to=2027-01-01T00:00:00Z").await;
    assert_eq!(bench.api("clock").await["now"], "2027-01-01T00:00:00Z");
    let refused = bench.submit("/clock/advance", "to=tomorrow&back=/clock").await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("RFC 3339") && refused.attributes("href").contains("/clock"), "{}", refused.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_breaks_the_next_calls_until_it_is_removed() {
    let bench = Bench::new().await;
    let page = bench
        .post("/faults", "fault=status&operation=putOrder&times=2&parameters=%7B%22status%22%3A502%7D&back=/faults")
        .await;
    assert!(page.text().contains("The fault is on.") && page.text().contains("status putOrder 2"), "{}", page.text());
    assert_eq!(bench.put(json!({})).await.0, 502);
    assert!(bench.page("/journal").await.text().contains("502"));
    assert!(bench.page("/faults").await.text().contains("status putOrder 1"));
    assert!(bench.post("/faults/1/remove", "back=/faults").await.text().contains("No fault is on."));
    assert_eq!(bench.put(json!({})).await.0, 202);
    let refused = bench.submit("/faults", "fault=status&parameters=%7B%22pace%22%3A1%7D").await;
    assert!(refused.status == 400 && refused.text().contains("retry_after"), "{}", refused.text());
    bench.post("/faults", "fault=latency").await;
    assert!(bench.post("/faults/clear", "back=/faults").await.text().contains("No fault is on."));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_status_and_a_setting_are_set() {
    let bench = Bench::new().await;
    let id = bench.place(json!({})).await;
    let page = bench.post(&format!("/orders/{id}/play"), &format!("status=17&back=/orders/{id}")).await.text();
    assert!(page.contains("17 Identification negatively conducted"), "{page}");
    let refused = bench.submit(&format!("/orders/{id}/play"), "story=fly").await;
    assert_eq!(refused.status, 409, "{}", refused.text());
    assert!(refused.text().contains("the order is final"));
    let form = bench.page("/settings?edit=identity_tm.video_provisioning").await;
    assert!(form.body.contains("<textarea name=\"value\""), "{}", form.text());
    bench.post("/settings", "vendor=identity_tm&name=video_provisioning&value=2").await;
    assert_eq!(bench.api("settings").await["identity_tm"]["video_provisioning"], 2);
    assert_eq!(bench.submit("/settings", "vendor=identity_tm&name=time_out&value=soon").await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn worlds_are_created_copied_restored_and_deleted() {
    let bench = Bench::new().await;
    let id = bench.place(json!({})).await;
    bench.post("/worlds", "id=mine&seed=3&clock=frozen").await;
    let page = bench.page("/?world=mine").await;
    assert!(page.text().contains("0 orders"));
    assert!(page.attributes("href").contains("/clock?world=mine"), "{:?}", page.attributes("href"));
    assert!(page.attributes("data-events").contains("/_sandbox/v1/events?world=mine"));
    // A form of a world applies to that world.
    bench.post("/clock/advance?world=mine", "seconds=60&back=/clock?world=mine").await;
    assert_ne!(bench.api("clock").await["now"], bench.api("clock?world=mine").await["now"]);
    bench.post("/worlds/default/snapshot", "snapshot=before").await;
    bench.post(&format!("/orders/{id}/play"), "story=positive").await;
    assert_ne!(bench.api(&format!("orders/{id}")).await["latest_status"], "7", "the story has changed it");
    let page = bench.post("/worlds/default/restore", &format!("snapshot=before&back=/orders/{id}")).await.text();
    assert!(page.contains("The snapshot was restored."), "{page}");
    assert_eq!(bench.api(&format!("orders/{id}")).await["latest_status"], "7", "as before the story");
    bench.post("/worlds/default/fork", "").await;
    assert_eq!(bench.api("worlds").await["worlds"].as_array().unwrap().len(), 3);
    bench.post("/worlds/mine/delete", "back=/worlds").await;
    assert_eq!(bench.get("/?world=mine").await.status, 404);
    bench.post("/worlds/default/reset", "").await;
    assert!(bench.page("/").await.text().contains("0 orders"));
    bench.put(json!({})).await;
    assert!(bench.post("/journal/clear", "back=/journal").await.text().contains("0 calls"));
}
