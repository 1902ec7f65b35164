//! Deliveries in any order, repeated or forged: the history of the case is the same, because a worker reads the truth.

use std::sync::Arc;

use identkit_core::{CaseRef, Pii};
use identkit_store::{Entry, Finish, Intent, Memory, Store};

use crate::support::{PROVIDER, at, delivery, key};

const EVENTS: [&str; 6] = ["AfterVideo", "AfterIdent", "Video", "status", "status", "OnFinal"];

/// All orders of these indexes.
fn orders(left: &[usize]) -> Vec<Vec<usize>> {
    if left.is_empty() {
        return vec![Vec::new()];
    }
    let first = |at: usize| {
        let mut rest = left.to_vec();
        let index = rest.remove(at);
        orders(&rest).into_iter().map(move |order| [vec![index], order].concat())
    };
    (0..left.len()).flat_map(first).collect()
}

/// Does the pending work: reads the vendor's status, and saves it if it is new.
async fn work(store: &Store, truth: &str) {
    for claim in store.claim(10, at(1)).await.unwrap() {
        let mut case = store.case(claim.case()).await.unwrap().unwrap();
        if case.status != truth {
            case.status = truth.to_owned();
            let entry = Entry::History(Pii::new(truth.as_bytes().to_vec()));
            store.save(&claim, &mut case, &[entry], at(1)).await.unwrap();
        }
        store.finish(&claim, Finish::Done).await.unwrap();
    }
}

async fn history(order: &[usize], repeats: usize, works_after: usize) -> Vec<String> {
    let store = Store::open(Arc::new(Memory::default()), key()).await.unwrap();
    let claim = store.create(&Intent::new(PROVIDER, "ref-1", at(0))).await.unwrap();
    let mut case = store.case(claim.case()).await.unwrap().unwrap();
    case.opened = Some(CaseRef::new(PROVIDER, "9992"));
    store.save(&claim, &mut case, &[], at(0)).await.unwrap();
    store.finish(&claim, Finish::Done).await.unwrap();
    for (number, index) in order.iter().enumerate() {
        for _ in 0..repeats {
            store.accept(&delivery("9992", EVENTS[*index], 1)).await.unwrap();
        }
        // The person is done at the vendor when half of the deliveries have arrived, whatever they say.
        let truth = if number < EVENTS.len() / 2 { "open" } else { "final" };
        if number % works_after == 0 || number + 1 == order.len() {
            work(&store, truth).await;
        }
    }
    work(&store, "final").await;
    let entries = store.entries(case.id, 0, 100).await.unwrap();
    let text = |entry: Entry| match entry {
        Entry::History(text) => String::from_utf8(text.expose().clone()).unwrap(),
        other => panic!("{other:?}"),
    };
    entries.into_iter().map(|stored| text(stored.entry)).collect()
}

#[tokio::test]
async fn all_orders_of_six_events_have_the_same_history() {
    let all = orders(&[0, 1, 2, 3, 4, 5]);
    assert_eq!(all.len(), 720);
    let ways = [(1, 1), (1, 3), (3, 2)].iter().cycle();
    for (order, (repeats, works_after)) in all.iter().zip(ways) {
        assert_eq!(history(order, *repeats, *works_after).await, ["open", "final"], "{order:?}");
    }
}
