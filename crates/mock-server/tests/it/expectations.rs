//! Sandboxes for Rust tests, and expectations about calls.

use crate::support::*;
use std::panic::{AssertUnwindSafe, catch_unwind};

fn client(sandbox: &Sandbox) -> IdentityTm {
    tm_client(sandbox.transport(), sandbox.clock().clone())
}

async fn place(sandbox: &Sandbox) -> OrderId {
    client(sandbox).put_order(&order(), &options()).await.unwrap().value.order_id
}

/// Returns the panic message of dropping the value, if it panics.
fn dropped<T>(value: T) -> Option<String> {
    let panicked = catch_unwind(AssertUnwindSafe(|| drop(value))).err()?;
    Some(*panicked.downcast::<String>().unwrap())
}

#[tokio::test]
async fn met_expectations_let_the_test_pass() {
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
async fn an_unmet_expectation_fails_the_test_with_near_misses() {
    let sandbox = Sandbox::start();
    sandbox.expect(Expect::call("putOrder").body("/Product", 15).status(202).times(1));
    let id = place(&sandbox).await;
    let unknown = Request::builder().uri(format!("{TM}/getStatus/9992UNKNOWN")).body(bytes::Bytes::new()).unwrap();
    sandbox.handle(unknown).await;
    drop(id);
    let output = dropped(sandbox).expect("it fails");
    assert_eq!(output, include_str!("../fixtures/unmet-expectations.txt"));
}

#[tokio::test]
async fn each_number_of_times_is_checked_exactly() {
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
            let output = sandbox.verify();
            assert_eq!(output.is_ok(), holds, "{words}, {count}");
            if let Err(output) = output {
                assert!(output.to_string().contains(&format!("expected  putOrder, {words}\n")), "{output}");
            }
        }
    }
}

#[tokio::test]
async fn expectations_count_later_calls_by_each_filter() {
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
async fn earlier_calls_are_not_near_misses() {
    let sandbox = Sandbox::start();
    place(&sandbox).await;
    sandbox.expect(Expect::call("putOrder").body("/Product", 15));
    let later = Filter::call("putOrder").since(2);
    sandbox.expect(Expect::matching(later.clone()).times(1));
    let output = sandbox.verify().unwrap_err().to_string();
    assert!(!output.contains("nearest"), "{output}");
    sandbox.expect(Expect::matching(later).times(1));
    place(&sandbox).await;
    place(&sandbox).await;
    sandbox.verify().unwrap();
}

#[tokio::test]
async fn calls_that_the_journal_dropped_or_cleared_count() {
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
async fn an_unknown_operation_name_is_always_unmet() {
    let sandbox = Sandbox::start();
    sandbox.expect(Expect::call("putorder").never()).expect(Expect::call("order").never());
    let output = sandbox.verify().unwrap_err().to_string();
    assert!(output.contains("no vendor has a call of this name; did you mean putOrder?\n"), "{output}");
    assert!(output.contains("no vendor has a call of this name; valid names: "), "{output}");
}

#[tokio::test]
async fn verify_consumes_the_expectations() {
    let sandbox = Sandbox::start();
    sandbox.expect(Expect::call("putOrder"));
    sandbox.verify().unwrap_err();
    sandbox.verify().unwrap();
    assert_eq!(dropped(sandbox), None);
}

#[tokio::test]
async fn the_last_handle_verifies_and_clients_count() {
    let sandbox = Sandbox::start();
    sandbox.expect(Expect::call("putOrder"));
    let (clone, client) = (sandbox.clone(), client(&sandbox));
    assert_eq!(dropped(sandbox), None);
    assert_eq!(dropped(clone), None);
    assert!(dropped(client).expect("it fails").contains("expected  putOrder, at least once"));
}

#[tokio::test]
async fn a_panicking_test_does_not_abort() {
    let sandbox = Sandbox::start();
    sandbox.expect(Expect::call("putOrder"));
    let failed = catch_unwind(AssertUnwindSafe(move || {
        let _sandbox = sandbox;
        panic!("the test's own words");
    }));
    assert_eq!(*failed.unwrap_err().downcast::<&str>().unwrap(), "the test's own words");
}

#[tokio::test]
async fn two_test_sandboxes_are_equal_and_independent() {
    let (one, other) = (Sandbox::start(), Sandbox::start());
    assert_eq!(one.now().to_string(), "2020-09-10T12:00:00Z");
    one.advance(DAY).await;
    assert_eq!(other.now().to_string(), "2020-09-10T12:00:00Z");
    let id = place(&other).await;
    assert!(one.inspect(id.expose()).is_none());
    assert_eq!(place(&Sandbox::start()).await, id, "the same seed");
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_returns_urls_and_credentials() {
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
async fn a_served_sandbox_verifies_despite_other_handles() {
    let sandbox = Sandbox::serve().await.unwrap();
    let (handle, url) = (sandbox.sandbox().clone(), sandbox.url());
    sandbox.expect(Expect::call("putOrder"));
    assert!(dropped(sandbox).expect("it fails").contains("expected  putOrder, at least once"));
    assert_eq!(dropped(handle), None, "reported once");
    let address = url.strip_prefix("http://").unwrap().to_owned();
    eventually("the door is closed", || std::net::TcpStream::connect(&address).is_err()).await;
}
