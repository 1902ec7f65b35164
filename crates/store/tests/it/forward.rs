//! The forwarder: order, retries, dead work, processes that stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use identkit_core::Inbox as _;
use identkit_store::{CaseId, EventId, EventState, Finish, Incident, KeyEncryptionKey, Memory, Store};
use identkit_testkit::{eventually, pause, soon};

use crate::forwarder::{LEASE, Process, Sink, all_are};
use crate::support::{Opened, accept_many, all, at, case_of, delivery, states};

async fn store_with_key(key: u8) -> Store {
    Store::open(Arc::new(Memory::default()), KeyEncryptionKey::from_bytes(&[key; 32])).await.unwrap()
}

async fn store() -> Store {
    store_with_key(7).await
}

#[tokio::test]
async fn one_case_is_in_order_and_several_are_parallel() {
    let store = store().await;
    for round in 0..5 {
        for case in 0..6 {
            store.accept(&delivery(&format!("case {case}"), &round.to_string(), 1)).await.unwrap();
        }
    }
    let sink = Sink::blocked(|_, _| false);
    let process = Process::start(&store, &sink, |forwarder| forwarder.parallel(4));
    eventually("four deliveries run", || sink.running.load(Ordering::SeqCst) == 4).await;
    assert_eq!(sink.names(), ["0"; 4], "the next event of a case waits for the end of the one before");
    sink.permits.add_permits(100);
    eventually("all were delivered", || sink.count() == 30).await;
    all_are(&store, EventState::Done).await;
    assert_eq!(sink.most_running.load(Ordering::SeqCst), 4);
    let attempts = sink.attempts.lock().unwrap().clone();
    for number in 0..6 {
        let case = case_of(&store, &format!("case {number}")).await.unwrap();
        let names: Vec<_> = attempts.iter().filter(|it| it.0 == case.0).map(|it| it.1.as_str()).collect();
        assert_eq!(names, ["0", "1", "2", "3", "4"]);
    }
    assert_eq!(process.incidents(|_| true), 0);
}

#[tokio::test]
async fn what_is_accepted_is_forwarded_at_once() {
    let store = store().await;
    let sink = Sink::new(|_, _| false);
    let process = Process::start(&store, &sink, |forwarder| forwarder);
    for number in 1..=3 {
        // The clock does not move, so no poll finds it.
        process.forwarder.accept(delivery("9992", "OnFinal", number)).await.unwrap();
        let expected = usize::try_from(number).unwrap();
        eventually("it is delivered", || sink.count() == expected).await;
        all_are(&store, EventState::Done).await;
    }
    // What another process accepts is found within a second.
    store.accept(&delivery("9993", "OnFinal", 4)).await.unwrap();
    assert!(process.advance_until("it is delivered", || sink.count() == 4).await <= 1);
}

#[tokio::test]
async fn a_refused_event_keeps_no_later_one_back() {
    let store = store().await;
    for name in ["AfterVideo", "AfterIdent", "OnFinal"] {
        store.accept(&delivery("9992", name, 1)).await.unwrap();
    }
    let sink = Sink::new(|attempt, _| [2, 5].contains(&attempt));
    let process = Process::start(&store, &sink, |forwarder| forwarder);
    // The waits are at most 1 and 2 seconds, and work that is due is found within a second.
    let waited = process.advance_until("it is done", || sink.count() == 9).await;
    assert!(waited <= 5, "{waited} s");
    let [video, ident, last] = ["AfterVideo", "AfterIdent", "OnFinal"];
    assert_eq!(sink.names(), [video, ident, last].repeat(3)[..]);
    all_are(&store, EventState::Done).await;
}

