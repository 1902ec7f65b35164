//! The checks that are one command of cargo each: `cargo xtask fmt`, `clippy` and `docs`.

use std::process::Command;

use crate::finding::Verdict;
use crate::workspace::Workspace;

/// Every Rust file of the workspace is formatted as rustfmt would format it.
pub(crate) fn fmt(ws: &Workspace) -> Verdict {
    succeeds(ws, ws.cargo(&["fmt", "--all", "--", "--check"]), "some files are not formatted: run `cargo fmt --all`")
}

/// Clippy over every target and feature of the workspace; a warning is an error.
pub(crate) fn clippy(ws: &Workspace) -> Verdict {
    let command = ws.cargo(&["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"]);
    succeeds(ws, command, "clippy is not content: see its output above")
}

/// The API documentation of every crate builds without a warning.
pub(crate) fn docs(ws: &Workspace) -> Verdict {
    let mut command = ws.cargo(&["doc", "--workspace", "--no-deps", "--all-features"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    succeeds(ws, command, "the documentation does not build cleanly: see above")
}

fn succeeds(ws: &Workspace, command: Command, finding: &str) -> Verdict {
    Ok(if ws.run(command)?.success() { Vec::new() } else { vec![finding.to_owned()] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::throwaway::Throwaway;

    #[test]
    fn a_badly_formatted_file_fails_until_it_is_formatted() {
        let repo = Throwaway::package("/// One.\npub   fn one( ) -> u8 {1}\n");
        assert_eq!(fmt(&repo.workspace()).unwrap().len(), 1);
        repo.lib("/// One.\npub fn one() -> u8 {\n    1\n}\n");
        assert_eq!(fmt(&repo.workspace()).unwrap(), [""; 0]);
    }

    #[test]
    fn an_unwrap_outside_tests_fails_until_it_is_gone() {
        let repo = Throwaway::package("/// One.\npub fn one() -> u8 {\n    \"1\".parse().unwrap()\n}\n");
        assert_eq!(clippy(&repo.workspace()).unwrap().len(), 1);
        repo.lib("/// One.\npub fn one() -> Option<u8> {\n    \"1\".parse().ok()\n}\n");
        assert_eq!(clippy(&repo.workspace()).unwrap(), [""; 0]);
    }

    #[test]
    fn reading_the_clock_directly_fails() {
        let repo =
            Throwaway::package("/// Now.\npub fn now() -> std::time::Instant {\n    std::time::Instant::now()\n}\n");
        assert_eq!(clippy(&repo.workspace()).unwrap().len(), 1);
    }

    #[test]
    fn an_unwrap_inside_a_test_is_fine_but_a_plain_warning_there_is_not() {
        let repo = Throwaway::package("#[test]\nfn works() {\n    assert_eq!(\"1\".parse::<u8>().unwrap(), 1);\n}\n");
        assert_eq!(clippy(&repo.workspace()).unwrap(), [""; 0]);
        repo.lib("#[test]\nfn works() {\n    let unused = 1;\n}\n");
        assert_eq!(clippy(&repo.workspace()).unwrap().len(), 1);
    }

    #[test]
    fn a_link_to_nothing_fails_until_it_leads_somewhere() {
        let repo = Throwaway::package("/// See [`Two`].\npub struct One;\n");
        assert_eq!(docs(&repo.workspace()).unwrap().len(), 1);
        repo.lib("/// See [`One`].\npub struct One;\n");
        assert_eq!(docs(&repo.workspace()).unwrap(), [""; 0]);
    }

    #[test]
    fn a_mere_warning_fails_too() {
        let repo = Throwaway::package("/// Holds a Vec<u8>.\npub struct One;\n");
        assert_eq!(docs(&repo.workspace()).unwrap().len(), 1);
    }
}
