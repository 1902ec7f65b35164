//! A process that stops at each of its operations, before or after it took effect.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use identkit_collector::{CaseState, CollectorBuilder};
use identkit_core::Outcome;

use crate::sim::{Fuse, Moment, Process, World, wishing};

const MINUTE: Duration = Duration::from_secs(60);

pub(crate) fn with_recording(builder: CollectorBuilder) -> CollectorBuilder {
    wishing(true, true)(builder)
}

/// A case from the request to the deletion. Returns whether the process stopped.
pub(crate) async fn live(world: &World, process: &Process) -> bool {
    let play = async {
        if world.vendor.lock().unwrap().orders.is_empty() && process.open().await.is_err() {
            return;
        }
        if world.vendor.lock().unwrap().orders.is_empty() {
            return;
        }
        if !world.vendor.lock().unwrap().only().1.outcome.is_final() {
            world.finish(Outcome::Positive);
        }
        world.deliver(process, "Final").await;
        process.run(MINUTE * 3).await;
        world.deliver(process, "Recording").await;
        process.run(MINUTE * 3).await;
    };
    match select(pin!(play), pin!(process.fuse.blown())).await {
        Either::Left(_) => process.fuse.is_blown(),
        Either::Right(_) => true,
    }
}

/// Runs until the end of the case, with the vendor's webhooks delivered again.
pub(crate) async fn recover(world: &World, process: &Process, label: &str) {
    process.run(MINUTE * 20).await;
    let opened = !world.vendor.lock().unwrap().orders.is_empty();
    if opened {
        world.finish(Outcome::Positive);
        for _ in 0..3 {
            world.deliver(process, "Final").await;
            process.run(MINUTE * 3).await;
            world.deliver(process, "Recording").await;
            process.run(MINUTE * 3).await;
            if process.report().await.state == CaseState::Deleted {
                break;
            }
            // The recording is requested again if the first request was not sent.
            process.run(MINUTE * 60 * 25).await;
        }
        let report = process.report().await;
        assert_eq!(report.state, CaseState::Deleted, "{label}: {report:?}");
        assert_eq!(report.artifacts.len(), 4, "{label}");
        world.check(process, &report).await;
    } else {
        // The process stopped before it sent the request: a person decides.
        let cases = process.collector.store().cases(None, Default::default(), 10).await.unwrap();
        for case in cases {
            let report = process.collector.report(case.id).await.unwrap().unwrap();
            assert_eq!(report.state, CaseState::Stuck, "{label}: {report:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_every_operation_loses_nothing() {
    let mut crashes = 0;
    for moment in [Moment::Before, Moment::After] {
        for operation in 1..usize::MAX {
            let world = World::new();
            let process = world.process_with(Fuse::at(operation, moment), with_recording).await;
            let crashed = live(&world, &process).await;
            drop(process);
            if !crashed {
                break;
            }
            crashes += 1;
            let next = world.process_with(Fuse::none(), with_recording).await;
            recover(&world, &next, &format!("{moment:?} operation {operation}")).await;
        }
    }
    assert!(crashes > 150, "{crashes} crashes");
}