#[tokio::test]
async fn the_last_attempt_is_dead_until_a_replay() {
    let store = store().await;
    store.accept(&delivery("9992", "OnFinal", 1)).await.unwrap();
    let accepts = Arc::new(AtomicBool::new(false));
    let sink = Sink::new({
        let accepts = Arc::clone(&accepts);
        move |_, _| !accepts.load(Ordering::SeqCst)
    });
    let process = Process::start(&store, &sink, |forwarder| forwarder.max_attempts(5));
    let is_dead = || process.incidents(|incident| matches!(incident, Incident::Dead { .. })) == 1;
    process.advance_until("it is dead", is_dead).await;
    all_are(&store, EventState::Dead).await;
    assert!(sink.count() >= 5, "{}", sink.count());
    let case = case_of(&store, "9992").await.unwrap();
    let dead = store.case(case).await.unwrap().unwrap().dead.unwrap();
    assert!(dead.starts_with("not accepted in ") && dead.ends_with("the service responded with status 503"), "{dead}");
    // Nothing is delivered any more, until it is replayed.
    let before = sink.count();
    process.clock.advance(100_000);
    pause(Duration::from_millis(5)).await;
    assert_eq!(sink.count(), before);
    accepts.store(true, Ordering::SeqCst);
    assert!(store.replay(case, at(0)).await.unwrap());
    process.forwarder.wake();
    all_are(&store, EventState::Done).await;
    let keys = sink.keys();
    assert!(keys.len() == before + 1 && keys.iter().all(|key| *key == keys[0]), "one key for all attempts: {keys:?}");
}

#[tokio::test]
async fn repeated_deliveries_do_not_use_attempts_up() {
    let store = store().await;
    let accepts = Arc::new(AtomicBool::new(false));
    let sink = Sink::new({
        let accepts = Arc::clone(&accepts);
        move |_, _| !accepts.load(Ordering::SeqCst)
    });
    let process = Process::start(&store, &sink, |forwarder| forwarder.max_attempts(20));
    // Each delivery makes the case due at once.
    for number in 1..=31 {
        process.forwarder.accept(delivery("9992", "OnFinal", 10)).await.unwrap();
        eventually("it is tried", || sink.count() >= number).await;
        all_are(&store, EventState::Pending).await;
    }
    accepts.store(true, Ordering::SeqCst);
    process.advance_until("all are delivered", || sink.count() >= 62).await;
    all_are(&store, EventState::Done).await;
    let mut keys = sink.keys();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 31, "each delivery has its key");
}

#[tokio::test]
async fn keys_of_two_stores_differ_and_each_is_stable() {
    let key = async |store: &Store| all(store).await[0].idempotency_key.clone();
    let [one, two] = [store_with_key(7).await, store_with_key(7).await];
    for store in [&one, &two] {
        store.accept(&delivery("9992", "OnFinal", 1)).await.unwrap();
    }
    assert_eq!(key(&one).await, key(&one).await);
    assert!(key(&one).await != key(&two).await && key(&one).await.len() == 32);
    // A purge and a new delivery of the same case: another event.
    let first = key(&one).await;
    one.purge(case_of(&one, "9992").await.unwrap()).await.unwrap();
    one.accept(&delivery("9992", "OnFinal", 1)).await.unwrap();
    assert_ne!(key(&one).await, first);
}

#[tokio::test]
async fn a_delivery_during_a_retry_is_tried_at_once() {
    let store = store().await;
    let sink = Sink::new(|attempt, _| attempt <= 1);
    let process = Process::start(&store, &sink, |forwarder| forwarder);
    process.forwarder.accept(delivery("9992", "AfterIdent", 1)).await.unwrap();
    eventually("it is rejected", || sink.count() == 1).await;
    all_are(&store, EventState::Pending).await;
    // The clock does not move: the unit is due because of the delivery.
    process.forwarder.accept(delivery("9992", "OnFinal", 2)).await.unwrap();
    eventually("both are delivered", || sink.count() == 3).await;
    assert_eq!(sink.names(), ["AfterIdent", "AfterIdent", "OnFinal"]);
    all_are(&store, EventState::Done).await;
}

