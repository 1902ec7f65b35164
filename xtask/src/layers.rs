//! `cargo xtask layers`: the architecture's table of rooms and arrows, enforced.
//!
//! Invariants:
//! - a crate's identity is its folder (`crates/<folder>`), or its role when it is a provider
//!   (`[package.metadata.identkit] role = "provider"`); [`ROOMS`] is the whole table, and an edge that is not in it is a
//!   violation, whether normal, build or dev, optional or not;
//! - the suite that a provider is tested with is used from its `tests/` folder only: inside its library it would meet a
//!   second copy of that library;
//! - a provider reaches no HTTP client: it neither depends on a hyper crate, nor turns one on through transport, nor has
//!   one in its default tree;
//! - packages are named after their folders, take the workspace's lints and never soften the ban on `unsafe`;
//! - the top level of the repository stays as the architecture lists it.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, Package};

use crate::cone;
use crate::finding::{Broken, Finding, Verdict};
use crate::manifest;
use crate::workspace::Workspace;

/// The room of every crate with the provider role.
const PROVIDER: &str = "provider";

/// What the crates of one room may depend on.
struct Room {
    name: &'static str,
    /// Targets of normal and build dependencies.
    may: &'static [&'static str],
    /// Further targets of dev-dependencies.
    dev: &'static [&'static str],
}

/// Rooms and arrows. Nothing depends on the facade, the command line or xtask, so they are no target anywhere; the
/// sandbox and the suite over it stay out of what is shipped, so only conformance and cli point at them.
const ROOMS: &[Room] = &[
    Room { name: "core", may: &[], dev: &[] },
    Room { name: "wire", may: &["core"], dev: &[] },
    Room { name: "transport", may: &["core", "wire"], dev: &[] },
    Room { name: PROVIDER, may: &["core", "wire", "transport"], dev: &["conformance", "mock-server"] },
    Room { name: "webhook", may: &["core", "wire"], dev: &["conformance", "mock-server"] },
    Room { name: "journal", may: &["core"], dev: &[] },
    Room { name: "collector", may: &["core", "journal"], dev: &[] },
    Room { name: "router", may: &["core"], dev: &[] },
    Room { name: "synthetic", may: &[], dev: &[] },
    Room { name: "mock-server", may: &["core", "wire", "transport", PROVIDER, "synthetic"], dev: &["synthetic"] },
    Room { name: "conformance", may: &["core", "wire", "transport", "mock-server", "synthetic"], dev: &[PROVIDER] },
    Room {
        name: "identkit",
        may: &["core", "wire", "transport", PROVIDER, "webhook", "journal", "collector", "router"],
        dev: &["mock-server"],
    },
    Room {
        name: "cli",
        may: &[
            "core",
            "wire",
            "transport",
            PROVIDER,
            "webhook",
            "journal",
            "collector",
            "router",
            "mock-server",
            "synthetic",
            "conformance",
        ],
        dev: &[],
    },
    Room { name: "xtask", may: &[], dev: &[] },
];

/// Files and folders that may stand at the top level, beside dotfiles and licences.
const TOP_LEVEL: &[&str] = &["Cargo.lock", "Cargo.toml", "README.md", "crates", "docs", "rust-toolchain.toml", "xtask"];

/// One of our crates, reduced to what the rules speak of.
#[derive(Debug, Clone, Default)]
struct Member {
    folder: String,
    package: String,
    provider: bool,
    workspace_lints: bool,
    edges: Vec<Edge>,
    features: BTreeMap<String, Vec<String>>,
}

/// A declared dependency.
#[derive(Debug, Clone)]
struct Edge {
    /// The package's name.
    package: String,
    /// The name in this manifest, which differs when the dependency is renamed.
    key: String,
    /// The folder, when the dependency is a crate of ours.
    folder: Option<String>,
    dev: bool,
    build: bool,
    features: Vec<String>,
    default_features: bool,
}

impl Member {
    fn room(&self) -> &str {
        if self.provider { PROVIDER } else { &self.folder }
    }
}

