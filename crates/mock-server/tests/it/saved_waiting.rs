//! Worlds saved while a case waits for a webhook: in the restored world nothing waits for ever.

use crate::support::*;

/// Returns a world saved during the first of two webhooks of an order.
async fn saved() -> (OrderId, Value) {
    let bench = Harness::receiving(&Receiver::doing(|_| Box::pin(std::future::pending())));
    let id = bench.place(order_with(&["AfterVideo", "OnFinal"])).await;
    assert_eq!(bench.begin(id.expose(), "positive"), Ok(()));
    let document = bench.sandbox.with_world(|world| world.to_json(&vendors::all())).unwrap();
    assert_eq!(document["blocked"], json!([{ "case": id.expose(), "webhooks": 1 }]));
    assert_eq!(document["outbox"].as_array().unwrap().len(), 1, "the running attempt");
    (id, document)
}

/// Restores the world and returns the events that arrive. Afterwards nothing may be pending.
async fn read(id: &OrderId, document: &Value) -> Vec<String> {
    let world = World::from_json(&vendors::all(), document).unwrap();
    let again = world.to_json(&vendors::all()).unwrap();
    assert_eq!(World::from_json(&vendors::all(), &again).unwrap().to_json(&vendors::all()).unwrap(), again);
    let receiver = Receiver::answering(Some(200));
    let (through, clock) = (Arc::new(receiver.clone()), VirtualClock::new(world.now));
    let sandbox = sandbox().clock(clock.clone()).webhook_transport(through).world(world).start();
    let bench = Harness { clock, sandbox };
    bench.clock.settle().await;
    assert!(!bench.sandbox.with_world(|world| world.is_blocked(id.expose())), "the order stays blocked");
    assert!(bench.sandbox.with_world(|world| world.to_json(&vendors::all())).unwrap()["outbox"] == json!([]));
    let path = format!("/getIdentData/{}", id.expose());
    let answer = within(10 * SECOND, bench.tm_call("GET", &path, "")).await.expect("a response");
    assert_eq!(answer.status, 200, "the story is complete");
    receiver.events()
}

#[tokio::test(flavor = "multi_thread")]
async fn t_033_a_restored_world_repeats_a_running_attempt() {
    let (id, document) = saved().await;
    assert_eq!(read(&id, &document).await, ["AfterVideo", "OnFinal"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn t_033_a_restored_order_without_running_attempt_continues() {
    let (id, document) = saved().await;
    let delivery = document["outbox"][0]["delivery"].clone();
    let beside = |by: &str| json!([{ "delivery": delivery, "by": by }]);
    // No attempt; one that does not block; one of a held webhook; one of a webhook with earlier attempts.
    for (outbox, changed, value, events) in [
        (json!([]), "", Value::Null, &["OnFinal"][..]),
        (beside("resend"), "", Value::Null, &["AfterVideo", "OnFinal"]),
        (beside("duplicate"), "", Value::Null, &["AfterVideo", "OnFinal"]),
        (beside("schedule"), "held", json!("due"), &["OnFinal"]),
        (beside("schedule"), "blocks", json!(false), &["AfterVideo", "OnFinal"]),
        (
            beside("schedule"),
            "attempts",
            json!([{ "at": document["now"], "delivered": false, "by": "schedule", "again": false }]),
            &["AfterVideo", "OnFinal"],
        ),
    ] {
        for webhooks in [1, 2, u32::MAX] {
            let mut document = document.clone();
            document["outbox"] = outbox.clone();
            document["blocked"][0]["webhooks"] = webhooks.into();
            if !changed.is_empty() {
                document["deliveries"][0][changed] = value.clone();
            }
            let mut came = read(&id, &document).await;
            came.sort();
            assert_eq!(came, events, "{outbox} {changed} {webhooks}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t_033_an_order_waits_only_for_existing_webhooks() {
    let (id, mut document) = saved().await;
    for webhooks in [2, u32::MAX] {
        document["blocked"][0]["webhooks"] = webhooks.into();
        assert_eq!(read(&id, &document).await, ["AfterVideo", "OnFinal"]);
        // Two attempts of one webhook block once.
        let mut twice = document.clone();
        let one = document["outbox"][0].clone();
        twice["outbox"].as_array_mut().unwrap().push(one);
        assert_eq!(read(&id, &twice).await.len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delay_that_an_earlier_version_saved_continues() {
    let bench = Harness::receiving(&Receiver::answering(Some(200)));
    bench.sandbox.set_webhooks(None, webhooks::Mode::Late(HOUR));
    bench.hooked(&["OnFinal"]).await;
    let mut document = bench.sandbox.with_world(|world| world.to_json(&vendors::all())).unwrap();
    // It held the webhook, with a timer of its own.
    let delivery = document["deliveries"][0].as_object_mut().unwrap();
    let (at, _) = (delivery.remove("next").unwrap(), delivery.insert("held".to_owned(), json!("due")));
    let timers = document["timers"].as_array_mut().unwrap();
    timers.iter_mut().find(|timer| timer["what"] == "retry").unwrap()["what"] = json!("release");
    let world = World::from_json(&vendors::all(), &document).unwrap();
    let receiver = Receiver::answering(Some(200));
    let (through, clock) = (Arc::new(receiver.clone()), VirtualClock::new(world.now));
    let sandbox = sandbox().clock(clock).webhook_transport(through).world(world).start();
    assert_eq!(json!(sandbox.deliveries(None)[0].next.unwrap().to_string()), at);
    sandbox.advance(HOUR * 2).await;
    assert_eq!(receiver.count(), 1);
}

#[test]
fn a_blocked_case_of_no_vendor_is_unblocked() {
    let mut world = World::new(start_time(), 7, identkit_mock_server::Profile::Literal);
    vendors::all().iter().for_each(|vendor| vendor.seed(&mut world));
    world.block("nobody's");
    let document = world.to_json(&vendors::all()).unwrap();
    let world = World::from_json(&vendors::all(), &document).unwrap();
    assert!(!world.is_blocked("nobody's"));
}
