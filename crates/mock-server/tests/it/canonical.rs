//! The same seed and script give the same journal, byte for byte: real clients, TCP, and a receiver on the network.
#![allow(clippy::print_stdout)]

use crate::support::*;

/// Number of rounds; `cargo xtask campaign journal` runs 100.
fn rounds() -> usize {
    std::env::var("IDENTKIT_JOURNAL_ROUNDS").map_or(20, |rounds| rounds.parse().unwrap())
}

/// Returns an order with webhooks below this path.
fn hooked(web: &Hook, path: &str) -> PutOrder {
    order_calling(&["AfterIdent", "OnFinal"], |event| format!("{}/{path}/{event}?order=[OrderID]&ref=[Ref]", web.url))
}

async fn play(sandbox: &TestSandbox, case: &str, story: &str) {
    sandbox.transition(case, &Transition::Scenario(story.to_owned())).unwrap();
    sandbox.clock().settle().await;
}

/// Runs a script at both vendors over the network and returns the canonical journal.
async fn script(seed: u64) -> String {
    // Random delays: attempts that are due at the same time end in any order.
    let web = Hook::choosing(|_, text| Does::Answer(if text.contains("/failing/") { 500 } else { 202 })).await;
    let sandbox = Sandbox::for_test().seed(seed).receiver_guard(10 * SECOND).serve().await.unwrap();
    let url = Secret::new(format!("{}/identify24/status", web.url));
    sandbox.with_world(|world| identify24::set_webhook(world, Some(url)));
    let (tm, i24) = served_clients(&sandbox);
    let placed = async |order: PutOrder| tm.put_order(&order, &options()).await.unwrap().value.order_id;

    let signed = placed(to_sign(hooked(&web, "ready")).get_target_link(true)).await;
    let mut failing: Vec<OrderId> = Vec::new();
    for _ in 0..6 {
        failing.push(placed(hooked(&web, "failing")).await);
    }
    tm.status(&OrderId::parse("9992UNKNOWN").unwrap(), &options()).await.unwrap_err();

    // From now on all are due together, each on its own connection.
    for id in &failing {
        play(&sandbox, id.expose(), "positive").await;
    }
    play(&sandbox, signed.expose(), "identified").await;
    sandbox.advance(DAY).await;
    play(&sandbox, signed.expose(), "signed").await;
    for id in &failing {
        tm.ident_data(id, &options()).await.unwrap();
    }
    sandbox.run_to_next().await;
    // If ids depended on the completion order, the ids of later orders would differ.
    let last = placed(order().get_target_link(true).get_video_hashes(true)).await;
    tm.status(&last, &options()).await.unwrap();
    i24.projects(&options()).await.unwrap();
    sandbox.journal().canonical()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_seed_and_script_give_the_same_journal() {
    let first = script(7).await;
    let kinds = |kind: &str| first.matches(&format!("\"kind\":\"{kind}\"")).count();
    assert!(kinds("call") > 15 && kinds("attempt") > 150 && kinds("timer") > 150 && kinds("moved") == 8, "{first}");
    assert!(first.contains("http://127.0.0.1:*/failing/AfterIdent"), "ports of receivers are omitted");
    for round in 1..rounds() {
        let again = script(7).await;
        for (one, other) in first.lines().zip(again.lines()) {
            assert_eq!(one, other, "in round {round}");
        }
        assert_eq!(first, again);
    }
    println!("{} journals of {} lines were the same, byte for byte", rounds(), first.lines().count());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_seed_gives_another_journal() {
    let (one, other) = (script(7).await, script(8).await);
    assert_ne!(one, other);
    assert_eq!(one.lines().count(), other.lines().count(), "the number of entries is the same");
}

#[tokio::test]
async fn the_canonical_journal_omits_the_clients_machine() {
    let journal = async |agent: &str, port: u16, header: &str| {
        let sandbox = Sandbox::start();
        let request = http::Request::builder()
            .uri(format!("http://127.0.0.1:{port}{TM}/serverStatus?back=http://localhost:{port}/"))
            .header("Host", format!("{agent}.example"))
            .header("User-Agent", agent)
            .header("Date", agent)
            .header("Connection", agent)
            .header("Content-Length", port)
            .header("X-Mine", header);
        sandbox.handle(request.body(bytes::Bytes::new()).unwrap()).await;
        sandbox.journal().canonical()
    };
    let one = journal("one", 41_234, "same").await;
    assert_eq!(one, journal("other", 9, "same").await);
    assert_ne!(one, journal("one", 41_234, "another").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hanging_receiver_does_not_delay_the_others() {
    let receiver = Receiver::doing(|call| {
        Box::pin(async move {
            let hangs = call.uri.contains("hangs") && call.seconds() > 1.0;
            if hangs {
                std::future::pending::<()>().await;
            }
            Some(if call.seconds() > 1.0 { 200 } else { 500 })
        })
    });
    let builder = Sandbox::for_test().webhook_transport(Arc::new(receiver.clone()));
    let sandbox = builder.receiver_guard(SECOND / 20).start();
    receiver.by(sandbox.clock());
    let tm = tm_client(sandbox.transport(), sandbox.clock().clone());
    for path in ["hangs", "answers"] {
        let hooks = WebhookUrl::default().on_final(format!("https://hooks.example/{path}/OnFinal"));
        let id = tm.put_order(&order().webhook_url(hooks), &options()).await.unwrap().value.order_id;
        sandbox.transition(id.expose(), &Transition::Scenario("positive".to_owned())).unwrap();
        sandbox.clock().settle().await;
    }
    sandbox.advance(90 * SECOND).await;
    eventually("the other is delivered", || sandbox.deliveries(None)[1].is_delivered()).await;
    assert_eq!(sandbox.deliveries(None)[0].attempts.len(), 1, "the first still hangs");
    // Cut off after ten seconds.
    sandbox.advance(10 * SECOND).await;
    assert_eq!(sandbox.deliveries(None)[0].attempts.len(), 2);
}