/// The folders of the crates that are providers, in order.
pub(crate) fn providers(metadata: &Metadata) -> Vec<(String, String)> {
    let mut found: Vec<_> = members_of(metadata, |_| true)
        .into_iter()
        .filter(|member| member.provider)
        .map(|member| (member.folder, member.package))
        .collect();
    found.sort();
    found
}

pub(crate) fn run(ws: &Workspace) -> Verdict {
    let metadata = ws.metadata()?;
    let members = members_of(&metadata, |package| {
        std::fs::read_to_string(&package.manifest_path).is_ok_and(|text| manifest::has_workspace_lints(&text))
    });
    let files = ws.files()?;
    let mut findings = edges(&members);
    findings.extend(names(&members));
    findings.extend(top_level(&files));
    let sources = ws.read_all(|path| path.ends_with(".rs"))?;
    findings.extend(softened(&sources));
    findings.extend(suite_in_library(&members, &sources));

    // Cargo cannot resolve a graph whose crates depend on each other in a circle, so faults above come first.
    if findings.is_empty() {
        for member in members.iter().filter(|member| member.provider) {
            match cone::tree(ws, &["-p", &member.package]) {
                Ok(tree) => findings.extend(provider_tree(&member.folder, &tree)),
                Err(error) => return Err(Broken::new(error)),
            }
        }
    }
    Ok(findings)
}

/// The workspace's own packages, with the folder as identity.
fn members_of(metadata: &Metadata, workspace_lints: impl Fn(&Package) -> bool) -> Vec<Member> {
    let root = &metadata.workspace_root;
    let folder = |directory: &cargo_metadata::camino::Utf8Path| {
        let path = directory.strip_prefix(root).ok()?;
        Some(path.strip_prefix("crates").unwrap_or(path).to_string())
    };
    metadata
        .packages
        .iter()
        .map(|package| Member {
            folder: package.manifest_path.parent().and_then(folder).unwrap_or_default(),
            package: package.name.to_string(),
            provider: package.metadata.get("identkit").and_then(|ours| ours.get("role")).and_then(|role| role.as_str())
                == Some(PROVIDER),
            workspace_lints: workspace_lints(package),
            edges: package
                .dependencies
                .iter()
                .map(|dependency| Edge {
                    package: dependency.name.clone(),
                    key: dependency.rename.clone().unwrap_or_else(|| dependency.name.clone()),
                    folder: dependency.path.as_deref().and_then(folder),
                    dev: dependency.kind == DependencyKind::Development,
                    build: dependency.kind == DependencyKind::Build,
                    features: dependency.features.clone(),
                    default_features: dependency.uses_default_features,
                })
                .collect(),
            features: package.features.clone(),
        })
        .collect()
}

/// Every edge against the table, and what providers must not reach.
fn edges(members: &[Member]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let by_folder: BTreeMap<&str, &Member> = members.iter().map(|member| (member.folder.as_str(), member)).collect();
    for member in members {
        let from = &member.folder;
        let Some(room) = ROOMS.iter().find(|room| room.name == member.room()) else {
            findings.push(Finding::new(format!(
                "crate `{from}` is not in the table of rooms: give a provider `[package.metadata.identkit] role = \"provider\"`, any other crate a row in docs and in xtask/src/layers.rs"
            )));
            continue;
        };
        if member.provider && ROOMS.iter().any(|room| room.name == from) {
            findings.push(Finding::new(format!(
                "crate `{from}` has a room of its own and cannot be a provider as well: remove its provider role"
            )));
        }
        for edge in &member.edges {
            let Some(folder) = edge.folder.as_deref() else { continue };
            // A crate that turns on features of its own for its tests draws no arrow to another crate.
            if edge.dev && folder == from {
                continue;
            }
            let target = by_folder.get(folder).map_or(folder, |target| target.room());
            if room.may.contains(&target) || (edge.dev && room.dev.contains(&target)) {
                continue;
            }
            findings.push(forbidden_edge(from, room, edge, folder, target));
        }
        if member.provider {
            findings.extend(http_client(member, &by_folder));
        }
    }
    findings
}

