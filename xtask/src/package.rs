//! `cargo xtask package`: checks that every published crate builds from its package alone.
//!
//! The packages are built together, so that cargo takes none of them from the registry or from its folder. A package
//! must contain a README, a change log and both licenses.

use std::process::Command;

use crate::finding::Verdict;
use crate::workspace::Workspace;

/// Required files of a package, in addition to those that cargo requires.
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
    let mut build = ws.cargo(&["package", "--allow-dirty", "--quiet"]);
    build.args(published.iter().flat_map(|package| ["--package", package.name.as_str()]));
    if !ws.run(build)?.success() {
        findings.push("`cargo package` failed: see its output above".to_owned());
    }
    Ok(findings)
}

/// Lists the paths in a package.
fn list(ws: &Workspace, name: &str) -> Result<String, String> {
    let list: Command = ws.cargo(&["package", "--allow-dirty", "--list", "--package", name]);
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

    fn findings_in(repo: &Throwaway) -> Vec<String> {
        run(&repo.workspace()).unwrap()
    }

    #[test]
    fn a_package_that_lacks_a_file_is_found() {
        let repo = Throwaway::new();
        let manifest = "[workspace]\n[package]\nname = \"sample\"\nversion = \"0.1.0\"\nedition = \"2024\"\nlicense = \"MIT\"\ndescription = \"A sample.\"\n";
        repo.write("Cargo.toml", manifest);
        repo.write("Cargo.lock", "version = 4\n\n[[package]]\nname = \"sample\"\nversion = \"0.1.0\"\n");
        repo.write("src/lib.rs", "");
        for file in &FILES[1..] {
            repo.write(file, "");
        }
        assert_eq!(findings_in(&repo), ["the package sample has no README.md: link it into the crate's folder"]);
        repo.write("README.md", "# sample");
        assert_eq!(findings_in(&repo), [""; 0]);
        repo.write("src/lib.rs", "pub const PAGE: &str = include_str!(\"../../page.md\");");
        assert!(matches!(&findings_in(&repo)[..], [one] if one.starts_with("`cargo package` failed")));
        repo.write("Cargo.toml", &format!("{manifest}publish = false\n"));
        assert_eq!(findings_in(&repo), [""; 0]);
    }
}
