//! The checks that are one command of cargo each: `cargo xtask fmt`, `clippy` and `docs`.

use std::process::Command;

use crate::finding::Verdict;
use crate::workspace::Workspace;

/// Checks that every Rust file of the workspace is formatted.
pub(crate) fn fmt(ws: &Workspace) -> Verdict {
    succeeds(ws, ws.cargo(&["fmt", "--all", "--", "--check"]), "some files are not formatted: run `cargo fmt --all`")
}

/// Runs clippy on all targets with all features; a warning is an error.
pub(crate) fn clippy(ws: &Workspace) -> Verdict {
    let command = ws.cargo(&["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"]);
    succeeds(ws, command, "clippy reported warnings or errors: see its output above")
}

/// Builds the API documentation of all crates; a warning is an error.
pub(crate) fn docs(ws: &Workspace) -> Verdict {
    let mut command = ws.cargo(&["doc", "--workspace", "--no-deps", "--all-features"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    succeeds(ws, command, "the documentation does not build without warnings: see above")
}

fn succeeds(ws: &Workspace, command: Command, finding: &str) -> Verdict {
    Ok(if ws.run(command)?.success() { Vec::new() } else { vec![finding.to_owned()] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::throwaway::Throwaway;

    #[test]
    fn each_command_reports_a_fault_until_it_is_fixed() {
        const FMT: fn(&Workspace) -> Verdict = fmt;
        const CLIPPY: fn(&Workspace) -> Verdict = clippy;
        const DOCS: fn(&Workspace) -> Verdict = docs;
        for (check, faulty, fixed) in [
            (FMT, "/// One.\npub   fn one( ) -> u8 {1}\n", "/// One.\npub fn one() -> u8 {\n    1\n}\n"),
            // An unwrap outside tests, and reading the clock directly.
            (
                CLIPPY,
                "/// One.\npub fn one() -> u8 {\n    \"1\".parse().unwrap()\n}\n",
                "/// One.\npub fn one() -> Option<u8> {\n    \"1\".parse().ok()\n}\n",
            ),
            (CLIPPY, "/// Now.\npub fn now() -> std::time::Instant {\n    std::time::Instant::now()\n}\n", ""),
            // An unwrap inside a test is fine, but a plain warning is not.
            (
                CLIPPY,
                "#[test]\nfn works() {\n    let unused = 1;\n}\n",
                "#[test]\nfn works() {\n    assert_eq!(\"1\".parse::<u8>().unwrap(), 1);\n}\n",
            ),
            // A broken link, and a warning.
            (DOCS, "/// See [`Two`].\npub struct One;\n", "/// See [`One`].\npub struct One;\n"),
            (DOCS, "/// Holds a Vec<u8>.\npub struct One;\n", "/// Holds a `Vec<u8>`.\npub struct One;\n"),
        ] {
            let repo = Throwaway::package(faulty);
            assert_eq!(check(&repo.workspace()).unwrap().len(), 1, "{faulty}");
            repo.lib(fixed);
            assert_eq!(check(&repo.workspace()).unwrap(), [""; 0], "{fixed}");
        }
    }
}