#[tokio::test]
async fn work_of_a_killed_process_continues_after_its_lease() {
    let store = store().await;
    for name in ["AfterIdent", "OnFinal"] {
        store.accept(&delivery("9992", name, 1)).await.unwrap();
    }
    let blocked = Sink::blocked(|_, _| false);
    blocked.permits.add_permits(1);
    let killed = Process::start(&store, &blocked, |forwarder| forwarder);
    eventually("the second delivery runs", || blocked.count() == 2).await;
    drop(killed);
    eventually("the delivery is dropped", || blocked.running.load(Ordering::SeqCst) == 0).await;
    assert_eq!(states(&store).await, [EventState::Claimed; 2]);

    let sink = Sink::new(|_, _| false);
    let process = Process::start(&store, &sink, |forwarder| forwarder);
    let waited = process.advance_until("the work continues", || sink.count() == 2).await;
    assert!((LEASE.as_secs()..LEASE.as_secs() + 3).contains(&waited), "{waited} s");
    assert_eq!(sink.names(), ["AfterIdent", "OnFinal"]);
    assert_eq!(sink.keys(), blocked.keys(), "the sink knows both");
    all_are(&store, EventState::Done).await;
}

#[tokio::test]
async fn a_long_delivery_is_not_taken_over() {
    let store = store().await;
    store.accept(&delivery("9992", "OnFinal", 1)).await.unwrap();
    let sinks = [Sink::blocked(|_, _| false), Sink::new(|_, _| false)];
    let slow = Process::start(&store, &sinks[0], |forwarder| forwarder);
    eventually("it is delivered", || sinks[0].count() == 1).await;
    let other = Process::start(&store, &sinks[1], |forwarder| forwarder);
    for _ in 0..LEASE.as_secs() * 3 {
        for process in [&slow, &other] {
            process.clock.advance(1);
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
        }
    }
    sinks[0].permits.add_permits(1);
    all_are(&store, EventState::Done).await;
    assert_eq!(sinks[1].count(), 0);
}

#[tokio::test]
async fn a_lost_claim_ends_its_delivery_only() {
    let store = store().await;
    store.accept(&delivery("9992", "OnFinal", 1)).await.unwrap();
    let sink = Sink::blocked(|_, _| false);
    let process = Process::start(&store, &sink, |forwarder| forwarder);
    eventually("it is delivered", || sink.count() == 1).await;
    let [held] = store.claimed(CaseId::default(), 10).await.unwrap()[..] else { panic!("one claim") };
    let taken = store.take_over(held).await.unwrap().unwrap();
    let is_lost = || process.incidents(|incident| matches!(incident, Incident::Lost { .. })) == 1;
    // It notices the loss when it renews the claim.
    process.advance_until("the claim is lost", is_lost).await;
    eventually("its delivery is dropped", || sink.running.load(Ordering::SeqCst) == 0).await;
    store.finish(&taken, Finish::Done).await.unwrap();
    // A claim that is lost during the delivery is noticed at the end.
    store.accept(&delivery("9993", "OnFinal", 1)).await.unwrap();
    process.forwarder.wake();
    eventually("the next is delivered", || sink.count() == 2).await;
    store.purge(case_of(&store, "9993").await.unwrap()).await.unwrap();
    sink.permits.add_permits(100);
    let are_lost = || process.incidents(|incident| matches!(incident, Incident::Lost { .. })) == 2;
    eventually("the claim is lost", are_lost).await;
    // It still works.
    process.forwarder.accept(delivery("9994", "OnFinal", 1)).await.unwrap();
    eventually("the last is delivered", || sink.count() == 3).await;
    all_are(&store, EventState::Done).await;
}

#[tokio::test]
async fn a_stop_completes_the_running_delivery() {
    let store = store().await;
    for name in ["AfterIdent", "OnFinal"] {
        store.accept(&delivery("9992", name, 1)).await.unwrap();
    }
    let sink = Sink::blocked(|_, _| false);
    let mut process = Process::start(&store, &sink, |forwarder| forwarder);
    eventually("the first delivery runs", || sink.count() == 1).await;
    process.stop.notify_one();
    pause(Duration::from_millis(5)).await;
    assert!(!process.task.is_finished(), "a delivery is running");
    sink.permits.add_permits(100);
    soon("the stop", &mut process.task).await.unwrap();
    // The rest is pending for the next process at once, without waiting for a lease.
    assert_eq!((sink.count(), states(&store).await), (1, vec![EventState::Pending; 2]));
    let next = Sink::new(|_, _| false);
    let mut process = Process::start(&store, &next, |forwarder| forwarder);
    eventually("the rest is delivered", || next.count() == 2).await;
    all_are(&store, EventState::Done).await;
    // An idle forwarder stops at once.
    process.stop.notify_one();
    soon("the stop", &mut process.task).await.unwrap();
}

