//! `cargo xtask bench transport`: compares the cost of identkit's transport with other clients. `ci` does not run it.
//!
//! `xtask/bench` is a separate workspace, so that the other clients are not dependencies of this one.

use std::process::Command;

use crate::workspace::Workspace;

/// Help text.
pub(crate) const ABOUT: &str = "  compares calls, connections, downloads, uploads and cones with hyper, hyper-util and reqwest; or only the rows given: calls, at-once, first, download, upload, cone";

/// Builds and runs the benchmark, and returns whether it completed.
pub(crate) fn run(rows: &[String], ws: &Workspace) -> Result<bool, String> {
    let mut build = ws.cargo(&["build", "--release", "--manifest-path", "xtask/bench/Cargo.toml"]);
    build.arg("--target-dir").arg(ws.target());
    if !ws.run(build)?.success() {
        return Ok(false);
    }
    // Started directly, because cargo would be the parent of the benchmark.
    let mut compare = Command::new(ws.target().join("release").join("compare"));
    compare.arg("transport").args(rows).current_dir(ws.root());
    Ok(ws.run(compare)?.success())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::throwaway::Throwaway;

    #[test]
    fn the_benchmark_is_built_separately_and_gets_its_rows() {
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
