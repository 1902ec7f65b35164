//! `cargo xtask coverage`: every row of the contract has a typed field, a sandbox check and a test.
//!
//! Nothing here knows what is covered. The modules named `coverage` of the tests try each row of `docs/contract/` on
//! the code, and write what came of it into a folder that this check empties before it runs them; here it is compared
//! with the rows. Traps are looked for in the names of tests.
//!
//! Rows that are not built yet are named in one list ([`open::OPEN`]), which is shown and counted.
//!
//! Invariant: what nothing tells of is a gap. A row that was added, a test that was deleted or never ran, and evidence
//! of something else can therefore never pass.

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

pub(crate) fn run(ws: &Workspace) -> Verdict {
    look(ws, &OPEN, false)
}

/// As [`run`], with everything that was shown.
pub(crate) fn run_verbose(ws: &Workspace) -> Verdict {
    look(ws, &OPEN, true)
}

fn look(ws: &Workspace, open: &Open<'_>, verbose: bool) -> Verdict {
    let read = |name: &str| ws.read(&format!("docs/contract/{name}"));
    let contract =
        Contract::read(&read("fields.tsv")?, &read("status.tsv")?, &read("samples.tsv")?, &read("contract.md")?)?;
    let tested = traps::tested(&ws.read_all(|path| path.starts_with("crates/") && path.ends_with(".rs"))?);
    let (mut evidence, failed) = try_everything(ws)?;
    evidence.add_traps(tested);
    let (report, mut findings) = judge::judge(&contract, &evidence, open, verbose);
    ws.say(&report);
    if failed {
        findings.insert(0, "some coverage tests failed or did not compile: see above".to_owned());
    }
    Ok(findings)
}

/// Runs the tests, and says whether one failed.
fn try_everything(ws: &Workspace) -> Result<(Evidence, bool), String> {
    let folder = ws.target().join("xtask").join("coverage");
    let broken = |error| format!("preparing {}: {error}", folder.display());
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(broken(error)),
        _ => {}
    }
    fs::create_dir_all(&folder).map_err(broken)?;
    // With the features of `cargo xtask test`, so that nothing is built twice.
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

    const TELLS: &str = r#"//! Tells.

#[test]
fn at_01_and_at_02_and_ai_01_tell() {
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

    fn said(repo: &Throwaway) -> Vec<String> {
        look(&repo.workspace(), &NONE, false).unwrap()
    }

    #[test]
    fn evidence_of_the_run_before_does_not_count_and_a_failed_test_is_told() {
        let repo = repository(TELLS);
        assert_eq!(said(&repo), [""; 0]);
        // The same again: the folder was emptied.
        assert_eq!(said(&repo), [""; 0]);

        repo.write("crates/sample/tests/it/coverage.rs", &TELLS.replace("1 + 1, 2", "1 + 1, 3"));
        assert!(matches!(&said(&repo)[..], [one] if one.contains("tests failed")));

        // A test that tells nothing leaves every row without evidence, whatever was told before.
        repo.write(
            "crates/sample/tests/it/coverage.rs",
            "//! Silent.\n\n#[test]\nfn at_01_and_at_02_and_ai_01_tell() {}\n",
        );
        assert_eq!(said(&repo).len(), 16);
    }

    #[test]
    fn a_row_too_many_and_a_trap_without_a_test_are_found_in_a_repository() {
        let repo = repository(TELLS);
        let more = "F-004\tidentity.TM\tPUT /putOrder\treq\tColour\tS\t\tN\t\n";
        repo.write("docs/contract/fields.tsv", &format!("{FIELDS}{more}"));
        assert_eq!(said(&repo).len(), 3);

        repo.write("docs/contract/fields.tsv", FIELDS);
        repo.write("docs/contract/contract.md", &format!("{PAGE}| AT-03 | x | y |\n"));
        assert!(matches!(&said(&repo)[..], [one] if one.starts_with("AT-03 ")));

        repo.write("docs/contract/contract.md", PAGE);
        repo.remove("docs/contract/status.tsv");
        assert!(look(&repo.workspace(), &NONE, false).is_err());
    }
}
