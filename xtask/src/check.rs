//! What a check is: a name, one line of help, and a function from a workspace to findings.
//!
//! Invariant: [`CHECKS`] is the only list of checks. The help, `cargo xtask ci` and the check of names in the
//! documentation all read it, and its order is the order of `ci`: cheap checks first, `snapshots` after `test`.

use std::fmt;

use crate::finding::Verdict;
use crate::workspace::Workspace;
use crate::{cargo, cone, coverage, deps, features, layers, names, prose, public, snapshots, test};

/// One check.
pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn(&Workspace) -> Verdict,
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Every check, in the order of `cargo xtask ci`.
pub(crate) const CHECKS: &[Check] = &[
    Check { name: "fmt", about: "every file is formatted (repair: cargo fmt --all)", run: cargo::fmt },
    Check {
        name: "layers",
        about: "crates depend on each other only where the architecture says so",
        run: layers::run,
    },
    Check {
        name: "public",
        about: "no machine paths, no unfinished or debugging macros, no ignored tests",
        run: public::run,
    },
    Check {
        name: "names",
        about: "paths, links and xtask commands named in the documentation exist",
        run: |ws| names::run(ws, is_command),
    },
    Check {
        name: "prose",
        about: "pages, doc comments and messages hold no phrase that docs/language.md rules out",
        run: prose::run,
    },
    Check {
        name: "deps",
        about: "every outside dependency is used, and explained in docs/dependencies.md",
        run: deps::run,
    },
    Check { name: "cone", about: "the dependency trees stay within their budgets", run: cone::run },
    Check { name: "clippy", about: "clippy over all targets and features, warnings are errors", run: cargo::clippy },
    Check {
        name: "features",
        about: "each feature compiles alone, with none and with all, without warnings",
        run: features::run,
    },
    Check { name: "docs", about: "the documentation builds without warnings", run: cargo::docs },
    Check { name: "test", about: "all tests and doctests, with all features", run: test::run },
    Check {
        name: "coverage",
        about: "every row of docs/contract has a type, a sandbox check and a test (--verbose: all rows)",
        run: coverage::run,
    },
    Check { name: "snapshots", about: "no snapshot is pending or unreferenced (after `test`)", run: snapshots::run },
];

/// Finds a check by its name.
pub(crate) fn find(name: &str) -> Option<&'static Check> {
    CHECKS.iter().find(|check| check.name == name)
}

/// Is this word a command of `cargo xtask`?
pub(crate) fn is_command(word: &str) -> bool {
    matches!(word, "ci" | "campaign" | "bench" | "help") || find(word).is_some()
}

/// The run of a check that has more to say with `--verbose`.
fn verbose(check: &Check) -> Option<fn(&Workspace) -> Verdict> {
    (check.name == "coverage").then_some(coverage::run_verbose)
}

/// Does this check have more to say with `--verbose`?
pub(crate) fn has_verbose(check: &Check) -> bool {
    verbose(check).is_some()
}

/// Runs one check and prints what it says; true when nothing was found.
pub(crate) fn report(check: &Check, ws: &Workspace) -> bool {
    said(check, (check.run)(ws))
}

/// As [`report`], with all that the check has to say.
pub(crate) fn report_verbose(check: &Check, ws: &Workspace) -> bool {
    said(check, verbose(check).unwrap_or(check.run)(ws))
}

fn said(check: &Check, verdict: Verdict) -> bool {
    match verdict {
        Ok(findings) if findings.is_empty() => {
            println!("{}: ok", check.name);
            true
        }
        Ok(findings) => {
            for finding in &findings {
                println!("{}: {finding}", check.name);
            }
            println!("{}: {} finding(s)", check.name, findings.len());
            false
        }
        Err(broken) => {
            println!("{}: {broken}", check.name);
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Broken, Finding};

    #[test]
    fn snapshots_come_after_the_tests_that_reference_them() {
        let place = |name| CHECKS.iter().position(|check| check.name == name).unwrap();
        assert!(place("test") < place("snapshots"));
        assert!(place("test") < place("coverage"), "what it needs is built by then");
        assert!(place("cone") < place("clippy"));
    }

    #[test]
    fn a_check_that_found_something_or_could_not_run_is_not_ok() {
        let ws = Workspace::at("nowhere", "nowhere/target");
        let check = |run| Check { name: "sample", about: "", run };
        assert!(report(&check(|_| Ok(Vec::new())), &ws));
        assert!(!report(&check(|_| Ok(vec![Finding::new("wrong")])), &ws));
        assert!(!report(&check(|_| Err(Broken::new("no tool"))), &ws));
    }
}
