//! A slow receiver, or one with many webhooks at once, is not cut off by a large advance of time.

use super::door::{DEFAULT, Door};
use crate::support::*;
use std::sync::atomic::AtomicUsize;

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_first_response_survives_an_advance_of_a_week() {
    let door = Door::new().await;
    // Longer than the guard, like a starting program.
    let hook = Hook::doing(|count| match count {
        0 => Does::After(Duration::from_millis(400)),
        _ => Does::Answer(200),
    })
    .await;
    let order = door.order(&hook).await;
    door.play(DEFAULT, &order, "positive").await;
    door.advance(DEFAULT, 7.0 * 86_400.0).await;
    let delivery = door.delivery(&order).await;
    assert_eq!((&delivery["state"], &delivery["attempts"][0]["status"]), (&json!("delivered"), &json!(200)));
    assert_eq!(hook.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_answers_one_call_after_the_other_is_not_cut_off() {
    let door = Door::new().await;
    // The last one waits for all others, far longer than the guard.
    let count = 30_u32;
    let gap = Duration::from_millis(40);
    let hook = Hook::doing(move |count| Does::After(gap * u32::try_from(count).unwrap())).await;
    let mut orders = Vec::new();
    for _ in 0..count {
        orders.push(door.order(&hook).await);
    }
    for order in &orders {
        door.play(DEFAULT, order, "positive").await;
    }
    door.advance(DEFAULT, 3_600.0).await;
    for order in &orders {
        let delivery = door.delivery(order).await;
        assert_eq!(delivery["attempts"][0]["status"], 200, "{delivery}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_receiver_delays_time_only_for_the_guard() {
    let door = Door::with(|builder| {
        builder.webhook_transport(crate::support::net::plain()).receiver_guard(Duration::from_millis(20))
    })
    .await;
    let hook = Hook::always(Does::Hang).await;
    let order = door.order(&hook).await;
    door.play(DEFAULT, &order, "positive").await;
    hook.until(1).await;
    door.advance(DEFAULT, 7.0 * 86_400.0).await;
    let delivery = door.delivery(&order).await;
    let attempts = delivery["attempts"].as_array().unwrap();
    assert_eq!((attempts.len(), hook.count()), (32, 32));
    assert!(attempts.iter().all(|attempt| attempt["error"] == "no response within 10 s"));
    // The schedule is counted from where the first try began, not from where it was cut off.
    assert_eq!(attempts[1]["at"], "2020-09-10T12:01:26.4Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_calls_to_a_receiver_are_limited() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (inside, seen) = (Arc::clone(&now), Arc::clone(&most));
    let (bench, receiver) = Harness::with_receiver(Receiver::doing(move |_| {
        let (inside, seen) = (Arc::clone(&inside), Arc::clone(&seen));
        Box::pin(async move {
            seen.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
            inside.fetch_sub(1, Ordering::SeqCst);
            Some(200)
        })
    }));
    let mut orders = Vec::new();
    for _ in 0..60 {
        orders.push(bench.place(order_with(&["OnFinal"])).await);
    }
    for order in &orders {
        assert_eq!(bench.begin(order.expose(), "positive"), Ok(()));
    }
    bench.clock.settle().await;
    assert_eq!(receiver.count(), 60);
    assert!((2..=6).contains(&most.load(Ordering::SeqCst)), "{most:?} at once");
}
