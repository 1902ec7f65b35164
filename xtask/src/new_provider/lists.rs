//! The lists of the repository that name each provider. The check `providers` finds one that is missing.

use std::path::PathBuf;

use super::name::Name;
use super::plan::Plan;
use crate::workspace::Workspace;

/// A line that is added before another one.
struct Line {
    file: &'static str,
    /// Beginning of the line before which it is added.
    before: &'static str,
    /// The new lines.
    text: &'static str,
}

/// `{name}`, `{snake}` and `{type}` are the forms of the provider's name.
const LINES: [Line; 8] = [
    Line {
        file: "Cargo.toml",
        before: "identkit-webhook = ",
        text: "identkit-{name} = { version = \"0.1.0\", path = \"crates/{name}\" }\n",
    },
    Line {
        file: "README.md",
        before: "| `identkit-transport` |",
        text: "| `identkit-{name}` | `crates/{name}` | to call {type} only |\n",
    },
    Line {
        file: "crates/identkit/Cargo.toml",
        before: "identkit-transport.workspace = true",
        text: "identkit-{name} = { workspace = true, optional = true }\n",
    },
    Line {
        file: "crates/identkit/Cargo.toml",
        before: "# HTTP over TLS, with the bundled crypto",
        text: "{name} = [\"dep:identkit-{name}\"]\n",
    },
    Line {
        file: "crates/identkit/src/lib.rs",
        before: "pub use identkit_transport as transport;",
        text: "#[cfg(feature = \"{name}\")]\npub use identkit_{snake} as {snake};\n",
    },
    Line {
        file: "crates/cli/Cargo.toml",
        before: "identkit-mock-server = ",
        text: "identkit-{name} = { workspace = true, features = [\"mock\"] }\n",
    },
    Line { file: "crates/cli/src/providers.rs", before: "    // Further providers", text: "    {snake},\n" },
    Line { file: "docs/architecture.md", before: "", text: ", {name}" },
];

/// End of the name cell in the row of the providers.
const ROW: &str = " | core, wire, transport without hyper";

/// Returns the target of a link in the folder of a crate.
pub(super) fn link(file: &str) -> &'static str {
    match file {
        "CHANGELOG.md" => "../../CHANGELOG.md",
        "LICENSE-APACHE" => "../../LICENSE-APACHE",
        _ => "../../LICENSE-MIT",
    }
}

/// The module of the provider in the command line.
pub(super) fn commands(name: &Name, ws: &Workspace) -> PathBuf {
    ws.root().join("crates/cli/src/providers").join(format!("{}.rs", name.snake()))
}

/// Adds the changed lists to the plan.
pub(super) fn add(plan: &mut Plan, name: &Name, ws: &Workspace) -> Result<(), String> {
    for (file, text) in changed(name, |file| ws.read(file))? {
        plan.text(ws.root().join(file), text);
    }
    Ok(())
}

/// Returns the changed files. `read` reads a file of the repository.
pub(super) fn changed(
    name: &Name,
    read: impl Fn(&str) -> Result<String, String>,
) -> Result<Vec<(&'static str, String)>, String> {
    let mut files: Vec<(&'static str, String)> = Vec::new();
    for Line { file, before, text } in LINES {
        if files.iter().all(|(known, _)| *known != file) {
            files.push((file, read(file)?));
        }
        let Some((_, content)) = files.iter_mut().find(|(known, _)| *known == file) else { continue };
        let new = filled(text, name);
        let (at, anchor) = match before {
            "" => (content.find(ROW), ROW),
            before => (content.find(&format!("\n{before}")).map(|at| at + 1), before),
        };
        let missing = || format!("{file} has no line with `{}`, where the provider belongs", anchor.trim());
        content.insert_str(at.ok_or_else(missing)?, &new);
    }
    let facade = format!("\n{} = [", name.kebab());
    let features = files.iter().find(|(file, _)| *file == "crates/identkit/Cargo.toml");
    if features.is_some_and(|(_, text)| text.matches(&facade).count() > 1) {
        return Err(format!("`{}` is a feature of the crate identkit: choose another name", name.kebab()));
    }
    Ok(files)
}

fn filled(text: &str, name: &Name) -> String {
    text.replace("{name}", name.kebab()).replace("{snake}", &name.snake()).replace("{type}", &name.camel())
}
