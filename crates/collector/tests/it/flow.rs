//! The typical flow without a crash, and each way in which a case can end.

use std::time::Duration;

use identkit_collector::{CaseState, Command, DeletePolicy};
use identkit_core::{EvidenceKind, Outcome};
use identkit_store::CaseId;

use crate::sim::{Fuse, Reaction, World, wishing};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test(start_paused = true)]
async fn a_positive_case_is_collected_and_deleted() {
    let world = World::new();
    let process = world.process().await;
    let opened = process.open().await.unwrap();
    assert_eq!(opened.state, CaseState::Open);
    assert_eq!(opened.person_url.unwrap().expose(), "https://vendor.example/order-1");
    let report = process.report().await;
    assert_eq!((report.state, report.outcome), (CaseState::Open, None));
    assert!(report.person_url.is_some() && report.reason.contains("not finished"), "{report:?}");

    world.finish(Outcome::Positive);
    world.deliver(&process, "Final").await;
    assert!(!process.run(MINUTE * 3).await);
    let report = process.report().await;
    assert_eq!((report.state, report.outcome), (CaseState::Deleted, Some(Outcome::Positive)));
    assert_eq!(report.person_url, None, "it is of no use any more");
    let kinds: Vec<_> = report.artifacts.iter().map(|one| one.kind.unwrap()).collect();
    assert_eq!(kinds, [EvidenceKind::IdentData, EvidenceKind::Report]);
    assert!(report.missing.is_empty() && report.deleted.is_some() && report.next.is_none());
    world.check(&process, &report).await;
    assert_eq!(world.hooked.kinds(), ["Outcome", "Collected"]);
    let log = world.vendor.lock().unwrap().log.clone();
    let calls = ["open", "changes", "status", "evidence_plan", "evidence", "evidence", "delete", "evidence"];
    assert_eq!(log.into_iter().filter(|call| *call != "changes").collect::<Vec<_>>(), {
        calls.into_iter().filter(|call| *call != "changes").collect::<Vec<_>>()
    });
}

