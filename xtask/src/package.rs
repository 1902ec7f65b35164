//! `cargo xtask package`: every crate that is published can be packaged, and builds from its package alone.
//!
//! The packages are built together: cargo lays those of the workspace over the registry, so that none is taken from the
//! registry or from its folder here. A package must hold its front page, its change log and both licenses.

use std::process::Command;

use crate::finding::Verdict;
use crate::workspace::Workspace;

/// Files of every package, besides those that cargo demands.
const FILES: &[&str] = &["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"];

pub(crate) fn run(ws: &Workspace) -> Verdict {
    let metadata = ws.metadata()?;
    let published: Vec<_> =
        metadata.workspace_packages().into_iter().filter(|package| package.publish.is_none()).collect();
    if published.is_empty() {
        return Ok(Vec::new());
    }
    let mut findings = Vec::new();
    for package in &published {
        let listed = list(ws, &package.name)?;
        findings.extend(missing(&package.name, &listed));
    }
    let mut build = ws.cargo(&["package", "--locked", "--allow-dirty", "--quiet"]);
    build.args(published.iter().flat_map(|package| ["--package", package.name.as_str()]));
    if !ws.run(build)?.success() {
        findings.push("`cargo package` failed: its output above names the crate and the reason".to_owned());
    }
    Ok(findings)
}

/// The paths in the package of this name.
fn list(ws: &Workspace, name: &str) -> Result<String, String> {
    let list: Command = ws.cargo(&["package", "--locked", "--allow-dirty", "--list", "--package", name]);
    let output = ws.capture(list)?;
    String::from_utf8(output.stdout).map_err(|_| format!("the file list of {name} is not valid UTF-8"))
}

fn missing(name: &str, listed: &str) -> Vec<String> {
    FILES
        .iter()
        .filter(|file| !listed.lines().any(|line| line == **file))
        .map(|file| format!("the package {name} has no {file}: link it into the crate's folder"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::throwaway::Throwaway;

    fn said(repo: &Throwaway) -> Vec<String> {
        run(&repo.workspace()).unwrap()
    }

    #[test]
    fn a_package_that_needs_a_file_outside_it_or_lacks_one_is_found() {
        let repo = Throwaway::new();
        let manifest = "[workspace]\n[package]\nname = \"sample\"\nversion = \"0.1.0\"\nedition = \"2024\"\nlicense = \"MIT\"\ndescription = \"A sample.\"\n";
        repo.write("Cargo.toml", manifest);
        repo.write("Cargo.lock", "version = 4\n\n[[package]]\nname = \"sample\"\nversion = \"0.1.0\"\n");
        repo.write("src/lib.rs", "");
        for file in &FILES[1..] {
            repo.write(file, "");
        }
        assert_eq!(said(&repo), ["the package sample has no README.md: link it into the crate's folder"]);
        repo.write("README.md", "# sample");
        assert_eq!(said(&repo), [""; 0]);
        repo.write("src/lib.rs", "pub const PAGE: &str = include_str!(\"../../page.md\");");
        assert!(matches!(&said(&repo)[..], [one] if one.starts_with("`cargo package` failed")));
        repo.write("Cargo.toml", &format!("{manifest}publish = false\n"));
        assert_eq!(said(&repo), [""; 0]);
    }
}
