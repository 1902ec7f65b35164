//! The repository under check: its files, its packages, and calls of cargo and git.
//!
//! Invariant: every check takes the workspace as a value, so that tests run the same code on a throwaway package.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};

use cargo_metadata::{Metadata, MetadataCommand};

pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
    /// Whether it belongs to a test. Then its tools print nothing, so that their `test result` lines do not mix with
    /// the real ones, and cargo uses its target directory.
    throwaway: bool,
    /// Whether cargo must be given the target directory, because it is not the usual one.
    redirected: bool,
}

impl Workspace {
    /// Returns the workspace of this program.
    pub(crate) fn current() -> Result<Self, String> {
        // `cargo run` sets the variable. If the binary is started directly, the value of the build is used.
        let package =
            std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        let root = package.parent().ok_or_else(|| "the xtask package has no parent folder".to_owned())?.to_owned();
        let mut ws = Self { root, target: PathBuf::new(), throwaway: false, redirected: false };
        ws.target = ws.metadata()?.target_directory.into();
        Ok(ws)
    }

    /// Creates the workspace of a copy of this repository, which uses the given target directory.
    pub(crate) fn copy(root: PathBuf, target: PathBuf) -> Self {
        Self { root, target, throwaway: false, redirected: true }
    }

    /// Creates a workspace with its own target directory, whose tools print nothing.
    #[cfg(test)]
    pub(crate) fn throwaway(root: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), target: target.into(), throwaway: true, redirected: true }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The target directory.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Returns a call of cargo. It fails instead of changing `Cargo.lock`: a check must see what is committed.
    pub(crate) fn cargo(&self, args: &[&str]) -> Command {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        let (subcommand, rest) = args.split_at(1.min(args.len()));
        command.args(subcommand).current_dir(&self.root);
        if self.redirected {
            command.env("CARGO_TARGET_DIR", &self.target);
        }
        // A throwaway workspace has no external dependencies and no lock file.
        if !self.throwaway && subcommand != ["fmt"] && subcommand != ["update"] {
            // `cargo fmt` resolves nothing, and `cargo update` is called to change the lock file.
            command.arg("--locked");
        }
        command.args(rest);
        without_own_variables(&mut command);
        command
    }

    /// Returns a call of a program that cargo built, as `cargo test` runs it: in the directory of its package.
    pub(crate) fn program(&self, file: impl AsRef<OsStr>, package: impl AsRef<Path>) -> Command {
        let mut command = Command::new(file);
        without_own_variables(&mut command);
        command.current_dir(&package).env("CARGO_MANIFEST_DIR", package.as_ref());
        command
    }

    /// Runs a command; its output goes to the terminal.
    pub(crate) fn run(&self, mut command: Command) -> Result<ExitStatus, String> {
        if self.throwaway {
            command.stdout(Stdio::null()).stderr(Stdio::null());
        }
        command.stdin(Stdio::null()).status().map_err(|error| cannot_start(&command, &error))
    }

    /// Prints a text that is not a finding.
    pub(crate) fn print(&self, text: &str) {
        if !self.throwaway {
            println!("{text}");
        }
    }

    /// Whether it belongs to a test.
    pub(crate) fn is_throwaway(&self) -> bool {
        self.throwaway
    }

    /// Runs a command and returns its standard output; its errors go to the terminal.
    pub(crate) fn capture_stdout(&self, mut command: Command) -> Result<Output, String> {
        if !self.throwaway {
            command.stderr(Stdio::inherit());
        }
        self.capture(command)
    }

    pub(crate) fn capture(&self, mut command: Command) -> Result<Output, String> {
        command.stdin(Stdio::null()).output().map_err(|error| cannot_start(&command, &error))
    }

    /// Runs a command that must succeed, and returns its output.
    pub(crate) fn output(&self, what: &str, command: Command) -> Result<String, String> {
        let output = self.capture(command)?;
        if !output.status.success() {
            return Err(format!("{what}: {}", String::from_utf8_lossy(&output.stderr).trim()));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Reads the declared packages of the workspace. Nothing is resolved, so this works offline, without a lock file,
    /// and with an invalid dependency graph.
    pub(crate) fn metadata(&self) -> Result<Metadata, String> {
        let command = self.cargo(&["metadata", "--format-version", "1", "--no-deps"]);
        MetadataCommand::parse(self.output("cargo metadata", command)?)
            .map_err(|error| format!("cargo metadata: {error}"))
    }

    /// Lists the files of the repository relative to its root: committed, staged and new files, without ignored ones.
    pub(crate) fn files(&self) -> Result<Vec<String>, String> {
        let mut git = Command::new("git");
        // The user of CI often does not own the checkout.
        git.args(["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        git.arg("--deduplicate").current_dir(&self.root);
        let listed = self.output("git ls-files", git)?;
        // A file that was deleted but not yet committed is still listed.
        let paths = listed.split('\0').filter(|path| !path.is_empty() && self.root.join(path).is_file());
        Ok(paths.map(str::to_owned).collect())
    }

    /// Reads a file of the repository as text; invalid UTF-8 is replaced.
    pub(crate) fn read(&self, path: &str) -> Result<String, String> {
        let bytes = fs::read(self.root.join(path)).map_err(|error| format!("reading {path}: {error}"))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Reads the files of the repository whose paths pass the filter. Returns paths and texts.
    pub(crate) fn read_all(&self, wanted: impl Fn(&str) -> bool) -> Result<Vec<(String, String)>, String> {
        let files = self.files()?.into_iter().filter(|path| wanted(path));
        files.map(|path| self.read(&path).map(|text| (path, text))).collect()
    }
}

/// Removes the variables that `cargo run` set for the checks themselves.
fn without_own_variables(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(set_by_cargo_run) {
            command.env_remove(name);
        }
    }
}

/// Whether `cargo run` sets this variable. Build scripts watch some of them, so passing them on would make cargo
/// rebuild crates whenever a developer switches between `cargo xtask` and plain cargo.
fn set_by_cargo_run(name: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CFG_"].iter().any(|prefix| name.starts_with(prefix))
        || matches!(name, "CARGO_CRATE_NAME" | "CARGO_PRIMARY_PACKAGE" | "OUT_DIR")
}

fn cannot_start(command: &Command, error: &std::io::Error) -> String {
    format!("starting {}: {error}", command.get_program().to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::throwaway::Throwaway;

    /// Returns the places that call cargo without `--locked`, or not through [`Workspace::cargo`].
    fn unlocked(path: &str, text: &str) -> Vec<String> {
        let is_script = path.starts_with(".ci/") || path == ".cargo/config.toml";
        // Assembled, so that this file does not contain them.
        let programs = [concat!("\"", "cargo\""), concat!("\"", "CARGO\"")];
        let calls = |line: &str| {
            let line = line.trim_start();
            if line.starts_with(['#', '/']) {
                return false;
            }
            if !is_script {
                return path.ends_with(".rs") && programs.iter().any(|program| line.contains(program));
            }
            // An alias of cargo, or a command of a script that resolves dependencies.
            let resolves = ["build", "check", "run", "fetch", "install", "test"];
            let call = line.split_once("cargo ").or_else(|| line.split_once(" = \"")).map_or("", |(_, call)| call);
            resolves.iter().any(|word| call.split(' ').next() == Some(word)) && !call.contains("--locked")
        };
        (1..).zip(text.lines()).filter(|(_, line)| calls(line)).map(|(number, _)| format!("{path}:{number}")).collect()
    }

    #[test]
    fn every_call_of_cargo_is_locked() {
        let ws = Workspace::current().unwrap();
        let sources = ws
            .read_all(|path| path.ends_with(".rs") || path.starts_with(".ci/") || path == ".cargo/config.toml")
            .unwrap();
        let found: Vec<String> = sources.iter().flat_map(|(path, text)| unlocked(path, text)).collect();
        // The helper above, and that of the benchmark, which is a program of its own.
        let helpers = ["xtask/bench/src/cone.rs", "xtask/src/workspace.rs"];
        let files: Vec<&str> = found.iter().filter_map(|place| place.split(':').next()).collect();
        assert_eq!(files, helpers, "{found:?}");

        let locked = |args: &[&str]| ws.cargo(args).get_args().any(|arg| arg == "--locked");
        assert!(locked(&["check", "-p", "identkit"]) && locked(&["metadata"]));
        assert!(!locked(&["fmt", "--all"]));
    }

    #[test]
    fn a_call_of_cargo_that_is_not_locked_is_found() {
        let call = concat!("fn f() {\n    Command::new(\"car", "go\").arg(\"tree\");\n}");
        assert_eq!(unlocked("xtask/src/new.rs", call), ["xtask/src/new.rs:2"]);
        assert_eq!(unlocked(".ci/run", "set -e\n# cargo build\ncargo build --quiet\n"), [".ci/run:3"]);
        assert_eq!(unlocked(".ci/run", "if x; then cargo install tool; fi\n"), [".ci/run:1"]);
        assert_eq!(unlocked(".ci/run", "cargo build --locked --quiet\ncargo --version\ncargo xtask ci\n"), [""; 0]);
        assert_eq!(
            unlocked(".cargo/config.toml", "[alias]\nxtask = \"run --package xtask --\"\n"),
            [".cargo/config.toml:2"]
        );
    }

    #[test]
    fn files_lists_new_but_not_ignored_and_deleted_files() {
        let repo = Throwaway::repository();
        repo.write(".gitignore", "secret.txt\n");
        repo.write("secret.txt", "");
        repo.write("sub/new.txt", "");
        repo.write("gone.txt", "");
        repo.git(&["add", "gone.txt"]);
        repo.remove("gone.txt");
        assert_eq!(repo.workspace().files().unwrap(), [".gitignore", "sub/new.txt"]);
    }

    #[test]
    fn a_folder_without_a_manifest_is_an_error() {
        let repo = Throwaway::new();
        assert!(repo.workspace().metadata().is_err());
        assert!(repo.workspace().read("README.md").is_err());
    }
}
