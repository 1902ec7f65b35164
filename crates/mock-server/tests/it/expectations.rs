//! The door of a Rust test: a sandbox of its own, and what is expected of the calls.

use crate::support::*;
use std::panic::{AssertUnwindSafe, catch_unwind};

fn client(sandbox: &Sandbox) -> IdentityTm {
    tm_client(sandbox.transport(), sandbox.clock().clone())
}

async fn place(sandbox: &Sandbox) -> OrderId {
    client(sandbox).put_order(&order(), &options()).await.unwrap().value.order_id
}

/// What dropping it fails with, if it does.
fn dropped<T>(value: T) -> Option<String> {
    let panicked = catch_unwind(AssertUnwindSafe(|| drop(value))).err()?;
    Some(*panicked.downcast::<String>().unwrap())
}

#[tokio::test]
async fn what_is_expected_and_comes_lets_the_test_pass() {
    let sandbox = Sandbox::start();
    sandbox.expect(Expect::call("putOrder").times(2).body("/Product", 12));
    sandbox.expect(Expect::call("getStatus")).expect(Expect::call("cancelOrder").never());
    sandbox.expect(Expect::call("getIdentData").at_most(1));
    let id = place(&sandbox).await;
    place(&sandbox).await;
    client(&sandbox).status(&id, &options()).await.unwrap();
    assert_eq!(dropped(sandbox), None);
}

#[tokio::test]
async fn what_does_not_come_fails_the_test_with_expected_got_and_nearest() {
    let sandbox = Sandbox::start();
    sandbox.expect(Expect::call("putOrder").body("/Product", 15).status(202).times(1));
    let id = place(&sandbox).await;
    let unknown = Request::builder().uri(format!("{TM}/getStatus/9992UNKNOWN")).body(bytes::Bytes::new()).unwrap();
    sandbox.handle(unknown).await;
    drop(id);
    let told = dropped(sandbox).expect("it fails");
    assert_eq!(told, include_str!("../fixtures/unmet-expectations.txt"));
}

#[tokio::test]
async fn each_number_of_times_holds_for_exactly_what_it_says() {
    type Say = fn(Expect) -> Expect;
    let never: Say = Expect::never;
    let rules: [(Say, [bool; 4], &str); 7] = [
        (|expect| expect, [false, true, true, true], "at least once"),
        (never, [true, false, false, false], "never"),
        (|expect| expect.times(1), [false, true, false, false], "once"),
        (|expect| expect.times(2), [false, false, true, false], "2 times"),
        (|expect| expect.at_least(2), [false, false, true, true], "at least 2 times"),
        (|expect| expect.at_most(1), [true, true, false, false], "at most once"),
        (|expect| expect.at_most(2), [true, true, true, false], "at most 2 times"),
    ];
    for (say, holds, words) in rules {
        for (count, holds) in holds.into_iter().enumerate() {
            let sandbox = Sandbox::start();
            sandbox.expect(say(Expect::call("putOrder")));
            for _ in 0..count {
                place(&sandbox).await;
            }
            let told = sandbox.verify();
            assert_eq!(told.is_ok(), holds, "{words}, {count}");
            if let Err(told) = told {
                assert!(told.to_string().contains(&format!("expected  putOrder, {words}\n")), "{told}");
            }
        }
    }
}

#[tokio::test]
async fn only_calls_from_then_on_count_and_each_way_to_tell_them_apart_works() {
    let sandbox = Sandbox::start();
    let id = place(&sandbox).await;
    sandbox.expect(Expect::call("putOrder").never());
    sandbox.expect(Expect::call("getStatus").order(id.expose()).times(1));
    sandbox.expect(Expect::call("getStatus").path(format!("{TM}/getStatus/{}/ExtendedList", id.expose())).times(1));
    sandbox.expect(Expect::call("getStatus").header("Accept", "nothing").never());
    sandbox.expect(Expect::call("getStatus").method(http::Method::GET).times(2));
    sandbox.expect(Expect::call("getStatus").refused_by("T-060").times(1));
    client(&sandbox).status(&id, &options()).await.unwrap();
    client(&sandbox).status(&OrderId::parse("9992UNKNOWN").unwrap(), &options()).await.unwrap_err();
    sandbox.verify().unwrap();
}

