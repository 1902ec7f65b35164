//! The part of the suite in which two processes use a store at once.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use identkit_core::{CaseRef, Error, Kind, Secret};
use identkit_store::engine::{Link, RecordKind};
use identkit_store::{CaseId, Entry, EventId, EventState, Finish, Intent, Retention, Store};

use tokio::task::JoinHandle;

use crate::support::{Opened, PROVIDER, accept, accept_many, all, at, case_of, delivery, states};

/// Claims and finishes until nothing is pending and `done` is set. Returns the claimed cases.
async fn work(store: &Store, done: &AtomicBool) -> Vec<CaseId> {
    let mut claimed = Vec::new();
    loop {
        let last = done.load(Ordering::Acquire);
        let claims = store.claim(3, at(1)).await.unwrap();
        if claims.is_empty() && last {
            return claimed;
        }
        for claim in claims {
            claimed.push(claim.case());
            store.finish(&claim, Finish::Done).await.unwrap();
        }
        tokio::task::yield_now().await;
    }
}

pub(crate) async fn two_processes_claim_each_case_once(Opened { store, other, .. }: &Opened) {
    tokio::join!(accept_many(store, 100, "one"), accept_many(other, 100, "two"));
    assert_eq!(all(store).await.len(), 200);
    let done = AtomicBool::new(true);
    let (mut claimed, more) = tokio::join!(work(store, &done), work(other, &done));
    claimed.extend(more);
    claimed.sort();
    assert!(claimed.len() == 100 && claimed.is_sorted_by(|one, next| one < next), "each case once");
    assert_eq!(states(other).await, [EventState::Done; 200]);
}

pub(crate) async fn deliveries_during_claims_are_done_once(Opened { store, other, .. }: &Opened) {
    let done = AtomicBool::new(false);
    // Few cases, so that deliveries, claims and ends of claims meet.
    let accept_all = async |store: &Store| {
        for round in 0..20 {
            accept_many(store, 8, &round.to_string()).await;
        }
    };
    tokio::join!(work(store, &done), work(other, &done), async {
        tokio::join!(accept_all(store), accept_all(other));
        done.store(true, Ordering::Release);
    });
    // A worker that found nothing can have missed a case that the other one had just finished.
    work(store, &done).await;
    assert_eq!(states(store).await, [EventState::Done; 320]);
    assert!(store.claimed(CaseId::default(), 10).await.unwrap().is_empty());
}

