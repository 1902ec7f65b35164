//! Runs the ways in turns, and prints rows of target and figure.

use crate::cone;
use crate::measure::{Server, middle};

const CALLS: [(&str, &str); 6] = [
    ("hyper", "hyper, the body made before"),
    ("hyper-json", "hyper + serde_json by hand"),
    ("hyper-util", "hyper-util's client, the body made before"),
    ("reqwest", "reqwest, the body made before"),
    ("reqwest-json", "reqwest + json"),
    ("identkit", "identkit, put_order"),
];

/// All rows.
pub fn transport() {
    some(&["calls", "at-once", "first", "download", "cone"]);
}

/// These rows.
pub fn some(rows: &[&str]) {
    for row in rows {
        match *row {
            "calls" => calls(&Server::start()),
            "at-once" => at_once(&Server::start()),
            "first" => first(&Server::start()),
            "download" => download(&Server::start()),
            "cone" => cone::print(),
            _ => panic!("{row} is no row"),
        }
        println!();
    }
}

/// What a way cost, of the ways that were measured.
fn of(figures: &[(&str, f64)], way: &str) -> f64 {
    figures.iter().find(|(name, _)| *name == way).unwrap().1
}

fn calls(server: &Server) {
    // The order is made outside the call, in all ways.
    let ways = || CALLS.iter().map(|(way, _)| *way);
    let allocations: Vec<_> = ways().map(|way| (way, server.allocations(way))).collect();
    let instructions = |way, count| server.instructions(&["calls", way, count]);
    let mut counted: Vec<_> = ways()
        .map_while(|way| Some((way, (instructions(way, "1100")? - instructions(way, "100")?) / 1000.0)))
        .collect();
    println!("one call, HTTPS, 1.9 KB of JSON out and 228 B in, on a kept connection (a setting for orders)");
    if counted.len() < CALLS.len() {
        println!("no instructions: valgrind is not installed");
        counted.clear();
    }
    println!("{:<44}{:>14}{:>14}", "", "instructions", "allocations");
    for (way, name) in CALLS {
        let instructions = counted.iter().find(|(known, _)| *known == way).map_or(0.0, |(_, count)| *count);
        println!("{name:<44}{instructions:>14.0}{:>14.1}", of(&allocations, way));
    }
    if !counted.is_empty() {
        let ratio = |way| of(&counted, "identkit") / of(&counted, way);
        println!("instructions / hyper + serde_json: {:.2} (<= 1.08)", ratio("hyper-json"));
        println!("instructions / reqwest + json: {:.2} (<= 0.75)", ratio("reqwest-json"));
    }
    let ratio = of(&allocations, "identkit") / of(&allocations, "hyper-json");
    println!("allocations / hyper + serde_json: {ratio:.2} (<= 1.10)");
}

fn at_once(server: &Server) {
    const COUNT: &str = "25600";
    const ROUNDS: usize = 7;
    let mut told = vec![(Vec::new(), Vec::new()); CALLS.len()];
    for _ in 0..ROUNDS {
        for ((way, _), told) in CALLS.iter().zip(&mut told) {
            let figures = server.told(&["at-once", way, COUNT]).0;
            told.0.push(figures[0]);
            told.1.push(figures[1]);
        }
    }
    let count = COUNT.parse::<f64>().unwrap();
    println!("64 calls at once, HTTPS, the client on one thread; the middle of {ROUNDS} processes each");
    println!("{:<44}{:>14}{:>14}", "", "CPU of a call", "calls");
    let mut cpu = Vec::new();
    let mut rate = Vec::new();
    for ((way, name), told) in CALLS.iter().zip(told) {
        let (spent, took) = (middle(told.0) * 1e3 / count, middle(told.1));
        println!("{name:<44}{spent:>11.1} us{:>12.0}/s", count / took * 1e3);
        cpu.push((*way, spent));
        rate.push((*way, 1.0 / took));
    }
    println!("CPU / hyper + serde_json: {:.2} (<= 1.06)", of(&cpu, "identkit") / of(&cpu, "hyper-json"));
    println!("rate / hyper + serde_json: {:.2} (>= 0.94)", of(&rate, "identkit") / of(&rate, "hyper-json"));
}

fn first(server: &Server) {
    const ROUNDS: usize = 61;
    let ways = ["hyper", "hyper-util", "reqwest", "identkit"];
    let mut told = vec![Vec::new(); ways.len()];
    for _ in 0..ROUNDS {
        for (way, told) in ways.iter().zip(&mut told) {
            told.push(server.told(&["calls", way, "1"]).1.as_secs_f64() * 1e3);
        }
    }
    println!("first call of a fresh process, from its start to its end; the middle of {ROUNDS}");
    let took: Vec<_> = ways.iter().copied().zip(told.into_iter().map(middle)).collect();
    for (way, took) in &took {
        println!("{way:<44}{took:>11.2} ms");
    }
    println!("time / hyper: {:.2} (<= 1.15)", of(&took, "identkit") / of(&took, "hyper"));
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
    let mut told = vec![[const { Vec::new() }; 3]; ways.len()];
    for _ in 0..ROUNDS {
        for ((way, _), told) in ways.iter().zip(&mut told) {
            for (figure, told) in server.download(way, MEBIBYTES, folder).iter().zip(told) {
                told.push(*figure);
            }
        }
    }
    println!("1 GiB into a file, HTTPS, one writer for all but the last; the middle of {ROUNDS} processes each");
    println!("{:<44}{:>14}{:>14}{:>14}", "", "CPU", "rate", "peak");
    let (mut cpu, mut rate, mut peak) = (Vec::new(), Vec::new(), Vec::new());
    for ((way, name), told) in ways.iter().zip(told) {
        let [spent, took, most] = told.map(middle);
        let gigabytes = 1.073_741_824 / (took / 1e3);
        println!("{name:<44}{spent:>11.0} ms{gigabytes:>9.2} GB/s{most:>10.1} MiB");
        cpu.push((*way, spent));
        rate.push((*way, 1.0 / took));
        peak.push((*way, most));
    }
    for (ours, theirs) in [("identkit", "hyper"), ("identkit-sha", "hyper-sha"), ("save", "hyper-sha")] {
        println!(
            "{ours} / {theirs}: rate {:.2} (>= 0.95), CPU {:.2} (<= 1.05), over idle {:.1} MiB (<= 4)",
            of(&rate, ours) / of(&rate, theirs),
            of(&cpu, ours) / of(&cpu, theirs),
            of(&peak, ours) - of(&peak, "idle"),
        );
    }
}
