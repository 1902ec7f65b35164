//! The vendor's schedule, observed through the admin API.

use super::door::{DEFAULT, Door};
use crate::support::*;

/// Times of the retries in milliseconds after the first attempt (T-036), independent of the implementation: 86.4 s, then
/// each minute up to 864 s, each hour up to 12 h, and each night at 01:00 up to 6 days.
fn table(start: i64) -> Vec<i64> {
    let minutes = (0..13).map(|k| 86_400 + 60_000 * k);
    let hours = (0..12).map(|k| 864_000 + 3_600_000 * k);
    let nights =
        (43_201..=6 * 86_400).filter(|seconds| (start + seconds) % 86_400 == 3_600).map(|seconds| seconds * 1_000);
    [0].into_iter().chain(minutes).chain(hours).chain(nights).collect()
}

fn time(value: &Value) -> jiff::Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn t_036_a_failing_receiver_gets_the_attempts_of_the_table() {
    let door = Door::new().await;
    let hook = Hook::always(Does::Answer(500)).await;
    let mut counts = Vec::new();
    for hour in [0, 1, 2, 9, 12, 13, 14, 20, 23] {
        for minute in [0, 30] {
            let now = format!("2020-09-10T{hour:02}:{minute:02}:00Z");
            let world = door.world(json!({ "clock": "frozen", "now": now })).await;
            let id = world["id"].as_str().unwrap();
            let order = door.place(&world, &hook.order(&["OnFinal"])).await;
            let before = hook.count();
            door.play(id, &order, "positive").await;
            let moved = door.advance(id, 7.0 * 86_400.0).await;
            let delivery = door.deliveries(id, &order).await.remove(0);
            let start = time(&json!(now));
            let expected = table(start.as_second());
            let output = delivery["attempts"].as_array().unwrap();
            let times: Vec<i64> =
                output.iter().map(|try_| time(&try_["at"]).as_millisecond() - start.as_millisecond()).collect();
            assert_eq!(times, expected, "begun at {now}");
            assert_eq!(hook.count() - before, expected.len(), "each attempt arrives");
            counts.push(expected.len());
            assert!(output.iter().all(|try_| try_["status"] == 500));
            let (last, others) = output.split_last().unwrap();
            assert!(others.iter().all(|try_| try_["outcome"] == "retry"));
            assert_eq!(
                (&last["outcome"], &delivery["next"], &delivery["state"]),
                (&json!("failed"), &json!(null), &json!("failed"))
            );
            fired(&moved, &delivery);
            door.advance(id, 100.0 * 86_400.0).await;
            assert_eq!(hook.count() - before, expected.len(), "no further attempt");
        }
    }
    assert!(
        counts.contains(&31) && counts.contains(&32) && counts.iter().all(|count| matches!(count, 31 | 32)),
        "{counts:?}"
    );
}

/// Checks that `fired` lists every timer and every attempt, in order.
fn fired(moved: &Value, delivery: &Value) {
    let fired = moved["fired"].as_array().unwrap();
    let sequences: Vec<_> = fired.iter().map(|entry| entry["sequence"].as_u64().unwrap()).collect();
    assert!(sequences.is_sorted(), "{sequences:?}");
    let times: Vec<_> = fired.iter().map(|entry| time(&entry["at"])).collect();
    assert!(times.is_sorted());
    let of = |kind: &str, what: &str| {
        let fits = |entry: &&Value| entry["kind"] == kind && (what.is_empty() || entry["what"] == what);
        fired.iter().filter(fits).map(|entry| entry["at"].clone()).collect::<Vec<_>>()
    };
    let tried: Vec<_> = delivery["attempts"].as_array().unwrap().iter().map(|try_| try_["at"].clone()).collect();
    // The first attempt may have ended before time was advanced.
    let output = of("attempt", "");
    assert!(output == tried || output == tried[1..], "{output:?}");
    assert_eq!(of("timer", "retry"), tried[1..]);
    assert_eq!(of("timer", "purge").len() + of("timer", "retry").len(), of("timer", "").len());
}

#[tokio::test(flavor = "multi_thread")]
async fn at_65_at_67_t_034_only_200_and_202_end_a_delivery() {
    let door = Door::new().await;
    for status in [200, 202, 201, 204, 301, 302, 303, 307, 308, 404].map(Some).into_iter().chain([None]) {
        let (does, status) = (status.map_or(Does::Close, Does::Answer), json!(status));
        let hook = Hook::always(does).await;
        let order = door.order(&hook).await;
        door.play_out(DEFAULT, &order, "positive").await;
        let delivery = door.delivery(&order).await;
        let (first, ends) = (&delivery["attempts"][0], matches!(status.as_u64(), Some(200 | 202)));
        assert_eq!((&first["status"], &first["outcome"]), (&status, &json!(if ends { "delivered" } else { "retry" })));
        assert_eq!(first["error"].is_null(), !status.is_null(), "the reason for the missing status: {first}");
        assert_eq!(delivery["state"], if ends { "delivered" } else { "waiting" });
        door.advance(DEFAULT, 86.4).await;
        // The same path, even after a redirect.
        let line = format!("GET /OnFinal?id={order}&ref=ref-1 HTTP/1.1");
        let arrived = hook.arrived.lock().unwrap().clone();
        let lines: Vec<_> = arrived.iter().map(|text| text.lines().next().unwrap()).collect();
        assert_eq!(lines, vec![&line; if ends { 1 } else { 2 }], "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t_036_a_hanging_receiver_is_cut_off_at_10_s_and_retried() {
    let door = Door::new().await;
    let hook = Hook::doing(|count| if count == 0 { Does::Hang } else { Does::Answer(200) }).await;
    let order = door.order(&hook).await;
    door.play(DEFAULT, &order, "positive").await;
    hook.until(1).await;
    let moved = door.advance(DEFAULT, 9.9).await;
    assert_eq!(moved["fired"], json!([]));
    let delivery = door.delivery(&order).await;
    assert_eq!((&delivery["state"], &delivery["attempts"]), (&json!("sending"), &json!([])));
    let moved = door.advance(DEFAULT, 0.2).await;
    assert_eq!(moved["fired"][0]["at"], "2020-09-10T12:00:10Z", "cut off at this time: {moved}");
    let delivery = door.delivery(&order).await;
    let cut =
        json!({ "at": "2020-09-10T12:00:00Z", "status": null, "outcome": "retry", "error": "no response within 10 s" });
    assert_eq!(delivery["attempts"], json!([cut]));
    assert_eq!(delivery["next"], "2020-09-10T12:01:26.4Z", "relative to its start");
    door.advance(DEFAULT, 100.0).await;
    let delivery = door.delivery(&order).await;
    assert_eq!((&delivery["state"], hook.count()), (&json!("delivered"), 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_without_listener_is_reported() {
    let door = Door::new().await;
    let hook = Hook::always(Does::Answer(200)).await;
    let order = hook.order(&["OnFinal"]);
    drop(hook);
    let order = door.place(&Door::default_account(), &order).await;
    door.play_out(DEFAULT, &order, "positive").await;
    let delivery = door.delivery(&order).await;
    assert_eq!(delivery["attempts"][0]["error"], "no connection could be made");
    // The tenth attempt fails in the same way.
    door.advance(DEFAULT, 600.0).await;
    let delivery = door.delivery(&order).await;
    assert!(delivery["attempts"].as_array().unwrap().iter().all(|try_| try_["error"] == "no connection could be made"));
}
