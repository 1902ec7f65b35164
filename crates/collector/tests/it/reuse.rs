//! Signed data of an earlier case for the next case of the same person.

use std::time::Duration;

use identkit_collector::{CaseState, NoSignedData, OpenRequest, ReuseOutcome};
use identkit_core::{NewCase, Outcome, Purpose, Secret};

use crate::sim::{PROVIDER, Process, World};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

fn person() -> Secret {
    "customer-17".into()
}

/// Opens a case of a person, whose signed data are therefore collected, and plays it to its end.
async fn play(world: &World, process: &Process, reference: &str, reuses: bool, outcome: Outcome) {
    let new = NewCase::default();
    let mut request = OpenRequest::new(PROVIDER, Purpose::Signature, &new).reference(reference).person(person());
    if reuses {
        request = request.with_signed_data();
    }
    drop(process.collector.open_with(request).await.unwrap());
    world.finish(outcome);
    world.deliver(process, "Final").await;
    process.run(MINUTE * 3).await;
}

async fn refusal(process: &Process, max_age: Option<Duration>) -> NoSignedData {
    process.collector.signed_data(PROVIDER, &person(), max_age).await.unwrap().unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn at_71_signed_data_of_the_newest_case_are_returned_unchanged() {
    let world = World::new();
    let process = world.process().await;
    assert_eq!(refusal(&process, None).await, NoSignedData::Absent);
    for reference in ["first", "second"] {
        play(&world, &process, reference, false, Outcome::Positive).await;
    }
    let data = process.collector.signed_data(PROVIDER, &person(), Some(DAY)).await.unwrap().unwrap();
    assert_eq!(data.bytes.expose(), b"signed-ident-data of order-2");
    assert_eq!(format!("{data:?}"), format!("SignedData {{ case: {:?}, .. }}", data.case));
    let other = process.collector.signed_data(PROVIDER, &"customer-18".into(), None).await.unwrap();
    assert_eq!(other.unwrap_err(), NoSignedData::Absent);
    // The data at the vendor are deleted, and those of the purged case are gone here too.
    assert!(process.collector.store().purge(data.case).await.unwrap());
    let data = process.collector.signed_data(PROVIDER, &person(), None).await.unwrap().unwrap();
    assert_eq!(data.bytes.expose(), b"signed-ident-data of order-1");
}

#[tokio::test(start_paused = true)]
async fn at_72_signed_data_that_the_vendor_would_not_use_are_refused() {
    let world = World::new();
    world.vendor.lock().unwrap().document_expires = Some("2026-12-02".parse().unwrap());
    let process = world.process().await;
    play(&world, &process, "first", false, Outcome::Positive).await;
    tokio::time::sleep(DAY * 2).await;
    // The last day.
    assert!(process.collector.signed_data(PROVIDER, &person(), None).await.unwrap().is_ok());
    assert_eq!(refusal(&process, Some(DAY)).await, NoSignedData::TooOld);
    tokio::time::sleep(DAY).await;
    assert_eq!(refusal(&process, None).await, NoSignedData::DocumentExpired);
}

#[tokio::test(start_paused = true)]
async fn damaged_signed_data_are_refused() {
    let world = World::new();
    let process = world.process().await;
    play(&world, &process, "first", false, Outcome::Positive).await;
    let name = world.files.lock().unwrap().keys().find(|name| name.contains("signed-ident-data")).unwrap().clone();
    world.files.lock().unwrap().insert(name.clone(), "other".into());
    assert_eq!(refusal(&process, None).await, NoSignedData::Damaged);
    world.files.lock().unwrap().remove(&name);
    assert_eq!(refusal(&process, None).await, NoSignedData::Damaged);
}

#[tokio::test(start_paused = true)]
async fn at_72_the_report_says_whether_the_vendor_used_the_data() {
    // The vendor of the simulation has identified the person again if its status is `Positive`.
    for (reuses, outcome, expected) in [
        (false, Outcome::Positive, None),
        (true, Outcome::Positive, Some(ReuseOutcome::IdentifiedAgain)),
        (true, Outcome::Negative, Some(ReuseOutcome::Reused)),
    ] {
        let world = World::new();
        let process = world.process().await;
        play(&world, &process, "first", reuses, outcome).await;
        let report = process.report().await;
        assert_eq!((report.state, report.reuse), (CaseState::Deleted, expected));
    }
}
