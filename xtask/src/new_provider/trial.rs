//! `cargo xtask trial`: generates a provider of each kind of login in a temporary copy of the repository, runs its tests
//! and the checks, and throws it away.
//!
//! Three of them are in the workspace. Together they change at most [`FILES`] existing files. The fourth one is outside.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::name::Name;
use super::options::{Auth, Options};
use super::run as generate;
use crate::finding::Verdict;
use crate::workspace::Workspace;
use crate::{cone, deps, growth, layers, names, prose, providers, public};

/// Maximum number of existing files that three providers change, and of lines that they add and remove.
const FILES: usize = 14;
const ADDED: usize = 90;
const REMOVED: usize = 20;

/// The providers in the workspace, and the one outside.
const INSIDE: [(&str, Auth); 3] =
    [("trial-basic", Auth::Basic), ("trial-session", Auth::Session), ("trial-token", Auth::ClientCredentials)];
const OUTSIDE: (&str, Auth) = ("trial-key", Auth::Bearer);

/// Document from which messages and operations are generated.
const DOCUMENT: &str = "crates/example-provider/fixtures/openapi.json";

/// `is_command` returns whether a word is a command of `cargo xtask`.
pub(crate) fn run(ws: &Workspace, is_command: fn(&str) -> bool) -> Verdict {
    let folder = ws.target().join("xtask").join("trial");
    remove(&folder)?;
    let findings = try_in(&folder, ws, is_command);
    remove(&folder)?;
    findings
}

fn remove(folder: &Path) -> Result<(), String> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("removing {}: {error}", folder.display()))
        }
        _ => Ok(()),
    }
}

fn try_in(folder: &Path, ws: &Workspace, is_command: fn(&str) -> bool) -> Verdict {
    let (root, outside) = (folder.join("inside"), folder.join("outside"));
    copy(ws, &root).map_err(|error| format!("copying the repository: {error}"))?;
    let copied = Workspace::copy(root.clone(), ws.target().to_owned());
    let mut git = Command::new("git");
    git.args(["init", "--quiet"]).current_dir(&root);
    ws.output("git init", git)?;
    let document = root.join(DOCUMENT);
    for (name, auth) in INSIDE {
        let from = (auth == Auth::ClientCredentials).then(|| document.clone());
        generate(&Options { name: Name::parse(name)?, auth, from, outside: None }, &copied)?;
    }
    let mut findings = changes(ws, &copied)?;
    let packages = INSIDE.map(|(name, _)| format!("identkit-{name}"));
    let selected: Vec<&str> = packages.iter().flat_map(|package| ["--package", package.as_str()]).collect();
    let clippy = [&["clippy", "--all-features", "--tests"], &selected[..], &["--", "-D", "warnings"]].concat();
    for (what, args) in [
        ("the tests of the generated providers", [&["test", "--all-features"], &selected[..]].concat()),
        ("clippy over the generated providers", clippy),
        ("the facade", vec!["check", "--all-features", "--package", "identkit"]),
        ("the commands of the generated providers", vec!["test", "--package", "identkit-cli", "--bins", "calls::"]),
    ] {
        if !ws.run(copied.cargo(&args))?.success() {
            findings.push(format!("{what} failed: see above"));
        }
    }
    findings.extend(checks(&copied, is_command)?);
    let (name, auth) = OUTSIDE;
    generate(&Options { name: Name::parse(name)?, auth, from: None, outside: Some(outside.clone()) }, &copied)?;
    alone(&root, &outside).map_err(|error| format!("preparing the provider outside: {error}"))?;
    let outside = Workspace::copy(outside, ws.target().to_owned());
    ws.output("cargo update", outside.cargo(&["update", "--workspace", "--offline"]))?;
    if !ws.run(outside.cargo(&["test", "--all-features"]))?.success() {
        findings.push("the tests of the provider outside the workspace failed: see above".to_owned());
    }
    Ok(findings)
}

/// Gives the provider outside the lock file and the profiles of the workspace, so that nothing is downloaded or compiled
/// twice.
fn alone(root: &Path, outside: &Path) -> std::io::Result<()> {
    fs::copy(root.join("Cargo.lock"), outside.join("Cargo.lock"))?;
    let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
    let profiles = manifest.find("[profile.dev]").and_then(|at| manifest.get(at..)).unwrap_or_default();
    let own = fs::read_to_string(outside.join("Cargo.toml"))?;
    fs::write(outside.join("Cargo.toml"), format!("{own}\n{profiles}"))
}

/// Copies the files that git knows or would add.
fn copy(ws: &Workspace, root: &Path) -> Result<(), String> {
    for path in ws.files()? {
        let (from, to) = (ws.root().join(&path), root.join(&path));
        let copied = to.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| copy_one(&from, &to));
        copied.map_err(|error| format!("{path}: {error}"))?;
    }
    Ok(())
}

fn copy_one(from: &Path, to: &PathBuf) -> std::io::Result<()> {
    #[cfg(unix)]
    if from.is_symlink() {
        return std::os::unix::fs::symlink(fs::read_link(from)?, to);
    }
    fs::copy(from, to).map(drop)
}

/// Compares the existing files with their copies.
fn changes(ws: &Workspace, copied: &Workspace) -> Verdict {
    let (mut files, mut added, mut removed) = (0, 0, 0);
    for path in ws.files()? {
        let (before, after) = (ws.read(&path)?, copied.read(&path)?);
        if before != after {
            files += 1;
            added += without(&after, &before);
            removed += without(&before, &after);
        }
    }
    ws.print(&format!("three providers change {files} existing files: {added} lines added, {removed} removed"));
    Ok(judge(files, added, removed))
}

fn judge(files: usize, added: usize, removed: usize) -> Vec<String> {
    let rows = [("files", files, FILES), ("added lines", added, ADDED), ("removed lines", removed, REMOVED)];
    let over = rows.into_iter().filter(|(_, number, limit)| number > limit);
    over.map(|(what, number, limit)| {
        format!(
            "three providers change {number} {what} of existing lists, which exceeds {limit}: let a list be derived"
        )
    })
    .collect()
}

/// Number of lines that the other text does not have as often.
fn without(text: &str, other: &str) -> usize {
    let mut left: Vec<&str> = other.lines().collect();
    let mut count = 0;
    for line in text.lines() {
        match left.iter().position(|one| *one == line) {
            Some(at) => drop(left.swap_remove(at)),
            None => count += 1,
        }
    }
    count
}

/// Runs the checks that read the repository. The copy has no history and no target directory of its own.
fn checks(copied: &Workspace, is_command: fn(&str) -> bool) -> Verdict {
    Ok([
        layers::run(copied)?,
        providers::run(copied)?,
        public::run(copied)?,
        names::run(copied, is_command)?,
        prose::run(copied)?,
        deps::run(copied)?,
        growth::run(copied)?,
        cone::run(copied)?,
    ]
    .concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_with_their_number() {
        assert_eq!(without("a\nb\nb\nc", "b\na"), 2);
        assert_eq!(without("b\na", "a\nb\nb\nc"), 0);
    }

    #[test]
    fn more_changes_than_the_limits_are_found() {
        assert_eq!(judge(FILES, ADDED, REMOVED), [""; 0]);
        assert_eq!(judge(FILES + 1, ADDED + 1, REMOVED + 1).len(), 3);
    }
}
