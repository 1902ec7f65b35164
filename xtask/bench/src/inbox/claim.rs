//! Claims of pending work on PostgreSQL: 50 cases at once by 4 workers, beside one case at once by 32 workers.

use std::sync::Arc;
use std::time::Instant;

use identkit_bench::measure::median;
use identkit_core::{Clock as _, Secret};
use identkit_store::{Postgres, Store};
use identkit_transport::SystemClock;
use tokio::task::JoinSet;

use crate::database::Database;
use crate::service;

/// Number of cases with pending work.
const CASES: u64 = 5_000;

const ROUNDS: usize = 5;

/// Prints the claimed cases per second of both ways.
pub async fn print() {
    let Some(database) = Database::start() else {
        println!("claims are not measured: PostgreSQL is not installed");
        return;
    };
    let (mut many, mut single) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        many.push(claimed(&database, 4, 50).await);
        single.push(claimed(&database, 32, 1).await);
    }
    let (many, single) = (median(many), median(single));
    println!("claiming the pending work of {CASES} cases on PostgreSQL; median of {ROUNDS} runs each");
    println!("{:<42}{many:>9.0} cases/s", "50 at once, 4 workers");
    println!("{:<42}{single:>9.0} cases/s", "1 at once, 32 workers");
    println!("50 at once / 1 at once: {:.1} (>= 8)", many / single);
}

/// Fills a store, claims everything, and returns the cases per second.
async fn claimed(database: &Database, workers: usize, limit: usize) -> f64 {
    let engine = Postgres::builder(database.create().await).connections(workers).open().await.unwrap();
    let store = Arc::new(service::store(engine).await);
    let now = SystemClock::new().wall();
    let mut fills = JoinSet::new();
    for part in 0..64 {
        let store = Arc::clone(&store);
        fills.spawn(async move {
            for case in (part..CASES).step_by(64) {
                store.wake("identify24", &Secret::new(case.to_string()), now).await.unwrap();
            }
        });
    }
    fills.join_all().await;
    let began = Instant::now();
    let mut claims = JoinSet::new();
    for _ in 0..workers {
        claims.spawn(claim_all(Arc::clone(&store), limit, now));
    }
    let count: usize = claims.join_all().await.into_iter().sum();
    assert_eq!(count as u64, CASES);
    CASES as f64 / began.elapsed().as_secs_f64()
}

async fn claim_all(store: Arc<Store>, limit: usize, now: jiff::Timestamp) -> usize {
    let mut count = 0;
    loop {
        match store.claim(limit, now).await.unwrap().len() {
            0 => return count,
            more => count += more,
        }
    }
}
