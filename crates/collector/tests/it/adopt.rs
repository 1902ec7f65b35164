//! The vendor's id of a case as a person gives it, and its corrections.

use std::time::Duration;

use identkit_collector::{CaseReport, CaseState, Command, Deleting};
use identkit_core::{Clock as _, Kind, Outcome};
use identkit_store::CaseId;

use crate::sim::{Order, Process, Reaction, World};

const MINUTE: Duration = Duration::from_secs(60);

/// The order of another system of the same account.
const OTHER: &str = "order-9";

/// A case of unknown outcome whose order is `order-1`, and an order with another reference.
async fn unknown(world: &World) -> Process {
    let now = world.clock.wall();
    let other = Order {
        reference: "reference-9".to_owned(),
        outcome: Outcome::Positive,
        changed: now,
        recording_requests: 0,
        deleted: false,
    };
    let process = world.process().await;
    world.vendor.lock().unwrap().reactions.insert("open", vec![Reaction::Lose]);
    assert_eq!(process.open().await.unwrap().state, CaseState::Unknown);
    world.vendor.lock().unwrap().orders.insert(OTHER.to_owned(), other);
    process
}

/// The case that was opened. The store can have another one, of webhooks of an order that it does not know.
const CASE: CaseId = CaseId(1);

async fn read(process: &Process) -> CaseReport {
    process.collector.report(CASE).await.unwrap().unwrap()
}

async fn adopt(process: &Process, id: &str, any_reference: bool) -> CaseReport {
    process.collector.command(CASE, Command::Adopt { id: id.into(), any_reference }).await.unwrap();
    process.run(MINUTE * 3).await;
    read(process).await
}

/// Names of the calls that read or change something of an order.
fn acts(world: &World) -> Vec<&'static str> {
    let log = world.vendor.lock().unwrap().log.clone();
    log.into_iter().filter(|call| ["cancel", "evidence", "evidence_plan", "delete"].contains(call)).collect()
}

#[tokio::test(start_paused = true)]
async fn an_order_with_another_reference_is_left_alone() {
    let world = World::new();
    let process = unknown(&world).await;
    let report = adopt(&process, OTHER, false).await;
    assert_eq!((report.state, report.outcome), (CaseState::Stuck, None));
    assert!(report.reason.contains("another reference"), "{}", report.reason);
    // A webhook and a cancellation change nothing.
    world.deliver(&process, "Final").await;
    let error = process.collector.command(CASE, Command::Cancel).await.unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidState);
    process.run(MINUTE * 60 * 24).await;
    assert_eq!(read(&process).await.state, CaseState::Stuck);
    assert_eq!(acts(&world), [""; 0]);

    // The right id corrects it.
    let report = adopt(&process, "order-1", false).await;
    assert_eq!(report.vendor_id.unwrap().expose(), "order-1");
    process.run(MINUTE * 3).await;
    let report = read(&process).await;
    assert_eq!((report.state, report.outcome), (CaseState::Open, None));
    let vendor = world.vendor.lock().unwrap();
    assert_eq!((vendor.orders[OTHER].outcome, vendor.orders[OTHER].deleted), (Outcome::Positive, false));
}

#[tokio::test(start_paused = true)]
async fn another_reference_can_be_accepted() {
    let world = World::new();
    let process = unknown(&world).await;
    let report = adopt(&process, OTHER, true).await;
    assert_eq!((report.state, report.outcome), (CaseState::Deleted, Some(Outcome::Positive)));
}

