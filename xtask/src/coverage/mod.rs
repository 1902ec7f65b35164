//! `cargo xtask coverage`: checks that every row of the contract has a typed field, a sandbox check and a test.
//!
//! The tests' modules named `coverage` try each row of `docs/contract/` on the code, and write the results into a
//! folder, which this check empties before it runs them. It compares the results with the rows. The evidence of traps
//! is the names of tests.
//!
//! [`open::OPEN`] lists the rows that are not built yet; the report shows and counts them.
//!
//! Invariant: a row without evidence is a gap. So a new row, a deleted test, a test that did not run, and evidence of
//! an unknown id are findings.

mod contract;
mod evidence;
mod judge;
mod open;
mod traps;

use std::fs;
use std::io;

use crate::finding::Verdict;
use crate::workspace::Workspace;

use contract::Contract;
use evidence::Evidence;
use open::{OPEN, Open};

const FOLDER: &str = "IDENTKIT_COVERAGE_DIR";

/// Whether the tables of `docs/contract/` contain the provider of this name.
pub(crate) fn knows(provider: &str) -> bool {
    contract::VENDORS.iter().any(|vendor| vendor.replace('.', "-").eq_ignore_ascii_case(provider))
}

pub(crate) fn run(ws: &Workspace) -> Verdict {
    look(ws, &OPEN, false)
}

/// Like [`run`], and lists the covered rows.
pub(crate) fn run_verbose(ws: &Workspace) -> Verdict {
    look(ws, &OPEN, true)
}

fn look(ws: &Workspace, open: &Open<'_>, verbose: bool) -> Verdict {
    let read = |name: &str| ws.read(&format!("docs/contract/{name}"));
    let contract =
        Contract::read(&read("fields.tsv")?, &read("status.tsv")?, &read("samples.tsv")?, &read("contract.md")?)?;
    let tested = traps::find(&ws.read_all(|path| path.starts_with("crates/") && path.ends_with(".rs"))?);
    let (mut evidence, failed) = run_tests(ws)?;
    evidence.add_traps(tested);
    let (report, mut findings) = judge::judge(&contract, &evidence, open, verbose);
    ws.print(&report);
    if failed {
        findings.insert(0, "some coverage tests failed or did not compile: see above".to_owned());
    }
    Ok(findings)
}

/// Runs the coverage tests. Returns their evidence, and whether a test failed.
fn run_tests(ws: &Workspace) -> Result<(Evidence, bool), String> {
    let folder = ws.target().join("xtask").join("coverage");
    let broken = |error| format!("preparing {}: {error}", folder.display());
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(broken(error)),
        _ => {}
    }
    fs::create_dir_all(&folder).map_err(broken)?;
    // The features are those of `cargo xtask test`, so that nothing is built twice.
    let mut cargo = ws.cargo(&["test", "--quiet", "--workspace", "--all-features", "--test", "it", "coverage::"]);
    cargo.env(FOLDER, &folder);
    let failed = !ws.run(cargo)?.success();
    Ok((Evidence::read(&folder)?, failed))
}

#[cfg(test)]
mod tests {
    use super::contract::tests::{FIELDS, PAGE, SAMPLES, STATUSES};
    use super::judge::tests::EVIDENCE;
    use super::*;
    use crate::throwaway::Throwaway;

    const NONE: Open<'_> = Open { new: &[], amended: &[] };

    const REPORTS: &str = r#"//! Reports.

#[test]
fn at_01_and_at_02_and_ai_01_report() {
    let folder = std::path::PathBuf::from(std::env::var_os("IDENTKIT_COVERAGE_DIR").unwrap());
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "the folder is empty");
    std::fs::write(folder.join("sample.tsv"), include_str!("evidence.tsv")).unwrap();
    assert_eq!(1 + 1, 2);
}
"#;

    fn repository(tests: &str) -> Throwaway {
        let repo = Throwaway::package("");
        repo.git(&["init", "--quiet"]);
        repo.write(".gitignore", "target\n");
        for (name, text) in
            [("fields.tsv", FIELDS), ("status.tsv", STATUSES), ("samples.tsv", SAMPLES), ("contract.md", PAGE)]
        {
            repo.write(&format!("docs/contract/{name}"), text);
        }
        repo.write("crates/sample/tests/it/main.rs", "//! Tests.\nmod coverage;\n");
        repo.write("crates/sample/tests/it/evidence.tsv", EVIDENCE);
        repo.write("crates/sample/tests/it/coverage.rs", tests);
        repo
    }

    fn findings_in(repo: &Throwaway) -> Vec<String> {
        look(&repo.workspace(), &NONE, false).unwrap()
    }

    #[test]
    fn old_evidence_does_not_count_and_failures_are_found() {
        let repo = repository(REPORTS);
        assert_eq!(findings_in(&repo), [""; 0]);
        // The folder is emptied before each run.
        assert_eq!(findings_in(&repo), [""; 0]);

        repo.write("crates/sample/tests/it/coverage.rs", &REPORTS.replace("1 + 1, 2", "1 + 1, 3"));
        assert!(matches!(&findings_in(&repo)[..], [one] if one.contains("tests failed")));

        // A test that reports nothing leaves every row without evidence.
        repo.write(
            "crates/sample/tests/it/coverage.rs",
            "//! Silent.\n\n#[test]\nfn at_01_and_at_02_and_ai_01_report() {}\n",
        );
        assert_eq!(findings_in(&repo).len(), 16);
    }

    #[test]
    fn a_new_row_and_a_trap_without_a_test_are_found() {
        let repo = repository(REPORTS);
        let more = "F-004\tidentity.TM\tPUT /putOrder\treq\tColour\tS\t\tN\t\n";
        repo.write("docs/contract/fields.tsv", &format!("{FIELDS}{more}"));
        assert_eq!(findings_in(&repo).len(), 3);

        repo.write("docs/contract/fields.tsv", FIELDS);
        repo.write("docs/contract/contract.md", &format!("{PAGE}| AT-03 | x | y |\n"));
        assert!(matches!(&findings_in(&repo)[..], [one] if one.starts_with("AT-03 ")));

        repo.write("docs/contract/contract.md", PAGE);
        repo.remove("docs/contract/status.tsv");
        assert!(look(&repo.workspace(), &NONE, false).is_err());
    }
}
