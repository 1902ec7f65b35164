//! `cargo xtask test`: runs all tests and doctests of the workspace with all features.
//!
//! Snapshots are compared, never written. insta appends the path of each asserted snapshot to a list
//! (`INSTA_SNAPSHOT_REFERENCES_FILE`), which `cargo xtask snapshots` compares with the files on disk.
//!
//! Invariant: the list exists only after all tests passed, because the list of an incomplete run lacks references.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::finding::Verdict;
use crate::workspace::Workspace;

/// The list of snapshots that the last successful run asserted.
pub(crate) fn references(ws: &Workspace) -> PathBuf {
    ws.target().join("xtask").join("snapshot-references.txt")
}

pub(crate) fn run(ws: &Workspace) -> Verdict {
    let finished = references(ws);
    let growing = finished.with_extension("partial");
    prepare(&finished, &growing).map_err(|error| format!("preparing {}: {error}", finished.display()))?;

    let mut cargo = ws.cargo(&["test", "--workspace", "--all-features"]);
    cargo.env("INSTA_UPDATE", "no").env("INSTA_SNAPSHOT_REFERENCES_FILE", &growing);
    // A developer's shell can set this variable, with which insta accepts everything.
    cargo.env_remove("INSTA_FORCE_PASS");
    if std::env::var_os("RUST_TEST_THREADS").is_none() {
        cargo.env("RUST_TEST_THREADS", threads().to_string());
    }
    if !ws.run(cargo)?.success() {
        return Ok(vec!["some tests failed or did not compile: see above".to_owned()]);
    }
    fs::rename(&growing, &finished).map_err(|error| format!("writing {}: {error}", finished.display()))?;
    Ok(Vec::new())
}

/// Number of tests that run at the same time. Tests of servers and of the program wait more than they compute: with one
/// thread per core, each core is half idle.
fn threads() -> usize {
    3 * std::thread::available_parallelism().map_or(1, usize::from)
}

/// Removes the list of the previous run and creates an empty one: insta creates none if no test asserts a snapshot.
fn prepare(finished: &Path, growing: &Path) -> io::Result<()> {
    if let Some(folder) = finished.parent() {
        fs::create_dir_all(folder)?;
    }
    match fs::remove_file(finished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::write(growing, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::throwaway::Throwaway;

    /// Simulates insta: checks its environment and appends a path to the list.
    const REFERENCES: &str = r#"
#[test]
fn asserts_a_snapshot() {
    use std::io::Write;
    assert_eq!(std::env::var("INSTA_UPDATE").unwrap(), "no");
    let list = std::env::var("INSTA_SNAPSHOT_REFERENCES_FILE").unwrap();
    writeln!(std::fs::OpenOptions::new().append(true).create(true).open(list).unwrap(), "asserted.snap").unwrap();
    assert_eq!(1 + 1, ANSWER);
}
"#;

    #[test]
    fn a_failing_test_is_found_and_leaves_no_list_of_snapshots() {
        let repo = Throwaway::package(&REFERENCES.replace("ANSWER", "2"));
        let ws = repo.workspace();
        assert_eq!(run(&ws).unwrap(), [""; 0]);
        assert_eq!(fs::read_to_string(references(&ws)).unwrap(), "asserted.snap\n");

        repo.lib(&REFERENCES.replace("ANSWER", "3"));
        assert_eq!(run(&ws).unwrap().len(), 1);
        assert!(!references(&ws).exists());
    }

    #[test]
    fn a_failing_doctest_is_found() {
        let example = |answer| {
            format!(
                "/// ```\n/// assert_eq!(identkit_sample::one(), {answer});\n/// ```\npub fn one() -> u8 {{\n    1\n}}\n"
            )
        };
        let repo = Throwaway::package(&example(2));
        let ws = repo.workspace();
        assert_eq!(run(&ws).unwrap().len(), 1);
        repo.lib(&example(1));
        assert_eq!(run(&ws).unwrap(), [""; 0]);
        assert_eq!(fs::read_to_string(references(&ws)).unwrap(), "");
    }
}
