//! `cargo xtask cone`: compares the number of crates that a user compiles for a crate of identkit with a budget.
//!
//! It counts unique crates (name and version, including the crate itself) in `cargo tree -e normal` on Linux. Each tree
//! is selected with `-p`, so that features of other workspace members do not affect it. Providers are found by their
//! role. With hyper and TLS they are measured through the facade, as users depend on them.

use std::collections::BTreeSet;

use crate::finding::Verdict;
use crate::members::providers;
use crate::table;
use crate::workspace::Workspace;

const CORE: usize = 18;
const WIRE: usize = 36;
const PROVIDER: usize = 42;
const PROVIDER_WITH_HYPER: usize = 72;

/// Kinds of edges and platforms: those that a Linux user compiles, and all.
pub(crate) const USED: [&str; 2] = ["normal", "x86_64-unknown-linux-gnu"];
const ANYWHERE: [&str; 2] = ["normal,build", "all"];

/// A dependency tree and its limits.
struct Cone {
    label: String,
    /// Names and versions.
    tree: BTreeSet<String>,
    /// Maximum number of crates; `None` if only hyper is searched for.
    budget: Option<usize>,
    /// Whether hyper must be in the tree. Otherwise it must not be.
    hyper: bool,
}

pub(crate) fn run(ws: &Workspace) -> Verdict {
    let mut findings = Vec::new();
    let mut cones = Vec::new();
    let mut measure = |label: String, args: &[&str], budget: Option<usize>, hyper| match tree(
        ws,
        if budget.is_some() { USED } else { ANYWHERE },
        args,
    ) {
        Ok(tree) => cones.push(Cone { label, tree, budget, hyper }),
        Err(error) => findings.push(format!("{label} could not be measured: {error}")),
    };
    measure("core".to_owned(), &["-p", "identkit-core"], Some(CORE), false);
    measure("wire".to_owned(), &["-p", "identkit-wire"], Some(WIRE), false);
    let providers = providers(&ws.metadata()?);
    if providers.is_empty() {
        return Err("no crate has the provider role, so there is nothing to measure".to_owned());
    }
    for (folder, package) in &providers {
        measure(folder.clone(), &["-p", package], Some(PROVIDER), false);
        let features = format!("{folder},http");
        let args = ["-p", "identkit", "--no-default-features", "--features", &features];
        measure(format!("identkit with {features}"), &args, Some(PROVIDER_WITH_HYPER), true);
        // No feature and no platform may add hyper, at build time or at run time.
        let all = ["-p", package, "--all-features"];
        measure(format!("{folder} with all features"), &all, None, false);
    }
    print!("{}", overview(&cones));
    findings.extend(judge(&cones));
    Ok(findings)
}

/// Reads a dependency tree. The error is one sentence.
pub(crate) fn tree(ws: &Workspace, [edges, target]: [&str; 2], args: &[&str]) -> Result<BTreeSet<String>, String> {
    let mut cargo = ws.cargo(&["tree", "--quiet", "-e", edges, "--target", target, "--prefix", "none"]);
    cargo.args(args);
    let units = parse(&ws.output(&format!("cargo tree {}", args.join(" ")), cargo)?);
    if units.is_empty() {
        return Err(format!("cargo tree {} printed no crates", args.join(" ")));
    }
    Ok(units)
}

/// Parses lines such as `serde v1.0.0 (proc-macro) (*)`.
fn parse(tree: &str) -> BTreeSet<String> {
    let unit = |line: &str| {
        let mut words = line.split_whitespace();
        Some(format!("{} {}", words.next()?, words.next()?.strip_prefix('v')?))
    };
    tree.lines().filter_map(unit).collect()
}

fn judge(cones: &[Cone]) -> Vec<String> {
    let mut findings = Vec::new();
    for Cone { label, tree, budget, hyper } in cones {
        if let Some(budget) = budget.filter(|budget| tree.len() > *budget) {
            findings.push(format!(
                "{label} compiles {} crates, which exceeds its budget of {budget}: remove a dependency or one of its default features (see `cargo tree -e normal`)",
                tree.len()
            ));
        }
        let mut names = tree.iter().filter_map(|unit| unit.split(' ').next());
        match (hyper, names.find(|name| *name == "hyper" || name.starts_with("hyper-"))) {
            (false, Some(name)) => findings.push(format!(
                "{label} has `{name}` in its tree, but must not contain an HTTP client: find the dependency with `cargo tree -e normal -i {name}`"
            )),
            (true, None) => findings.push(format!(
                "{label} has no hyper in its tree, so its count is meaningless: make the facade's feature `http` enable it"
            )),
            _ => {}
        }
    }
    findings
}

