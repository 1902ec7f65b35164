//! `cargo xtask layers`: the architecture's table of rooms and arrows, enforced.
//!
//! Invariants:
//! - a crate's identity is its folder (`crates/<folder>`), or its role when it is a provider
//!   (`[package.metadata.identkit] role = "provider"`); [`ROOMS`] is the whole table, and an edge that is not in it is a
//!   violation, whether normal, build or dev, optional or not;
//! - the suite that a provider is tested with is used from its `tests/` folder only: inside its library it would meet a
//!   second copy of that library;
//! - no source files of one crate use each other in a circle ([`circles`]);
//! - a vendor-neutral file of the sandbox names no vendor ([`vocabulary`]);
//! - packages are named after their folders, take the workspace's lints (so that rustc refuses to soften the ban on
//!   `unsafe`), and soften none of the hard lints in a library ([`HARD`]);
//! - the top level of the repository stays as the architecture lists it.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::Verdict;
use crate::members::{Edge, Member, PROVIDER, members_of};
use crate::workspace::Workspace;

mod circles;
mod syntax;
mod vocabulary;

/// What the crates of one room may depend on: names of rooms with spaces between them.
struct Room {
    name: &'static str,
    /// Targets of normal and build dependencies.
    may: &'static str,
    /// Further targets of dev-dependencies.
    dev: &'static str,
}

/// Rooms and arrows. Nothing depends on the facade, the command line or xtask, so they are no target anywhere; the
/// sandbox and the suite over it stay out of what is shipped, so only conformance, console and cli point at them.
/// [`TESTKIT`] is a dev-dependency of every room.
const ROOMS: &[Room] = &[
    Room { name: "core", may: "", dev: "" },
    Room { name: "wire", may: "core", dev: "" },
    Room { name: "files", may: "", dev: "" },
    Room { name: "transport", may: "core wire files", dev: "" },
    Room { name: PROVIDER, may: "core wire transport", dev: "conformance mock-server" },
    Room { name: "webhook", may: "core wire files", dev: "conformance mock-server" },
    Room { name: "store", may: "core files", dev: "" },
    Room { name: "collector", may: "core store files", dev: "" },
    Room { name: "router", may: "core", dev: "" },
    Room { name: "synthetic", may: "", dev: "" },
    Room { name: "mock-server", may: "core wire transport files provider synthetic", dev: "" },
    Room { name: "console", may: "core mock-server", dev: "" },
    Room { name: "conformance", may: "core wire transport mock-server synthetic", dev: "provider" },
    Room {
        name: "identkit",
        may: "core wire files transport provider webhook store collector router",
        dev: "mock-server",
    },
    Room {
        name: "cli",
        may: "core wire files transport provider webhook store collector router synthetic mock-server console conformance",
        dev: "",
    },
    Room { name: TESTKIT, may: TESTKIT_MAY, dev: "" },
    Room { name: "example-provider", may: "core wire transport mock-server", dev: "conformance" },
    Room { name: "xtask", may: "", dev: "" },
];

/// The crate of test helpers, which is a dev-dependency only.
const TESTKIT: &str = "testkit";

/// What test helpers depend on. The unit tests of these crates would meet a second copy of their crate through it.
const TESTKIT_MAY: &str = "core wire transport";

/// Files and folders that may stand at the top level, beside dotfiles and licences.
const TOP_LEVEL: &[&str] = &[
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "README.md",
    "crates",
    "deny.toml",
    "docs",
    "rust-toolchain.toml",
    "xtask",
];

pub(crate) fn run(ws: &Workspace) -> Verdict {
    check(ws, vocabulary::EXCEPTIONS)
}

fn check(ws: &Workspace, exceptions: &[vocabulary::Exception]) -> Verdict {
    let members = members_of(&ws.metadata()?);
    let sources = ws.read_all(|path| path.ends_with(".rs"))?;
    Ok([
        edges(&members),
        names(&members),
        top_level(&ws.files()?),
        softened(&sources),
        suite_in_library(&members, &sources),
        vocabulary::vocabulary(&members, &sources, exceptions)?,
        circles::circles(&sources)?,
    ]
    .concat())
}

fn has(rooms: &str, name: &str) -> bool {
    rooms.split(' ').any(|room| room == name)
}

