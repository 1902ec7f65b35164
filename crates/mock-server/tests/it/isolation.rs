//! A thousand concurrent tests are isolated: ids, journals, webhooks, clocks.

use crate::support::*;
use tokio::{
    sync::{Barrier, Semaphore},
    task::JoinSet,
};

const TESTS: u64 = 1_000;

fn hooked(base: &str, test: u64) -> PutOrder {
    let url = format!("{base}/{test}/OnFinal?order=[OrderID]&ref=[Ref]");
    order().reference(format!("test-{test}")).webhook_url(WebhookUrl::default().on_final(url))
}

/// Runs one test: it places orders, plays stories, advances time by its number in seconds, and checks everything.
/// Returns the ids of its orders.
async fn test(number: u64, sandbox: &Sandbox, tm: &IdentityTm, base: &str, doing: &Semaphore) -> Vec<String> {
    let begin = sandbox.now();
    // Three kinds of tests, so that neighbours do different things at the same time.
    let (orders, story, status) = match number % 3 {
        0 => (1, "positive", StatusKind::POSITIVE),
        1 => (2, "negative", StatusKind::NEGATIVE),
        _ => (3, "timeout", StatusKind::TIMED_OUT),
    };
    sandbox.expect(Expect::call("putOrder").times(orders).body("/Ref", format!("test-{number}")));
    sandbox.expect(Expect::call("getStatus").times(orders));
    sandbox.expect(Expect::matching(Filter::new()).times(2 * orders));
    let mut ids = Vec::new();
    for _ in 0..orders {
        let _one = doing.acquire().await.unwrap();
        let placed = tm.put_order(&hooked(base, number), &options()).await.unwrap().value.order_id;
        ids.push(placed);
    }
    for id in &ids {
        let _one = doing.acquire().await.unwrap();
        sandbox.transition(id.expose(), &Transition::Scenario(story.to_owned())).unwrap();
        sandbox.clock().settle().await;
    }
    sandbox.advance(Duration::from_secs(number)).await;
    for id in &ids {
        let _one = doing.acquire().await.unwrap();
        let output = tm.status(id, &options()).await.unwrap().value;
        assert_eq!(output.reference.as_ref().unwrap().expose(), &format!("test-{number}"));
        assert!(output.kinds().any(|kind| kind == status), "{number}: {:?}", output.kinds().collect::<Vec<_>>());
    }

    let ids: Vec<String> = ids.iter().map(|id| id.expose().to_owned()).collect();
    assert_eq!(sandbox.now().duration_since(begin).as_secs(), i64::try_from(number).unwrap(), "its own clock");
    let known: BTreeSet<_> = ids.iter().collect();
    for entry in sandbox.journal().since(0) {
        match &entry.kind {
            EntryKind::Call(call) => {
                assert!(known.contains(call.case.as_ref().unwrap()), "{number}: a call of another test")
            }
            EntryKind::Attempt(tried) => assert!(known.contains(&tried.case), "{number}: a webhook of another test"),
            EntryKind::Moved { case, .. } => assert!(known.contains(case)),
            other => panic!("{number}: {other:?}"),
        }
    }
    let delivered: Vec<_> = sandbox.deliveries(None).into_iter().map(|delivery| delivery.case).collect();
    assert_eq!(delivered, ids, "{number}: one webhook for each order");
    sandbox.verify().unwrap();
    ids
}

/// Returns the order ids that arrived at the receiver, by test.
fn arrived(calls: &[String]) -> BTreeMap<u64, Vec<String>> {
    let mut by_test: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for call in calls {
        let (test, rest) = call.trim_start_matches('/').split_once("/OnFinal?order=").unwrap();
        let (id, reference) = rest.split_once("&ref=").unwrap();
        assert_eq!(reference, format!("test-{test}"));
        by_test.entry(test.parse().unwrap()).or_default().push(id.to_owned());
    }
    by_test
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_sandboxes_in_one_process_are_isolated() {
    let receiver = Receiver::answering(Some(200));
    let all_there = Arc::new(Barrier::new(usize::try_from(TESTS).unwrap()));
    let mut tests = JoinSet::new();
    for number in 1..=TESTS {
        let (receiver, all_there) = (Arc::new(receiver.clone()), Arc::clone(&all_there));
        tests.spawn(async move {
            let sandbox = Sandbox::for_test().webhook_transport(receiver).receiver_guard(60 * SECOND).start();
            let tm = tm_client(sandbox.transport(), sandbox.clock().clone());
            all_there.wait().await;
            (number, test(number, &sandbox, &tm, "https://hooks.example", &Semaphore::new(1)).await)
        });
    }
    let found: BTreeMap<_, _> = tests.join_all().await.into_iter().collect();
    let calls: Vec<_> =
        receiver.arrived().into_iter().map(|call| call.uri.replace("https://hooks.example", "")).collect();
    assert_eq!(arrived(&calls), found);
    // All have the same seed and therefore the same ids, without interference.
    assert_eq!(found.values().map(|ids| &ids[0]).collect::<BTreeSet<_>>().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_worlds_of_one_server_are_isolated() {
    let web = Hook::always(Does::Answer(200)).await;
    let tls = TlsConfig::bundled().unwrap();
    let transport: Arc<dyn Transport> = Arc::new(HyperTransport::new(&tls));
    let default = Sandbox::for_test().webhook_transport(Arc::clone(&transport)).receiver_guard(60 * SECOND).start();
    let worlds = Worlds::from(&default);
    let listening = server::vendors(&worlds, any(), None).await.unwrap();
    let base_url = format!("{}{TM}", listening.url());
    let all_there = Arc::new(Barrier::new(usize::try_from(TESTS).unwrap()));
    // All tests run; the number of connections is limited for machines with few file descriptors.
    let doing = Arc::new(Semaphore::new(100));
    let mut tests = JoinSet::new();
    for number in 1..=TESTS {
        let (_, sandbox) = worlds.create(&named(&format!("test-{number}"))).unwrap();
        let accounts = sandbox.accounts();
        let account = &accounts.iter().find(|(vendor, _)| *vendor == "identity-tm").unwrap().1;
        let part = |name: &str| account[name].as_str().unwrap().to_owned();
        let account = Credentials::new(part("customer_id"), Secret::new(part("customer_code")));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let tm = IdentityTm::builder(account)
            .base_url(base_url.clone())
            .transport(Arc::clone(&transport))
            .clock(clock)
            .build()
            .unwrap();
        let (base, doing, all_there) = (web.url.clone(), Arc::clone(&doing), Arc::clone(&all_there));
        tests.spawn(async move {
            all_there.wait().await;
            (number, test(number, &sandbox, &tm, &base, &doing).await)
        });
    }
    let found: BTreeMap<_, _> = tests.join_all().await.into_iter().collect();
    assert_eq!(arrived(&web.paths()), found);
    let ids: Vec<_> = found.values().flatten().collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "each world has its own seed");
    assert_eq!((default.journal().last(), default.now()), (0, start_time()), "the default world is unchanged");
    assert_eq!(worlds.ids().len(), 1_001);
}
