//! `cargo xtask snapshots`: checks that every snapshot on disk is asserted by a test, and that none is pending.
//!
//! It compares the files under `crates/` with the references that the last successful `cargo xtask test` wrote.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::finding::Verdict;
use crate::test;
use crate::workspace::Workspace;

pub(crate) fn run(ws: &Workspace) -> Verdict {
    let mut files = Vec::new();
    walk(ws.root(), ws, &mut files).map_err(|error| format!("looking for snapshots: {error}"))?;
    let shown = |path: &Path| path.strip_prefix(ws.root()).unwrap_or(path).display().to_string();
    let is = |path: &Path, ends: fn(&str) -> bool| path.file_name().and_then(|name| name.to_str()).is_some_and(ends);
    // Pending snapshots of insta, which `.gitignore` excludes from commits.
    let pending =
        files.iter().filter(|path| is(path, |name| name.contains(".snap.new") || name.ends_with(".pending-snap")));
    let mut findings: Vec<String> =
        pending.map(|path| format!("{} is pending: accept or reject it (`cargo insta review`)", shown(path))).collect();

    let list = test::references(ws);
    let Ok(text) = fs::read_to_string(&list) else {
        findings.push(
            "no list of asserted snapshots: run `cargo xtask test` first (it writes the list when all tests pass)"
                .to_owned(),
        );
        return Ok(findings);
    };
    // Insta does not normalize paths (`tests/../snapshots`), so both sides are resolved before they are compared.
    let referenced: BTreeSet<PathBuf> = text.lines().filter_map(|line| fs::canonicalize(line).ok()).collect();
    let crates = ws.root().join("crates");
    let snapshots = files.iter().filter(|path| path.starts_with(&crates) && is(path, |name| name.ends_with(".snap")));
    findings.extend(
        snapshots
            .filter(|path| fs::canonicalize(path).is_ok_and(|path| !referenced.contains(&path)))
            .map(|path| format!("{} is asserted by no test: delete it, or restore its test", shown(path))),
    );
    Ok(findings)
}

/// Collects all files below a folder, except those of git and of the target directories.
fn walk(folder: &Path, ws: &Workspace, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let kind = entry.file_type()?;
        if kind.is_file() {
            files.push(path);
        } else if kind.is_dir()
            && path != ws.target()
            && path != ws.root().join("target")
            && entry.file_name() != ".git"
        {
            walk(&path, ws, files)?;
        }
    }
    files.sort();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::throwaway::Throwaway;

    fn findings_in(repo: &Throwaway) -> Vec<String> {
        run(&repo.workspace()).unwrap()
    }

    /// Writes the list as `cargo xtask test` would.
    fn reference(repo: &Throwaway, paths: &[&str]) {
        let lines: Vec<String> = paths.iter().map(|path| repo.path(path).display().to_string()).collect();
        repo.write("target/xtask/snapshot-references.txt", &lines.join("\n"));
    }

    #[test]
    fn an_unreferenced_snapshot_is_found() {
        let repo = Throwaway::new();
        repo.write("crates/core/tests/snapshots/a.snap", "");
        repo.write("crates/core/src/snapshots/b.snap", "");
        reference(&repo, &["crates/core/tests/../tests/snapshots/a.snap"]);
        let findings = findings_in(&repo);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings.first().unwrap().starts_with("crates/core/src/snapshots/b.snap is asserted by no test"));

        repo.remove("crates/core/src/snapshots/b.snap");
        assert_eq!(findings_in(&repo), [""; 0]);
    }

    #[test]
    fn a_pending_snapshot_is_found_also_if_git_ignores_it() {
        let repo = Throwaway::new();
        repo.write(".gitignore", "*.snap.new\n");
        reference(&repo, &[]);
        for path in ["crates/core/snapshots/a.snap.new", "xtask/src/.lib.rs.pending-snap", "crates/x/a.snap.new.png"] {
            repo.write(path, "");
            let findings = findings_in(&repo);
            assert_eq!(findings.len(), 1, "{findings:?}");
            assert!(findings.first().unwrap().contains("is pending"));
            repo.remove(path);
        }
        repo.write("target/debug/a.snap.new", "");
        assert_eq!(findings_in(&repo), [""; 0]);
    }

    #[test]
    fn without_a_successful_test_run_the_check_asks_for_one() {
        let repo = Throwaway::new();
        assert!(findings_in(&repo).first().unwrap().contains("run `cargo xtask test` first"));
    }
}
