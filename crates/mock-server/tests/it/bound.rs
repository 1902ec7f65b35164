//! The maximum number of cases of a world, and the removal of old ones.

use crate::support::*;
use identkit_mock_server::{vendors::all, webhooks::Mode};

impl Harness {
    fn keeping(cases: usize) -> Self {
        Self::with(|builder| builder.keep_cases(cases))
    }

    /// Opens this number of orders and returns their ids, oldest first.
    async fn open(&self, orders: usize) -> Vec<String> {
        let mut ids = Vec::new();
        for _ in 0..orders {
            ids.push(self.place(order()).await.expose().to_owned());
        }
        ids
    }

    /// Creates this number of idents and returns their ids, oldest first.
    async fn create_many(&self, idents: usize) -> Vec<String> {
        let mut ids = Vec::new();
        for _ in 0..idents {
            ids.push(self.create_ident().await);
        }
        ids
    }

    /// Returns the ids that still exist.
    fn known(&self, ids: &[String]) -> Vec<String> {
        ids.iter().filter(|id| self.sandbox.inspect(id).is_some()).cloned().collect()
    }

    async fn status(&self, id: &str) -> u16 {
        self.tm_call("GET", &format!("/getStatus/{id}"), "").await.status
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_limit_the_oldest_orders_go_and_examples_stay() {
    let bench = Harness::keeping(20);
    // The clock is stopped: age is the order of opening, and ids are random.
    let ids = bench.open(20).await;
    assert_eq!(bench.known(&ids), ids, "the maximum, without the examples");
    let last = bench.open(1).await;
    assert_eq!(bench.known(&ids), ids[3..], "room for two more than the newest 18");
    assert_eq!(bench.known(&last), last);
    assert_eq!((bench.status(&ids[2]).await, bench.status(&ids[3]).await), (404, 200));
    assert_eq!(bench.status(EXAMPLE_ORDER).await, 200);
    let journal = bench.sandbox.journal();
    let changes: Vec<&str> = journal.since(0).filter_map(|entry| change(&entry.kind)).collect();
    assert_eq!(changes, ["removed the 3 oldest of identity-tm"]);
}

fn change(what: &EntryKind) -> Option<&str> {
    match what {
        EntryKind::Changed { what: "cases", how } => Some(how),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_world_of_one_case_keeps_the_newest() {
    let bench = Harness::keeping(1);
    let ids = bench.open(4).await;
    assert_eq!(bench.known(&ids), ids[3..]);
    // A limit of 0 is 1.
    bench.sandbox.with_world(|world| world.keep_cases(0));
    let ids = bench.open(2).await;
    assert_eq!(bench.known(&ids), ids[1..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_order_takes_its_timers_and_webhooks_with_it() {
    let receiver = Receiver::answering(Some(500));
    let bench = Harness::with(|builder| builder.keep_cases(2).webhook_transport(Arc::new(receiver.clone())));
    let mut ids = Vec::new();
    for _ in 0..2 {
        ids.push(bench.hooked(&["OnFinal"]).await);
    }
    bench.sandbox.set_webhooks(Some(&ids[0]), Mode::Hold);
    bench.sandbox.set_webhooks(Some(&ids[1]), Mode::Deliver);
    assert!(!bench.tm().drain_unreported(&options()).await.unwrap().value.0.is_empty());
    let about = |id: &str| {
        bench.sandbox.with_world(|world| {
            let tries = world.deliveries.iter().filter(|delivery| delivery.case == id).count();
            (tries, saved(world).matches(id).count())
        })
    };
    let kept = about(&ids[1]);
    assert!(kept.0 > 0 && kept.1 > 5, "a webhook, and mentions in the saved world: {kept:?}");
    assert_eq!(about(&ids[0]), kept, "both orders have the same");
    let new = bench.open(1).await;
    assert_eq!(about(&ids[0]), (0, 0), "nothing is left");
    assert_eq!(about(&ids[1]), kept, "the other order is unchanged");
    assert_eq!(bench.known(&new), new);
    // No timer of its webhook is left: such a world could not be read.
    let document = bench.sandbox.with_world(|world| world.to_json(&all()).unwrap());
    World::from_json(&all(), &document).unwrap();
    // The attempts of the other order continue.
    let before = receiver.count();
    bench.sandbox.advance(MINUTE * 20).await;
    assert!(receiver.count() > before);
    assert!(receiver.arrived()[before..].iter().all(|arrived| arrived.uri.contains(&ids[1])));
}

/// Returns the world as saved.
fn saved(world: &World) -> String {
    world.to_json(&all()).unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_with_a_running_resend_is_not_removed() {
    let first = AtomicBool::new(true);
    let receiver = Receiver::doing(move |_| {
        let first = first.swap(false, Ordering::Relaxed);
        async move { if first { Some(200) } else { std::future::pending().await } }
    });
    let bench = Harness::with(|builder| builder.keep_cases(1).webhook_transport(Arc::new(receiver.clone())));
    let busy = bench.hooked(&["OnFinal"]).await;
    let delivery = bench.sandbox.deliveries(Some(&busy)).remove(0).id;
    bench.sandbox.resend(delivery).unwrap();
    receiver.until(2).await;
    let newest = bench.open(1).await.remove(0);
    assert_eq!(bench.known(&[busy.clone(), newest.clone()]), [busy, newest]);
}

#[tokio::test(flavor = "multi_thread")]
async fn skipped_orders_remain_the_oldest() {
    let (receiver, gate) = Receiver::gated();
    let bench = Harness::with(|builder| builder.keep_cases(3).webhook_transport(Arc::new(receiver.clone())));
    let mut ids = Vec::new();
    for _ in 0..2 {
        ids.push(bench.under_way(&receiver, &["OnFinal"]).await.expose().to_owned());
    }
    ids.extend(bench.open(2).await);
    let known = |at: &[usize]| at.iter().map(|at| ids[*at].clone()).collect::<Vec<_>>();
    assert_eq!(bench.known(&ids), known(&[0, 1, 3]));
    gate.notify_waiters();
    bench.clock.settle().await;
    bench.open(1).await;
    assert_eq!(bench.known(&ids), known(&[1, 3]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_order_stays_even_if_all_others_are_busy() {
    let (receiver, gate) = Receiver::gated();
    let bench = Harness::with(|builder| builder.keep_cases(1).webhook_transport(Arc::new(receiver.clone())));
    let busy = bench.under_way(&receiver, &["OnFinal"]).await.expose().to_owned();
    let first = bench.open(1).await;
    assert_eq!(bench.known(&[busy.clone(), first[0].clone()]), [busy.clone(), first[0].clone()]);
    let second = bench.open(1).await;
    assert_eq!(bench.known(&[busy.clone(), first[0].clone(), second[0].clone()]), [busy.clone(), second[0].clone()]);
    gate.notify_one();
    bench.clock.settle().await;
    let ids = [vec![busy], second, bench.open(2).await].concat();
    assert_eq!(bench.known(&ids), ids[3..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_webhooks_are_removed_with_their_order() {
    for mode in [Mode::Reorder, Mode::Late(HOUR), Mode::Hold] {
        let receiver = Receiver::answering(Some(200));
        let bench = Harness::with(|builder| builder.keep_cases(1).webhook_transport(Arc::new(receiver.clone())));
        bench.sandbox.set_webhooks(None, mode);
        let id = bench.hooked(&["OnFinal"]).await;
        assert_eq!(bench.sandbox.deliveries(Some(&id)).len(), 1, "{mode:?}");
        bench.open(1).await;
        assert!(bench.sandbox.deliveries(None).is_empty(), "{mode:?}");
        let document = bench.sandbox.with_world(|world| world.to_json(&all()).unwrap());
        World::from_json(&all(), &document).unwrap();
        bench.sandbox.advance(HOUR * 2).await;
        assert_eq!(receiver.count(), 0, "{mode:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_vendor_has_its_own_limit_of_cases() {
    let bench = Harness::keeping(3);
    let orders = bench.open(3).await;
    let idents = bench.create_many(4).await;
    assert_eq!(bench.known(&idents), idents[1..]);
    assert_eq!(bench.known(&orders), orders);
    let (token, path) = (bench.token().await, |id: &str| format!("/ident/get/{id}"));
    assert_eq!(bench.i24_call(&token, "GET", &path(EXAMPLE_IDENT), "").await.status, 200);
    assert_eq!(bench.i24_call(&token, "GET", &path(&idents[0]), "").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_idents_do_not_count() {
    let bench = Harness::keeping(3);
    let first = bench.create_many(2).await;
    bench.sandbox.advance(DAY * 45).await;
    let second = bench.create_many(1).await;
    // The example and the first two expire after 90 days.
    bench.sandbox.advance(DAY * 45).await;
    assert_eq!(bench.known(&[first, second.clone()].concat()), second);
    let third = bench.create_many(2).await;
    assert_eq!(bench.known(&[second, third.clone()].concat()).len(), 3);
    assert!(bench.sandbox.journal().since(0).all(|entry| change(&entry.kind).is_none()), "nothing had to go");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_world_knows_its_oldest_cases() {
    let bench = Harness::keeping(4);
    let ids = [bench.open(4).await, bench.create_many(4).await].concat();
    let document = bench.sandbox.with_world(|world| world.to_json(&all()).unwrap());
    let world = World::from_json(&all(), &document).unwrap();
    let again = Harness::with(|builder| builder.world(world).keep_cases(4));
    let newer = [again.open(3).await, again.create_many(3).await].concat();
    assert_eq!(again.known(&ids), [ids[3].clone(), ids[7].clone()]);
    assert_eq!(again.known(&newer), newer);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_can_be_resent_up_to_1000_attempts() {
    // No receiver.
    let bench = Harness::new();
    let id = bench.hooked(&["OnFinal"]).await;
    let delivery = bench.sandbox.deliveries(Some(&id)).remove(0).id;
    for _ in 1..1_000 {
        bench.sandbox.resend(delivery).unwrap();
        bench.clock.settle().await;
    }
    let refused = bench.sandbox.resend(delivery).unwrap_err();
    assert_eq!(refused, bench.sandbox.duplicate(delivery).unwrap_err());
    assert_eq!(refused.to_string(), format!("delivery {delivery} was sent 1000 times, which is the maximum"));
    // The vendor's schedule continues.
    bench.sandbox.advance(DAY * 7).await;
    let tries = bench.sandbox.deliveries(Some(&id)).remove(0).attempts.len();
    assert!(tries == 1_030 || tries == 1_031, "{tries}");
}

#[tokio::test(flavor = "multi_thread")]
async fn old_sessions_are_removed_at_10000() {
    let (vendors, bench) = (all(), Harness::new());
    let mut document = bench.sandbox.with_world(|world| world.to_json(&vendors).unwrap());
    let sessions = &mut document["vendors"]["identify24"]["sessions"];
    let used =
        |second: usize| start_time() - SignedDuration::from_secs(10_000) + SignedDuration::from_secs(second as i64);
    // Tokens with greater names were used earlier.
    let many = (0..9_999)
        .map(|number| json!({ "token": format!("t{:05}", 9_999 - number), "used": used(number).to_string() }));
    *sessions = many.collect();
    let world = World::from_json(&vendors, &document).unwrap();
    let again = Harness::with(|builder| builder.world(world));
    let kept = |bench: &Harness| {
        let document = bench.sandbox.with_world(|world| world.to_json(&vendors).unwrap());
        document["vendors"]["identify24"]["sessions"].as_array().unwrap().clone()
    };
    let first = again.token().await;
    assert_eq!(kept(&again).len(), 10_000);
    let second = again.token().await;
    let left = kept(&again);
    assert_eq!(left.len(), 9_001);
    let of = |token: &str| left.iter().any(|session| session["token"] == token);
    assert!(of(&first) && of(&second) && of("t00001") && of("t08999") && !of("t09000"), "the oldest go");
}
