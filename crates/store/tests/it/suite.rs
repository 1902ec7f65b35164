//! What every engine must pass.

use std::sync::Arc;
use std::time::Duration;

use identkit_core::{CaseRef, Kind, Pii, Secret};
use identkit_store::engine::Arrival;
use identkit_store::{
    Artifact, CaseId, Deletion, Entry, EventId, EventState, Finish, Intent, KeyEncryptionKey, Retention, Store, Worker,
};

pub(crate) use crate::concurrency::*;
pub(crate) use crate::forward::two_forwarders_deliver_each_event;
use crate::support::{Opened, PROVIDER, Skewed, accept_row, all, assert_conflict, at, case_of, delivery, states};
pub(crate) use crate::tokens::*;

/// Runs the suite with the function that opens a store. It returns `None` if a tool is missing.
macro_rules! suite {
    ($open:ident) => {
        crate::suite::suite!($open:
            a_delivery_is_read_back_as_it_was_accepted
            deliveries_before_the_claim_join_its_unit
            deliveries_after_the_claim_open_one_further_unit
            all_splits_of_31_deliveries_make_at_most_two_units
            work_is_claimed_when_it_is_due_oldest_first
            work_due_after_the_longest_wait_is_claimed
            an_outdated_claim_writes_nothing
            a_claim_is_taken_over_by_one_worker_only
            workers_with_clocks_30_s_apart_respect_leases
            a_renewed_claim_is_not_taken_over
            a_stopped_claim_is_claimed_by_its_id
            a_worker_claims_cases_of_its_providers_only
            retried_work_is_due_later_and_counts_attempts
            waiting_work_is_due_later_or_with_a_delivery
            dead_and_done_work_is_pending_after_a_replay
            an_intent_is_unique_and_claimed
            a_reference_joins_the_deliveries_before_it
            two_cases_cannot_have_the_same_vendor_id
            a_case_is_saved_only_from_its_present_version
            a_case_known_from_deliveries_can_be_saved
            the_artifact_ledger_has_the_last_entry_of_each
            a_purge_removes_the_case_and_nothing_else
            a_delivery_completes_a_purge_that_has_begun
            retention_spares_cases_with_work
            lists_are_paged_by_id
            a_watermark_is_replaced_only_if_expected
            responses_and_deletions_are_read_back
            a_case_without_work_can_be_claimed_by_its_id
            a_deletion_is_recorded_with_its_case_or_not_at_all
            keys_without_rows_are_removed_and_no_others
            another_key_does_not_open_the_store
            two_processes_claim_each_case_once
            deliveries_during_claims_are_done_once
            deliveries_at_once_get_their_own_ids
            ids_become_visible_in_order
            purges_and_writes_at_once_leave_nothing_unreadable
            an_event_without_a_case_is_kept
            a_token_is_for_one_event_of_one_provider
            a_token_of_a_case_ends_with_the_case
            replaced_tokens_expire_and_those_of_cases_do_not
            a_token_can_be_added_again_but_not_revived
            a_rotation_replaces_all_and_can_be_repeated
            at_38_a_token_of_a_case_is_for_its_id_only
            two_forwarders_deliver_each_event
            purge_idle_spares_a_case_with_work
        );
    };
    ($open:ident: $($name:ident)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                if let Some(opened) = $open().await {
                    crate::suite::$name(&opened).await;
                }
            }
        )*
    };
}
pub(crate) use suite;

pub(crate) async fn a_delivery_is_read_back_as_it_was_accepted(Opened { store, .. }: &Opened) {
    let mut delivered = delivery("9992", "OnFinal", 1);
    delivered.event.payload = Some("{}".into());
    let id = store.accept(&delivered).await.unwrap();
    let [event] = &all(store).await[..] else { panic!("one event") };
    assert_eq!((event.id, event.state, event.attempts), (id, EventState::Pending, 0));
    assert_eq!(event.delivery, delivered);
    let case = store.case(event.case).await.unwrap().unwrap();
    assert_eq!((case.vendor_id, case.reference, case.version), (Some("9992".into()), None, 0));
    assert!(case.pending && !case.claimed && case.opened.is_none());
    assert_eq!(case_of(store, "9993").await, None);
    assert!(!format!("{event:?} {store:?}").contains("9992"));
}

pub(crate) async fn deliveries_before_the_claim_join_its_unit(Opened { store, .. }: &Opened) {
    for name in ["AfterVideo", "AfterVideo", "OnFinal"] {
        store.accept(&delivery("9992", name, 1)).await.unwrap();
    }
    let [claim] = store.claim(10, at(1)).await.unwrap()[..] else { panic!("one unit") };
    assert_eq!(states(store).await, [EventState::Claimed; 3]);
    assert!(store.claim(10, at(1)).await.unwrap().is_empty());
    store.finish(&claim, Finish::Done).await.unwrap();
    assert_eq!(states(store).await, [EventState::Done; 3]);
    assert!(store.claim(10, at(1)).await.unwrap().is_empty());
}

pub(crate) async fn deliveries_after_the_claim_open_one_further_unit(Opened { store, .. }: &Opened) {
    store.accept(&delivery("9992", "AfterIdent", 1)).await.unwrap();
    let [first] = store.claim(10, at(1)).await.unwrap()[..] else { panic!("one unit") };
    for _ in 0..3 {
        store.accept(&delivery("9992", "OnFinal", 2)).await.unwrap();
    }
    // The further unit waits for the end of the first.
    assert!(store.claim(10, at(2)).await.unwrap().is_empty());
    store.finish(&first, Finish::Done).await.unwrap();
    let pending = [EventState::Done, EventState::Pending, EventState::Pending, EventState::Pending];
    assert_eq!(states(store).await, pending);
    let [second] = store.claim(10, at(2)).await.unwrap()[..] else { panic!("one further unit") };
    assert!(second.fence() > first.fence());
    assert_eq!((second.case(), second.attempts()), (first.case(), 1));
    store.finish(&second, Finish::Done).await.unwrap();
    assert!(store.claim(10, at(2)).await.unwrap().is_empty());
}