#[tokio::test(start_paused = true)]
async fn a_negative_case_is_deleted_without_evidence() {
    let world = World::new();
    let process = world.process().await;
    drop(process.open().await.unwrap());
    world.finish(Outcome::Negative);
    world.deliver(&process, "Final").await;
    process.run(MINUTE * 3).await;
    let report = process.report().await;
    assert_eq!((report.state, report.outcome), (CaseState::Deleted, Some(Outcome::Negative)));
    world.check(&process, &report).await;
    assert_eq!(world.hooked.kinds(), ["Outcome"]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_webhook_is_found_by_a_sweep() {
    let world = World::new();
    let process = world.process().await;
    drop(process.open().await.unwrap());
    // The first read of the status, and the sweep at the start.
    process.run(MINUTE * 10).await;
    world.finish(Outcome::Positive);
    process.run(MINUTE * 60 * 7).await;
    let report = process.report().await;
    assert_eq!(report.state, CaseState::Deleted);
    world.check(&process, &report).await;
}

#[tokio::test(start_paused = true)]
async fn a_forged_webhook_ends_in_a_read() {
    let world = World::new();
    let process = world.process().await;
    drop(process.open().await.unwrap());
    for _ in 0..31 {
        world.deliver(&process, "Final").await;
    }
    process.run(MINUTE * 3).await;
    assert_eq!(process.report().await.state, CaseState::Open);
    let reads = world.vendor.lock().unwrap().log.iter().filter(|call| **call == "status").count();
    assert!(reads <= 2, "{reads}");
    // It does not suppress the real one.
    world.finish(Outcome::Positive);
    world.deliver(&process, "Final").await;
    process.run(MINUTE * 3).await;
    assert_eq!(process.report().await.state, CaseState::Deleted);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_outcome_is_found_and_never_repeated() {
    for reaction in [Reaction::Lose, Reaction::Drop] {
        let world = World::new();
        world.vendor.lock().unwrap().reactions.insert("open", vec![reaction]);
        let process = world.process().await;
        let opened = process.open().await.unwrap();
        assert_eq!((opened.state, opened.person_url), (CaseState::Unknown, None));
        assert!(opened.unknown_because.is_some());
        process.run(MINUTE * 20).await;
        let report = process.report().await;
        let state = if reaction == Reaction::Lose { CaseState::Open } else { CaseState::Stuck };
        assert_eq!(report.state, state, "{report:?}");
        let log = world.vendor.lock().unwrap().log.clone();
        assert!(log.iter().filter(|call| **call == "open").count() <= 1);
        if reaction == Reaction::Drop {
            assert!(report.reason.contains("3 searches did not find the case"), "{}", report.reason);
            assert_eq!(world.hooked.kinds(), ["Stuck"]);
            process.collector.command(report.case, Command::Close("the vendor does not know it".into())).await.unwrap();
            process.run(MINUTE * 3).await;
            assert_eq!(process.report().await.state, CaseState::Closed);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_case_is_closed_and_was_not_sent() {
    let world = World::new();
    world.vendor.lock().unwrap().reactions.insert("open", vec![Reaction::Refuse]);
    let process = world.process().await;
    process.open().await.unwrap_err();
    let report = process.report().await;
    assert_eq!(report.state, CaseState::Closed);
    assert!(report.reason.contains("has not opened"), "{}", report.reason);
    // The reference is used: another attempt needs another one.
    let error = process.open().await.unwrap_err();
    assert_eq!(error.kind(), identkit_core::Kind::Conflict);
}

#[tokio::test(start_paused = true)]
async fn at_38_an_announcement_before_the_request_does_not_count() {
    let world = World::new();
    let process = world.process_with(Fuse::none(), wishing(true, false)).await;
    drop(process.open().await.unwrap());
    world.deliver(&process, "Recording").await;
    process.run(MINUTE * 3).await;
    world.finish(Outcome::Positive);
    world.deliver(&process, "Final").await;
    process.run(MINUTE * 3).await;
    assert_eq!(world.vendor.lock().unwrap().only().1.recording_requests, 1);
    assert_eq!(process.report().await.missing, [EvidenceKind::Video]);
    world.deliver(&process, "Recording").await;
    process.run(MINUTE * 3).await;
    assert_eq!(process.report().await.state, CaseState::Deleted);
}

#[tokio::test(start_paused = true)]
async fn a_recording_is_read_after_its_announcement_only() {
    let world = World::new();
    world.vendor.lock().unwrap().no_audio = true;
    let process = world.process_with(Fuse::none(), wishing(true, true)).await;
    drop(process.open().await.unwrap());
    world.finish(Outcome::Positive);
    world.deliver(&process, "Final").await;
    process.run(MINUTE * 3).await;
    let report = process.report().await;
    assert_eq!((report.state, report.missing), (CaseState::Collecting, vec![EvidenceKind::Video]), "{}", report.reason);
    // Without an announcement it is requested once more, and then a person must decide.
    process.run(DAY * 3).await;
    let report = process.report().await;
    assert_eq!(report.state, CaseState::Stuck, "{report:?}");
    assert_eq!(world.vendor.lock().unwrap().only().1.recording_requests, 2);
    world.deliver(&process, "Recording").await;
    process.run(MINUTE * 3).await;
    let report = process.report().await;
    assert_eq!((report.state, report.artifacts.len()), (CaseState::Deleted, 3), "{report:?}");
    world.check(&process, &report).await;
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_six_days_delays_a_case_only() {
    let world = World::new();
    let process = world.process().await;
    drop(process.open().await.unwrap());
    process.run(MINUTE * 2).await;
    world.finish(Outcome::Positive);
    world.vendor.lock().unwrap().chaos = Some(Box::new(|_| Reaction::Refuse));
    world.deliver(&process, "Final").await;
    process.run(DAY * 6).await;
    let report = process.report().await;
    assert_eq!(report.state, CaseState::Stuck);
    assert!(report.reason.contains("refused") && report.next.is_some(), "{report:?}");
    world.vendor.lock().unwrap().chaos = None;
    process.run(MINUTE * 61).await;
    let report = process.report().await;
    assert_eq!(report.state, CaseState::Deleted);
    world.check(&process, &report).await;
}

#[tokio::test(start_paused = true)]
async fn a_damaged_artifact_prevents_the_deletion() {
    let world = World::new();
    let wait = |builder: identkit_collector::CollectorBuilder| builder.delete(DeletePolicy::After(DAY));
    let process = world.process_with(Fuse::none(), wait).await;
    drop(process.open().await.unwrap());
    world.finish(Outcome::Positive);
    world.deliver(&process, "Final").await;
    process.run(MINUTE * 3).await;
    assert_eq!(process.report().await.state, CaseState::Collected);
    let (name, whole) = world.files.lock().unwrap().pop_first().unwrap();
    for damaged in [None, Some("other")] {
        if let Some(other) = damaged {
            world.files.lock().unwrap().insert(name.clone(), other.into());
        }
        process.run(DAY * 2).await;
        let report = process.report().await;
        assert_eq!(report.state, CaseState::Stuck, "{report:?}");
        assert!(!world.vendor.lock().unwrap().only().1.deleted);
    }
    world.files.lock().unwrap().insert(name, whole);
    process.run(MINUTE * 61).await;
    let report = process.report().await;
    assert_eq!(report.state, CaseState::Deleted, "{report:?}");
    world.check(&process, &report).await;
}

#[tokio::test(start_paused = true)]
async fn alarms_are_raised_before_the_retention_ends() {
    let world = World::new();
    let wait = |builder: identkit_collector::CollectorBuilder| builder.delete(DeletePolicy::After(DAY * 30));
    let process = world.process_with(Fuse::none(), wait).await;
    drop(process.open().await.unwrap());
    world.finish(Outcome::Positive);
    world.deliver(&process, "Final").await;
    process.run(DAY * 3).await;
    assert_eq!(world.hooked.kinds(), ["Outcome", "Collected"]);
    process.run(DAY).await;
    assert_eq!(world.hooked.kinds(), ["Outcome", "Collected", "Retention"]);
    process.run(DAY * 2).await;
    assert_eq!(world.hooked.kinds(), ["Outcome", "Collected", "Retention", "Retention"]);
}

#[tokio::test(start_paused = true)]
async fn a_notice_is_repeated_until_it_is_confirmed() {
    let world = World::new();
    *world.hooked.failures.lock().unwrap() = 5;
    let process = world.process().await;
    drop(process.open().await.unwrap());
    world.finish(Outcome::Positive);
    world.deliver(&process, "Final").await;
    process.run(MINUTE * 3).await;
    // The service is down: the case continues.
    assert_eq!(process.report().await.state, CaseState::Deleted);
    process.run(MINUTE * 60).await;
    assert_eq!(world.hooked.kinds(), ["Outcome", "Collected"]);
}

#[tokio::test(start_paused = true)]
async fn a_webhook_before_the_id_is_stored_continues_the_case() {
    let world = World::new();
    let process = world.process().await;
    // The vendor's first id is known: the webhook is faster than the response.
    process.collector.store().accept(&world.delivery("order-1", "Final")).await.unwrap();
    process.run(MINUTE * 3).await;
    drop(process.open().await.unwrap());
    world.finish(Outcome::Positive);
    process.run(MINUTE).await;
    assert_eq!(process.report().await.state, CaseState::Deleted);
}

#[tokio::test(start_paused = true)]
async fn a_webhook_with_the_reference_finds_an_unknown_case() {
    let world = World::new();
    world.vendor.lock().unwrap().reactions.insert("open", vec![Reaction::Lose]);
    let process = world.process().await;
    assert_eq!(process.open().await.unwrap().state, CaseState::Unknown);
    world.finish(Outcome::Positive);
    let mut delivery = world.delivery("order-1", "Final");
    delivery.event.reference = Some("reference-1".into());
    process.collector.store().accept(&delivery).await.unwrap();
    // Before the first search is due.
    process.run(Duration::from_secs(30)).await;
    assert_eq!(process.report().await.state, CaseState::Deleted);
}

#[tokio::test(start_paused = true)]
async fn a_paused_case_does_nothing() {
    let world = World::new();
    let process = world.process().await;
    let case = process.open().await.unwrap().case;
    process.collector.command(case, Command::Pause).await.unwrap();
    world.finish(Outcome::Positive);
    world.deliver(&process, "Final").await;
    process.run(DAY).await;
    let report = process.report().await;
    assert!(report.paused && report.state == CaseState::Open, "{report:?}");
    process.collector.command(case, Command::Resume).await.unwrap();
    process.run(MINUTE * 3).await;
    assert_eq!(process.report().await.state, CaseState::Deleted);
    let error = process.collector.command(case, Command::Retry).await.unwrap_err();
    assert_eq!(error.kind(), identkit_core::Kind::InvalidState);
    let error = process.collector.command(CaseId(99), Command::Retry).await.unwrap_err();
    assert_eq!(error.kind(), identkit_core::Kind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_canceled_case_ends_as_terminated() {
    let world = World::new();
    let process = world.process().await;
    let case = process.open().await.unwrap().case;
    process.collector.command(case, Command::Cancel).await.unwrap();
    process.run(MINUTE * 3).await;
    let report = process.report().await;
    assert_eq!((report.state, report.outcome), (CaseState::Deleted, Some(Outcome::Terminated)));
    world.check(&process, &report).await;
}

/// A process that also collects audio recordings, and a case that has ended.
async fn with_audio(world: &World, call: &'static str, reactions: Vec<Reaction>) -> crate::sim::Process {
    let process = world.process_with(Fuse::none(), wishing(false, true)).await;
    drop(process.open().await.unwrap());
    // The first sweep and the first read are over: they would make the case due earlier.
    process.run(MINUTE * 3).await;
    world.finish(Outcome::Positive);
    world.vendor.lock().unwrap().reactions.insert(call, reactions);
    world.deliver(&process, "Final").await;
    process
}

#[tokio::test(start_paused = true)]
async fn one_404_does_not_show_that_evidence_is_absent() {
    let world = World::new();
    let process = with_audio(&world, "evidence", vec![Reaction::Answer, Reaction::Answer, Reaction::Miss]).await;
    process.run(MINUTE * 3).await;
    let report = process.report().await;
    assert_eq!((report.state, report.missing), (CaseState::Collecting, vec![EvidenceKind::Audio]));
    process.run(MINUTE * 6).await;
    let report = process.report().await;
    assert_eq!((report.state, report.artifacts.len()), (CaseState::Deleted, 3), "{report:?}");
    world.check(&process, &report).await;
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_fails_does_not_keep_others_from_being_saved() {
    let world = World::new();
    let process = with_audio(&world, "evidence", vec![Reaction::Answer, Reaction::Refuse]).await;
    process.run(MINUTE * 3).await;
    let kinds: Vec<_> = process.report().await.artifacts.iter().filter_map(|one| one.kind).collect();
    // In the order in which they were saved.
    assert_eq!(kinds, [EvidenceKind::IdentData, EvidenceKind::Audio, EvidenceKind::Report]);
    assert_eq!(process.report().await.state, CaseState::Deleted);
}

#[tokio::test(start_paused = true)]
async fn an_unconfirmed_deletion_needs_two_reads_that_lie_apart() {
    let world = World::new();
    let process = with_audio(&world, "delete", vec![Reaction::Lose]).await;
    process.run(MINUTE * 3).await;
    assert_eq!(process.report().await.state, CaseState::Collected);
    process.run(MINUTE * 6).await;
    let report = process.report().await;
    assert_eq!(report.state, CaseState::Deleted, "{report:?}");
    world.check(&process, &report).await;

    // The vendor answers 404 for a while, and has the data all the same.
    let world = World::new();
    let process = with_audio(&world, "delete", vec![Reaction::Miss]).await;
    let misses = vec![Reaction::Answer, Reaction::Answer, Reaction::Answer, Reaction::Miss];
    world.vendor.lock().unwrap().reactions.insert("evidence", misses);
    process.run(MINUTE * 3).await;
    assert_eq!(process.report().await.state, CaseState::Collected);
    process.run(MINUTE * 6).await;
    let report = process.report().await;
    assert_eq!(report.state, CaseState::Deleted, "{report:?}");
    world.check(&process, &report).await;
}

#[tokio::test(start_paused = true)]
async fn at_09_a_case_that_the_vendor_has_deleted_is_closed() {
    let world = World::new();
    let process = world.process().await;
    drop(process.open().await.unwrap());
    world.finish(Outcome::TimedOut);
    // The vendor deletes the data at the time-out: there was nothing that could be read before.
    world.vendor.lock().unwrap().orders.values_mut().for_each(|order| order.deleted = true);
    world.deliver(&process, "Final").await;
    process.run(MINUTE * 3).await;
    assert_eq!(process.report().await.state, CaseState::Collected, "one 404 can be a transient error");
    process.run(MINUTE * 6).await;
    let report = process.report().await;
    assert_eq!((report.state, report.deleted), (CaseState::Closed, None), "{report:?}");
    assert!(report.reason.contains("got a 404"), "{}", report.reason);

    // The data are there after all.
    let world = World::new();
    let process = world.process().await;
    drop(process.open().await.unwrap());
    world.finish(Outcome::Negative);
    world.vendor.lock().unwrap().reactions.insert("delete", vec![Reaction::Miss]);
    world.deliver(&process, "Final").await;
    process.run(MINUTE * 9).await;
    assert_eq!(process.report().await.state, CaseState::Deleted);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_the_ledger_does_not_have_is_not_removed() {
    let world = World::new();
    let process = world.process().await;
    drop(process.open().await.unwrap());
    world.finish(Outcome::Positive);
    world.deliver(&process, "Final").await;
    process.run(MINUTE).await;
    let folder = world.files.lock().unwrap().keys().next().unwrap().rsplit_once('/').unwrap().0.to_owned();
    // Another attempt, someone else, or a collector whose store was replaced by a backup has stored them.
    for file in ["report-0.7.pdf", "audio-0.bin"] {
        world.files.lock().unwrap().insert(format!("{folder}/{file}"), "copy".into());
    }
    let case = process.report().await.case;
    process.collector.work_on(case).await.unwrap();
    let names: Vec<String> = world.files.lock().unwrap().keys().cloned().collect();
    assert!(names.contains(&format!("{folder}/audio-0.bin")), "it can be the only copy: {names:?}");
    assert!(names.contains(&format!("{folder}/report-0.7.pdf")), "{names:?}");
    let report = process.report().await;
    assert!(report.next_step.contains("2 file(s) in the case's folder"), "{}", report.next_step);
    world.check(&process, &report).await;
}

#[tokio::test(start_paused = true)]
async fn a_file_under_the_name_of_an_artifact_is_kept() {
    let world = World::new();
    let reactions = vec![Reaction::Answer, Reaction::Refuse, Reaction::Refuse, Reaction::Refuse];
    world.vendor.lock().unwrap().reactions.insert("evidence", reactions);
    let process = world.process().await;
    drop(process.open().await.unwrap());
    world.finish(Outcome::Positive);
    world.deliver(&process, "Final").await;
    process.run(Duration::from_secs(1)).await;
    let ident_data = world.files.lock().unwrap().keys().next().unwrap().clone();
    let taken = ident_data.replace("ident-data-0.json", "report-0.pdf");
    world.files.lock().unwrap().insert(taken.clone(), "another content".into());
    process.run(MINUTE * 3).await;
    let report = process.report().await;
    assert_eq!((report.state, report.unrecorded_files), (CaseState::Deleted, 1));
    assert_eq!(world.files.lock().unwrap().get(&taken).unwrap(), "another content");
    world.check(&process, &report).await;
}

#[tokio::test(start_paused = true)]
async fn a_recording_request_that_was_not_sent_does_not_count() {
    let world = World::new();
    let refused = vec![Reaction::Refuse; 4];
    world.vendor.lock().unwrap().reactions.insert("request_evidence", refused);
    let process = world.process_with(Fuse::none(), wishing(true, false)).await;
    drop(process.open().await.unwrap());
    world.finish(Outcome::Positive);
    world.deliver(&process, "Final").await;
    process.run(MINUTE * 10).await;
    assert_eq!(world.vendor.lock().unwrap().only().1.recording_requests, 1);
    world.deliver(&process, "Recording").await;
    process.run(MINUTE * 3).await;
    assert_eq!(process.report().await.state, CaseState::Deleted);
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_that_fails_does_not_keep_the_end_from_being_read() {
    let world = World::new();
    let process = world.process().await;
    let case = process.open().await.unwrap().case;
    world.vendor.lock().unwrap().reactions.insert("cancel", vec![Reaction::Miss]);
    process.collector.command(case, Command::Cancel).await.unwrap();
    world.finish(Outcome::Positive);
    process.run(MINUTE * 3).await;
    assert_eq!(process.report().await.state, CaseState::Deleted);
}

#[tokio::test(start_paused = true)]
async fn a_case_with_the_id_of_another_one_is_stuck() {
    let world = World::new();
    let process = world.process().await;
    drop(process.open().await.unwrap());
    // A second intent finds the first one's order.
    world.vendor.lock().unwrap().reactions.insert("open", vec![Reaction::Drop]);
    let new = identkit_core::NewCase { reference: Some("reference-2".into()), ..Default::default() };
    let second = process.collector.open(crate::sim::PROVIDER, &new).await.unwrap();
    assert_eq!(second.state, CaseState::Unknown);
    world.vendor.lock().unwrap().orders.get_mut("order-1").unwrap().reference = "reference-2".into();
    process.run(MINUTE * 3).await;
    let report = process.collector.report(second.case).await.unwrap().unwrap();
    assert_eq!(report.state, CaseState::Stuck);
    assert!(report.reason.contains("belongs to another case"), "{}", report.reason);
    let searches = world.vendor.lock().unwrap().log.iter().filter(|call| **call == "find").count();
    assert_eq!(searches, 1);
}
