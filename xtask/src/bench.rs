//! `cargo xtask bench NAME`: compares identkit's transport with other clients, its store with a plain log, or measures the
//! collector. `ci` does not run it.
//!
//! `xtask/bench` is a separate workspace, so that this one does not depend on what identkit is compared with.

use std::process::Command;

use crate::workspace::Workspace;

/// A program of the separate workspace, and a feature of the same name that builds it.
#[derive(Debug)]
pub(crate) struct Benchmark {
    /// Name on the command line.
    pub(crate) name: &'static str,
    program: &'static str,
    /// Help text.
    pub(crate) about: &'static str,
}

/// All benchmarks.
pub(crate) const BENCHMARKS: &[Benchmark] = &[
    Benchmark {
        name: "collector",
        program: "collector",
        about: "measures whole cases through the sandbox and the collector, in slices that can be stopped and continued: 1,000,000 with artifacts that are discarded, 20,000 in a folder, and a comparison with the same calls by hand; or only the rows given: by-hand, discard, folder",
    },
    Benchmark {
        name: "transport",
        program: "compare",
        about: "compares calls, connections, downloads, uploads and cones with hyper, hyper-util and reqwest; or only the rows given: calls, at-once, first, download, upload, cone",
    },
    Benchmark {
        name: "inbox",
        program: "inbox",
        about: "compares the durable acceptance of webhooks on both engines with a log and plain inserts, claims at once with single ones, and measures a store with 1,000,000 events; or only the rows given: accept, paced, claim, million",
    },
];

/// Builds and runs a benchmark, and returns whether it completed.
pub(crate) fn run(benchmark: &Benchmark, rows: &[String], ws: &Workspace) -> Result<bool, String> {
    let mut build = ws.cargo(&["build", "--release", "--manifest-path", "xtask/bench/Cargo.toml"]);
    build.args(["--no-default-features", "--features", benchmark.program]).arg("--target-dir").arg(ws.target());
    if !ws.run(build)?.success() {
        return Ok(false);
    }
    // Started directly, because cargo would be the parent of the benchmark.
    let mut program = Command::new(ws.target().join("release").join(benchmark.program));
    program.arg(benchmark.name).args(rows).current_dir(ws.root());
    Ok(ws.run(program)?.success())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::throwaway::Throwaway;

    #[test]
    fn the_benchmark_is_built_separately_and_gets_its_rows() {
        let repo = Throwaway::package("");
        let manifest = "[workspace]\n[package]\nname = \"bench\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
            [features]\ncollector = []\ncompare = []\ninbox = []\n";
        repo.write("xtask/bench/Cargo.toml", manifest);
        for (Benchmark { name, program, .. }, row) in BENCHMARKS.iter().zip(["folder", "calls", "claim"]) {
            let text = format!(
                "#[cfg(feature = \"{program}\")]\nfn main() {{\n    \
                 assert!(std::env::args().skip(1).eq([\"{name}\", \"{row}\"]));\n}}\n\
                 #[cfg(not(feature = \"{program}\"))]\nfn main() {{}}\n"
            );
            repo.write(&format!("xtask/bench/src/bin/{program}.rs"), &text);
        }
        for (benchmark, row) in BENCHMARKS.iter().zip(["folder", "calls", "claim"]) {
            assert!(run(benchmark, &[row.to_owned()], &repo.workspace()).unwrap());
            assert!(!run(benchmark, &[], &repo.workspace()).unwrap());
        }
        repo.write("xtask/bench/src/bin/inbox.rs", "nonsense");
        assert!(BENCHMARKS.iter().all(|benchmark| !run(benchmark, &["claim".to_owned()], &repo.workspace()).unwrap()));
    }
}