fn forbidden_edge(from: &str, room: &Room, edge: &Edge, folder: &str, target: &str) -> Finding {
    let kind = match (edge.dev, edge.build) {
        (true, _) => "dev-dependency",
        (_, true) => "build-dependency",
        _ => "dependency",
    };
    let mut allowed: Vec<String> = room.may.iter().map(|name| format!("`{name}`")).collect();
    if edge.dev {
        allowed.extend(room.dev.iter().map(|name| format!("`{name}`")));
    }
    let allowed = if allowed.is_empty() { "none of our crates".to_owned() } else { allowed.join(", ") };
    let what = match target {
        PROVIDER if room.name == PROVIDER => {
            "providers never depend on each other, so move what they share into `wire` or `core`"
        }
        "identkit" | "cli" | "xtask" => "nothing of ours depends on it, so depend on the crate that has what you need",
        "mock-server" | "conformance" => {
            "nothing shipped depends on the sandbox, so drop it here or move the test to a crate that may"
        }
        _ => "drop the dependency, or move what both need into a crate that both may depend on",
    };
    Finding::new(format!("crate `{from}` has a {kind} on `{folder}`, but may have one on {allowed} only: {what}"))
}

/// Declared ways from a provider to an HTTP client.
fn http_client(member: &Member, by_folder: &BTreeMap<&str, &Member>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let from = &member.folder;
    for edge in member.edges.iter().filter(|edge| !edge.dev) {
        if edge.folder.is_none() && is_hyper(&edge.package) {
            findings.push(Finding::new(format!(
                "provider `{from}` depends on `{}`, but a provider speaks to the `Transport` seam only: drop the dependency and take a transport as a value",
                edge.package
            )));
        }
        let Some("transport") = edge.folder.as_deref() else { continue };
        let mut requested = edge.features.clone();
        if edge.default_features {
            requested.push("default".to_owned());
        }
        for value in member.features.values().flatten() {
            let split = value.split_once('/').map(|(key, feature)| (key.trim_end_matches('?'), feature));
            if let Some((key, feature)) = split
                && key == edge.key
            {
                requested.push(feature.to_owned());
            }
        }
        let known = by_folder.get("transport").map(|transport| &transport.features);
        if enabled(&requested, known).iter().any(|name| is_hyper(name.trim_start_matches("dep:"))) {
            findings.push(Finding::new(format!(
                "provider `{from}` turns on the feature `hyper` of `transport`: only the facade and the application choose an HTTP client, so request transport without it (`default-features = false`)"
            )));
        }
    }
    findings
}

/// The features that a request turns on, directly or through others.
fn enabled(requested: &[String], known: Option<&BTreeMap<String, Vec<String>>>) -> BTreeSet<String> {
    let mut on = BTreeSet::new();
    let mut todo = requested.to_vec();
    while let Some(name) = todo.pop() {
        if on.insert(name.clone()) {
            todo.extend(known.and_then(|known| known.get(&name)).into_iter().flatten().cloned());
        }
    }
    on
}

/// The resolved default tree of a provider.
fn provider_tree(folder: &str, tree: &BTreeSet<cone::Unit>) -> Vec<Finding> {
    let hyper: Vec<&str> = tree.iter().map(|unit| unit.name.as_str()).filter(|name| is_hyper(name)).collect();
    if hyper.is_empty() {
        return Vec::new();
    }
    vec![Finding::new(format!(
        "provider `{folder}` has {} in its default tree, but providers are free of an HTTP client: find the way with `cargo tree -p <package> -e normal -i {}`",
        hyper.join(", "),
        hyper.first().unwrap_or(&"hyper")
    ))]
}

/// Is this a crate (or a feature named after one) of the hyper family?
pub(crate) fn is_hyper(name: &str) -> bool {
    name == "hyper" || name.starts_with("hyper-")
}