pub(crate) async fn all_splits_of_31_deliveries_make_at_most_two_units(Opened { store, .. }: &Opened) {
    for before in 0..=31 {
        let id = format!("case {before}");
        let mut units = 0;
        for number in 0..31 {
            if number == before {
                for claim in store.claim(10, at(1)).await.unwrap() {
                    units += 1;
                    // The claim is held while the other deliveries arrive.
                    if number == 30 {
                        store.finish(&claim, Finish::Done).await.unwrap();
                    }
                }
            }
            store.accept(&delivery(&id, "OnFinal", 1)).await.unwrap();
        }
        while let Some(claim) = claim_or_finish(store).await {
            units += 1;
            store.finish(&claim, Finish::Done).await.unwrap();
        }
        assert_eq!(units, if (1..31).contains(&before) { 2 } else { 1 }, "{before} before the claim");
        let case = case_of(store, &id).await.unwrap();
        let events = store.events_of(case, EventId::default(), 100).await.unwrap();
        assert!(events.len() == 31 && events.iter().all(|event| event.state == EventState::Done));
    }
}

/// Ends the claims that are held, and claims what is pending then.
async fn claim_or_finish(store: &Store) -> Option<identkit_store::Claim> {
    for held in store.claimed(CaseId::default(), 10).await.unwrap() {
        let claim = store.take_over(held).await.unwrap().unwrap();
        store.finish(&claim, Finish::Done).await.unwrap();
    }
    store.claim(10, at(1)).await.unwrap().pop()
}

pub(crate) async fn work_is_claimed_when_it_is_due_oldest_first(Opened { store, .. }: &Opened) {
    for (id, seconds) in [("a", 30), ("b", 10), ("c", 20)] {
        store.accept(&delivery(id, "OnFinal", seconds)).await.unwrap();
    }
    assert!(store.claim(10, at(9)).await.unwrap().is_empty());
    let mut claimed = Vec::new();
    for claim in store.claim(2, at(20)).await.unwrap() {
        claimed.push(store.case(claim.case()).await.unwrap().unwrap().vendor_id.unwrap());
    }
    assert_eq!(claimed, ["b".into(), "c".into()]);
    assert_eq!(store.claim(0, at(40)).await.unwrap().len(), 0);
    assert_eq!(store.claim(10, at(40)).await.unwrap().len(), 1);
}

/// The clock that set the times was ahead, and was corrected.
pub(crate) async fn work_due_after_the_longest_wait_is_claimed(Opened { store, .. }: &Opened) {
    for (id, seconds) in [("1", 5), ("2", 300), ("3", 301), ("4", 86_400), ("5", 3)] {
        store.accept(&delivery(id, "OnFinal", seconds)).await.unwrap();
    }
    let worker = || Worker::new(store.clone(), Arc::new(Skewed::new(at(0))), Duration::from_secs(30));
    assert!(worker().claim(10).await.unwrap().is_empty());
    let clock = Arc::new(Skewed::new(at(4)));
    let worker = Worker::new(store.clone(), clock, Duration::from_secs(30)).longest_wait(Duration::from_secs(296));
    let mut claimed = Vec::new();
    for limit in [2, 10, 10] {
        for claim in worker.claim(limit).await.unwrap() {
            let case = store.case(claim.case()).await.unwrap().unwrap();
            claimed.push(case.vendor_id.unwrap().expose().to_owned());
        }
    }
    assert_eq!(claimed, ["5", "3", "4"]);
}

pub(crate) async fn an_outdated_claim_writes_nothing(Opened { store, .. }: &Opened) {
    store.accept(&delivery("9992", "OnFinal", 1)).await.unwrap();
    let [old] = store.claim(1, at(1)).await.unwrap()[..] else { panic!("one unit") };
    let [held] = store.claimed(CaseId::default(), 10).await.unwrap()[..] else { panic!("one claim") };
    let new = store.take_over(held).await.unwrap().unwrap();
    assert_eq!((new.case(), new.attempts()), (old.case(), 2));
    assert!(new.fence() > old.fence());

    let mut case = store.case(old.case()).await.unwrap().unwrap();
    case.status = "signed".to_owned();
    let entry = [Entry::History(b"signed".to_vec().into())];
    assert_conflict(store.renew(&old).await);
    assert_conflict(store.save(&old, &mut case, &entry, at(2)).await);
    for end in [Finish::Done, Finish::Retry { due: at(2) }, Finish::Dead { reason: "old".to_owned() }] {
        assert_conflict(store.finish(&old, end).await);
    }
    let read = store.case(old.case()).await.unwrap().unwrap();
    assert_eq!((read.version, &read.status[..], read.dead, read.claimed), (0, "", None, true));
    assert!(store.entries(old.case(), 0, 10).await.unwrap().is_empty());

    store.save(&new, &mut case, &entry, at(2)).await.unwrap();
    store.finish(&new, Finish::Done).await.unwrap();
    // A finished claim is outdated, too.
    assert_conflict(store.save(&new, &mut case, &entry, at(2)).await);
    assert_conflict(store.finish(&new, Finish::Done).await);
}