#[tokio::test]
async fn calls_from_before_come_near_to_nothing_that_is_expected_since() {
    let sandbox = Sandbox::start();
    place(&sandbox).await;
    sandbox.expect(Expect::call("putOrder").body("/Product", 15));
    let mut later = Filter::call("putOrder");
    later.since = 2;
    sandbox.expect(Expect::matching(later).times(1));
    let told = sandbox.verify().unwrap_err().to_string();
    assert!(!told.contains("nearest"), "{told}");
    later = Filter::call("putOrder");
    later.since = 2;
    sandbox.expect(Expect::matching(later).times(1));
    place(&sandbox).await;
    place(&sandbox).await;
    sandbox.verify().unwrap();
}

#[tokio::test]
async fn calls_that_the_journal_has_forgotten_are_counted_and_cleared_ones_too() {
    let sandbox = Sandbox::start();
    sandbox.with_world(|world| world.journal.set_limit(2));
    sandbox.expect(Expect::call("putOrder").times(6));
    for _ in 0..5 {
        place(&sandbox).await;
    }
    sandbox.with_world(|world| world.journal.clear());
    place(&sandbox).await;
    sandbox.verify().unwrap();
}

#[tokio::test]
async fn a_name_that_no_vendor_has_is_never_met_not_even_by_never() {
    let sandbox = Sandbox::start();
    sandbox.expect(Expect::call("putorder").never()).expect(Expect::call("order").never());
    let told = sandbox.verify().unwrap_err().to_string();
    assert!(told.contains("no vendor has a call of this name; did you mean putOrder?\n"), "{told}");
    assert!(told.contains("no vendor has a call of this name; valid names: "), "{told}");
}

#[tokio::test]
async fn verifying_is_done_with_what_was_expected() {
    let sandbox = Sandbox::start();
    sandbox.expect(Expect::call("putOrder"));
    sandbox.verify().unwrap_err();
    sandbox.verify().unwrap();
    assert_eq!(dropped(sandbox), None);
}

#[tokio::test]
async fn only_the_last_handle_looks_and_a_clients_counts() {
    let sandbox = Sandbox::start();
    sandbox.expect(Expect::call("putOrder"));
    let (clone, client) = (sandbox.clone(), client(&sandbox));
    assert_eq!(dropped(sandbox), None);
    assert_eq!(dropped(clone), None);
    assert!(dropped(client).expect("it fails").contains("expected  putOrder, at least once"));
}

#[tokio::test]
async fn a_test_that_fails_already_is_not_made_to_abort() {
    let sandbox = Sandbox::start();
    sandbox.expect(Expect::call("putOrder"));
    let failed = catch_unwind(AssertUnwindSafe(move || {
        let _sandbox = sandbox;
        panic!("the test's own words");
    }));
    assert_eq!(*failed.unwrap_err().downcast::<&str>().unwrap(), "the test's own words");
}

#[tokio::test]
async fn two_sandboxes_for_tests_are_alike_and_apart() {
    let (one, other) = (Sandbox::start(), Sandbox::start());
    assert_eq!(one.now().to_string(), "2020-09-10T12:00:00Z");
    one.advance(DAY).await;
    assert_eq!(other.now().to_string(), "2020-09-10T12:00:00Z");
    let id = place(&other).await;
    assert!(one.inspect(id.expose()).is_none());
    assert_eq!(place(&Sandbox::start()).await, id, "the same seed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_gets_doors_of_its_own_with_urls_and_credentials() {
    let sandbox = Sandbox::serve().await.unwrap();
    sandbox.expect(Expect::call("putOrder").times(1));
    let (tm, identify24) = served_clients(&sandbox);
    tm.put_order(&order(), &options()).await.unwrap();
    assert_eq!(identify24.projects(&options()).await.unwrap().value.len(), 1);
    assert!(sandbox.admin_url().starts_with("http://127.0.0.1:") && sandbox.admin_url().ends_with("/_sandbox/v1"));
    let other = Sandbox::serve().await.unwrap();
    assert_ne!(sandbox.url(), other.url());
    assert_eq!(other.journal().last(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_looks_after_what_is_expected_itself_while_others_hold_handles() {
    let sandbox = Sandbox::serve().await.unwrap();
    let (handle, url) = (sandbox.sandbox().clone(), sandbox.url());
    sandbox.expect(Expect::call("putOrder"));
    assert!(dropped(sandbox).expect("it fails").contains("expected  putOrder, at least once"));
    assert_eq!(dropped(handle), None, "it is told once");
    let address = url.strip_prefix("http://").unwrap().to_owned();
    eventually("the door is closed", || std::net::TcpStream::connect(&address).is_err()).await;
}