#[tokio::test]
async fn work_without_an_event_is_done_without_a_delivery() {
    let store = store().await;
    let case = store.wake("identity-tm", &"9992".into(), at(1)).await.unwrap();
    let sink = Sink::new(|_, _| false);
    let _process = Process::start(&store, &sink, |forwarder| forwarder);
    while store.case(case).await.unwrap().unwrap().pending || store.case(case).await.unwrap().unwrap().claimed {
        pause(Duration::from_millis(1)).await;
    }
    assert_eq!(sink.count(), 0);
    assert!(store.events(EventId::default(), 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_clock_that_is_set_back_delays_no_retry_for_long() {
    let store = store().await;
    // The clock of the receiver was a day ahead.
    store.accept(&delivery("9992", "OnFinal", 86_400)).await.unwrap();
    let sink = Sink::new(|_, _| false);
    let _process = Process::start(&store, &sink, |forwarder| forwarder);
    eventually("the event is delivered", || sink.count() == 1).await;
    // A time that a forwarder can have set is respected.
    store.accept(&delivery("9993", "OnFinal", 200)).await.unwrap();
    pause(Duration::from_millis(50)).await;
    assert_eq!(sink.count(), 1);
}

/// In the suite of all engines: two processes forward while deliveries arrive at both.
pub(crate) async fn two_forwarders_deliver_each_event(Opened { store, other, .. }: &Opened) {
    let sinks = [Sink::new(|attempt, _| attempt % 7 == 0), Sink::new(|_, _| false)];
    let processes = [Process::start(store, &sinks[0], |it| it), Process::start(other, &sinks[1], |it| it)];
    for name in ["AfterVideo", "AfterIdent", "OnFinal"] {
        tokio::join!(accept_many(store, 8, name), accept_many(other, 8, name));
        processes.iter().for_each(|process| process.forwarder.wake());
    }
    for _ in 0..2_000 {
        if states(store).await.iter().all(|state| *state == EventState::Done) {
            break;
        }
        pause(Duration::from_millis(2)).await;
        processes.iter().for_each(|process| process.clock.advance(1));
    }
    assert_eq!(states(store).await, [EventState::Done; 48]);
    let mut keys = [sinks[0].keys(), sinks[1].keys()].concat();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 48);
    for process in &processes {
        assert_eq!(
            process.incidents(|incident| !matches!(incident, Incident::Retry { .. } | Incident::Store { .. })),
            0
        );
    }
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn a_store_that_fails_for_a_while_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let engine = Arc::new(identkit_store::Sqlite::builder(&path).open().unwrap());
    let store = Store::open(engine, crate::support::key()).await.unwrap();
    let sink = Sink::blocked(|_, _| false);
    let process = Process::start(&store, &sink, |forwarder| forwarder);
    process.forwarder.accept(delivery("9992", "OnFinal", 1)).await.unwrap();
    eventually("it is delivered", || sink.count() == 1).await;
    // Another process holds the database for too long while the sink accepts the event.
    let holder = rusqlite::Connection::open(&path).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    sink.permits.add_permits(100);
    let failed = |process: &Process| process.incidents(|incident| matches!(incident, Incident::Store { .. }));
    eventually("the end of the unit fails", || failed(&process) > 0).await;
    holder.execute_batch("ROLLBACK").unwrap();
    for _ in 0..2_000 {
        if states(&store).await == [EventState::Done] {
            break;
        }
        process.clock.advance(1);
        pause(Duration::from_millis(5)).await;
    }
    assert_eq!((states(&store).await, sink.count()), (vec![EventState::Done], 1));
}