pub(crate) async fn a_claim_is_taken_over_by_one_worker_only(Opened { store, .. }: &Opened) {
    store.accept(&delivery("9992", "OnFinal", 1)).await.unwrap();
    let [claim] = store.claim(1, at(1)).await.unwrap()[..] else { panic!("one unit") };
    let [before] = store.claimed(CaseId::default(), 10).await.unwrap()[..] else { panic!("one claim") };
    store.renew(&claim).await.unwrap();
    assert_eq!(store.take_over(before).await.unwrap(), None, "the claim was renewed");
    let [held] = store.claimed(CaseId::default(), 10).await.unwrap()[..] else { panic!("one claim") };
    let (first, second) = tokio::join!(store.take_over(held), store.take_over(held));
    assert_eq!([first.unwrap(), second.unwrap()].iter().flatten().count(), 1);
}

pub(crate) async fn workers_with_clocks_30_s_apart_respect_leases(Opened { store, .. }: &Opened) {
    let lease = Duration::from_secs(10);
    let clocks = [Skewed::new(at(100)), Skewed::new(at(130))];
    // The monotonic clocks have different origins, too.
    clocks[1].advance(7_000);
    let worker = |clock: &Skewed| Worker::new(store.clone(), Arc::new(clock.clone()), lease);
    let [slow, fast] = [worker(&clocks[0]), worker(&clocks[1])];

    store.accept(&delivery("9992", "OnFinal", 90)).await.unwrap();
    let [claim] = slow.claim(10).await.unwrap()[..] else { panic!("one unit") };
    // The worker whose clock is ahead sees the claim, and does not take it for expired.
    for _ in 0..10 {
        assert!(fast.claim(10).await.unwrap().is_empty());
        clocks.iter().for_each(|clock| clock.advance(1));
        store.renew(&claim).await.unwrap();
    }
    // The worker stops. The other one continues the work after a lease.
    assert!(fast.claim(10).await.unwrap().is_empty());
    clocks[1].advance(9);
    assert!(fast.claim(10).await.unwrap().is_empty());
    clocks[1].advance(1);
    let [taken] = fast.claim(10).await.unwrap()[..] else { panic!("the claim has expired") };
    assert_eq!((taken.case(), taken.attempts()), (claim.case(), 2));
    assert_conflict(store.renew(&claim).await);
    // The worker whose clock is behind must observe the new claim for the whole lease.
    assert!(slow.claim(10).await.unwrap().is_empty());
    clocks[0].advance(9);
    assert!(slow.claim(10).await.unwrap().is_empty());
    store.finish(&taken, Finish::Done).await.unwrap();
    clocks[0].advance(1);
    assert!(slow.claim(10).await.unwrap().is_empty());
}

pub(crate) async fn a_worker_claims_cases_of_its_providers_only(Opened { store, .. }: &Opened) {
    for (provider, reference) in [("other", "first"), (PROVIDER, "second"), ("o'th\"er", "third")] {
        let claim = store.create(&Intent::new(provider, reference, at(1))).await.unwrap();
        store.finish(&claim, Finish::Retry { due: at(1) }).await.unwrap();
    }
    let clock = Skewed::new(at(9));
    let worker = |names: &[&str]| {
        let worker = Worker::new(store.clone(), Arc::new(clock.clone()), Duration::from_secs(30));
        worker.longest_wait(Duration::from_secs(1)).providers(names.iter().map(|name| (*name).to_owned()))
    };
    let own = worker(&[PROVIDER, "o'th\"er"]);
    let claims = own.claim(10).await.unwrap();
    assert_eq!(claims.len(), 2);
    assert!(own.claim(10).await.unwrap().is_empty());
    assert!(worker(&[]).claim(10).await.unwrap().is_empty());
    // Not even one whose time was set by a clock that was ahead, or whose worker has stopped.
    let others = worker(&["other"]);
    let [other] = others.claim(10).await.unwrap()[..] else { panic!("one case") };
    let case = store.case(other.case()).await.unwrap().unwrap();
    assert_eq!((case.provider.as_str(), case.attempts), ("other", 2), "the first attempt created it");
    store.finish(&other, Finish::Retry { due: at(1_000_000) }).await.unwrap();
    assert!(own.claim(10).await.unwrap().is_empty());
    let [other] = others.claim(10).await.unwrap()[..] else { panic!("one case") };
    clock.advance(30);
    let taken: Vec<_> = own.claim(10).await.unwrap().iter().map(|claim| claim.case()).collect();
    assert_eq!(taken, [claims[0].case(), claims[1].case()]);
    store.renew(&other).await.unwrap();
}

pub(crate) async fn a_stopped_claim_is_claimed_by_its_id(Opened { store, .. }: &Opened) {
    store.accept(&delivery("9992", "OnFinal", 1)).await.unwrap();
    store.accept(&delivery("9993", "OnFinal", 1)).await.unwrap();
    let [claim, other] = store.claim(10, at(1)).await.unwrap()[..] else { panic!("two units") };
    let clock = Skewed::new(at(0));
    let worker = Worker::new(store.clone(), Arc::new(clock.clone()), Duration::from_secs(30));
    let case = claim.case();
    assert_eq!(worker.claim_case(case).await.unwrap(), None, "another worker has it");
    clock.advance(15);
    store.renew(&claim).await.unwrap();
    assert_eq!(worker.claim_case(case).await.unwrap(), None);
    clock.advance(29);
    assert_eq!(worker.claim_case(case).await.unwrap(), None, "renewed less than a lease ago");
    clock.advance(1);
    let taken = worker.claim_case(case).await.unwrap().expect("the worker has stopped");
    assert!(taken.fence() > claim.fence() && taken.case() == case);
    assert_conflict(store.renew(&claim).await);
    store.renew(&other).await.unwrap();
}