fn edges(members: &[Member]) -> Vec<String> {
    let mut findings = Vec::new();
    let by_folder: BTreeMap<&str, &Member> = members.iter().map(|member| (member.folder.as_str(), member)).collect();
    for member in members {
        let from = &member.folder;
        let Some(room) = ROOMS.iter().find(|room| room.name == member.room()) else {
            findings.push(format!(
                "crate `{from}` is not in the table of rooms: give a provider `[package.metadata.identkit] role = \"provider\"`, any other crate a row in docs and in xtask/src/layers.rs"
            ));
            continue;
        };
        if member.provider && ROOMS.iter().any(|room| room.name == from) {
            findings.push(format!(
                "crate `{from}` has a room of its own and cannot be a provider as well: remove its provider role"
            ));
        }
        // A crate that turns on features of its own for its tests draws no arrow to another crate.
        for edge in member.edges.iter().filter(|edge| !(edge.dev && edge.folder == *from)) {
            let target = by_folder.get(edge.folder.as_str()).map_or(edge.folder.as_str(), |target| target.room());
            if !has(room.may, target) && !(edge.dev && (target == TESTKIT || has(room.dev, target))) {
                findings.push(forbidden_edge(from, room, edge, target));
            }
        }
    }
    findings
}

fn forbidden_edge(from: &str, room: &Room, edge: &Edge, target: &str) -> String {
    let (kind, more) =
        if edge.dev { ("dev-dependency", format!(" {} {TESTKIT}", room.dev)) } else { ("dependency", String::new()) };
    let allowed: Vec<String> =
        format!("{}{more}", room.may).split_whitespace().map(|name| format!("`{name}`")).collect();
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
    let folder = &edge.folder;
    format!("crate `{from}` has a {kind} on `{folder}`, but may have one on {allowed} only: {what}")
}

/// Package names, and lints.
fn names(members: &[Member]) -> Vec<String> {
    let mut findings = Vec::new();
    for member in members {
        let folder = &member.folder;
        let expected = match folder.as_str() {
            "identkit" | "xtask" => folder.clone(),
            other => format!("identkit-{other}"),
        };
        if member.package != expected {
            findings.push(format!(
                "the package in folder `{folder}` is named `{}`, but packages are named after their folder: name it `{expected}`",
                member.package
            ));
        }
        if !member.workspace_lints {
            findings.push(format!(
                "crate `{folder}` does not take the workspace's lints: add `[lints] workspace = true` to its Cargo.toml"
            ));
        }
    }
    findings
}

fn top_level(files: &[String]) -> Vec<String> {
    let entries: BTreeSet<&str> = files.iter().filter_map(|path| path.split('/').next()).collect();
    entries
        .into_iter()
        .filter(|entry| !(TOP_LEVEL.contains(entry) || entry.starts_with('.') || entry.starts_with("LICENSE")))
        .map(|entry| {
            format!(
                "`{entry}` stands at the top level, which holds only {}, licences and dotfiles: move it into crates/, docs/ or xtask/",
                TOP_LEVEL.join(", ")
            )
        })
        .collect()
}

/// Uses of the conformance suite or the sandbox in the library of a crate that has them as dev-dependencies.
fn suite_in_library(members: &[Member], sources: &[(String, String)]) -> Vec<String> {
    let mut findings = Vec::new();
    for member in members {
        let home = format!("crates/{}/src/", member.folder);
        let tests_only = |edge: &&Edge| match edge.folder.as_str() {
            // Who has it as a normal dependency too (for other features in tests) may use it.
            "conformance" | "mock-server" => {
                !member.edges.iter().any(|other| !other.dev && other.folder == edge.folder)
            }
            TESTKIT => has(TESTKIT_MAY, &member.folder),
            _ => false,
        };
        for edge in member.edges.iter().filter(|edge| edge.dev).filter(tests_only) {
            let name = edge.key.replace('-', "_");
            let uses =
                |text: &str| text.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(&name));
            for (path, _) in sources.iter().filter(|(path, text)| path.starts_with(&home) && uses(text)) {
                let folder = &member.folder;
                findings.push(format!(
                    "{path} uses `{name}`, which is there for integration tests only: move the test to crates/{folder}/tests/"
                ));
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

/// Attributes that would soften a hard lint in a library.
fn softened(sources: &[(String, String)]) -> Vec<String> {
    let mut findings = Vec::new();
    let is_library = |path: &str| {
        path.starts_with("crates/")
            && !path.starts_with("crates/testkit/")
            && path.contains("/src/")
            && !path.ends_with("/tests.rs")
            && !path.contains("/tests/")
            && path != CLOCK
    };
    for (path, text) in sources.iter().filter(|(path, _)| is_library(path)) {
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let dense: String = code.flat_map(str::chars).filter(|c| !c.is_whitespace()).collect();
        let attributes =
            dense.split('#').filter(|part| part.starts_with(['!', '['])).filter_map(|part| part.split(']').next());
        let softening = attributes.flat_map(|attribute| {
            ["allow(", "expect(", "warn("].into_iter().filter_map(|level| Some(attribute.split_once(level)?.1))
        });
        let lints: BTreeSet<&str> = softening.flat_map(|lints| lints.split([',', ')'])).collect();
        for lint in HARD.into_iter().filter(|lint| lints.contains(lint)) {
            findings.push(format!(
                "{path} softens the lint `{lint}`, which libraries keep outside their tests: remove the attribute and write it so that the lint holds"
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests;
