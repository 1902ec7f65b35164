//! Runs the ways alternately, and prints their figures beside the targets.

use std::collections::HashMap;

use crate::measure::{Server, median};
use crate::{cone, upload};

const CALLS: [(&str, &str); 6] = [
    ("hyper", "hyper, prebuilt body"),
    ("hyper-json", "hyper + serde_json"),
    ("hyper-util", "hyper-util's client, prebuilt body"),
    ("reqwest", "reqwest, prebuilt body"),
    ("reqwest-json", "reqwest + json"),
    ("identkit", "identkit, put_order"),
];

pub fn transport() {
    some(&["calls", "at-once", "first", "download", "upload", "cone"]);
}

pub fn some(rows: &[&str]) {
    for row in rows {
        match *row {
            "calls" => calls(&Server::start()),
            "at-once" => at_once(&Server::start()),
            "first" => first(&Server::start()),
            "download" => download(&Server::start()),
            "upload" => upload(&Server::start()),
            "cone" => cone::print(),
            _ => panic!("unknown row: {row}"),
        }
        println!();
    }
}

/// Runs the ways alternately, and returns the median of each of their figures.
fn rounds<'a, const N: usize>(
    count: usize,
    ways: &[(&'a str, &str)],
    run: impl Fn(&str) -> [f64; N],
) -> HashMap<&'a str, [f64; N]> {
    let mut all = vec![[const { Vec::new() }; N]; ways.len()];
    for _ in 0..count {
        for ((way, _), figures) in ways.iter().zip(&mut all) {
            for (figures, figure) in figures.iter_mut().zip(run(way)) {
                figures.push(figure);
            }
        }
    }
    ways.iter().zip(all).map(|((way, _), figures)| (*way, figures.map(median))).collect()
}

fn calls(server: &Server) {
    // In all ways, the order is created before the call.
    let allocations = rounds(1, &CALLS, |way| [server.allocations(way)]);
    let instructions = |way, count| server.instructions(&["calls", way, count]);
    let counted: Option<HashMap<_, _>> = (CALLS.iter())
        .map(|(way, _)| Some((*way, (instructions(way, "1100")? - instructions(way, "100")?) / 1000.0)))
        .collect();
    println!("one call, HTTPS, 1.9 KB of JSON out and 228 B in, on a reused connection (an option for orders)");
    if counted.is_none() {
        println!("instructions are not counted: valgrind is not installed");
    }
    println!("{:<44}{:>14}{:>14}", "", "instructions", "allocations");
    for (way, name) in CALLS {
        let instructions = counted.as_ref().map_or(0.0, |counted| counted[way]);
        println!("{name:<44}{instructions:>14.0}{:>14.1}", allocations[way][0]);
    }
    if let Some(counted) = counted {
        let ratio = |way| counted["identkit"] / counted[way];
        println!("instructions / hyper + serde_json: {:.2} (<= 1.08)", ratio("hyper-json"));
        println!("instructions / reqwest + json: {:.2} (<= 0.75)", ratio("reqwest-json"));
    }
    let ratio = allocations["identkit"][0] / allocations["hyper-json"][0];
    println!("allocations / hyper + serde_json: {ratio:.2} (<= 1.10)");
}

fn at_once(server: &Server) {
    const COUNT: &str = "25600";
    const ROUNDS: usize = 7;
    let figures = rounds(ROUNDS, &CALLS, |way| server.run::<2>(&["at-once", way, COUNT], &[]).0);
    let count = COUNT.parse::<f64>().unwrap();
    println!("64 calls at once, HTTPS, the client on one thread; median of {ROUNDS} processes each");
    println!("{:<44}{:>14}{:>14}", "", "CPU of a call", "calls");
    for (way, name) in CALLS {
        let [spent, took] = figures[way];
        println!("{name:<44}{:>11.1} us{:>12.0}/s", spent * 1e3 / count, count / took * 1e3);
    }
    let ([cpu, took], [by_hyper, hyper_took]) = (figures["identkit"], figures["hyper-json"]);
    println!("CPU / hyper + serde_json: {:.2} (<= 1.06)", cpu / by_hyper);
    println!("rate / hyper + serde_json: {:.2} (>= 0.94)", hyper_took / took);
}

