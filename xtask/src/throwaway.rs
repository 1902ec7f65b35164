//! For tests: small workspaces in a temporary directory, each with a deliberate fault.
//!
//! They have no external dependencies and their own target directory, so cargo runs on them offline in about a second,
//! and never waits for the lock of the real target directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::workspace::Workspace;

pub(crate) struct Throwaway(TempDir);

impl Throwaway {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn repository() -> Self {
        let repo = Self::new();
        repo.git(&["init", "--quiet"]);
        repo
    }

    /// Creates a workspace of one library crate at `crates/sample`, with the real lints and clippy settings.
    pub(crate) fn package(lib: &str) -> Self {
        let repo = Self::new();
        let manifest = fs::read_to_string(real_root().join("Cargo.toml")).unwrap();
        repo.write(
            "Cargo.toml",
            &format!("[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n\n{}", lint_tables(&manifest)),
        );
        repo.write(".clippy.toml", &fs::read_to_string(real_root().join(".clippy.toml")).unwrap());
        repo.manifest("");
        repo.lib(lib);
        repo
    }

    /// Creates a package outside any workspace, like one from a registry.
    pub(crate) fn outside(name: &str) -> Self {
        let package = Self::new();
        package
            .write("Cargo.toml", &format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2024\"\n"));
        package.write("src/lib.rs", "");
        package
    }

    /// Returns the line of a manifest that depends on this package.
    pub(crate) fn dependency(&self, name: &str) -> String {
        format!("{name} = {{ path = {:?} }}\n", self.0.path())
    }

    /// Writes the manifest of `crates/sample` with further lines.
    pub(crate) fn manifest(&self, more: &str) {
        self.member("sample", more);
    }

    /// Writes the manifest and an empty library of a crate.
    pub(crate) fn member(&self, folder: &str, more: &str) {
        let name = if folder == "identkit" { folder.to_owned() } else { format!("identkit-{folder}") };
        let package = format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
        self.write(&format!("crates/{folder}/Cargo.toml"), &format!("{package}\n[lints]\nworkspace = true\n\n{more}"));
        if !self.path(&format!("crates/{folder}/src/lib.rs")).exists() {
            self.write(&format!("crates/{folder}/src/lib.rs"), "");
        }
    }

    /// Writes the library of `crates/sample`, after a line of crate documentation.
    pub(crate) fn lib(&self, code: &str) {
        self.write("crates/sample/src/lib.rs", &format!("//! A sample.\n{code}"));
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.path(path)).unwrap();
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    pub(crate) fn git(&self, args: &[&str]) {
        assert!(Command::new("git").args(args).current_dir(self.0.path()).status().unwrap().success());
    }

    pub(crate) fn workspace(&self) -> Workspace {
        Workspace::throwaway(self.0.path(), self.path("target"))
    }
}

fn real_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The `[workspace.lints.*]` tables of the real workspace, so that tests of clippy use its lints.
fn lint_tables(manifest: &str) -> String {
    let (_, rest) = manifest.split_once("[workspace.lints.rust]").unwrap();
    let (tables, _) = rest.split_once("[workspace.dependencies]").unwrap();
    assert!(tables.contains("unwrap_used"), "the workspace has no lints");
    format!("[workspace.lints.rust]{tables}")
}

/// Returns the only finding.
pub(crate) fn one(findings: Vec<String>) -> String {
    assert_eq!(findings.len(), 1, "{findings:?}");
    findings.concat()
}
