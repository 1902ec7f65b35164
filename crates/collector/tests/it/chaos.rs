//! A vendor whose calls fail at random.

use std::time::Duration;

use identkit_collector::CaseState;
use identkit_core::Outcome;

use crate::sim::{Reaction, World};

const DAY: Duration = Duration::from_secs(86_400);

/// The reaction to a call: 40 % of the calls fail in one of three ways. The factors are arbitrary.
fn reaction(seed: usize, call: usize) -> Reaction {
    let mixed = (seed.wrapping_mul(0x9E37_79B9) ^ call.wrapping_mul(0x85EB_CA6B)).wrapping_mul(0xC2B2_AE35) >> 13;
    match mixed % 10 {
        0 => Reaction::Refuse,
        1 | 2 => Reaction::Lose,
        3 => Reaction::Drop,
        _ => Reaction::Answer,
    }
}

macro_rules! chaos {
    ($($seed:literal)*) => { [$(|call| reaction($seed, call)),*] };
}

#[tokio::test(start_paused = true)]
async fn calls_that_fail_at_random_delay_a_case_only() {
    let all: [fn(usize) -> Reaction; 40] = chaos!(
        1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40
    );
    let mut deleted = 0;
    for (seed, chaos) in all.into_iter().enumerate() {
        let world = World::new();
        world.vendor.lock().unwrap().chaos = Some(chaos);
        let process = world.process().await;
        drop(process.open().await);
        process.run(Duration::from_secs(20 * 60)).await;
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
    assert!(deleted > 20, "{deleted}");
}
