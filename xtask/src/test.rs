//! `cargo xtask test`: runs all tests and doctests of the workspace with all features.
//!
//! The test programs run side by side, because most tests wait for servers and processes more than they compute. Each
//! program's output is printed when it ends.
//!
//! Snapshots are compared, never written. insta appends the path of each asserted snapshot to a list
//! (`INSTA_SNAPSHOT_REFERENCES_FILE`), which `cargo xtask snapshots` compares with the files on disk.
//!
//! Invariant: the list exists only after all tests passed, because the list of an incomplete run lacks references.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use cargo_metadata::{Artifact, Message};

use crate::finding::Verdict;
use crate::lanes;
use crate::workspace::Workspace;

/// The test programs that take longest, most of it waiting. They start first: one that starts last would run alone.
const LONGEST: [&str; 3] =
    ["crates/cli/tests/it/main.rs", "crates/collector/tests/it/main.rs", "crates/store/tests/it/main.rs"];

/// The list of snapshots that the last successful run asserted.
pub(crate) fn references(ws: &Workspace) -> PathBuf {
    ws.target().join("xtask").join("snapshot-references.txt")
}

pub(crate) fn run(ws: &Workspace) -> Verdict {
    let finished = references(ws);
    let growing = finished.with_extension("partial");
    prepare(&finished, &growing).map_err(|error| format!("preparing {}: {error}", finished.display()))?;

    let Some(mut programs) = programs(ws)? else {
        return Ok(vec!["some tests do not compile: see above".to_owned()]);
    };
    programs.push_front(("doctests".to_owned(), ws.cargo(&["test", "--doc", "--workspace", "--all-features"])));
    for (_, command) in &mut programs {
        command.env("INSTA_UPDATE", "no").env("INSTA_SNAPSHOT_REFERENCES_FILE", &growing);
        // A developer's shell can set this variable, with which insta accepts everything.
        command.env_remove("INSTA_FORCE_PASS");
        if std::env::var_os("RUST_TEST_THREADS").is_none() {
            command.env("RUST_TEST_THREADS", (3 * lanes::cores()).to_string());
        }
    }
    let failed = run_side_by_side(ws, programs)?;
    if !failed.is_empty() {
        return Ok(vec![format!("tests failed, see above: {}", failed.join(", "))]);
    }
    ws.print("not a part of these tests: the sandbox's pages in a real browser (cargo xtask browser)");
    fs::rename(&growing, &finished).map_err(|error| format!("writing {}: {error}", finished.display()))?;
    Ok(Vec::new())
}

/// What is run: a name for people, and the command.
type Program = (String, Command);

/// Compiles all tests, and returns the test programs: the longest first, then the largest, which have the most tests.
/// Returns `None` if something does not compile.
fn programs(ws: &Workspace) -> Result<Option<VecDeque<Program>>, String> {
    let all = ["test", "--no-run", "--workspace", "--all-features", "--message-format", "json-render-diagnostics"];
    let built = ws.capture_stdout(ws.cargo(&all))?;
    if !built.status.success() {
        return Ok(None);
    }
    let mut programs = Vec::new();
    for message in Message::parse_stream(built.stdout.as_slice()) {
        // A message that is left out would leave out its tests.
        match message.map_err(|error| format!("reading the messages of cargo: {error}"))? {
            Message::CompilerArtifact(artifact) if artifact.profile.test => programs.push(program(ws, &artifact)?),
            _ => {}
        }
    }
    programs.sort_by_key(|(size, (name, _))| (!LONGEST.contains(&name.as_str()), Reverse(*size)));
    Ok(Some(programs.into_iter().map(|(_, program)| program).collect()))
}

/// Returns the size of a test program, and how it is run: as by cargo, in the directory of its package.
fn program(ws: &Workspace, artifact: &Artifact) -> Result<(u64, Program), String> {
    let source = artifact.target.src_path.strip_prefix(ws.root()).unwrap_or(&artifact.target.src_path);
    let missing = || format!("cargo names no test program of {source}");
    let (file, package) = artifact.executable.as_ref().zip(artifact.manifest_path.parent()).ok_or_else(missing)?;
    let size = fs::metadata(file).map_err(|error| format!("reading {file}: {error}"))?.len();
    Ok((size, (source.to_string(), ws.program(file, package))))
}

/// Runs more programs at once than there are cores, because most of them wait. Returns the names of those that failed.
fn run_side_by_side(ws: &Workspace, programs: VecDeque<Program>) -> Result<Vec<String>, String> {
    let printing = Mutex::new(());
    let ended = lanes::run_all(lanes::cores() + 1, programs, |(name, command)| {
        let output = ws.capture(command)?;
        // The outputs of two programs must not mix.
        let _printing = printing.lock().unwrap_or_else(PoisonError::into_inner);
        ws.print(&format!("     Running {name}"));
        if !ws.is_throwaway() {
            // A closed standard output must not hide which tests failed.
            let _ = io::stdout().write_all(&output.stdout).and_then(|()| io::stdout().write_all(&output.stderr));
        }
        Ok((!output.status.success()).then_some(name))
    })?;
    Ok(ended.into_iter().flatten().collect())
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
    fn the_longest_test_programs_exist() {
        let ws = Workspace::current().unwrap();
        assert!(LONGEST.iter().all(|path| ws.root().join(path).is_file()));
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
