//! The manifest: that of the example provider, with the head of a published crate or of one outside the workspace.

use std::path::Path;

use super::name::Name;
use super::options::{Auth, Options};
use super::plan::Plan;
use super::template;
use crate::workspace::Workspace;

const INSIDE: &str = include_str!("manifest-inside.toml.in");
const OUTSIDE: &str = include_str!("manifest-outside.toml.in");

pub(super) fn add(plan: &mut Plan, options: &Options, home: &Path, ws: &Workspace) -> Result<(), String> {
    let example = ws.read("crates/example-provider/Cargo.toml")?;
    let (_, sections) = example.split_once("[dependencies]\n").ok_or("the example provider has no dependencies")?;
    let mut sections = format!("[dependencies]\n{}", template::replace(sections, &options.name));
    if options.auth != Auth::ClientCredentials {
        // Only that login has a form.
        sections = sections.replace("percent-encoding.workspace = true\n", "");
    }
    let head = if options.outside.is_some() { OUTSIDE } else { INSIDE };
    if options.outside.is_some() {
        sections = resolved(&sections, &ws.read("Cargo.toml")?, ws.root())?;
    }
    plan.text(home.join("Cargo.toml"), format!("{}{sections}", filled(head, &options.name)));
    Ok(())
}

fn filled(head: &str, name: &Name) -> String {
    head.replace("{name}", name.kebab()).replace("{type}", &name.camel()).replace("{prefix}", &name.prefix())
}

/// Replaces the inherited dependencies by those that the workspace declares, with absolute paths.
fn resolved(sections: &str, workspace: &str, root: &Path) -> Result<String, String> {
    let mut lines = Vec::new();
    for line in sections.lines() {
        let inherited = line
            .split_once(".workspace = true")
            .map(|(key, _)| (key, ""))
            .or_else(|| line.split_once(" = { workspace = true"));
        let Some((key, rest)) = inherited else {
            lines.push(line.to_owned());
            continue;
        };
        let declared = workspace.lines().find_map(|line| line.strip_prefix(&format!("{key} = ")));
        let declared = declared.ok_or_else(|| format!("Cargo.toml does not declare `{key}`"))?;
        let more = rest.trim_start_matches(',').trim_end_matches('}').trim();
        lines.push(format!("{key} = {{ {} }}", merged(declared, more, root)));
    }
    Ok(lines.join("\n") + "\n")
}

/// Merges the members of a declared dependency with further ones.
fn merged(declared: &str, more: &str, root: &Path) -> String {
    let declared = match declared.strip_prefix('{').and_then(|table| table.strip_suffix('}')) {
        Some(table) => table.trim().to_owned(),
        None => format!("version = {declared}"),
    };
    let declared = declared.replace("path = \"", &format!("path = \"{}/", root.display()));
    let list = |text: &str| {
        let (before, rest) = text.split_once("features = [").filter(|(before, _)| !before.ends_with("default-"))?;
        let (list, after) = rest.split_once(']')?;
        Some((before.to_owned(), list.to_owned(), after.to_owned()))
    };
    let (Some((before, first, after)), Some((_, second, _))) = (list(&declared), list(more)) else {
        return [declared.as_str(), more].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
    };
    format!("{before}features = [{first}, {second}]{after}")
}
