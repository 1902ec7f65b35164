//! Encodes the document's order, compared with serde_json's `to_vec`.
//!
//! `cargo bench -p identkit-identity-tm --bench encode` prints nanoseconds, their ratio and allocations. With the
//! arguments `ours|to_vec N` it only encodes N times, e.g. to count instructions.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark measures real time and prints it"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use identkit_identity_tm::{PutOrder, samples};
use identkit_wire::json;

fn ours(order: &PutOrder) -> usize {
    black_box(json::write(black_box(order)).unwrap()).len()
}

fn to_vec(order: &PutOrder) -> usize {
    black_box(serde_json::to_vec(black_box(order)).unwrap()).len()
}

type Work = fn(&PutOrder) -> usize;

const WAYS: [(&str, Work); 2] = [("ours", ours), ("to_vec", to_vec)];

fn main() {
    let order = PutOrder::from_json(samples::PUT_ORDER_REQUEST.as_bytes()).unwrap();
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if let [which, count] = arguments.as_slice() {
        let work = if which == "ours" { ours } else { to_vec };
        for _ in 0..count.parse::<u32>().unwrap() {
            work(&order);
        }
        return;
    }
    assert_eq!(json::write(&order).unwrap(), serde_json::to_vec(&order).unwrap());
    let mut took = [Vec::new(), Vec::new()];
    for _ in 0..301 {
        for ((_, work), took) in WAYS.iter().zip(&mut took) {
            let began = Instant::now();
            for _ in 0..1000 {
                work(&order);
            }
            took.push(began.elapsed() / 1000);
        }
    }
    let medians = took.map(|mut took: Vec<Duration>| {
        took.sort();
        took[150]
    });
    println!("an order of {} bytes", ours(&order));
    for ((way, work), took) in WAYS.iter().zip(medians) {
        let counted = allocation_counter::measure(|| {
            work(&order);
        });
        println!("{way:<8}{:>6} ns  {:>3} allocations", took.as_nanos(), counted.count_total);
    }
    println!("ratio   {:>6.2}", medians[0].as_secs_f64() / medians[1].as_secs_f64());
}