#[tokio::test(start_paused = true)]
async fn a_case_with_a_wrong_id_can_be_closed() {
    let world = World::new();
    let process = unknown(&world).await;
    drop(adopt(&process, OTHER, false).await);
    process.collector.command(CASE, Command::Close("the right id is not known".into())).await.unwrap();
    process.run(MINUTE * 3).await;
    assert_eq!(read(&process).await.state, CaseState::Closed);
    assert_eq!(acts(&world), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_case_that_a_person_closed_can_be_adopted() {
    let world = World::new();
    let process = unknown(&world).await;
    process.collector.command(CASE, Command::Close("the wrong one".into())).await.unwrap();
    let report = read(&process).await;
    assert_eq!(report.state, CaseState::Closed);
    assert_eq!(report.reason, "a person has closed the case: the wrong one");
    let report = adopt(&process, "order-1", false).await;
    assert_eq!(report.state, CaseState::Open);
    world.finish(Outcome::Positive);
    world.deliver(&process, "Final").await;
    process.run(MINUTE * 3).await;
    assert_eq!(read(&process).await.state, CaseState::Deleted);
}

#[tokio::test(start_paused = true)]
async fn an_id_of_the_vendor_is_never_replaced() {
    let world = World::new();
    let process = world.process().await;
    drop(process.open().await.unwrap());
    process.run(MINUTE * 3).await;
    let adopt = |id: &str| Command::Adopt { id: id.into(), any_reference: true };
    let error = process.collector.command(CASE, adopt(OTHER)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidState);
    world.finish(Outcome::Negative);
    process.run(MINUTE * 60 * 7).await;
    let error = process.collector.command(CASE, adopt(OTHER)).await.unwrap_err();
    assert_eq!((error.kind(), read(&process).await.state), (Kind::InvalidState, CaseState::Deleted));
}

#[tokio::test(start_paused = true)]
async fn a_refused_cancellation_is_explained() {
    let world = World::new();
    let process = world.process().await;
    drop(process.open().await.unwrap());
    world.vendor.lock().unwrap().reactions.insert("cancel", vec![Reaction::Miss]);
    process.collector.command(CASE, Command::Cancel).await.unwrap();
    process.run(MINUTE * 3).await;
    let report = read(&process).await;
    assert_eq!((report.state, report.failures), (CaseState::Open, 0));
    assert!(report.reason.contains("has not canceled the case") && report.reason.contains("missed"), "{report:?}");
    // A second attempt succeeds.
    process.collector.command(CASE, Command::Cancel).await.unwrap();
    process.run(MINUTE * 3).await;
    assert_eq!(read(&process).await.outcome, Some(Outcome::Terminated));
}

#[tokio::test(start_paused = true)]
async fn data_with_another_reference_are_not_saved() {
    let world = World::new();
    let process = unknown(&world).await;
    world.vendor.lock().unwrap().orders.get_mut(OTHER).unwrap().reference = String::new();
    world.vendor.lock().unwrap().data_reference = Some("reference-9".to_owned());
    let report = adopt(&process, OTHER, false).await;
    assert_eq!((report.state, report.outcome), (CaseState::Stuck, Some(Outcome::Positive)));
    assert!(report.reason.contains("another reference") && report.artifacts.is_empty(), "{report:?}");
    process.run(MINUTE * 60 * 24).await;
    assert!(world.files.lock().unwrap().is_empty());
    let error = process.collector.delete_now(CASE, Deleting::WithoutEvidence).await.unwrap_err();
    assert_eq!((error.kind(), world.vendor.lock().unwrap().deletions), (Kind::InvalidState, 0));

    world.vendor.lock().unwrap().data_reference = Some("reference-1".to_owned());
    world.vendor.lock().unwrap().orders.get_mut("order-1").unwrap().outcome = Outcome::Positive;
    let report = adopt(&process, "order-1", false).await;
    assert_eq!(report.state, CaseState::Deleted);
    assert!(!world.vendor.lock().unwrap().orders[OTHER].deleted);
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_ends_with_the_id_it_was_for() {
    let world = World::new();
    let process = unknown(&world).await;
    world.vendor.lock().unwrap().orders.get_mut(OTHER).unwrap().reference = String::new();
    world.vendor.lock().unwrap().reactions.insert("status", vec![Reaction::Drop; 100]);
    // The status cannot be read, so the cancellation waits.
    drop(adopt(&process, OTHER, false).await);
    process.collector.command(CASE, Command::Cancel).await.unwrap();
    world.vendor.lock().unwrap().reactions.clear();
    let report = adopt(&process, "order-1", false).await;
    assert_eq!((report.state, report.outcome), (CaseState::Open, None));
    assert!(!acts(&world).contains(&"cancel"));
}
