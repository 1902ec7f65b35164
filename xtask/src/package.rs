//! `cargo xtask package`: checks that every published crate builds from its package alone.
//!
//! The packages are built together, so that cargo takes none of them from the registry or from its folder. All of them
//! are built in one target directory, so that each dependency is compiled once. A package must contain a README, a
//! change log and both licenses, and say what a registry shows. Links in its README must work there.
//!
//! Cargo takes a package of a registry for unchangeable, but each run has other packages of the same version. So what a
//! previous run built and unpacked is removed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::Package;

use crate::finding::Verdict;
use crate::names;
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
        findings.extend(unset(package));
        let readme = package.manifest_path.with_file_name("README.md");
        let text = fs::read_to_string(readme).unwrap_or_default();
        findings.extend(relative_links(&package.name, &text));
    }
    let target = ws.target().join("package-check");
    let names: Vec<String> = published.iter().map(|package| format!("{}-{}", package.name, package.version)).collect();
    forget(&target, &cargo_home()?, &names).map_err(|error| format!("removing a previous run: {error}"))?;
    let mut build = ws.cargo(&["package", "--allow-dirty", "--quiet", "--target-dir"]);
    build.arg(target);
    build.args(published.iter().flat_map(|package| ["--package", package.name.as_str()]));
    if !ws.run(build)?.success() {
        findings.push("`cargo package` failed: see its output above".to_owned());
    }
    Ok(findings)
}

fn cargo_home() -> Result<PathBuf, String> {
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo"));
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home);
    home.ok_or_else(|| "neither CARGO_HOME nor HOME is set".to_owned())
}

/// Removes the target directory, and the packages that cargo unpacked from its temporary registry. The folders of such
/// registries begin with `-`, because their URL has no host.
fn forget(target: &Path, cargo_home: &Path, packages: &[String]) -> io::Result<()> {
    let remove = |folder: &Path| match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    remove(target)?;
    let registries = fs::read_dir(cargo_home.join("registry").join("src")).into_iter().flatten();
    for registry in registries.filter_map(Result::ok) {
        if registry.file_name().to_string_lossy().starts_with('-') {
            packages.iter().try_for_each(|package| remove(&registry.path().join(package)))?;
        }
    }
    Ok(())
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

/// Members of the manifest that a registry shows.
fn unset(package: &Package) -> Vec<String> {
    let docs_rs = package.metadata.pointer("/docs/rs/all-features").and_then(|all| all.as_bool());
    let members = [
        ("description", package.description.is_some()),
        ("license", package.license.is_some()),
        ("documentation", package.documentation.is_some()),
        ("readme", package.readme.is_some()),
        ("keywords", !package.keywords.is_empty()),
        ("categories", !package.categories.is_empty()),
        ("rust-version", package.rust_version.is_some()),
        ("package.metadata.docs.rs.all-features", docs_rs == Some(true)),
    ];
    let unset = members.iter().filter(|(_, is_set)| !is_set);
    unset.map(|(member, _)| format!("the manifest of {} does not set `{member}`", package.name)).collect()
}

/// A registry and docs.rs show the README without the repository around it.
fn relative_links(name: &str, readme: &str) -> Vec<String> {
    let mut fenced = false;
    let text = readme.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        !fenced && !is_fence
    });
    let links = text.flat_map(names::links);
    links
        .map(|target| format!("the README of {name} links to {target}, which a registry does not have: name the page in backticks, or link to docs.rs"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::throwaway::Throwaway;

    fn findings_in(repo: &Throwaway) -> Vec<String> {
        run(&repo.workspace()).unwrap()
    }

    const MANIFEST: &str = r#"
[workspace]
[package]
name = "sample"
version = "0.1.0"
edition = "2024"
rust-version = "1.89"
license = "MIT"
description = "A sample."
documentation = "https://docs.rs/sample"
readme = "README.md"
keywords = ["sample"]
categories = ["encoding"]
[package.metadata.docs.rs]
all-features = true
"#;

    #[test]
    fn a_package_that_lacks_a_file_is_found() {
        let repo = Throwaway::new();
        repo.write("Cargo.toml", MANIFEST);
        repo.write("src/lib.rs", "");
        for file in &FILES[1..] {
            repo.write(file, "");
        }
        assert!(findings_in(&repo).concat().contains("the package sample has no README.md: link it into"));
        repo.write("README.md", "# sample");
        assert_eq!(findings_in(&repo), [""; 0]);
        repo.write("src/lib.rs", "pub const PAGE: &str = include_str!(\"../../page.md\");");
        assert!(matches!(&findings_in(&repo)[..], [one] if one.starts_with("`cargo package` failed")));
        repo.write("Cargo.toml", &MANIFEST.replace("name", "publish = false\nname"));
        assert_eq!(findings_in(&repo), [""; 0]);
    }
    #[test]
    fn packages_of_a_previous_run_are_removed() {
        let repo = Throwaway::new();
        let files = ["target/a", "home/registry/src/-1f/sample-0.1.0/a", "home/registry/src/-1f/other-0.1.0/a"];
        let real = "home/registry/src/registry.example-1f/sample-0.1.0/a";
        for file in files.iter().chain([&real]) {
            repo.write(file, "");
        }
        for _ in 0..2 {
            forget(&repo.path("target"), &repo.path("home"), &["sample-0.1.0".to_owned()]).unwrap();
            assert_eq!(files.map(|file| repo.path(file).exists()), [false, false, true]);
            assert!(repo.path(real).exists());
        }
    }

    #[test]
    fn a_member_that_a_registry_shows_must_be_set() {
        let members = ["rust-version", "license", "description", "documentation", "readme", "keywords", "categories"];
        for member in members.into_iter().chain(["all-features"]) {
            let repo = Throwaway::new();
            let lines = MANIFEST.lines().filter(|line| !line.starts_with(member));
            repo.write("Cargo.toml", &lines.collect::<Vec<_>>().join("\n"));
            repo.write("src/lib.rs", "");
            let metadata = repo.workspace().metadata().unwrap();
            let found = unset(metadata.packages.first().unwrap());
            assert!(matches!(&found[..], [one] if one.contains(member)), "{member}: {found:?}");
        }
    }

    #[test]
    fn a_relative_link_in_a_readme_is_found() {
        assert_eq!(relative_links("sample", "[a](https://docs.rs/a) [b](#part)\n```rust\nf[0](x);\n```\n"), [""; 0]);
        let found = relative_links("sample", "```\n```\nRead [a](../../docs/a.md).");
        assert!(matches!(&found[..], [one] if one.contains("links to ../../docs/a.md, which")), "{found:?}");
    }
}
