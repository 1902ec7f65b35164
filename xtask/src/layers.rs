//! `cargo xtask layers`: enforces the architecture's table of crates and dependencies.
//!
//! Invariants:
//! - the layer of a crate is its folder (`crates/<folder>`), or `provider` if it has that role
//!   (`[package.metadata.identkit] role = "provider"`); a dependency that is not in [`LAYERS`] is a finding, whether
//!   normal, build or dev, optional or not;
//! - a provider uses its conformance suite from its `tests/` folder only: unit tests would link a second copy of it;
//! - no source files of one crate use each other in a circle ([`circles`]);
//! - a vendor-neutral file of the sandbox names no vendor ([`vocabulary`]);
//! - packages are named after their folders, inherit the workspace's lints (so that rustc enforces the ban on
//!   `unsafe`), and relax none of the hard lints in a library ([`HARD`]);
//! - the top level of the repository contains only what [`TOP_LEVEL`] lists.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::Verdict;
use crate::members::{Edge, Member, PROVIDER, members_of};
use crate::workspace::Workspace;

mod circles;
pub(crate) mod syntax;
mod vocabulary;

/// Allowed dependencies of a layer: names of layers, separated by spaces.
struct Layer {
    name: &'static str,
    /// Normal and build dependencies.
    may: &'static str,
    /// Additional dev-dependencies.
    dev: &'static str,
}

/// All layers. No crate depends on the facade, the command line or xtask. The sandbox and the conformance suite are not
/// shipped with libraries, so only conformance, console, cli and fuzz depend on them. A provider with its mock vendor has
/// [`SANDBOX`] as an optional dependency. Every layer can have [`TESTKIT`] as a dev-dependency.
const LAYERS: &[Layer] = &[
    Layer { name: "core", may: "", dev: "" },
    Layer { name: "wire", may: "core", dev: "" },
    Layer { name: "files", may: "", dev: "" },
    Layer { name: "transport", may: "core wire files", dev: "" },
    Layer { name: PROVIDER, may: "core wire transport", dev: "conformance mock-server" },
    Layer { name: "webhook", may: "core wire files", dev: "conformance mock-server" },
    Layer { name: "store", may: "core files", dev: "" },
    Layer { name: "collector", may: "core store files", dev: "" },
    Layer { name: "router", may: "core", dev: "" },
    Layer { name: "synthetic", may: "", dev: "" },
    Layer { name: "mock-server", may: "core wire transport files provider synthetic", dev: "" },
    Layer { name: "console", may: "core mock-server", dev: "" },
    Layer { name: "conformance", may: "core wire transport mock-server synthetic", dev: "provider" },
    Layer {
        name: "identkit",
        may: "core wire files transport provider webhook store collector router",
        dev: "mock-server",
    },
    Layer {
        name: "cli",
        may: "core wire files transport provider webhook store collector router synthetic mock-server console conformance",
        dev: "",
    },
    Layer { name: TESTKIT, may: TESTKIT_MAY, dev: "" },
    Layer { name: EXAMPLE, may: "core wire transport", dev: "conformance mock-server" },
    Layer { name: "fuzz", may: "core wire transport provider webhook mock-server synthetic", dev: "" },
    Layer { name: "xtask", may: "", dev: "" },
];

/// The crate of a made-up vendor, which is the template of new providers. No crate depends on it.
const EXAMPLE: &str = "example-provider";

/// The sandbox. A provider's feature `mock` enables it, for a mock vendor in the provider's own crate.
const SANDBOX: &str = "mock-server";

/// Folder of the test helpers, which are a dev-dependency only.
const TESTKIT: &str = "testkit";

/// Dependencies of the test helpers. Unit tests of these crates must not use them: they would link a second copy.
const TESTKIT_MAY: &str = "core wire transport";

/// Allowed files and folders at the top level, in addition to dotfiles and licenses.
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
        relaxed_lints(&sources),
        suite_in_library(&members, &sources),
        vocabulary::vocabulary(&members, &sources, exceptions)?,
        circles::circles(&sources)?,
    ]
    .concat())
}

fn has(layers: &str, name: &str) -> bool {
    layers.split(' ').any(|layer| layer == name)
}