pub(crate) async fn a_renewed_claim_is_not_taken_over(Opened { store, .. }: &Opened) {
    let clock = Skewed::new(at(0));
    let worker = Worker::new(store.clone(), Arc::new(clock.clone()), Duration::from_secs(10));
    let ids: Vec<_> = (0..5).map(|number| format!("case {number}")).collect();
    for id in &ids {
        store.accept(&delivery(id, "OnFinal", 0)).await.unwrap();
    }
    let claims = worker.claim(10).await.unwrap();
    assert!(worker.claim(10).await.unwrap().is_empty());
    clock.advance(10);
    store.renew(&claims[2]).await.unwrap();
    let taken: Vec<_> = worker.claim(2).await.unwrap().iter().map(|claim| claim.case()).collect();
    assert_eq!(taken, [claims[0].case(), claims[1].case()], "at most the limit");
    let taken: Vec<_> = worker.claim(10).await.unwrap().iter().map(|claim| claim.case()).collect();
    assert_eq!(taken, [claims[3].case(), claims[4].case()]);
}

pub(crate) async fn retried_work_is_due_later_and_counts_attempts(Opened { store, .. }: &Opened) {
    store.accept(&delivery("9992", "OnFinal", 1)).await.unwrap();
    for attempt in 1..=3 {
        let due = i64::try_from(attempt).unwrap() * 100;
        let [claim] = store.claim(10, at(due)).await.unwrap()[..] else { panic!("one unit") };
        assert_eq!(claim.attempts(), attempt);
        store.finish(&claim, Finish::Retry { due: at(due + 100) }).await.unwrap();
        assert!(store.claim(10, at(due + 99)).await.unwrap().is_empty());
        let event = &all(store).await[0];
        assert_eq!((event.state, event.attempts), (EventState::Pending, attempt));
    }
    // A delivery makes the work due at once, and its unit has the attempts of the one that it joins.
    store.accept(&delivery("9992", "OnFinal", 301)).await.unwrap();
    let [claim] = store.claim(10, at(301)).await.unwrap()[..] else { panic!("one unit") };
    assert_eq!(claim.attempts(), 4);
    store.finish(&claim, Finish::Done).await.unwrap();
    store.accept(&delivery("9992", "OnFinal", 302)).await.unwrap();
    assert_eq!(store.claim(10, at(302)).await.unwrap()[0].attempts(), 1);
}

pub(crate) async fn waiting_work_is_due_later_or_with_a_delivery(Opened { store, .. }: &Opened) {
    let case = store.wake(PROVIDER, &"9992".into(), at(1)).await.unwrap();
    assert!(all(store).await.is_empty());
    for (now, due) in [(1, 100), (100, 900)] {
        let [claim] = store.claim(10, at(now)).await.unwrap()[..] else { panic!("one unit") };
        assert_eq!((claim.case(), claim.attempts()), (case, 1));
        store.finish(&claim, Finish::Wait { due: at(due) }).await.unwrap();
        assert!(store.claim(10, at(due - 1)).await.unwrap().is_empty());
    }
    store.accept(&delivery("9992", "OnFinal", 201)).await.unwrap();
    let [claim] = store.claim(10, at(201)).await.unwrap()[..] else { panic!("the delivery makes it due") };
    // What arrives during the work is not delayed by its end.
    store.accept(&delivery("9992", "OnFinal", 202)).await.unwrap();
    store.finish(&claim, Finish::Wait { due: at(9999) }).await.unwrap();
    assert_eq!(states(store).await, [EventState::Done, EventState::Pending]);
    assert_eq!(store.claim(10, at(202)).await.unwrap().len(), 1);
}

pub(crate) async fn dead_and_done_work_is_pending_after_a_replay(Opened { store, .. }: &Opened) {
    store.accept(&delivery("9992", "OnFinal", 1)).await.unwrap();
    let [claim] = store.claim(10, at(1)).await.unwrap()[..] else { panic!("one unit") };
    store.finish(&claim, Finish::Dead { reason: "404 for 6 days".to_owned() }).await.unwrap();
    assert_eq!(states(store).await, [EventState::Dead]);
    let case = store.case(claim.case()).await.unwrap().unwrap();
    assert_eq!((case.dead.as_deref(), case.pending), (Some("404 for 6 days"), false));
    // A later delivery opens a unit, which leaves the dead event as it is.
    store.accept(&delivery("9992", "OnFinal", 2)).await.unwrap();
    let [claim] = store.claim(10, at(2)).await.unwrap()[..] else { panic!("one unit") };
    store.finish(&claim, Finish::Done).await.unwrap();
    assert_eq!(states(store).await, [EventState::Dead, EventState::Done]);
    assert!(store.replay(claim.case(), at(3)).await.unwrap());
    assert_eq!(states(store).await, [EventState::Pending; 2]);
    let [claim] = store.claim(10, at(3)).await.unwrap()[..] else { panic!("one unit") };
    assert_eq!((claim.attempts(), store.case(claim.case()).await.unwrap().unwrap().dead), (1, None));
    assert!(!store.replay(CaseId(9999), at(3)).await.unwrap());
}

fn intent(reference: &str) -> Intent {
    Intent::new(PROVIDER, reference, at(1)).with_status("intent").with_data(b"Mustermann".to_vec())
}