fn overview(cones: &[Cone]) -> String {
    let mut rows = vec![["crate", "crates", "budget"].map(str::to_owned)];
    for cone in cones {
        rows.extend(cone.budget.map(|budget| [cone.label.clone(), cone.tree.len().to_string(), budget.to_string()]));
    }
    table::render(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::throwaway::Throwaway;

    const TREE: &str = "\
identkit-core v0.1.0 (/somewhere/crates/core)
http v1.5.0
bytes v1.12.1
serde v1.0.229
serde_derive v1.0.229 (proc-macro)
syn v2.0.1
syn v3.0.0
bytes v1.12.1 (*)

";

    fn cone(text: &str, budget: usize, hyper: bool) -> Cone {
        Cone { label: "sample".to_owned(), tree: parse(text), budget: Some(budget), hyper }
    }

    #[test]
    fn repeated_crates_count_once_and_two_versions_twice() {
        assert_eq!(parse(TREE).len(), 7);
    }

    #[test]
    fn one_crate_over_the_budget_is_found() {
        assert_eq!(judge(&[cone(TREE, 7, false)]), [""; 0]);
        let findings = judge(&[cone(TREE, 6, false)]);
        assert!(findings.first().unwrap().to_string().contains("7 crates, which exceeds its budget of 6"));
    }

    #[test]
    fn forbidden_and_missing_hyper_are_found() {
        let with = format!("{TREE}hyper v1.0.0\n");
        assert_eq!(judge(&[cone(&with, 20, false)]).len(), 1);
        assert_eq!(judge(&[cone(TREE, 20, true)]).len(), 1);
        assert_eq!(judge(&[cone(&with, 20, true)]), [""; 0]);
    }

    #[test]
    fn the_table_shows_crates_and_budget() {
        assert_eq!(overview(&[cone(TREE, 9, false)]), "crate   crates  budget\nsample  7       9\n");
    }

    #[test]
    fn a_real_tree_counts_only_enabled_optional_dependencies() {
        let repo = Throwaway::package("");
        repo.member("leaf", "");
        repo.manifest("[dependencies]\nidentkit-leaf = { path = \"../leaf\", optional = true }\n");
        let ws = repo.workspace();
        assert_eq!(tree(&ws, USED, &["-p", "identkit-sample"]).unwrap().len(), 1);
        assert_eq!(tree(&ws, USED, &["-p", "identkit-sample", "--features", "identkit-leaf"]).unwrap().len(), 2);
        assert!(tree(&ws, USED, &["-p", "identkit-sample", "--features", "nothing"]).unwrap_err().contains("nothing"));
    }

    #[test]
    fn core_wire_the_provider_and_the_facade_are_measured() {
        let repo = Throwaway::new();
        let hyper = Throwaway::outside("hyper");
        repo.write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n[workspace.lints.rust]\n");
        repo.member("core", "");
        repo.member("wire", "");
        let acme = "[package.metadata.identkit]\nrole = \"provider\"\n";
        repo.member("acme", acme);
        let client = hyper.dependency("hyper").replace(" }", ", optional = true }");
        let facade = format!(
            "[features]\nacme = [\"dep:identkit-acme\"]\nhttp = [\"dep:hyper\"]\n[dependencies]\n{client}identkit-acme = {{ path = \"../acme\", optional = true }}\n"
        );
        repo.member("identkit", &facade);
        let check = || run(&repo.workspace()).unwrap();
        assert_eq!(check(), [""; 0]);

        repo.member("wire", &format!("[dependencies]\n{}", hyper.dependency("hyper")));
        assert!(check().concat().starts_with("wire has `hyper` in its tree"), "{:?}", check());
        repo.member("wire", "");

        repo.member("acme", &format!("{acme}[dependencies]\n{client}"));
        assert!(check().concat().starts_with("acme with all features has `hyper` in its tree"), "{:?}", check());
        repo.member("acme", acme);

        repo.member("identkit", "");
        assert!(check().concat().starts_with("identkit with acme,http could not be measured"), "{:?}", check());
    }

    #[test]
    fn a_workspace_without_providers_is_an_error() {
        assert!(run(&Throwaway::package("").workspace()).unwrap_err().to_string().contains("provider role"));
    }
}