fn edges(members: &[Member]) -> Vec<String> {
    let mut findings = Vec::new();
    let by_folder: BTreeMap<&str, &Member> = members.iter().map(|member| (member.folder.as_str(), member)).collect();
    for member in members {
        let from = &member.folder;
        let Some(layer) = LAYERS.iter().find(|layer| layer.name == member.layer()) else {
            findings.push(format!(
                "crate `{from}` is not in the table of layers: add `[package.metadata.identkit] role = \"provider\"` to a provider, and a row in docs/architecture.md and xtask/src/layers.rs for any other crate"
            ));
            continue;
        };
        if member.provider && LAYERS.iter().any(|layer| layer.name == from) {
            findings.push(format!(
                "crate `{from}` has its own layer and cannot be a provider too: remove its provider role"
            ));
        }
        // A crate can depend on itself to enable its features for tests.
        for edge in member.edges.iter().filter(|edge| !(edge.dev && edge.folder == *from)) {
            let target = by_folder.get(edge.folder.as_str()).map_or(edge.folder.as_str(), |target| target.layer());
            let mock = edge.optional && target == SANDBOX && matches!(layer.name, PROVIDER | EXAMPLE);
            if !mock && !has(layer.may, target) && !(edge.dev && (target == TESTKIT || has(layer.dev, target))) {
                findings.push(forbidden_edge(from, layer, edge, target));
            }
        }
    }
    findings
}

fn forbidden_edge(from: &str, layer: &Layer, edge: &Edge, target: &str) -> String {
    let (kind, more) =
        if edge.dev { ("dev-dependency", format!(" {} {TESTKIT}", layer.dev)) } else { ("dependency", String::new()) };
    let allowed: Vec<String> =
        format!("{}{more}", layer.may).split_whitespace().map(|name| format!("`{name}`")).collect();
    let allowed = if allowed.is_empty() { "no crate of the workspace".to_owned() } else { allowed.join(", ") };
    let what = match target {
        PROVIDER if layer.name == PROVIDER => {
            "providers never depend on each other, so move shared code into `wire` or `core`"
        }
        "identkit" | "cli" | "xtask" | EXAMPLE => {
            "no crate depends on it, so depend on the crate that defines the item"
        }
        TESTKIT => "test helpers are never shipped, so make it a dev-dependency",
        SANDBOX if matches!(layer.name, PROVIDER | EXAMPLE) => {
            "only the feature `mock` of a provider enables the sandbox, so make the dependency optional"
        }
        SANDBOX | "conformance" => {
            "no library depends on the sandbox, so remove the dependency or move the test to a crate that may have it"
        }
        _ => "remove the dependency, or move shared code into a crate that both may depend on",
    };
    let folder = &edge.folder;
    format!("crate `{from}` has a {kind} on `{folder}`; allowed: {allowed}; {what}")
}

/// Checks package names and lints.
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
                "the package in folder `{folder}` is named `{}`, but packages are named after their folders: name it `{expected}`",
                member.package
            ));
        }
        if !member.workspace_lints {
            findings.push(format!(
                "crate `{folder}` does not inherit the workspace's lints: add `[lints] workspace = true` to its Cargo.toml"
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
                "`{entry}` is at the top level, which contains only {}, licenses and dotfiles: move it into crates/, docs/ or xtask/",
                TOP_LEVEL.join(", ")
            )
        })
        .collect()
}

/// Finds uses of the suite, the sandbox or the test helpers in the library of a crate with these dev-dependencies.
fn suite_in_library(members: &[Member], sources: &[(String, String)]) -> Vec<String> {
    let mut findings = Vec::new();
    for member in members {
        let home = format!("crates/{}/src/", member.folder);
        let tests_only = |edge: &&Edge| match edge.folder.as_str() {
            // A crate that has it as a normal dependency too (to enable features in tests) may use it.
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
                    "{path} uses `{name}`, which is for integration tests only: move the test to crates/{folder}/tests/"
                ));
            }
        }
    }
    findings
}

/// Lints that no library may relax outside its tests (invariant 9 of the architecture).
const HARD: [&str; 7] = [
    "missing_docs",
    "clippy::unwrap_used",
    "clippy::expect_used",
    "clippy::panic",
    "clippy::indexing_slicing",
    "clippy::string_slice",
    "clippy::disallowed_methods",
];

/// The only file that may read the system time.
const CLOCK: &str = "crates/transport/src/clock.rs";

/// Finds attributes that relax a hard lint in a library.
fn relaxed_lints(sources: &[(String, String)]) -> Vec<String> {
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
        let relaxed = attributes.flat_map(|attribute| {
            ["allow(", "expect(", "warn("].into_iter().filter_map(|level| Some(attribute.split_once(level)?.1))
        });
        let lints: BTreeSet<&str> = relaxed.flat_map(|lints| lints.split([',', ')'])).collect();
        for lint in HARD.into_iter().filter(|lint| lints.contains(lint)) {
            findings.push(format!(
                "{path} relaxes the lint `{lint}`, which is not allowed in libraries outside tests: remove the attribute and change the code"
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests;
