//! What a lost response leaves open, and answers of the vendor that contradict each other.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use identkit_collector::{CaseReport, CaseState, Command, Deleting, EvidenceWishes};
use identkit_core::{Document, EvidenceKind, Kind, NewCase, Outcome, Purpose};

use crate::sim::{Fuse, Moment, PROVIDER, Process, Reaction, World, wishing};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// Opens a case with two documents, and loses the response.
async fn lose_two_documents(world: &World, process: &Process) {
    world.vendor.lock().unwrap().reactions.insert("open", vec![Reaction::Lose]);
    let document = || Document { name: "a.pdf".into(), pdf: "%PDF-1.7".into() };
    let new = NewCase {
        purpose: Purpose::Signature,
        reference: Some("reference-1".into()),
        documents: vec![document(), document()],
        ..NewCase::default()
    };
    assert_eq!(process.collector.open(PROVIDER, &new).await.unwrap().state, CaseState::Unknown);
}

/// Ends the only case with this outcome, and returns its report.
async fn end(world: &World, process: &Process, outcome: Outcome) -> CaseReport {
    world.finish(outcome);
    world.deliver(process, "Final").await;
    process.run(MINUTE * 10).await;
    process.report().await
}

#[tokio::test(start_paused = true)]
async fn at_35_a_found_case_must_return_every_signature() {
    for adopts in [false, true] {
        let world = World::new();
        world.vendor.lock().unwrap().signed_documents = Some(1);
        let process = world.process().await;
        lose_two_documents(&world, &process).await;
        if adopts {
            let case = process.report().await.case;
            let adopt = Command::Adopt { id: "order-1".into(), any_reference: false };
            process.collector.command(case, adopt).await.unwrap();
        }
        process.run(MINUTE * 3).await;
        // Another process knows it too.
        let process = world.process().await;
        let report = end(&world, &process, Outcome::Positive).await;
        assert_eq!((report.state, report.missing), (CaseState::Stuck, vec![EvidenceKind::SignedDocument]), "{adopts}");
        assert!(report.reason.contains("not as many documents"), "{}", report.reason);
        assert_eq!(world.vendor.lock().unwrap().deletions, 0);
        world.vendor.lock().unwrap().signed_documents = Some(2);
        process.run(HOUR).await;
        let report = process.report().await;
        assert_eq!((report.state, report.artifacts.len()), (CaseState::Deleted, 4), "{adopts}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_status_of_another_case_is_noticed() {
    let world = World::new();
    let process = world.process().await;
    let case = process.open().await.unwrap().case;
    process.run(MINUTE * 3).await;
    world.finish(Outcome::Positive);
    // The first status is that of the case, and the plan's is that of another one.
    world.vendor.lock().unwrap().reactions.insert("evidence_plan", vec![Reaction::Refuse]);
    world.deliver(&process, "Final").await;
    process.run(Duration::from_secs(1)).await;
    world.vendor.lock().unwrap().orders.get_mut("order-1").unwrap().reference = "reference-9".to_owned();
    process.run(MINUTE * 3).await;
    let report = process.report().await;
    assert_eq!((report.state, report.outcome), (CaseState::Stuck, Some(Outcome::Positive)));
    assert!(report.reason.contains("another reference") && report.artifacts.is_empty(), "{report:?}");
    let error = process.collector.delete_now(case, Deleting::WithoutEvidence).await.unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidState);
    process.collector.command(case, Command::Close("the right id is not known".into())).await.unwrap();
    assert_eq!(process.report().await.state, CaseState::Closed);
    assert_eq!(world.vendor.lock().unwrap().deletions, 0);
}

/// The actors in the deletion ledger.
async fn actors(process: &Process) -> Vec<String> {
    let deletions = process.collector.store().deletions(0, 100).await.unwrap();
    deletions.into_iter().map(|(_, deletion)| deletion.actor).collect()
}

#[tokio::test(start_paused = true)]
async fn a_deletion_is_recorded_after_every_crash() {
    let (mut crashes, mut by_reads) = (0, 0);
    for moment in [Moment::Before, Moment::After] {
        for operation in 1..usize::MAX {
            let world = World::new();
            let first = world.process().await;
            drop(first.open().await.unwrap());
            first.run(MINUTE * 3).await;
            drop(first);
            let process = world.process_with(Fuse::at(operation, moment), |builder| builder).await;
            let ending = pin!(end(&world, &process, Outcome::Negative));
            let crashed = match select(ending, pin!(process.fuse.blown())).await {
                Either::Left(_) => process.fuse.is_blown(),
                Either::Right(_) => true,
            };
            let next = world.process().await;
            let _ = end(&world, &next, Outcome::Negative).await;
            next.run(HOUR).await;
            let report = next.report().await;
            assert_eq!(report.state, CaseState::Deleted, "{moment:?} {operation}: {}", report.reason);
            world.check(&next, &report).await;
            let actors = actors(&next).await;
            by_reads += usize::from(actors == ["collector (proved by reads)"]);
            if !crashed {
                break;
            }
            crashes += 1;
        }
    }
    assert!(crashes > 20 && by_reads > 0, "{crashes} crashes, {by_reads} proved by reads");
}

#[tokio::test(start_paused = true)]
async fn a_lost_response_to_a_deletion_is_proved_by_reads() {
    let world = World::new();
    let process = world.process().await;
    drop(process.open().await.unwrap());
    process.run(MINUTE * 3).await;
    world.vendor.lock().unwrap().reactions.insert("delete", vec![Reaction::Lose]);
    world.finish(Outcome::Negative);
    world.deliver(&process, "Final").await;
    process.run(MINUTE * 4).await;
    assert_eq!(process.report().await.state, CaseState::Collected, "one read is no proof");
    process.run(MINUTE * 3).await;
    assert_eq!(process.report().await.state, CaseState::Deleted);
    assert_eq!(actors(&process).await, ["collector (proved by reads)"]);
}

#[tokio::test(start_paused = true)]
async fn at_09_a_404_to_the_first_deletion_proves_none() {
    let world = World::new();
    let process = world.process().await;
    drop(process.open().await.unwrap());
    process.run(MINUTE * 3).await;
    world.vendor.lock().unwrap().reactions.insert("delete", vec![Reaction::Miss; 10]);
    let report = end(&world, &process, Outcome::Negative).await;
    assert_eq!(report.state, CaseState::Closed, "{}", report.reason);
    assert!(actors(&process).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn refused_evidence_can_be_given_up() {
    let commands = [
        (EvidenceKind::Audio, "--without-audio", Command::WithoutAudio("none".into())),
        (EvidenceKind::SignedIdentData, "--without-signed-data", Command::WithoutSignedData("none".into())),
    ];
    for (kind, option, command) in commands {
        let world = World::new();
        world.vendor.lock().unwrap().refused = Some(kind);
        let mut wishes = EvidenceWishes::default();
        (wishes.audio, wishes.signed_ident_data) = (kind == EvidenceKind::Audio, kind == EvidenceKind::SignedIdentData);
        let process = world.process_with(Fuse::none(), |builder| builder.wishes(wishes)).await;
        let case = process.open().await.unwrap().case;
        process.run(MINUTE * 3).await;
        let report = end(&world, &process, Outcome::Positive).await;
        assert_eq!((report.state, report.missing), (CaseState::Stuck, vec![kind]));
        assert!(report.next_step.contains(option), "{}", report.next_step);
        process.collector.command(case, command.clone()).await.unwrap();
        process.run(MINUTE * 3).await;
        let report = process.report().await;
        assert_eq!((report.state, report.artifacts.len()), (CaseState::Deleted, 2));
        assert_eq!(report.given_up, [(kind, "none".to_owned())]);
        assert_eq!(actors(&process).await, [format!("collector (without {})", kind.as_str())]);
        world.check(&process, &report).await;
        let again = process.collector.command(case, command).await.unwrap_err();
        assert_eq!(again.kind(), Kind::InvalidState);
    }
}

#[tokio::test(start_paused = true)]
async fn saved_audio_is_not_given_up() {
    let world = World::new();
    let process = world.process_with(Fuse::none(), wishing(true, true)).await;
    let case = process.open().await.unwrap().case;
    process.run(MINUTE * 3).await;
    let report = end(&world, &process, Outcome::Positive).await;
    assert_eq!((report.state, report.missing), (CaseState::Collecting, vec![EvidenceKind::Video]));
    let refused = process.collector.command(case, Command::WithoutAudio(String::new())).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::InvalidState);
}

#[tokio::test(start_paused = true)]
async fn an_uncertain_search_is_repeated_until_one_is_certain() {
    for hours in [2, 100] {
        let world = World::new();
        world.vendor.lock().unwrap().unreadable = 1;
        world.vendor.lock().unwrap().reactions.insert("open", vec![Reaction::Lose]);
        let process = world.process().await;
        drop(process.open().await.unwrap());
        process.run(HOUR * hours).await;
        let report = process.report().await;
        assert_eq!((report.state, report.candidates.len()), (CaseState::Stuck, 1), "{}", report.reason);
        assert!(report.next.is_some(), "{hours}: {}", report.next_step);
        world.vendor.lock().unwrap().unreadable = 0;
        process.run(HOUR * 25).await;
        let report = process.report().await;
        assert_eq!((report.state, report.candidates.len()), (CaseState::Open, 0), "{hours}: {}", report.reason);
    }
}

#[tokio::test(start_paused = true)]
async fn a_later_search_replaces_what_a_person_must_decide() {
    let world = World::new();
    world.vendor.lock().unwrap().reactions.insert("open", vec![Reaction::Drop]);
    let process = world.process().await;
    drop(process.open().await.unwrap());
    process.run(MINUTE * 20).await;
    assert!(process.report().await.reason.contains("did not find the case"));
    // Another order has the same reference, in a list of which a part cannot be read.
    let other = crate::sim::Order {
        reference: "reference-1".to_owned(),
        outcome: Outcome::Pending,
        changed: identkit_core::Clock::wall(&world.clock),
        recording_requests: 0,
        deleted: false,
    };
    world.vendor.lock().unwrap().orders.insert("order-9".to_owned(), other);
    world.vendor.lock().unwrap().unreadable = 1;
    process.run(HOUR).await;
    let report = process.report().await;
    assert!(report.reason.contains("one case at the vendor can be this one"), "{}", report.reason);
    assert_eq!(report.candidates.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_stops_at_the_status_of_another_case() {
    // The other case can have ended in another way: it must not replace how this one has ended.
    for outcome in [Outcome::Positive, Outcome::Negative] {
        let world = World::new();
        let process = world.process().await;
        drop(process.open().await.unwrap());
        process.run(MINUTE * 3).await;
        let answer = |reference: &str, outcome: Outcome, refuses_deletion: bool| {
            let mut vendor = world.vendor.lock().unwrap();
            vendor.refuses_deletion = refuses_deletion;
            let order = vendor.orders.get_mut("order-1").unwrap();
            (order.reference, order.outcome) = (reference.to_owned(), outcome);
        };
        // The vendor refuses the deletion (406), and its next status is that of another case.
        world.vendor.lock().unwrap().refuses_deletion = true;
        let report = end(&world, &process, Outcome::Positive).await;
        assert_eq!(report.state, CaseState::Stuck, "{}", report.reason);
        answer("reference-9", outcome, true);
        process.run(HOUR * 2).await;
        answer("reference-9", outcome, false);
        process.run(HOUR * 30).await;
        let report = process.report().await;
        assert!(report.reason.contains("another reference"), "{}", report.reason);
        assert_eq!((report.state, world.vendor.lock().unwrap().deletions), (CaseState::Stuck, 0));
        assert!(report.outcome == Some(Outcome::Positive) && report.collected.is_some(), "{report:?}");
        // It was a mistake of the vendor.
        answer("reference-1", Outcome::Positive, false);
        process.run(HOUR * 25).await;
        let report = process.report().await;
        assert_eq!(report.state, CaseState::Deleted, "{}", report.reason);
        world.check(&process, &report).await;
    }
}
