//! The program of `cargo xtask bench collector`. It starts itself for each slice.

mod by_hand;
mod slice;
mod stage;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use identkit_bench::measure::again;

/// Number of cases of a slice.
const SLICE: u64 = 10_000;

/// A row: a sink, and the number of cases.
const ROWS: [(&str, u64); 2] = [("discard", 1_000_000), ("folder", 20_000)];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = || tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    match arguments.as_slice() {
        ["slice", folder, sink, count] => runtime().block_on(slice::run(folder, sink, count.parse().unwrap())),
        ["by-hand", folder, sink, count] => runtime().block_on(by_hand::run(folder, sink, count.parse().unwrap())),
        ["count", folder] => runtime().block_on(slice::count(folder)),
        ["collector", rows @ ..] => {
            if rows.is_empty() || rows.contains(&"by-hand") {
                compare();
            }
            for (sink, cases) in ROWS.into_iter().filter(|(sink, _)| rows.is_empty() || rows.contains(sink)) {
                print(sink, cases);
            }
        }
        _ => {
            eprintln!("usage: collector collector [by-hand] [discard] [folder]");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// Compares the collector with the same calls and syncs without a collector, in new folders, one after the other.
fn compare() {
    const ROUNDS: usize = 5;
    let count = std::env::var("IDENTKIT_BENCH_SLICE").unwrap_or_else(|_| "1000".to_owned());
    println!("collector with SQLite, and the same calls without it; {count} cases a round, artifacts discarded");
    let mut ratios: Vec<f64> = Vec::new();
    for _ in 0..ROUNDS {
        let [ours, limit] = ["slice", "by-hand"].map(|way| {
            let folder = tempfile::tempdir_in("target").unwrap();
            let [_, took, cpu, _, most] = run(&[way, folder.path().to_str().unwrap(), "discard", &count]);
            let rate = count.parse::<f64>().unwrap() / took;
            println!("{way:>8}: {rate:.0} cases/s, {cpu:.2} ms of processor time a case; at most {most:.0} MiB");
            cpu
        });
        ratios.push(ours / limit);
    }
    ratios.sort_by(f64::total_cmp);
    println!("processor time of the collector: {:.2} x that without it (goal: 1.25)", ratios[ROUNDS / 2]);
}

/// Adds slices to the store of a row until it has all cases, or until the time is over. The next run continues.
fn print(sink: &str, cases: u64) {
    let seconds = std::env::var("IDENTKIT_BENCH_SECONDS").map_or(u64::MAX, |text| text.parse().unwrap());
    let size = std::env::var("IDENTKIT_BENCH_SLICE").map_or(SLICE, |text| text.parse().unwrap());
    let folder = PathBuf::from("target/bench-collector").join(sink);
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.to_str().unwrap();
    println!("collector with the sink `{sink}`, store in {path}; every slice of {size} cases is a fresh process");
    let began = Instant::now();
    let [mut before] = run(&["count", path]).map(|number| number as u64);
    while before < cases && began.elapsed() < Duration::from_secs(seconds) {
        let count = size.min(cases - before);
        let [_, took, cpu, idle, most] = run(&["slice", path, sink, &count.to_string()]);
        before += count;
        println!(
            "{before:>8} cases: {:.0} cases/s, {cpu:.2} ms of processor time a case; memory {idle:.1} MiB at the start, at \
             most {most:.1} MiB; {}",
            count as f64 / took,
            sizes(&folder)
        );
    }
    if before < cases {
        println!("stopped at {before} of {cases} cases: the same command continues");
    }
}

fn run<const N: usize>(arguments: &[&str]) -> [f64; N] {
    let output = again(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<f64> = printed.split_whitespace().map(|number| number.parse().unwrap()).collect();
    numbers.try_into().unwrap()
}

fn sizes(folder: &Path) -> String {
    let size = |name: &str| std::fs::metadata(folder.join(name)).map_or(0, |metadata| metadata.len());
    let mebibytes = |name: &str| (size(name) + size(&format!("{name}-wal"))) as f64 / 1_048_576.0;
    format!("data {:.1} MiB, keys {:.1} MiB", mebibytes("state.db"), mebibytes("state.db-keys"))
}