pub(crate) async fn an_intent_is_unique_and_claimed(Opened { store, .. }: &Opened) {
    let claim = store.create(&intent("ref-1")).await.unwrap();
    assert_conflict(store.create(&intent("ref-1")).await);
    store.create(&Intent::new("identify24", "ref-1", at(1))).await.unwrap();
    assert!(store.claim(10, at(9)).await.unwrap().is_empty(), "its creator has claimed it");
    let case = store.case_by_reference(PROVIDER, &"ref-1".into()).await.unwrap().unwrap();
    assert_eq!((case.id, case.version, &case.status[..]), (claim.case(), 1, "intent"));
    assert_eq!((case.reference, case.data), (Some("ref-1".into()), Pii::new(b"Mustermann".to_vec())));
    // Its creator stops before the case is open.
    let held = store.claimed(CaseId::default(), 1).await.unwrap()[0];
    let taken = store.take_over(held).await.unwrap().unwrap();
    assert_eq!((taken.case(), taken.attempts()), (claim.case(), 2));
}

pub(crate) async fn a_reference_joins_the_deliveries_before_it(Opened { store, .. }: &Opened) {
    // A webhook can arrive before the response to the order, and be claimed by another worker. Others can follow.
    for (id, reference, further) in [("9992", "ref-1", 0), ("9993", "ref-2", 2)] {
        let claim = store.create(&intent(reference)).await.unwrap();
        store.accept(&delivery(id, "AfterVideo", 2)).await.unwrap();
        let [other] = store.claim(10, at(2)).await.unwrap()[..] else { panic!("one unit") };
        assert_ne!(other.case(), claim.case());
        for _ in 0..further {
            store.accept(&delivery(id, "OnFinal", 3)).await.unwrap();
        }

        let mut case = store.case(claim.case()).await.unwrap().unwrap();
        let opened = CaseRef::new(PROVIDER, id).with_state("qes");
        (case.opened, case.status) = (Some(opened.clone()), "open".to_owned());
        store.save(&claim, &mut case, &[], at(4)).await.unwrap();
        assert_eq!((case.version, case.vendor_id.as_ref().map(Secret::expose)), (2, Some(id)));
        assert_conflict(store.finish(&other, Finish::Done).await);

        let read = store.case(claim.case()).await.unwrap().unwrap();
        assert_eq!((read.opened, read.data, &read.status[..]), (Some(opened), case.data.clone(), "open"));
        assert_eq!(case_of(store, id).await, Some(claim.case()));
        let events = store.events_of(case.id, EventId::default(), 10).await.unwrap();
        assert!(events.len() == 1 + further && events.iter().all(|event| event.state == EventState::Pending));
        store.finish(&claim, Finish::Done).await.unwrap();
        let [claim] = store.claim(10, at(4)).await.unwrap()[..] else { panic!("the deliveries are work of the case") };
        assert_eq!(claim.case(), case.id);
        store.accept(&delivery(id, "OnFinal", 5)).await.unwrap();
    }
    assert_eq!(store.cases(None, CaseId::default(), 10).await.unwrap().len(), 2);
}

pub(crate) async fn two_cases_cannot_have_the_same_vendor_id(Opened { store, .. }: &Opened) {
    for (reference, expected) in [("ref-1", None), ("ref-2", Some(Kind::Conflict))] {
        let claim = store.create(&intent(reference)).await.unwrap();
        let mut case = store.case(claim.case()).await.unwrap().unwrap();
        case.opened = Some(CaseRef::new(PROVIDER, "9992"));
        let saved = store.save(&claim, &mut case, &[], at(2)).await;
        assert_eq!(saved.err().map(|error| error.kind()), expected);
        case.opened = Some(CaseRef::new("identify24", "9992"));
        let foreign = store.save(&claim, &mut case, &[], at(2)).await;
        assert_eq!(foreign.unwrap_err().kind(), Kind::InvalidInput);
    }
}

pub(crate) async fn a_case_is_saved_only_from_its_present_version(Opened { store, .. }: &Opened) {
    let claim = store.create(&intent("ref-1")).await.unwrap();
    let mut case = store.case(claim.case()).await.unwrap().unwrap();
    let mut stale = case.clone();
    case.data = b"Erika".to_vec().into();
    let entry = |text: &str| Entry::History(text.as_bytes().to_vec().into());
    store.save(&claim, &mut case, &[entry("one"), entry("two")], at(2)).await.unwrap();
    assert_conflict(store.save(&claim, &mut stale, &[entry("stale")], at(3)).await);
    assert_eq!(stale.version, 1);
    store.save(&claim, &mut case, &[entry("three")], at(4)).await.unwrap();
    let read = store.case(case.id).await.unwrap().unwrap();
    assert_eq!((read.version, read.data, read.created, read.changed), (3, case.data, at(1), at(4)));
    let entries = store.entries(case.id, 0, 10).await.unwrap();
    let [one, two, three] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!([&one.entry, &two.entry, &three.entry], [&entry("one"), &entry("two"), &entry("three")]);
    assert_eq!([one.at, two.at, three.at], [at(2), at(2), at(4)]);
    assert_eq!(store.entries(case.id, one.id, 1).await.unwrap(), entries[1..2]);
}

