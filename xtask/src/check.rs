//! A check: a name, one line of help, and a function from a workspace to findings.
//!
//! Invariant: [`CHECKS`] and [`FULL`] are the only lists of checks; help, commands and the check `names` read them. The
//! order of [`CHECKS`] is the order of `ci`: fast checks first, `snapshots` after `test`.

use crate::finding::Verdict;
use crate::workspace::Workspace;
use crate::{
    browser, cargo, cone, container, coverage, deny, deps, examples, features, growth, layers, names, new_provider,
    package, platforms, prose, providers, public, snapshots, test, traps,
};

#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// Whether `ci` runs it beside the checks that follow it. Such a check prints nothing.
    pub(crate) beside: bool,
    pub(crate) run: fn(&Workspace) -> Verdict,
}

impl Check {
    const fn new(name: &'static str, about: &'static str, run: fn(&Workspace) -> Verdict) -> Self {
        Self { name, about, beside: false, run }
    }

    const fn beside(self) -> Self {
        Self { beside: true, ..self }
    }
}

/// Every check, in the order of `cargo xtask ci`.
pub(crate) const CHECKS: &[Check] = &[
    Check::new("fmt", "every file is formatted (fix: cargo fmt --all)", cargo::fmt),
    Check::new("layers", "crates depend on each other only as docs/architecture.md allows", layers::run),
    Check::new(
        "providers",
        "every list names every provider, and its code cites the rows of its contract",
        providers::run,
    ),
    Check::new("public", "no machine paths, no unfinished or debugging macros, no ignored tests", public::run),
    Check::new("names", "paths, links and xtask commands named in the documentation exist", |ws| {
        names::run(ws, is_command)
    }),
    Check::new(
        "prose",
        "pages, doc comments and messages contain no phrase that docs/language.md rules out",
        prose::run,
    ),
    Check::new("traps", "docs/traps.md explains every trap of docs/contract (--write: writes it)", traps::run),
    Check::new("deps", "every external dependency is used, and explained in docs/dependencies.md", deps::run),
    Check::new("growth", "a public type of a library can grow without breaking its users", growth::run),
    Check::new("cone", "the dependency trees stay within their budgets", cone::run),
    Check::new("clippy", "clippy over all targets and features, warnings are errors", cargo::clippy),
    Check::new("features", "each feature compiles alone, with none and with all, without warnings", features::run)
        .beside(),
    Check::new("docs", "the documentation builds without warnings", cargo::docs),
    Check::new("test", "all tests and doctests, with all features", test::run),
    Check::new("browser", "the sandbox's pages in a real browser: a part of the tests (Chromium)", browser::run),
    Check::new(
        "coverage",
        "every row of docs/contract has a type, a sandbox check and a test (--verbose: all rows)",
        coverage::run,
    ),
    Check::new("snapshots", "no snapshot is pending or unreferenced (after `test`)", snapshots::run),
];

/// The check `coverage` with a list of all covered rows.
pub(crate) const COVERAGE_VERBOSE: Check = Check::new("coverage", "", coverage::run_verbose);

/// Checks of a generated page, called with `--write`.
pub(crate) const WRITERS: &[Check] =
    &[Check::new("examples", "", examples::write), Check::new("traps", "", traps::write)];

/// The checks of `cargo xtask full`, which run before the campaigns.
pub(crate) const FULL: &[Check] = &[
    Check::new("deny", "licenses, duplicate versions and sources of all dependencies (cargo-deny)", deny::run),
    Check::new(
        "examples",
        "docs/examples.md lists every example with its features and crates (--write: writes it)",
        examples::run,
    ),
    Check::new("trial", "a generated provider of each kind of login compiles and passes, in a temporary copy", |ws| {
        new_provider::trial::run(ws, is_command)
    }),
    Check::new("package", "each published crate builds from its package alone", package::run),
    Check::new(
        "container",
        "the release program runs in an empty directory, as in the image of docs/docker (which is not built)",
        container::run,
    ),
    Check::new("platforms", "the libraries compile for Windows and macOS (rustup)", platforms::run),
    Check::new("browser-all", "the sandbox's pages in a real browser: all tests (Chromium)", browser::run_all),
];

pub(crate) fn find(name: &str) -> Option<&'static Check> {
    CHECKS.iter().chain(FULL).find(|check| check.name == name)
}

pub(crate) fn is_command(word: &str) -> bool {
    matches!(word, "ci" | "full" | "campaign" | "bench" | "new-provider" | "help") || find(word).is_some()
}

/// Runs one check and prints its findings. Returns whether there are none.
pub(crate) fn report(check: &Check, ws: &Workspace) -> bool {
    print(check.name, &(check.run)(ws))
}

/// Prints the findings of a check. Returns whether there are none.
pub(crate) fn print(name: &str, verdict: &Verdict) -> bool {
    match verdict {
        Ok(findings) if findings.is_empty() => {
            println!("{name}: ok");
            true
        }
        Ok(findings) => {
            for finding in findings {
                println!("{name}: {finding}");
            }
            println!("{name}: {} finding(s)", findings.len());
            false
        }
        Err(broken) => {
            println!("{name}: could not run: {broken}");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_come_after_the_tests_that_reference_them() {
        let position = |name| CHECKS.iter().position(|check| check.name == name).unwrap();
        assert!(position("test") < position("snapshots"));
        assert!(position("test") < position("coverage"), "`test` builds what `coverage` needs");
        assert!(position("cone") < position("clippy"));
    }

    #[test]
    fn a_check_with_findings_or_an_error_is_not_ok() {
        let ws = Workspace::throwaway("nowhere", "nowhere/target");
        let check = |run| Check::new("sample", "", run);
        assert!(report(&check(|_| Ok(Vec::new())), &ws));
        assert!(!report(&check(|_| Ok(vec!["wrong".to_owned()])), &ws));
        assert!(!report(&check(|_| Err("no tool".to_owned())), &ws));
    }
}
