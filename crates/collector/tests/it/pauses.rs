//! A process that is paused at each of its operations for longer than the lease, while another one takes its work over, and
//! then continues.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use identkit_collector::CaseState;
use identkit_core::Outcome;

use crate::sim::{Fuse, Moment, World};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn a_paused_worker_changes_nothing_afterwards() {
    let mut pauses = 0;
    for moment in [Moment::Before, Moment::After] {
        for operation in 1..usize::MAX {
            let world = World::new();
            let first = world.process_with(Fuse::at(operation, moment), |builder| builder).await;
            let mut play = Box::pin(async {
                if first.open().await.is_err() {
                    return;
                }
                world.finish(Outcome::Positive);
                world.deliver(&first, "Final").await;
                first.collector.run(tokio::time::sleep(MINUTE * 10)).await;
            });
            if let Either::Left(_) = select(&mut play, pin!(first.fuse.blown())).await {
                if first.fuse.is_blown() {
                    continue;
                }
                break;
            }
            pauses += 1;
            let second = world.process().await;
            second.run(MINUTE * 20).await;
            world.finish(Outcome::Positive);
            world.deliver(&second, "Final").await;
            second.run(MINUTE * 5).await;
            let label = format!("{moment:?} operation {operation}");
            let before = second.collector.store().cases(None, Default::default(), 10).await.unwrap();
            // The first one continues, beside the second.
            first.fuse.resume();
            select(play, pin!(second.run(MINUTE * 20))).await;
            second.run(MINUTE * 61).await;
            assert!(world.vendor.lock().unwrap().creates <= 1, "{label}");
            if world.vendor.lock().unwrap().orders.is_empty() {
                continue;
            }
            let report = second.report().await;
            // A request that was sent after all searches is found by a person, or by its webhook.
            if before.iter().any(|case| case.status == "stuck") && report.state == CaseState::Stuck {
                assert!(report.reason.contains("did not find"), "{label}: {report:?}");
                continue;
            }
            assert_eq!(report.state, CaseState::Deleted, "{label}: {report:?}");
            world.check(&second, &report).await;
        }
    }
    assert!(pauses > 100, "{pauses} pauses");
}
