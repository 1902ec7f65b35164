//! What is done with webhooks by hand, by the admin API.

use super::door::{DEFAULT, Door};
use crate::support::*;

/// A door, and an order of its default world whose webhook has been tried once.
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
async fn a_webhook_is_sent_again_after_it_was_delivered_and_after_its_schedule_is_exhausted() {
    for (status, by_schedule, outcome) in [(200, 1, "delivered"), (500, 32, "failed")] {
        let hook = Hook::always(Does::Answer(status)).await;
        let (door, _, id) = tried(&hook).await;
        door.advance(DEFAULT, 7.0 * 86_400.0).await;
        assert_eq!(hook.count(), by_schedule);
        let told = door.verb(id, "resend").await;
        assert_eq!((&told["id"], &told["state"]), (&json!(id), &json!("sending")));
        let tried = attempts(&door, id).await;
        assert_eq!((hook.count(), tried.len()), (by_schedule + 1, by_schedule + 1));
        let again = json!({ "at": "2020-09-17T12:00:00Z", "status": status, "outcome": outcome, "by": "resend" });
        assert_eq!(tried.last().unwrap(), &again);
        assert!(tried[..by_schedule].iter().all(|attempt| attempt["by"].is_null()));
        assert_eq!(tried[by_schedule - 1]["outcome"], outcome, "what came before stays as it was");
        door.advance(DEFAULT, 7.0 * 86_400.0).await;
        assert_eq!(hook.count(), by_schedule + 1, "and nothing follows from it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resend_never_disturbs_the_schedule_whatever_is_answered() {
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
async fn a_schedule_that_is_held_waits_and_one_try_is_made_when_it_is_released() {
    let hook = Hook::always(Does::Answer(500)).await;
    let (door, _, id) = tried(&hook).await;
    let told = door.verb(id, "hold").await;
    assert_eq!(told["state"], "held");
    door.verb(id, "hold").await;
    door.advance(DEFAULT, 300.0).await;
    assert_eq!(hook.count(), 1);
    door.verb(id, "release").await;
    let tried = attempts(&door, id).await;
    assert_eq!(tried.len(), 2, "what fell due meanwhile is not made up for: {tried:?}");
    assert_eq!((&tried[1]["at"], &tried[1]["by"]), (&json!("2020-09-10T12:05:00Z"), &json!("release")));
    // The next time of the table: 86.4 s, and then each minute.
    assert_eq!(door.get(&format!("/deliveries/{id}")).await["next"], "2020-09-10T12:05:26.4Z");
    // Held and released before its time, nothing is early.
    door.verb(id, "hold").await;
    assert_eq!(door.verb(id, "release").await["state"], "waiting");
    assert_eq!(attempts(&door, id).await.len(), 2);
    door.advance(DEFAULT, 30.0).await;
    assert_eq!(hook.count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_sent_at_once_and_with_what_is_held() {
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
    assert_eq!(hook.count(), 6, "the copies go once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_dropped_by_hand_is_tried_no_more() {
    let hook = Hook::always(Does::Answer(500)).await;
    let (door, order, id) = tried(&hook).await;
    let told = door.verb(id, "drop").await;
    assert_eq!((&told["state"], &told["next"]), (&json!("failed"), &json!(null)));
    assert!(told["attempts"][1]["error"].as_str().unwrap().starts_with("dropped"), "{told}");
    assert_eq!(door.advance(DEFAULT, 6.0 * 86_400.0).await["fired"], json!([]), "its timer is gone");
    assert_eq!(hook.count(), 1);
    assert_eq!(door.tm(&Door::default_account(), "GET", &format!("/getStatus/{order}"), "").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_refused_and_says_what_can() {
    let (hook, gate) = Hook::gated(|count| count > 0).await;
    let (door, _, id) = tried(&hook).await;
    for verb in ["resend", "hold", "release", "duplicate", "drop"] {
        door.refused("GET", &format!("/deliveries/{id}/{verb}"), Value::Null, 405).await;
    }
    for verb in ["hold", "release", "drop"] {
        let told = door.refused("POST", &format!("/deliveries/{id}/{verb}"), Value::Null, 409).await;
        assert_eq!(told, format!("delivery {id} is delivered; possible actions: resend, duplicate"));
    }
    // While its first try is under way.
    let order = door.order(&hook).await;
    door.play(DEFAULT, &order, "positive").await;
    hook.until(2).await;
    let sending = door.delivery(&order).await["id"].as_u64().unwrap();
    for verb in ["hold", "release", "drop"] {
        let told = door.refused("POST", &format!("/deliveries/{sending}/{verb}"), Value::Null, 409).await;
        assert_eq!(told, format!("delivery {sending} is sending; possible actions: resend, duplicate"));
    }
    gate.notify_one();
    // While it is held.
    door.post("/webhooks", json!({ "mode": "hold" })).await;
    let order = door.order(&hook).await;
    door.play(DEFAULT, &order, "positive").await;
    let held = door.delivery(&order).await["id"].as_u64().unwrap();
    let told = door.refused("POST", &format!("/deliveries/{held}/resend"), Value::Null, 409).await;
    assert_eq!(told, format!("delivery {held} is held; possible actions: hold, release, duplicate, drop"));
    let these = json!({ "deliveries": [held, id] });
    let told = door.refused("POST", "/deliveries/release", these, 409).await;
    assert!(told.starts_with(&format!("delivery {id} is delivered")), "{told}");
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
    let told = door.post("/webhooks", json!({ "mode": "late", "seconds": 1.5, "order": order })).await;
    assert_eq!(told, json!({ "mode": "deliver", "orders": { &order: { "mode": "late", "seconds": 1.5 } } }));
    for mode in ["hold", "drop", "duplicate", "reorder", "slow-read", "deliver"] {
        assert_eq!(door.post("/webhooks", json!({ "mode": mode })).await["mode"], mode);
    }
    assert_eq!(door.get("/webhooks").await, told);
    let told = door.post("/webhooks", json!({ "mode": null, "order": order })).await;
    assert_eq!(told, json!({ "mode": "deliver", "orders": {} }));
}
