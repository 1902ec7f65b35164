//! `cargo xtask bench transport`: what ours costs beside what others cost, in one run. It reports, and is no part of `ci`.
//!
//! `xtask/bench` is a workspace of its own: what ours is compared with stays out of the dependencies, and is built by
//! nobody who does not ask for it.

use std::process::Command;

use crate::workspace::Workspace;

/// What it compares.
pub(crate) const ABOUT: &str = "  calls, connections, downloads, uploads and cones beside hyper, hyper-util and reqwest; or some of its rows: calls, at-once, first, download, upload, cone";

/// Builds and runs it, and says whether it came to its end.
pub(crate) fn run(rows: &[String], ws: &Workspace) -> Result<bool, String> {
    let mut build = ws.cargo(&["build", "--release", "--manifest-path", "xtask/bench/Cargo.toml"]);
    build.arg("--target-dir").arg(ws.target());
    if !ws.run(build)?.success() {
        return Ok(false);
    }
    // Itself and not by cargo, which would stand between the benchmark and its processes.
    let mut compare = Command::new(ws.target().join("release").join("compare"));
    compare.arg("transport").args(rows).current_dir(ws.root());
    Ok(ws.run(compare)?.success())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::throwaway::Throwaway;

    #[test]
    fn a_benchmark_is_built_apart_from_the_workspace_and_given_its_rows() {
        let repo = Throwaway::package("");
        let manifest = "[workspace]\n[package]\nname = \"compare\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
        repo.write("xtask/bench/Cargo.toml", manifest);
        let program = "fn main() {\n    assert!(std::env::args().skip(1).eq([\"transport\", \"calls\"]));\n}\n";
        repo.write("xtask/bench/src/main.rs", program);
        assert!(run(&["calls".to_owned()], &repo.workspace()).unwrap());
        assert!(!run(&[], &repo.workspace()).unwrap());
        repo.write("xtask/bench/src/main.rs", "nonsense");
        assert!(!run(&["calls".to_owned()], &repo.workspace()).unwrap());
    }
}
