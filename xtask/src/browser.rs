//! `cargo xtask browser` and `cargo xtask browser-all`: the sandbox's pages, in a real browser.
//!
//! The tests are Python programs with Playwright (`crates/console/tests/browser`). They run the Chromium of this machine
//! and the `identkit` binary that the tests of the workspace build. The Python packages come with the versions and hashes
//! of a lock file into the target directory.
//!
//! Invariant: if a program is missing, `browser` says what it left out, and fails if `IDENTKIT_REQUIRE_TOOLS` is `1`;
//! `browser-all` fails.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cargo_metadata::Message;

use crate::finding::Verdict;
use crate::workspace::Workspace;

/// Folder of the tests.
const TESTS: &str = "crates/console/tests/browser";

/// Names of the browser's program. `IDENTKIT_CHROMIUM` names another one.
const CHROMIUM: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Runs a part of the tests, within a minute.
pub(crate) fn run(ws: &Workspace) -> Verdict {
    let required = std::env::var_os("IDENTKIT_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    check(ws, &[], required)
}

/// Runs all tests: every path of the person in both languages, and the console with 50,000 orders.
pub(crate) fn run_all(ws: &Workspace) -> Verdict {
    check(ws, &["--all"], true)
}

fn check(ws: &Workspace, arguments: &[&str], required: bool) -> Verdict {
    let (chromium, python) = match chromium().and_then(|chromium| Ok((chromium, python(ws)?))) {
        Ok(programs) => programs,
        Err(reason) => return Ok(leave_out(ws, &reason, required)),
    };
    let identkit = identkit(ws)?;
    let mut tests = Command::new(python);
    tests.arg(ws.root().join(TESTS).join("run.py")).args(arguments).current_dir(ws.root());
    tests.env("IDENTKIT", identkit).env("CHROMIUM", chromium).env("PYTHONDONTWRITEBYTECODE", "1");
    let ok = ws.run(tests)?.success();
    Ok(if ok { Vec::new() } else { vec!["tests failed in the browser: see above".to_owned()] })
}

/// Reports that the tests do not run: a finding where they must.
fn leave_out(ws: &Workspace, reason: &str, required: bool) -> Vec<String> {
    if required {
        return vec![format!("the tests in a browser ({TESTS}) cannot run: {reason}")];
    }
    ws.print(&format!("skipped: the tests in a browser ({TESTS}), because {reason}"));
    Vec::new()
}

/// Returns the program of the browser.
fn chromium() -> Result<PathBuf, String> {
    if let Some(named) = std::env::var_os("IDENTKIT_CHROMIUM") {
        return Ok(named.into());
    }
    let starts = |program: &&str| {
        let mut command = Command::new(program);
        command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let found = CHROMIUM.into_iter().find(starts);
    found.map(PathBuf::from).and_then(|program| in_path(&program)).ok_or_else(|| {
        "Chromium is missing (Debian: apt-get install chromium; or name it in IDENTKIT_CHROMIUM)".to_owned()
    })
}

/// Returns the whole path of a program: Playwright does not search for it.
fn in_path(program: &Path) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// Returns a Python with the packages of the lock file, in a virtual environment of the target directory.
fn python(ws: &Workspace) -> Result<PathBuf, String> {
    let folder = ws.target().join("browser");
    let program = folder.join("bin").join("python");
    let (wanted, installed) = (ws.root().join(TESTS).join("requirements.txt"), folder.join("requirements.txt"));
    let lock = fs::read(&wanted).map_err(|error| format!("reading {}: {error}", wanted.display()))?;
    if fs::read(&installed).is_ok_and(|found| found == lock) {
        return Ok(program);
    }
    ws.print("installing the Python packages of the tests in a browser");
    let mut create = Command::new("python3");
    create.args(["-m", "venv", "--clear"]).arg(&folder);
    ws.output("python3 with venv and ensurepip is missing", create)?;
    let mut install = Command::new(&program);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]);
    install.args(["--require-hashes", "--requirement"]).arg(&wanted);
    ws.output(&format!("a package of {TESTS}/requirements.txt is missing"), install)?;
    fs::write(&installed, lock).map_err(|error| format!("writing {}: {error}", installed.display()))?;
    Ok(program)
}

/// Returns the binary that the tests of the workspace use, and builds it if it is not up to date.
fn identkit(ws: &Workspace) -> Result<PathBuf, String> {
    let arguments =
        ["test", "--no-run", "--workspace", "--all-features", "--message-format", "json-render-diagnostics"];
    let built = ws.capture_stdout(ws.cargo(&arguments))?;
    for message in Message::parse_stream(built.stdout.as_slice()) {
        match message.map_err(|error| format!("reading the messages of cargo: {error}"))? {
            Message::CompilerArtifact(artifact) if !artifact.profile.test && artifact.target.name == "identkit" => {
                if let Some(program) = artifact.executable {
                    return Ok(program.into());
                }
            }
            _ => {}
        }
    }
    Err("cargo did not build the binary identkit: see above".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_without_a_browser_are_reported_or_fail() {
        let ws = Workspace::throwaway("nowhere", "nowhere/target");
        assert_eq!(leave_out(&ws, "Chromium is missing", false), [""; 0]);
        let findings = leave_out(&ws, "Chromium is missing", true);
        assert_eq!(findings, [format!("the tests in a browser ({TESTS}) cannot run: Chromium is missing")]);
    }

    #[test]
    fn a_program_is_found_by_its_whole_path() {
        assert!(in_path(Path::new("sh")).is_some_and(|path| path.is_absolute()));
        assert_eq!(in_path(Path::new("no-such-browser")), None);
    }
}