pub(crate) async fn a_case_known_from_deliveries_can_be_saved(Opened { store, .. }: &Opened) {
    store.accept(&delivery("9992", "OnFinal", 1)).await.unwrap();
    let [claim] = store.claim(1, at(1)).await.unwrap()[..] else { panic!("one unit") };
    let mut case = store.case(claim.case()).await.unwrap().unwrap();
    (case.opened, case.data) = (Some(CaseRef::new(PROVIDER, "9992")), b"adopted".to_vec().into());
    store.save(&claim, &mut case, &[Entry::History(b"adopted".to_vec().into())], at(2)).await.unwrap();
    let read = store.case(case.id).await.unwrap().unwrap();
    assert_eq!((read.version, read.opened, read.data), (1, case.opened, case.data));
    assert_eq!(store.entries(case.id, 0, 10).await.unwrap().len(), 1);
    assert_eq!(all(store).await.len(), 1);
}

pub(crate) async fn the_artifact_ledger_has_the_last_entry_of_each(Opened { store, .. }: &Opened) {
    let claim = store.create(&intent("ref-1")).await.unwrap();
    let mut case = store.case(claim.case()).await.unwrap().unwrap();
    let contract = Artifact::new("Mustermann.pdf", "/data/9992/Mustermann.pdf", 1 << 40, [1; 32]);
    let report = Artifact::new("report.pdf", "/data/9992/report.pdf", 5, [2; 32]);
    let entries = [&contract, &report].map(|artifact| Entry::Artifact(artifact.clone()));
    store.save(&claim, &mut case, &entries, at(2)).await.unwrap();
    assert_eq!(store.artifacts(case.id).await.unwrap(), [contract.clone(), report.clone()]);
    let verified = Entry::Artifact(contract.clone().verified());
    store.save(&claim, &mut case, &[verified], at(3)).await.unwrap();
    assert_eq!(store.artifacts(case.id).await.unwrap(), [contract.verified(), report]);
}

pub(crate) async fn a_purge_removes_the_case_and_nothing_else(Opened { store, .. }: &Opened) {
    store.accept(&delivery("9992", "OnFinal", 1)).await.unwrap();
    store.accept(&delivery("9993", "OnFinal", 1)).await.unwrap();
    let case = case_of(store, "9992").await.unwrap();
    let claim = store.claim(10, at(1)).await.unwrap()[0];
    assert_eq!(claim.case(), case);
    let deletion = Deletion::new(at(2), "retention", vec![[1; 32], [2; 32]]);
    store.add_deletion(&deletion).await.unwrap();

    assert!(store.purge(case).await.unwrap());
    assert!(!store.purge(case).await.unwrap());
    assert_eq!(store.case(case).await.unwrap().map(|case| case.id), None);
    assert_eq!(case_of(store, "9992").await, None);
    assert_conflict(store.renew(&claim).await);
    assert_conflict(store.finish(&claim, Finish::Done).await);
    let [left] = &all(store).await[..] else { panic!("one event") };
    assert_eq!(left.delivery.event.case_id.as_ref().unwrap().expose(), "9993");
    assert_eq!(store.deletions(0, 10).await.unwrap()[0].1, deletion);

    // A delivery after the purge is that of a new case.
    store.accept(&delivery("9992", "OnFinal", 3)).await.unwrap();
    assert_ne!(case_of(store, "9992").await.unwrap(), case);
    assert_eq!(all(store).await.len(), 2);
    // So is an intent with a reference that was purged.
    let claim = store.create(&intent("ref-1")).await.unwrap();
    assert!(store.purge(claim.case()).await.unwrap());
    store.create(&intent("ref-1")).await.unwrap();
}

pub(crate) async fn a_delivery_completes_a_purge_that_has_begun(Opened { store, engine, .. }: &Opened) {
    // The process that purges the cases stops after the first step.
    store.accept(&delivery("9992", "AfterIdent", 1)).await.unwrap();
    let old = case_of(store, "9992").await.unwrap();
    let claim = store.create(&intent("ref-1")).await.unwrap();
    let other = store.create(&intent("ref-2")).await.unwrap();
    let begun = engine.begin_purge(old.0, false).await.unwrap().unwrap();
    engine.begin_purge(other.case().0, false).await.unwrap().unwrap();
    let refused = accept_row(&**engine, begun.vendor.unwrap(), at(2), None).await.unwrap();
    assert_eq!(refused, Arrival::Purging { case: old.0 });
    assert!(store.claim(10, at(9)).await.unwrap().is_empty());
    assert_eq!(case_of(store, "9992").await, None);
    assert!(!store.replay(old, at(9)).await.unwrap());
    assert_eq!(store.cases(None, CaseId::default(), 1).await.unwrap()[0].id, claim.case());

    store.accept(&delivery("9992", "OnFinal", 2)).await.unwrap();
    assert_ne!(case_of(store, "9992").await.unwrap(), old);
    assert_eq!(all(store).await.iter().map(|event| &event.delivery.event.name[..]).collect::<Vec<_>>(), ["OnFinal"]);
    assert!(engine.case(old.0).await.unwrap().is_none());
    // The same for an intent, for a reference at the vendor, and for retention.
    let again = store.create(&intent("ref-2")).await.unwrap();
    assert!(engine.case(other.case().0).await.unwrap().is_none());
    let orphan = case_of(store, "9992").await.unwrap();
    engine.begin_purge(orphan.0, false).await.unwrap().unwrap();
    let mut case = store.case(claim.case()).await.unwrap().unwrap();
    case.opened = Some(CaseRef::new(PROVIDER, "9992"));
    store.save(&claim, &mut case, &[], at(3)).await.unwrap();
    assert_eq!(case_of(store, "9992").await, Some(claim.case()));
    assert!(engine.case(orphan.0).await.unwrap().is_none());
    engine.begin_purge(again.case().0, false).await.unwrap().unwrap();
    assert_eq!(store.purge_expired(&Retention::new(at(-99))).await.unwrap(), 1);
    assert!(engine.case(again.case().0).await.unwrap().is_none());
}

