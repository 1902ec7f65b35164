//! `cargo xtask layers`: the architecture's table of rooms and arrows, enforced.
//!
//! Invariants:
//! - a crate's identity is its folder (`crates/<folder>`), or its role when it is a provider
//!   (`[package.metadata.identkit] role = "provider"`); [`ROOMS`] is the whole table, and an edge that is not in it is a
//!   violation, whether normal, build or dev, optional or not;
//! - the suite that a provider is tested with is used from its `tests/` folder only: inside its library it would meet a
//!   second copy of that library;
//! - a provider reaches no HTTP client: it neither depends on a hyper crate, nor turns one on through transport (and
//!   `cargo xtask cone` finds one in its default tree);
//! - no source files of one crate use each other in a circle ([`circles`]);
//! - a vendor-neutral file of the sandbox names no vendor ([`vocabulary`]);
//! - packages are named after their folders, take the workspace's lints and never soften the ban on `unsafe`;
//! - the top level of the repository stays as the architecture lists it.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Finding, Verdict};
use crate::manifest;
use crate::members::{Edge, Member, PROVIDER, is_hyper, members_of};
use crate::workspace::Workspace;

mod circles;
mod syntax;
mod vocabulary;

/// What the crates of one room may depend on.
struct Room {
    name: &'static str,
    /// Targets of normal and build dependencies.
    may: &'static [&'static str],
    /// Further targets of dev-dependencies.
    dev: &'static [&'static str],
}

/// Rooms and arrows. Nothing depends on the facade, the command line or xtask, so they are no target anywhere; the
/// sandbox and the suite over it stay out of what is shipped, so only conformance, console and cli point at them.
/// [`TESTKIT`] is a dev-dependency of every room.
const ROOMS: &[Room] = &[
    Room { name: "core", may: &[], dev: &[] },
    Room { name: "wire", may: &["core"], dev: &[] },
    Room { name: "files", may: &[], dev: &[] },
    Room { name: "transport", may: &["core", "wire", "files"], dev: &[] },
    Room { name: PROVIDER, may: &["core", "wire", "transport"], dev: &["conformance", "mock-server"] },
    Room { name: "webhook", may: &["core", "wire", "files"], dev: &["conformance", "mock-server"] },
    Room { name: "store", may: &["core", "files"], dev: &[] },
    Room { name: "collector", may: &["core", "store", "files"], dev: &[] },
    Room { name: "router", may: &["core"], dev: &[] },
    Room { name: "synthetic", may: &[], dev: &[] },
    Room { name: "mock-server", may: &["core", "wire", "transport", "files", PROVIDER, "synthetic"], dev: &[] },
    Room { name: "console", may: &["core", "mock-server"], dev: &[] },
    Room { name: "conformance", may: &["core", "wire", "transport", "mock-server", "synthetic"], dev: &[PROVIDER] },
    Room {
        name: "identkit",
        may: &["core", "wire", "files", "transport", PROVIDER, "webhook", "store", "collector", "router"],
        dev: &["mock-server"],
    },
    Room {
        name: "cli",
        may: &[
            "core",
            "wire",
            "files",
            "transport",
            PROVIDER,
            "webhook",
            "store",
            "collector",
            "router",
            "synthetic",
            "mock-server",
            "console",
            "conformance",
        ],
        dev: &[],
    },
    Room { name: TESTKIT, may: TESTKIT_MAY, dev: &[] },
    Room { name: "example-provider", may: &["core", "wire", "transport", "mock-server"], dev: &["conformance"] },
    Room { name: "xtask", may: &[], dev: &[] },
];

/// The crate of test helpers, which is a dev-dependency only.
const TESTKIT: &str = "testkit";

/// What test helpers depend on. The unit tests of these crates would meet a second copy of their crate through it.
const TESTKIT_MAY: &[&str] = &["core", "wire", "transport"];

/// Files and folders that may stand at the top level, beside dotfiles and licences.
const TOP_LEVEL: &[&str] = &["Cargo.lock", "Cargo.toml", "README.md", "crates", "docs", "rust-toolchain.toml", "xtask"];

pub(crate) fn run(ws: &Workspace) -> Verdict {
    check(ws, vocabulary::EXCEPTIONS)
}

fn check(ws: &Workspace, exceptions: &[vocabulary::Exception]) -> Verdict {
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
    findings.extend(vocabulary::vocabulary(&members, &sources, exceptions)?);
    findings.extend(circles::circles(&sources)?);
    Ok(findings)
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
            if room.may.contains(&target) || (edge.dev && (target == TESTKIT || room.dev.contains(&target))) {
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
        allowed.extend(room.dev.iter().chain([&TESTKIT]).map(|name| format!("`{name}`")));
    }
    let allowed = if allowed.is_empty() { "none of our crates".to_owned() } else { allowed.join(", ") };
    let what = match target {
        PROVIDER if room.name == PROVIDER => {
            "providers never depend on each other, so move what they share into `wire` or `core`"
        }
        "identkit" | "cli" | "xtask" => "nothing of ours depends on it, so depend on the crate that has what you need",
        TESTKIT => "test helpers are never shipped, so make it a dev-dependency",
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
                "provider `{from}` turns on the feature `http` of `transport`: only the facade and the application choose an HTTP client, so request transport without it (`default-features = false`)"
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
        let tests_only = |to: &str| match to {
            "conformance" | "mock-server" => only_dev(to),
            TESTKIT => TESTKIT_MAY.contains(&&*member.folder),
            _ => false,
        };
        for edge in member.edges.iter().filter(|edge| edge.dev && edge.folder.as_deref().is_some_and(tests_only)) {
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
            && !path.starts_with("crates/testkit/")
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
