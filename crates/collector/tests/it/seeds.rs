//! Crashes and failures at random. `cargo xtask campaign collector` runs more rounds.

use std::time::Duration;

use identkit_collector::CaseState;
use identkit_core::Outcome;

use crate::crashes::{live, recover, with_recording};
use crate::sim::{Fuse, Moment, Reaction, World};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// Number of rounds: that of an environment variable, or the default.
fn rounds(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |rounds| rounds.parse().unwrap())
}

/// A number that depends on both others. The factors are arbitrary.
fn mix(seed: usize, index: usize) -> usize {
    (seed.wrapping_mul(0x9E37_79B9) ^ index.wrapping_mul(0x85EB_CA6B)).wrapping_mul(0xC2B2_AE35) >> 13
}

/// The reaction to a call: 40 % of the calls fail in one of three ways.
fn reaction(seed: usize, call: usize) -> Reaction {
    match mix(seed, call) % 10 {
        0 => Reaction::Refuse,
        1 | 2 => Reaction::Lose,
        3 => Reaction::Drop,
        _ => Reaction::Answer,
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_crash_during_the_recovery_loses_nothing() {
    for seed in 1..=rounds("IDENTKIT_COLLECTOR_CRASHES", 100) {
        let (first, second) = (3 + mix(seed, 1) % 150, 3 + mix(seed, 2) % 150);
        let moment = if mix(seed, 3).is_multiple_of(2) { Moment::Before } else { Moment::After };
        let world = World::new();
        let process = world.process_with(Fuse::at(first, moment), with_recording).await;
        live(&world, &process).await;
        drop(process);
        let process = world.process_with(Fuse::at(second, moment), with_recording).await;
        process.run(MINUTE * 20).await;
        drop(process);
        let next = world.process_with(Fuse::none(), with_recording).await;
        recover(&world, &next, &format!("{moment:?} operations {first} and {second}")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn calls_that_fail_at_random_delay_a_case_only() {
    let (seeds, mut deleted) = (rounds("IDENTKIT_COLLECTOR_FAILURES", 40), 0);
    for seed in 1..=seeds {
        let world = World::new();
        world.vendor.lock().unwrap().chaos = Some(Box::new(move |call| reaction(seed, call)));
        let process = world.process().await;
        drop(process.open().await);
        process.run(MINUTE * 20).await;
        world.finish(Outcome::Positive);
        world.deliver(&process, "Final").await;
        process.run(DAY * 2).await;
        let executed = !world.vendor.lock().unwrap().orders.is_empty();
        let report = process.report().await;
        if executed {
            assert_eq!(report.state, CaseState::Deleted, "seed {seed}: {report:?}");
            world.check(&process, &report).await;
            deleted += 1;
        } else {
            assert!(matches!(report.state, CaseState::Stuck | CaseState::Closed), "seed {seed}: {report:?}");
        }
    }
    assert!(deleted * 2 > seeds, "{deleted} of {seeds}");
}