pub(crate) async fn purge_idle_spares_a_case_with_work(Opened { store, .. }: &Opened) {
    store.accept(&delivery("9992", "OnFinal", 1)).await.unwrap();
    let case = case_of(store, "9992").await.unwrap();
    assert!(!store.purge_idle(case).await.unwrap(), "pending");
    let [claim] = store.claim(10, at(1)).await.unwrap()[..] else { panic!("one unit") };
    assert!(!store.purge_idle(case).await.unwrap(), "claimed");
    store.finish(&claim, Finish::Done).await.unwrap();
    assert!(store.purge_idle(case).await.unwrap() && all(store).await.is_empty());
    assert!(!store.purge_idle(case).await.unwrap(), "purged");
}

pub(crate) async fn retention_spares_cases_with_work(Opened { store, engine, .. }: &Opened) {
    for reference in ["expired", "changed", "pending", "claimed", "other"] {
        let claim = store.create(&intent(reference)).await.unwrap();
        let mut case = store.case(claim.case()).await.unwrap().unwrap();
        case.status = if reference == "other" { "open" } else { "final" }.to_owned();
        let now = if reference == "changed" { at(20) } else { at(10) };
        store.save(&claim, &mut case, &[], now).await.unwrap();
        match reference {
            "pending" => store.finish(&claim, Finish::Wait { due: at(99) }).await.unwrap(),
            "claimed" => assert!(engine.begin_purge(claim.case().0, true).await.unwrap().is_none()),
            _ => store.finish(&claim, Finish::Done).await.unwrap(),
        }
    }
    let left = async || -> Vec<String> {
        let cases = store.cases(None, CaseId::default(), 10).await.unwrap();
        cases.into_iter().map(|case| case.reference.unwrap().expose().to_owned()).collect()
    };
    let retention = Retention::new(at(15)).with_status("final");
    assert_eq!(store.purge_expired(&retention).await.unwrap(), 1);
    assert_eq!(left().await, ["changed", "pending", "claimed", "other"]);
    assert_eq!(store.purge_expired(&Retention::new(at(15))).await.unwrap(), 1);
    assert_eq!(left().await, ["changed", "pending", "claimed"]);
    assert_eq!(store.purge_expired(&Retention::new(at(21))).await.unwrap(), 1);
    assert_eq!(left().await, ["pending", "claimed"]);
}

pub(crate) async fn lists_are_paged_by_id(Opened { store, .. }: &Opened) {
    for number in 0..7 {
        store.accept(&delivery(&format!("case {number}"), &number.to_string(), 1)).await.unwrap();
    }
    let (mut names, mut after) = (Vec::new(), EventId::default());
    loop {
        let page = store.events(after, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 3);
        after = last.id;
        names.extend(page.into_iter().map(|event| event.delivery.event.name));
    }
    assert_eq!(names, ["0", "1", "2", "3", "4", "5", "6"]);
    let first = store.cases(None, CaseId::default(), 4).await.unwrap();
    let rest = store.cases(Some(""), first[3].id, 4).await.unwrap();
    assert_eq!((first.len(), rest.len()), (4, 3));
    assert!(store.cases(Some("open"), CaseId::default(), 4).await.unwrap().is_empty());
    let mut cases: Vec<_> = first.iter().chain(&rest).map(|case| case.id).collect();
    cases.dedup();
    assert!(cases.len() == 7 && cases.is_sorted());
    let claims = store.claim(10, at(1)).await.unwrap().len();
    let held = store.claimed(CaseId::default(), 4).await.unwrap();
    let more = store.claimed(CaseId(held[3].case), 4).await.unwrap();
    assert_eq!((claims, held.len(), more.len()), (7, 4, 3));
}

pub(crate) async fn a_watermark_is_replaced_only_if_expected(Opened { store, .. }: &Opened) {
    assert_eq!(store.watermark("sweep").await.unwrap(), None);
    assert!(!store.swap_watermark("sweep", Some(b"1"), b"2").await.unwrap());
    assert!(store.swap_watermark("sweep", None, b"1").await.unwrap());
    assert!(!store.swap_watermark("sweep", None, b"2").await.unwrap());
    assert!(store.swap_watermark("sweep", Some(b"1"), b"2").await.unwrap());
    assert!(!store.swap_watermark("sweep", Some(b"1"), b"3").await.unwrap());
    assert_eq!(store.watermark("sweep").await.unwrap().as_deref(), Some(&b"2"[..]));
    assert_eq!(store.watermark("other").await.unwrap(), None);
}

pub(crate) async fn responses_and_deletions_are_read_back(Opened { store, .. }: &Opened) {
    let mut ids = Vec::new();
    for body in ["Erika", "Mustermann"] {
        let body = Pii::new(body.as_bytes().to_vec());
        ids.push(store.add_response("getAllStatus", at(1), &body).await.unwrap());
    }
    let responses = store.responses(0, 10).await.unwrap();
    assert_eq!(responses.iter().map(|response| response.id).collect::<Vec<_>>(), ids);
    assert_eq!((&responses[1].name[..], responses[1].received), ("getAllStatus", at(1)));
    assert_eq!(responses[1].body.expose(), b"Mustermann");
    assert!(!format!("{responses:?}").contains("77, 117"));
    store.remove_response(ids[0]).await.unwrap();
    store.remove_response(ids[0]).await.unwrap();
    assert_eq!(store.responses(0, 10).await.unwrap().len(), 1);
    assert!(store.responses(ids[1], 10).await.unwrap().is_empty());

    let deletions = [Deletion::new(at(1), "service", vec![]), Deletion::new(at(2), "operator", vec![[9; 32]])];
    for deletion in &deletions {
        store.add_deletion(deletion).await.unwrap();
    }
    let read = store.deletions(0, 10).await.unwrap();
    assert_eq!(read.iter().map(|(_, deletion)| deletion.clone()).collect::<Vec<_>>(), deletions);
    assert_eq!(store.deletions(read[0].0, 10).await.unwrap(), read[1..]);
}

