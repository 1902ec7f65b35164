//! Compares what a user compiles for the smallest program with a typed call, for reqwest, and for identkit.

use std::process::Command;
use std::time::Instant;

use crate::measure;

/// Builds each small program in a fresh folder, and prints crates, CPU seconds and size.
pub fn print() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let features =
        [("limit", "hyper + rustls + serde"), ("peer", "reqwest + serde"), ("ours", "identkit, identity.TM")];
    println!(
        "{:<44}{:>10}{:>14}{:>14}{:>14}",
        "what a user of one provider compiles", "crates", "CPU", "clock", "stripped"
    );
    let mut figures = Vec::new();
    for (feature, name) in features {
        let target = tempfile::tempdir().unwrap();
        let common = ["--manifest-path", manifest, "--no-default-features", "--features", feature];
        let tree = cargo("tree")
            .args(["-e", "normal", "--prefix", "none", "--target", "x86_64-unknown-linux-gnu"])
            .args(common)
            .output()
            .unwrap();
        let tree = String::from_utf8(tree.stdout).unwrap();
        let crates: std::collections::BTreeSet<&str> = tree.lines().map(|line| line.trim_end_matches(" (*)")).collect();
        // The program itself does not count.
        let crates = crates.iter().filter(|line| !line.is_empty() && !line.starts_with("identkit-bench ")).count();
        let (cpu, began) = (measure::children(), Instant::now());
        let built = cargo("build")
            .args(["--quiet", "--profile", "cone", "--bin", feature])
            .args(common)
            .env("CARGO_TARGET_DIR", target.path())
            .status()
            .unwrap();
        assert!(built.success());
        let (cpu, took) = (measure::children() - cpu, began.elapsed());
        let size = std::fs::metadata(target.path().join("cone").join(feature)).unwrap().len() as f64 / (1 << 20) as f64;
        println!("{name:<44}{crates:>10}{cpu:>12.1} s{:>12.1} s{size:>10.2} MiB", took.as_secs_f64());
        figures.push((crates, cpu, size));
    }
    let [limit, peer, ours] = figures.try_into().unwrap();
    println!("crates: {} (<= 72); stripped: {:.2} MiB (<= 3.4)", ours.0, ours.2);
    println!("CPU / limit: {:.2} (<= 1.35); CPU / reqwest: {:.2} (<= 0.65)", ours.1 / limit.1, ours.1 / peer.1);
}

/// Calls cargo with the committed lock file of the benchmark.
fn cargo(subcommand: &str) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.args([subcommand, "--locked"]);
    cargo
}