/// Package names, and lints.
fn names(members: &[Member]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in members {
        let folder = &member.folder;
        let expected = match folder.as_str() {
            "identkit" | "xtask" => folder.clone(),
            other => format!("identkit-{other}"),
        };
        if member.package != expected {
            findings.push(Finding::new(format!(
                "the package in folder `{folder}` is named `{}`, but packages are named after their folder: name it `{expected}`",
                member.package
            )));
        }
        if !member.workspace_lints {
            findings.push(Finding::new(format!(
                "crate `{folder}` does not take the workspace's lints: add `[lints] workspace = true` to its Cargo.toml"
            )));
        }
    }
    findings
}

/// The entries at the top of the repository.
fn top_level(files: &[String]) -> Vec<Finding> {
    let entries: BTreeSet<&str> = files.iter().filter_map(|path| path.split('/').next()).collect();
    entries
        .into_iter()
        .filter(|entry| !(TOP_LEVEL.contains(entry) || entry.starts_with('.') || entry.starts_with("LICENSE")))
        .map(|entry| {
            Finding::new(format!(
                "`{entry}` stands at the top level, which holds only {}, licences and dotfiles: move it into crates/, docs/ or xtask/",
                TOP_LEVEL.join(", ")
            ))
        })
        .collect()
}

/// Uses of the conformance suite or the sandbox in the library of a crate that has them as dev-dependencies.
fn suite_in_library(members: &[Member], sources: &[(String, String)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in members {
        let home = format!("crates/{}/src/", member.folder);
        // Who has it as a normal dependency too (for other features in tests) may use it.
        let only_dev =
            |folder: &str| !member.edges.iter().any(|edge| !edge.dev && edge.folder.as_deref() == Some(folder));
        for edge in member.edges.iter().filter(|edge| {
            edge.dev
                && edge.folder.as_deref().is_some_and(|to| matches!(to, "conformance" | "mock-server") && only_dev(to))
        }) {
            let name = edge.key.replace('-', "_");
            let uses =
                |text: &str| text.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(&name));
            for (path, _) in sources.iter().filter(|(path, text)| path.starts_with(&home) && uses(text)) {
                findings.push(Finding::new(format!(
                    "{path} uses `{name}`, which is there for integration tests only: move the test to crates/{}/tests/",
                    member.folder
                )));
            }
        }
    }
    findings
}

/// Lints that no library may soften outside its tests: they are what the architecture's ninth rule consists of.
const HARD: [&str; 7] = [
    "missing_docs",
    "clippy::unwrap_used",
    "clippy::expect_used",
    "clippy::panic",
    "clippy::indexing_slicing",
    "clippy::string_slice",
    "clippy::disallowed_methods",
];

/// The one file that may ask the system for the time.
const CLOCK: &str = "crates/transport/src/clock.rs";

/// Attributes that would soften the ban on `unsafe` anywhere, or a hard lint in a library.
fn softened(sources: &[(String, String)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in sources {
        let dense: String = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .flat_map(str::chars)
            .filter(|c| !c.is_whitespace())
            .collect();
        let allowed = |lint: &str| {
            dense.split('#').filter(|part| part.starts_with(['!', '['])).any(|part| {
                let attribute = part.split(']').next().unwrap_or(part);
                ["allow(", "expect(", "warn("].iter().any(|level| {
                    attribute.split_once(level).is_some_and(|(_, lints)| lints.split([',', ')']).any(|one| one == lint))
                })
            })
        };
        if allowed("unsafe_code") {
            findings.push(Finding::new(format!(
                "{path} softens the lint `unsafe_code`, which is forbidden in the whole workspace: remove the attribute and write it in safe Rust"
            )));
        }
        let library = path.starts_with("crates/")
            && path.contains("/src/")
            && !path.ends_with("/tests.rs")
            && !path.contains("/tests/")
            && path != CLOCK;
        for lint in HARD.into_iter().filter(|lint| library && allowed(lint)) {
            findings.push(Finding::new(format!(
                "{path} softens the lint `{lint}`, which libraries keep outside their tests: remove the attribute and write it so that the lint holds"
            )));
        }
    }
    findings
}

#[cfg(test)]
mod tests;