pub(crate) async fn ids_become_visible_in_order(Opened { store, other, engine, .. }: &Opened) {
    let mut tasks = Vec::new();
    for writer in 0..8 {
        let store = if writer % 2 == 0 { store } else { other }.clone();
        tasks.push(tokio::spawn(async move {
            for number in 0..20 {
                let name = format!("{writer} {number}");
                accept(&store, &delivery(&name, &name, 1)).await;
                store.add_response(&name, at(1), &b"{}".to_vec().into()).await.unwrap();
            }
        }));
    }
    // A reader that continues after the last id it has read misses nothing.
    let (mut events, mut cases, mut records) = (vec![0], vec![0], vec![0]);
    loop {
        let last = tasks.iter().all(JoinHandle::is_finished);
        events.extend(engine.events(None, events[events.len() - 1], 1000).await.unwrap().iter().map(|row| row.id));
        cases.extend(engine.cases(None, cases[cases.len() - 1], 1000).await.unwrap().iter().map(|row| row.id));
        let after = records[records.len() - 1];
        records.extend(engine.records(RecordKind::Response, after, 1000).await.unwrap().iter().map(|row| row.id));
        if last {
            break;
        }
        tokio::task::yield_now().await;
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!([events.len(), cases.len(), records.len()], [161; 3]);
    assert!([events, cases, records].iter().all(|ids| ids.is_sorted_by(|one, next| one < next)));
}

pub(crate) async fn deliveries_at_once_get_their_own_ids(Opened { store, engine, .. }: &Opened) {
    // One of the cases is being purged, and some units have no delivery: a group of them skips both.
    accept(store, &delivery("case 0", "old", 1)).await;
    engine.begin_purge(case_of(store, "case 0").await.unwrap().0, false).await.unwrap();
    let arrivals = (0..210).map(|number| {
        let store = store.clone();
        async move {
            let case = format!("case {}", number % 7);
            if number % 5 == 0 {
                return (store.wake(PROVIDER, &Secret::new(case), at(1)).await.unwrap(), None);
            }
            let delivered = delivery(&case, &number.to_string(), 1);
            let event = store.accept(&delivered).await.unwrap();
            (case_of(&store, &case).await.unwrap(), Some((event, delivered)))
        }
    });
    for (case, stored) in join_all(arrivals).await {
        let Some((id, delivered)) = stored else { continue };
        let [event] = &store.events(EventId(id.0 - 1), 1).await.unwrap()[..] else { panic!("one event") };
        assert_eq!((event.id, event.case, &event.delivery), (id, case, &delivered));
    }
    assert_eq!(all(store).await.len(), 168);
    assert_eq!(store.cases(None, CaseId::default(), 100).await.unwrap().len(), 7);
}

/// Passes on whether it was done. A case that is purged, created or claimed at the same time is a conflict.
fn done<T>(result: Result<T, Error>) -> Option<T> {
    result.map_err(|error| assert_eq!(error.kind(), Kind::Conflict, "{error}")).ok()
}

/// Creates, opens, changes, finishes and purges a few cases.
async fn use_cases(store: Store, seed: usize) {
    for round in 0..24 {
        let number = (seed + round) % 3;
        let (id, reference) = (format!("case {number}"), format!("ref {number}"));
        accept(&store, &delivery(&id, "OnFinal", 1)).await;
        if let Some(claim) = done(store.create(&Intent::new(PROVIDER, reference.as_str(), at(1))).await)
            && let Some(mut case) = store.case(claim.case()).await.unwrap()
        {
            case.opened = Some(CaseRef::new(PROVIDER, id.as_str()));
            done(store.save(&claim, &mut case, &[Entry::History(b"open".to_vec().into())], at(1)).await);
            done(store.finish(&claim, Finish::Wait { due: at(1) }).await);
        }
        for claim in store.claim(1, at(1)).await.unwrap() {
            done(store.renew(&claim).await);
            done(store.finish(&claim, Finish::Done).await);
        }
        match round % 4 {
            0 => drop(store.purge_expired(&Retention::new(at(2))).await.unwrap()),
            1 => drop(store.remove_unused_keys().await.unwrap()),
            2 => {
                if let Some(case) = case_of(&store, &id).await {
                    store.purge(case).await.unwrap();
                }
            }
            _ => {
                if let Some(case) = case_of(&store, &id).await {
                    store.replay(case, at(1)).await.unwrap();
                }
            }
        }
    }
}

pub(crate) async fn purges_and_writes_at_once_leave_nothing_unreadable(opened: &Opened) {
    let Opened { store, other, engine, .. } = opened;
    let tasks: Vec<_> = [store, other, store, other]
        .into_iter()
        .enumerate()
        .map(|(seed, store)| tokio::spawn(use_cases(store.clone(), seed)))
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let rows = engine.cases(None, 0, 100).await.unwrap();
    assert_eq!(store.cases(None, CaseId::default(), 100).await.unwrap().len(), rows.len());
    // Each event belongs to a case that exists, and is pending only if work of the case waits.
    let events = engine.events(None, 0, 1000).await.unwrap();
    assert_eq!(all(store).await.len(), events.len());
    for event in events.iter().filter(|event| event.state == EventState::Pending) {
        assert!(rows.iter().any(|row| row.id == event.case && row.pending), "{event:?} {rows:?}");
    }
    // No key is left over but those of the rows, and the check of the wrapping key.
    store.remove_unused_keys().await.unwrap();
    let named: usize = rows.iter().map(|row| [row.vendor, row.reference].iter().flatten().count()).sum();
    let keys = engine.keys(&[], 100).await.unwrap();
    assert_eq!(keys.iter().filter(|(name, _)| name.len() == Link::LENGTH - 16).count(), named);
}