fn first(server: &Server) {
    const ROUNDS: usize = 61;
    let ways = ["hyper", "hyper-util", "reqwest", "identkit"].map(|way| (way, way));
    let took = rounds(ROUNDS, &ways, |way| [server.run::<0>(&["calls", way, "1"], &[]).1.as_secs_f64() * 1e3]);
    println!("first call of a fresh process, from start to exit; median of {ROUNDS}");
    for (way, _) in ways {
        println!("{way:<44}{:>11.2} ms", took[way][0]);
    }
    println!("time / hyper: {:.2} (<= 1.15)", took["identkit"][0] / took["hyper"][0]);
}

fn download(server: &Server) {
    const MEBIBYTES: &str = "1024";
    const ROUNDS: usize = 5;
    let ways = [
        ("idle", "an idle process"),
        ("hyper", "hyper's frames"),
        ("reqwest", "reqwest"),
        ("identkit", "identkit, the stream"),
        ("hyper-sha", "hyper's frames, SHA-256"),
        ("reqwest-sha", "reqwest, SHA-256"),
        ("identkit-sha", "identkit, the stream, SHA-256"),
        ("save", "identkit, saved: synced and read back"),
    ];
    let folder = server.folder.path().to_str().unwrap();
    let figures = rounds(ROUNDS, &ways, |way| server.run::<3>(&["download", way, MEBIBYTES], &[folder]).0);
    println!("1 GiB into a file, HTTPS, one writer for all but the last; median of {ROUNDS} processes each");
    println!("{:<44}{:>14}{:>14}{:>14}", "", "CPU", "rate", "peak");
    for (way, name) in ways {
        let [spent, took, peak] = figures[way];
        println!("{name:<44}{spent:>11.0} ms{:>9.2} GB/s{peak:>10.1} MiB", 1.073_741_824 / (took / 1e3));
    }
    for (ours, theirs) in [("identkit", "hyper"), ("identkit-sha", "hyper-sha"), ("save", "hyper-sha")] {
        let ([cpu, took, peak], [by_hyper, hyper_took, _]) = (figures[ours], figures[theirs]);
        println!(
            "{ours} / {theirs}: rate {:.2} (>= 0.95), CPU {:.2} (<= 1.05), over idle {:.1} MiB (<= 4)",
            hyper_took / took,
            cpu / by_hyper,
            peak - figures["idle"][2],
        );
    }
}

fn upload(server: &Server) {
    const ROUNDS: usize = 9;
    let ways = [
        ("idle", "an idle process"),
        ("ready", "hyper, prebuilt body"),
        ("file", "identkit, putOrder from a file"),
        ("memory", "identkit, putOrder from memory"),
        ("string", "hyper + base64 + serde_json"),
    ];
    upload::prepare(server.folder.path());
    let folder = server.folder.path().to_str().unwrap();
    let figures = rounds(ROUNDS, &ways, |way| {
        let [cpu, _, peak] = server.run(&["upload", way, "1"], &[folder]).0;
        let [_, each, _] = server.run(&["upload", way, "8"], &[folder]).0;
        [cpu, each, peak]
    });
    let [idle, _, least] = figures["idle"];
    println!("25 MiB as Base64 in JSON over HTTPS; median of {ROUNDS} processes each");
    println!("{:<31}{:>17}{:>8}{:>13}{:>22}{:>7}", "", "CPU, 1 upload", "ratio", "peak", "CPU, each of 8", "ratio");
    for (way, name) in &ways[1..] {
        let ([one, each, peak], [ready, ready_each, _]) = (figures[way], figures["ready"]);
        let (of_one, of_each) = ((one - idle) / (ready - idle), each / ready_each);
        let (one, peak) = (one - idle, peak - least);
        println!("{name:<31}{one:>14.1} ms{of_one:>8.2}{peak:>9.1} MiB{each:>19.1} ms{of_each:>7.2}");
    }
}
