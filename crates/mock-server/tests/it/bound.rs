//! How many cases a world keeps: what goes, what goes with it, and what stays.

use crate::support::*;
use identkit_mock_server::{vendors::all, webhooks::Mode};

impl Harness {
    fn keeping(cases: usize) -> Self {
        Self::with(|builder| builder.keep_cases(cases))
    }

    /// Opens so many orders, and returns their ids, oldest first.
    async fn open(&self, orders: usize) -> Vec<String> {
        let mut ids = Vec::new();
        for _ in 0..orders {
            ids.push(self.place(order()).await.expose().to_owned());
        }
        ids
    }

    /// Creates so many idents, and returns their ids, oldest first.
    async fn create_many(&self, idents: usize) -> Vec<String> {
        let mut ids = Vec::new();
        for _ in 0..idents {
            ids.push(self.create_ident().await);
        }
        ids
    }

    /// Those that are still known.
    fn known(&self, ids: &[String]) -> Vec<String> {
        ids.iter().filter(|id| self.sandbox.inspect(id).is_some()).cloned().collect()
    }

    async fn status(&self, id: &str) -> u16 {
        self.tm_call("GET", &format!("/getStatus/{id}"), "").await.status
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_order_too_many_and_the_oldest_tenth_goes_while_the_examples_stay() {
    let bench = Harness::keeping(20);
    // Time stands still: age is the order of opening, and the ids are random.
    let ids = bench.open(20).await;
    assert_eq!(bench.known(&ids), ids, "as many as are kept, and the examples do not count");
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
    // And nothing is less than one.
    bench.sandbox.with_world(|world| world.keep_cases(0));
    let ids = bench.open(2).await;
    assert_eq!(bench.known(&ids), ids[1..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn timers_webhooks_and_what_was_reported_go_with_an_order_and_with_no_other() {
    let receiver = Receiver::answering(Some(500));
    let bench = Harness::with(|builder| builder.keep_cases(2).webhook_transport(Arc::new(receiver.clone())));
    let mut ids = Vec::new();
    for _ in 0..2 {
        ids.push(bench.hooked(&["OnFinal"]).await);
    }
    bench.sandbox.set_webhooks(Some(&ids[0]), Mode::Hold);
    bench.sandbox.set_webhooks(Some(&ids[1]), Mode::Deliver);
    assert!(!bench.tm().drain_unreported(&options()).await.unwrap().0.is_empty());
    let about = |id: &str| {
        bench.sandbox.with_world(|world| {
            let tries = world.deliveries.iter().filter(|delivery| delivery.case == id).count();
            (tries, saved(world).matches(id).count())
        })
    };
    let kept = about(&ids[1]);
    assert!(kept.0 > 0 && kept.1 > 5, "a webhook, and places in what is saved: {kept:?}");
    assert_eq!(about(&ids[0]), kept, "both are alike");
    let new = bench.open(1).await;
    assert_eq!(about(&ids[0]), (0, 0), "nothing of it is left");
    assert_eq!(about(&ids[1]), kept, "and nothing else went");
    assert_eq!(bench.known(&new), new);
    // Nor a timer for its webhook: such a world could not be read.
    let document = bench.sandbox.with_world(|world| world.to_json(&all()).unwrap());
    World::from_json(&all(), &document).unwrap();
    // The tries of the other one go on.
    let before = receiver.count();
    bench.sandbox.advance(MINUTE * 20).await;
    assert!(receiver.count() > before);
    assert!(receiver.arrived()[before..].iter().all(|arrived| arrived.uri.contains(&ids[1])));
}

/// The world as a file has it.
fn saved(world: &World) -> String {
    world.to_json(&all()).unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_webhook_is_sent_again_by_hand_is_passed_over_though_it_does_not_wait() {
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
async fn those_that_were_passed_over_are_the_oldest_still() {
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
async fn the_newest_order_is_kept_whoever_is_busy_and_room_is_made_when_it_is_over() {
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
async fn webhooks_that_wait_for_others_or_are_late_go_with_their_order() {
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
async fn idents_are_forgotten_alike_and_each_vendor_has_room_of_its_own() {
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
async fn idents_that_the_vendor_has_forgotten_take_no_room() {
    let bench = Harness::keeping(3);
    let first = bench.create_many(2).await;
    bench.sandbox.advance(DAY * 45).await;
    let second = bench.create_many(1).await;
    // The example and the first two are 90 days old.
    bench.sandbox.advance(DAY * 45).await;
    assert_eq!(bench.known(&[first, second.clone()].concat()), second);
    let third = bench.create_many(2).await;
    assert_eq!(bench.known(&[second, third.clone()].concat()).len(), 3);
    assert!(bench.sandbox.journal().since(0).all(|entry| change(&entry.kind).is_none()), "nothing had to go");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_world_read_from_its_saved_form_knows_which_cases_are_the_oldest() {
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
async fn a_webhook_is_sent_a_thousand_times_and_then_no_more_by_hand() {
    // Nobody can be reached.
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
    // The vendor's own schedule goes on.
    bench.sandbox.advance(DAY * 7).await;
    let tries = bench.sandbox.deliveries(Some(&id)).remove(0).attempts.len();
    assert!(tries == 1_030 || tries == 1_031, "{tries}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_never_expire_are_forgotten_when_there_are_ten_thousand() {
    let (vendors, bench) = (all(), Harness::new());
    let mut document = bench.sandbox.with_world(|world| world.to_json(&vendors).unwrap());
    let sessions = &mut document["vendors"]["identify24"]["sessions"];
    let used =
        |second: usize| start_time() - SignedDuration::from_secs(10_000) + SignedDuration::from_secs(second as i64);
    // The later their names come, the longer ago they were used.
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
