//! `cargo xtask deps`: checks that every external dependency is declared once, used, and explained.
//!
//! It compares `[workspace.dependencies]` in the root manifest, the dependencies of the crates, and the rows of
//! `docs/dependencies.md` that begin with a name in backticks.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::Metadata;

use crate::finding::Verdict;
use crate::workspace::Workspace;

const PAGE: &str = "docs/dependencies.md";

pub(crate) fn run(ws: &Workspace) -> Verdict {
    let root = ws.read("Cargo.toml")?;
    if !ws.root().join(PAGE).is_file() {
        return Ok(vec![format!(
            "{PAGE} is missing: write a table with a row that begins `| {} |` for each external dependency",
            "`name`"
        )]);
    }
    Ok(compare(&root, &used(&ws.metadata()?), &ws.read(PAGE)?))
}

/// Dependencies of the crates: the key in the manifest, and a crate that declares it.
fn used(metadata: &Metadata) -> BTreeMap<String, String> {
    let mut used = BTreeMap::new();
    for package in &metadata.packages {
        for dependency in &package.dependencies {
            let key = dependency.rename.as_ref().unwrap_or(&dependency.name);
            // Crates of the workspace are entries too; they have a path in the root manifest.
            used.entry(key.clone()).or_insert_with(|| package.name.to_string());
        }
    }
    used
}

fn compare(root: &str, used: &BTreeMap<String, String>, page: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let entries: Vec<_> = entries(root).collect();
    let explained: BTreeSet<&str> = page.lines().filter_map(row).collect();
    for (name, value) in &entries {
        if !used.contains_key(*name) {
            findings.push(format!(
                "[workspace.dependencies] names `{name}`, which no crate uses: remove it, with its row in {PAGE}"
            ));
        } else if !value.contains("path =") && !explained.contains(name) {
            findings.push(format!(
                "`{name}` is not explained in {PAGE}: add a row that begins `| \u{60}{name}\u{60} |` and says why it is needed"
            ));
        }
    }
    for (name, user) in used.iter().filter(|(name, _)| entries.iter().all(|(known, _)| known != name)) {
        findings.push(format!(
            "`{user}` declares its own version of `{name}`: declare it in [workspace.dependencies] and inherit it"
        ));
    }
    for name in explained.iter().filter(|name| !used.contains_key(**name)) {
        findings.push(format!("{PAGE} explains `{name}`, which no crate uses: remove the row"));
    }
    findings
}

/// The entries of `[workspace.dependencies]`, one per line. An entry in another style is not recognized, or has a name
/// that no crate uses; both are findings.
fn entries(root: &str) -> impl Iterator<Item = (&str, &str)> {
    let section = root.split_once("\n[workspace.dependencies]\n").unwrap_or_default().1;
    let lines = section.lines().take_while(|line| !line.starts_with('[')).filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(" = "))
}

/// Returns the name in a table row such as ``| `http` | why |``.
fn row(line: &str) -> Option<&str> {
    let cell = line.trim().strip_prefix('|')?.split('|').next()?;
    cell.trim().strip_prefix('`')?.strip_suffix('`')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::throwaway::{Throwaway, one};

    const ROOT: &str = "[workspace]\n[workspace.dependencies]\nidentkit-core = { path = \"crates/core\" }\nbytes = \"1\"\nhttp = \"1\"\n";
    const PAGE: &str = "| crate | why |\n|---|---|\n| `bytes` | bodies |\n| `http` | requests |\n";

    fn findings_in(root: &str, used: &[&str], page: &str) -> Vec<String> {
        let used = used.iter().map(|&name| (name.to_owned(), "identkit-wire".to_owned())).collect();
        compare(root, &used, page)
    }

    #[test]
    fn a_dependency_must_be_declared_used_and_explained() {
        let all = ["identkit-core", "bytes", "http"];
        assert_eq!(findings_in(ROOT, &all, PAGE), [""; 0]);
        assert!(one(findings_in(ROOT, &all, "| `bytes` | bodies |")).contains("`http` is not explained"));
        assert!(one(findings_in(ROOT, &all, &format!("{PAGE}| `old` | gone |"))).contains("explains `old`"));
        assert!(
            one(findings_in(ROOT, &["identkit-core", "bytes", "http", "rand"], PAGE))
                .contains("its own version of `rand`")
        );
    }

    #[test]
    fn an_unused_entry_is_found_also_if_it_is_a_workspace_crate() {
        assert!(
            one(findings_in(ROOT, &["bytes", "http"], PAGE)).contains("names `identkit-core`, which no crate uses")
        );
        let unused = findings_in(ROOT, &["identkit-core", "bytes"], PAGE);
        assert!(unused.iter().any(|text| text.contains("names `http`, which no crate uses")), "{unused:?}");
        assert!(unused.iter().any(|text| text.contains("explains `http`")), "{unused:?}");
    }

    #[test]
    fn dependencies_are_read_from_real_manifests() {
        let repo = Throwaway::package("");
        let ws = repo.workspace();
        let root = ws.read("Cargo.toml").unwrap();
        repo.write("Cargo.toml", &format!("{root}\n[workspace.dependencies]\nleaf = \"1\"\n"));
        repo.manifest("[dev-dependencies]\nleaf = { workspace = true }\n");
        assert!(one(run(&ws).unwrap()).contains("is missing"));
        repo.write("docs/dependencies.md", "| crate | why |\n");
        assert!(one(run(&ws).unwrap()).contains("`leaf` is not explained"));
        repo.write("docs/dependencies.md", "| `leaf` | for tests |\n");
        assert_eq!(run(&ws).unwrap(), [""; 0]);
    }
}
