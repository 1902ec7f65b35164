//! `cargo xtask bench NAME`: what ours costs beside what others cost, in one run. It reports, and is no part of `ci`.
//!
//! `xtask/bench` is a workspace of its own: what ours is compared with stays out of the dependencies, and is built by
//! nobody who does not ask for it.

use std::process::Command;

use crate::finding::Broken;
use crate::workspace::Workspace;

/// All benchmarks, each with what it compares.
pub(crate) const BENCHMARKS: &[(&str, &str)] = &[(
    "transport",
    "calls, connections, downloads and cones beside hyper, hyper-util and reqwest; or some of its rows: calls, at-once, first, download, cone",
)];

/// The benchmark of this name.
pub(crate) fn find(name: &str) -> Option<&'static str> {
    BENCHMARKS.iter().map(|(known, _)| *known).find(|known| *known == name)
}

/// Builds and runs it, and says whether it came to its end.
pub(crate) fn run(name: &str, rows: &[String], ws: &Workspace) -> Result<bool, Broken> {
    let mut build = ws.cargo(&["build", "--release", "--manifest-path", "xtask/bench/Cargo.toml"]);
    build.arg("--target-dir").arg(ws.target());
    if !ws.run(build)?.success() {
        return Ok(false);
    }
    // Itself and not by cargo, which would stand between the benchmark and its processes.
    let mut compare = Command::new(ws.target().join("release").join("compare"));
    compare.arg(name).args(rows).current_dir(ws.root());
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
        assert!(run("transport", &["calls".to_owned()], &repo.workspace()).unwrap());
        assert!(!run("transport", &[], &repo.workspace()).unwrap());
        repo.write("xtask/bench/src/main.rs", "nonsense");
        assert!(!run("transport", &["calls".to_owned()], &repo.workspace()).unwrap());
    }

    #[test]
    fn benchmarks_are_found_by_name() {
        assert_eq!(find("transport"), Some("transport"));
        assert!(find("transpor").is_none());
    }
}