pub(crate) async fn a_case_without_work_can_be_claimed_by_its_id(Opened { store, .. }: &Opened) {
    let claim = store.create(&intent("ref-1")).await.unwrap();
    assert_eq!(store.claim_case(claim.case()).await.unwrap(), None, "another worker has it");
    store.finish(&claim, Finish::Done).await.unwrap();
    let second = store.claim_case(claim.case()).await.unwrap().unwrap();
    assert!(second.fence() > claim.fence());
    assert_conflict(store.renew(&claim).await);
    store.finish(&second, Finish::Done).await.unwrap();

    // Pending work, also if it is not due, is that of the claim.
    store.accept(&delivery("9992", "OnFinal", 9)).await.unwrap();
    let case = case_of(store, "9992").await.unwrap();
    let third = store.claim_case(case).await.unwrap().unwrap();
    assert!(store.claim(10, at(9)).await.unwrap().is_empty());
    assert_eq!(all(store).await[0].state, EventState::Claimed);
    store.finish(&third, Finish::Done).await.unwrap();
    assert_eq!(all(store).await[0].state, EventState::Done);
    assert_eq!(store.claim_case(CaseId(u64::MAX)).await.unwrap(), None, "no case");
}

pub(crate) async fn a_deletion_is_recorded_with_its_case_or_not_at_all(Opened { store, .. }: &Opened) {
    let claim = store.create(&intent("ref-1")).await.unwrap();
    let mut case = store.case(claim.case()).await.unwrap().unwrap();
    let mut outdated = case.clone();
    let deletion = Deletion::new(at(2), "collector", vec![[3; 32]]).with_subject("identity-tm/0123");
    store.save_deletion(&claim, &mut case, &deletion, at(2)).await.unwrap();
    assert_conflict(store.save_deletion(&claim, &mut outdated, &deletion, at(3)).await);
    let read = store.deletions(0, 10).await.unwrap();
    assert_eq!(read.into_iter().map(|(_, deletion)| deletion).collect::<Vec<_>>(), [deletion]);
    assert_eq!(store.case(case.id).await.unwrap().unwrap().version, case.version);
}

pub(crate) async fn keys_without_rows_are_removed_and_no_others(Opened { store, engine, .. }: &Opened) {
    store.accept(&delivery("9992", "OnFinal", 1)).await.unwrap();
    let claim = store.create(&intent("ref-1")).await.unwrap();
    store.add_response("getAllStatus", at(1), &Pii::default()).await.unwrap();
    assert_eq!(store.remove_unused_keys().await.unwrap(), 0);
    // A process stops before it has removed the keys of a case whose rows it has removed, as after a crash in `accept`.
    engine.remove(claim.case().0).await.unwrap();
    assert_eq!(store.remove_unused_keys().await.unwrap(), 1);
    assert_eq!(engine.keys(&[], 10).await.unwrap().len(), 3);
    assert!(engine.keys(&[255; 32], 10).await.unwrap().is_empty());
    assert_eq!((all(store).await.len(), store.responses(0, 10).await.unwrap().len()), (1, 1));
    Store::open(Arc::clone(engine), crate::support::key()).await.unwrap();

    // The removal stops after its first step. Deliveries, intents and retention complete it.
    for (step, id) in ["delivery", "intent", "retention"].into_iter().enumerate() {
        let (vendor, reference) = (Secret::from(id), format!("ref {id}"));
        let case = match id {
            "intent" => store.create(&intent(&reference)).await.unwrap().case(),
            _ => store.wake(PROVIDER, &vendor, at(1)).await.unwrap(),
        };
        let row = engine.case(case.0).await.unwrap().unwrap();
        let link = row.vendor.or(row.reference).unwrap();
        assert_eq!(engine.begin_purge_of_unused(link).await.unwrap(), None);
        engine.remove(case.0).await.unwrap();
        let marked = engine.begin_purge_of_unused(link).await.unwrap().unwrap();
        assert_eq!(engine.begin_purge_of_unused(link).await.unwrap(), None);
        match step {
            0 => drop(store.accept(&delivery(id, "OnFinal", 1)).await.unwrap()),
            1 => drop(store.create(&intent(&reference)).await.unwrap()),
            _ => assert_eq!(store.purge_expired(&Retention::new(at(-99))).await.unwrap(), 1),
        }
        assert!(engine.case(marked).await.unwrap().is_none(), "{id}");
    }
    assert_eq!(store.remove_unused_keys().await.unwrap(), 0);
}

pub(crate) async fn another_key_does_not_open_the_store(Opened { engine, .. }: &Opened) {
    let other = Store::open(Arc::clone(engine), KeyEncryptionKey::from_bytes(&[8; 32])).await;
    assert_eq!(other.unwrap_err().kind(), Kind::Storage);
    Store::open(Arc::clone(engine), KeyEncryptionKey::from_bytes(&[7; 32])).await.unwrap();
}
