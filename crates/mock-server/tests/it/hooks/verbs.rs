//! Actions on webhooks through the admin API.

use super::door::{DEFAULT, Door};
use crate::support::*;

/// Starts a sandbox with an order whose webhook had one attempt.
async fn tried(hook: &Hook) -> (Door, String, u64) {
    let (door, order) = Door::tried(hook).await;
    let id = door.delivery(&order).await["id"].as_u64().unwrap();
    (door, order, id)
}

async fn attempts(door: &Door, id: u64) -> Vec<Value> {
    door.advance(DEFAULT, 0.0).await;
    door.get(&format!("/deliveries/{id}")).await["attempts"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn resend_works_after_delivery_and_after_the_last_retry() {
    for (status, by_schedule, outcome) in [(200, 1, "delivered"), (500, 32, "failed")] {
        let hook = Hook::always(Does::Answer(status)).await;
        let (door, _, id) = tried(&hook).await;
        door.advance(DEFAULT, 7.0 * 86_400.0).await;
        assert_eq!(hook.count(), by_schedule);
        let output = door.verb(id, "resend").await;
        assert_eq!((&output["id"], &output["state"]), (&json!(id), &json!("sending")));
        let tried = attempts(&door, id).await;
        assert_eq!((hook.count(), tried.len()), (by_schedule + 1, by_schedule + 1));
        let again = json!({ "at": "2020-09-17T12:00:00Z", "status": status, "outcome": outcome, "by": "resend" });
        let mut last = tried.last().unwrap().as_object().unwrap().clone();
        assert!(last.remove("request").is_some() && last.remove("answer").is_some());
        assert_eq!(Value::from(last), again);
        assert!(tried[..by_schedule].iter().all(|attempt| attempt["by"].is_null()));
        assert_eq!(tried[by_schedule - 1]["outcome"], outcome, "earlier attempts are unchanged");
        door.advance(DEFAULT, 7.0 * 86_400.0).await;
        assert_eq!(hook.count(), by_schedule + 1, "no further attempt");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resend_does_not_change_the_schedule() {
    for answer in [200, 500] {
        // The second call is the resend.
        let hook = Hook::doing(move |count| Does::Answer(if count == 1 { answer } else { 500 })).await;
        let (door, order, id) = tried(&hook).await;
        door.advance(DEFAULT, 30.0).await;
        door.verb(id, "resend").await;
        door.advance(DEFAULT, 200.0).await;
        let delivery = door.delivery(&order).await;
        let times: Vec<_> =
            delivery["attempts"].as_array().unwrap().iter().map(|attempt| attempt["at"].clone()).collect();
        assert_eq!(
            times,
            [
                "2020-09-10T12:00:00Z",
                "2020-09-10T12:00:30Z",
                "2020-09-10T12:01:26.4Z",
                "2020-09-10T12:02:26.4Z",
                "2020-09-10T12:03:26.4Z"
            ]
        );
        assert_eq!(delivery["next"], "2020-09-10T12:04:26.4Z");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resend_does_not_block_the_order() {
    let (hook, gate) = Hook::gated(|count| count > 0).await;
    let (door, order, id) = tried(&hook).await;
    door.verb(id, "resend").await;
    hook.until(2).await;
    let (account, path) = (Door::default_account(), format!("/getStatus/{order}"));
    let read = within(crate::support::SECOND * 10, door.tm(&account, "GET", &path, ""));
    assert_eq!(read.await.expect("it answers").0, 200);
    gate.notify_one();
    assert_eq!(attempts(&door, id).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn hold_pauses_the_schedule_and_release_makes_one_attempt() {
    let hook = Hook::always(Does::Answer(500)).await;
    let (door, _, id) = tried(&hook).await;
    let output = door.verb(id, "hold").await;
    assert_eq!(output["state"], "held");
    door.verb(id, "hold").await;
    door.advance(DEFAULT, 300.0).await;
    assert_eq!(hook.count(), 1);
    door.verb(id, "release").await;
    let tried = attempts(&door, id).await;
    assert_eq!(tried.len(), 2, "retries that were due meanwhile are skipped: {tried:?}");
    assert_eq!((&tried[1]["at"], &tried[1]["by"]), (&json!("2020-09-10T12:05:00Z"), &json!("release")));
    // The next time of the table: 86.4 s, then each minute.
    assert_eq!(door.get(&format!("/deliveries/{id}")).await["next"], "2020-09-10T12:05:26.4Z");
    // Hold and release before the due time: the time is unchanged.
    door.verb(id, "hold").await;
    assert_eq!(door.verb(id, "release").await["state"], "waiting");
    assert_eq!(attempts(&door, id).await.len(), 2);
    door.advance(DEFAULT, 30.0).await;
    assert_eq!(hook.count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_is_sent_at_once_or_with_the_held_webhook() {
    let hook = Hook::always(Does::Answer(500)).await;
    let (door, _, id) = tried(&hook).await;
    door.verb(id, "duplicate").await;
    let tried = attempts(&door, id).await;
    assert_eq!((&tried[1]["by"], &tried[1]["outcome"]), (&json!("duplicate"), &json!("failed")));
    assert_eq!(door.get(&format!("/deliveries/{id}")).await["next"], "2020-09-10T12:01:26.4Z");
    door.verb(id, "hold").await;
    for _ in 0..2 {
        door.verb(id, "duplicate").await;
    }
    door.advance(DEFAULT, 90.0).await;
    assert_eq!(hook.count(), 2, "held");
    door.verb(id, "release").await;
    let tried = attempts(&door, id).await;
    let mut causes: Vec<_> = tried[2..].iter().map(|attempt| attempt["by"].as_str().unwrap()).collect();
    causes.sort_unstable();
    assert_eq!(causes, ["duplicate", "duplicate", "release"]);
    door.advance(DEFAULT, 60.0).await;
    assert_eq!(hook.count(), 6, "the copies are sent once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_webhook_is_not_retried() {
    let hook = Hook::always(Does::Answer(500)).await;
    let (door, order, id) = tried(&hook).await;
    let output = door.verb(id, "drop").await;
    assert_eq!((&output["state"], &output["next"]), (&json!("failed"), &json!(null)));
    assert!(output["attempts"][1]["error"].as_str().unwrap().starts_with("dropped"), "{output}");
    assert_eq!(door.advance(DEFAULT, 6.0 * 86_400.0).await["fired"], json!([]), "its timer is removed");
    assert_eq!(hook.count(), 1);
    assert_eq!(door.tm(&Door::default_account(), "GET", &format!("/getStatus/{order}"), "").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn impossible_actions_are_rejected_with_the_possible_ones() {
    let (hook, gate) = Hook::gated(|count| count > 0).await;
    let (door, _, id) = tried(&hook).await;
    for verb in ["resend", "hold", "release", "duplicate", "drop"] {
        door.refused("GET", &format!("/deliveries/{id}/{verb}"), Value::Null, 405).await;
    }
    for verb in ["hold", "release", "drop"] {
        let output = door.refused("POST", &format!("/deliveries/{id}/{verb}"), Value::Null, 409).await;
        assert_eq!(output, format!("delivery {id} is delivered; possible actions: resend, duplicate"));
    }
    // During the first attempt.
    let order = door.order(&hook).await;
    door.play(DEFAULT, &order, "positive").await;
    hook.until(2).await;
    let sending = door.delivery(&order).await["id"].as_u64().unwrap();
    for verb in ["hold", "release", "drop"] {
        let output = door.refused("POST", &format!("/deliveries/{sending}/{verb}"), Value::Null, 409).await;
        assert_eq!(output, format!("delivery {sending} is sending; possible actions: resend, duplicate"));
    }
    gate.notify_one();
    // While held.
    door.post("/webhooks", json!({ "mode": "hold" })).await;
    let order = door.order(&hook).await;
    door.play(DEFAULT, &order, "positive").await;
    let held = door.delivery(&order).await["id"].as_u64().unwrap();
    let output = door.refused("POST", &format!("/deliveries/{held}/resend"), Value::Null, 409).await;
    assert_eq!(output, format!("delivery {held} is held; possible actions: hold, release, duplicate, drop"));
    let these = json!({ "deliveries": [held, id] });
    let output = door.refused("POST", "/deliveries/release", these, 409).await;
    assert!(output.starts_with(&format!("delivery {id} is delivered")), "{output}");
    assert_eq!(door.get(&format!("/deliveries/{held}")).await["state"], "held", "all or none");
    let released = door.post("/deliveries/release", json!({ "order": "reversed" })).await;
    assert_eq!(released["deliveries"][0]["id"], held);
    gate.notify_one();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mode_is_set_for_the_world_and_for_an_order() {
    let door = Door::new().await;
    assert_eq!(door.get("/webhooks").await, json!({ "mode": "deliver", "orders": {} }));
    let hook = Hook::always(Does::Answer(200)).await;
    let order = door.order(&hook).await;
    let output = door.post("/webhooks", json!({ "mode": "late", "seconds": 1.5, "order": order })).await;
    assert_eq!(output, json!({ "mode": "deliver", "orders": { &order: { "mode": "late", "seconds": 1.5 } } }));
    for mode in ["hold", "drop", "duplicate", "reorder", "slow-read", "deliver"] {
        assert_eq!(door.post("/webhooks", json!({ "mode": mode })).await["mode"], mode);
    }
    assert_eq!(door.get("/webhooks").await, output);
    let output = door.post("/webhooks", json!({ "mode": null, "order": order })).await;
    assert_eq!(output, json!({ "mode": "deliver", "orders": {} }));
}
