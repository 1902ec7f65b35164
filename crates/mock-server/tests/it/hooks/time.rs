//! A world's time, through the admin API and in Rust.

use super::door::Door;
use crate::support::*;

fn timer(subject: &str) -> Timer {
    Timer { vendor: "nobody", what: "nothing", subject: subject.to_owned() }
}

fn after(seconds: i64) -> Timestamp {
    start_time() + SignedDuration::from_secs(seconds)
}

#[tokio::test(flavor = "multi_thread")]
async fn run_to_next_fires_all_timers_of_the_next_due_time() {
    let bench = Harness::new();
    bench.sandbox.with_world(|world| {
        for (at, subject) in [(5, "b"), (3, "a"), (5, "c"), (6, "d")] {
            world.set_timer(after(at), timer(subject));
        }
    });
    let subjects = |fired: &[identkit_mock_server::journal::Entry]| {
        let of = |kind: &EntryKind| match kind {
            EntryKind::Fired { subject, .. } => subject.clone(),
            other => panic!("{other:?}"),
        };
        fired.iter().map(|entry| (entry.at, of(&entry.kind))).collect::<Vec<_>>()
    };
    let first = bench.sandbox.run_to_next().await;
    assert_eq!(subjects(&first.fired), [(after(3), "a".into())]);
    assert_eq!((first.now, first.next_due), (after(3), Some(after(5))));
    let second = bench.sandbox.run_to_next().await;
    assert_eq!(subjects(&second.fired), [(after(5), "b".into()), (after(5), "c".into())]);
    assert_eq!((second.now, second.next_due), (after(5), Some(after(6))));
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_run_to_next_skips_no_timer() {
    let bench = Harness::new();
    // Increasing distances: a stale distance would end between two timers.
    let due = |number: i64| after(number * number);
    bench.sandbox.with_world(|world| {
        for number in 1..=400 {
            world.set_timer(due(number), timer(&number.to_string()));
        }
    });
    let movers: Vec<_> = (0..8)
        .map(|_| {
            let sandbox = bench.sandbox.clone();
            tokio::spawn(async move {
                for _ in 0..50 {
                    let moved = sandbox.run_to_next().await;
                    let at = moved.now.duration_since(start_time()).as_secs();
                    assert!((1..=400).any(|number| number * number == at), "{at} s is between two timers");
                }
            })
        })
        .collect();
    for mover in movers {
        mover.await.unwrap();
    }
    assert_eq!(bench.sandbox.now(), due(400), "400 timers, each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn run_to_next_goes_from_attempt_to_attempt() {
    let hook = Hook::always(Does::Answer(500)).await;
    let (door, _) = Door::tried(&hook).await;
    for (number, (now, next)) in
        [("2020-09-10T12:01:26.4Z", "2020-09-10T12:02:26.4Z"), ("2020-09-10T12:02:26.4Z", "2020-09-10T12:03:26.4Z")]
            .into_iter()
            .enumerate()
    {
        let moved = door.post("/clock/run-to-next", Value::Null).await;
        assert_eq!((&moved["now"], &moved["next_due"]), (&json!(now), &json!(next)), "{moved}");
        let kinds: Vec<_> =
            moved["fired"].as_array().unwrap().iter().map(|entry| (&entry["kind"], &entry["at"])).collect();
        assert_eq!(kinds, [(&json!("timer"), &json!(now)), (&json!("attempt"), &json!(now))]);
        assert_eq!(moved["fired"][1]["number"], number + 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_timers_fire_in_order_and_are_reported() {
    let bench = Harness::new();
    bench.sandbox.with_world(|world| {
        // Scattered, and several at the same time.
        for index in 0..10_000_i64 {
            world.set_timer(after(1 + (index * 7_919) % 5_000), timer(&index.to_string()));
        }
        // The journal forgets most of it; who moves time is told all.
        world.journal.set_limit(10);
    });
    let moved = bench.sandbox.advance(2 * HOUR).await;
    assert_eq!(moved.fired.len(), 10_000);
    assert!(moved.fired.is_sorted_by_key(|entry| (entry.at, entry.sequence)));
    assert_eq!(moved.next_due, Some(start_time() + SignedDuration::from_hours(90 * 24)));
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_advances_add_up() {
    const DAYS: [i64; 5] = [1, 7, 2, 1, 3];
    let hook = Hook::always(Does::Answer(500)).await;
    let (door, order) = Door::tried(&hook).await;
    let began = door.get("/clock").await["now"].as_str().unwrap().parse::<Timestamp>().unwrap();
    assert_eq!(began, start_time());
    let advance = async |days: i64| {
        let output = door.post("/clock/advance", json!({ "seconds": days * 86_400 })).await;
        (
            output["now"].as_str().unwrap().parse::<Timestamp>().unwrap(),
            days,
            output["fired"].as_array().unwrap().clone(),
        )
    };
    let mut output = futures_util::future::join_all(DAYS.map(advance)).await;
    output.sort_by_key(|(now, ..)| *now);
    let (mut before, mut attempts) = (began, 0);
    for (now, days, fired) in output {
        assert_eq!(now, before + SignedDuration::from_hours(days * 24), "from the end of the previous advance");
        for entry in fired {
            let at = entry["at"].as_str().unwrap().parse::<Timestamp>().unwrap();
            assert!(before < at && at <= now, "{at} is reported by the advance from {before} to {now}");
            attempts += usize::from(entry["kind"] == "attempt");
        }
        before = now;
    }
    assert_eq!(door.get("/clock").await["now"], before.to_string());
    let tries = door.delivery(&order).await["attempts"].as_array().unwrap().len();
    assert_eq!(
        (attempts, tries, hook.count()),
        (31, 32, 32),
        "each attempt is made and reported once; the first one before"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn advance_to_a_time_is_idempotent_and_never_goes_back() {
    let bench = Harness::new();
    bench.sandbox.with_world(|world| {
        for at in [3, 5, 6, 9] {
            world.set_timer(after(at), timer(&at.to_string()));
        }
    });
    let first = bench.sandbox.advance_to(after(5)).await;
    assert_eq!((first.now, first.fired.len(), first.next_due), (after(5), 2, Some(after(6))));
    let back = bench.sandbox.advance_to(after(4)).await;
    assert_eq!((back.now, back.fired.len()), (after(5), 0));
    let all = futures_util::future::join_all((0..4).map(|_| bench.sandbox.advance_to(after(10)))).await;
    assert_eq!(all.iter().map(|each| each.now).collect::<Vec<_>>(), [after(10); 4]);
    assert_eq!(all.iter().map(|each| each.fired.len()).sum::<usize>(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn running_time_is_advanced_exactly_to_a_time() {
    let (bench, receiver, gate) = Harness::gated();
    bench.sandbox.set_mode(Mode::Real);
    bench.under_way(&receiver, &["OnFinal"]).await;
    let sandbox = bench.sandbox.clone();
    let advance = tokio::spawn(async move { sandbox.advance_to(after(3_600)).await });
    // Time passes during the attempt, and is stopped afterwards to compare it exactly.
    let began = bench.sandbox.now();
    while bench.sandbox.now() == began {
        pause(Duration::from_millis(1)).await;
    }
    bench.sandbox.set_mode(Mode::Frozen);
    gate.notify_one();
    assert_eq!(advance.await.unwrap().now, after(3_600));
}

#[tokio::test(flavor = "multi_thread")]
async fn time_is_advanced_while_requests_come_in_without_a_pause() {
    let bench = Harness::new();
    let done = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let (done, bench) =
                (Arc::clone(&done), Harness { sandbox: bench.sandbox.clone(), clock: bench.clock.clone() });
            tokio::spawn(async move {
                let mut answered = 0_u32;
                while !done.load(Ordering::Relaxed) {
                    let status = bench.tm_call("GET", &format!("/getStatus/{EXAMPLE_ORDER}"), "").await.status;
                    assert_eq!(status, 200);
                    answered += 1;
                    tokio::task::yield_now().await;
                }
                answered
            })
        })
        .collect();
    bench.sandbox.with_world(|world| {
        for at in 1..=500 {
            world.set_timer(after(at), timer(&at.to_string()));
        }
    });
    let moved = within(30 * SECOND, bench.sandbox.advance(1_000 * SECOND)).await;
    done.store(true, Ordering::Relaxed);
    let mut answered = 0;
    for caller in callers {
        answered += caller.await.unwrap();
    }
    assert_eq!(moved.expect("requests do not keep time from moving").fired.len(), 500);
    assert!(answered > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn time_never_goes_back_when_modes_change() {
    let clock = VirtualClock::new(start_time());
    let sandbox = Sandbox::builder().clock(clock.clone()).start();
    let watched = clock.clone();
    let done = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&done);
    let watching = tokio::spawn(async move {
        let mut last = watched.now();
        while !ended.load(Ordering::Relaxed) {
            let now = watched.now();
            assert!(now >= last, "{now:?} after {last:?}");
            last = now;
            tokio::task::yield_now().await;
        }
    });
    for round in 0..60 {
        let mode = match round % 4 {
            0 => Mode::Real,
            1 => Mode::Scaled(Mode::FASTEST),
            2 => Mode::Scaled(0.5),
            _ => Mode::Frozen,
        };
        let before = sandbox.now();
        sandbox.set_mode(mode);
        assert!(sandbox.now() >= before);
        sandbox.advance(SECOND).await;
        assert!(sandbox.now() >= before + SignedDuration::from_secs(1));
        pause(Duration::from_millis(1)).await;
    }
    assert_eq!(clock.mode(), Mode::Frozen);
    let stands = sandbox.now();
    pause(Duration::from_millis(5)).await;
    assert_eq!(sandbox.now(), stands);
    done.store(true, Ordering::Relaxed);
    watching.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn timers_fire_by_themselves_in_scaled_time() {
    let hook = Hook::always(Does::Answer(500)).await;
    let (door, order) = Door::tried(&hook).await;
    door.post("/clock/mode", json!({ "mode": "scaled", "factor": 10_000 })).await;
    hook.until(14).await;
    door.post("/clock/mode", json!({ "mode": "frozen" })).await;
    let delivery = door.delivery(&order).await;
    assert!(delivery["attempts"].as_array().unwrap().len() >= 13, "the minutes of the table");
}
