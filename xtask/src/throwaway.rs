//! Tests only: small workspaces in a temporary folder, each with a deliberate fault.
//!
//! They have no outside dependencies and a target folder of their own, so cargo runs on them offline and in about a
//! second, and never waits for the lock of the real target folder.

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

    /// A workspace of one library crate at `crates/sample`, under the lints and the clippy settings of the real one.
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

    /// A package that belongs to no workspace, as one from a registry would.
    pub(crate) fn outside(name: &str) -> Self {
        let package = Self::new();
        package
            .write("Cargo.toml", &format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2024\"\n"));
        package.write("src/lib.rs", "");
        package
    }

    /// The line of a manifest that depends on the package in this folder.
    pub(crate) fn dependency(&self, name: &str) -> String {
        format!("{name} = {{ path = {:?} }}\n", self.0.path())
    }

    /// Writes the manifest of `crates/sample`, with more lines at its end.
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

    /// Writes the library of `crates/sample`, under a line of crate documentation.
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
        Workspace::at(self.0.path(), self.path("target"))
    }
}

fn real_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The `[workspace.lints.*]` tables, so that a test of clippy is a test of the lints that the workspace really has.
fn lint_tables(manifest: &str) -> String {
    let (_, rest) = manifest.split_once("[workspace.lints.rust]").unwrap();
    let (tables, _) = rest.split_once("[workspace.dependencies]").unwrap();
    assert!(tables.contains("unwrap_used"), "the workspace has lost its lints");
    format!("[workspace.lints.rust]{tables}")
}

/// The only finding.
pub(crate) fn one(findings: Vec<String>) -> String {
    assert_eq!(findings.len(), 1, "{findings:?}");
    findings.concat()
}
