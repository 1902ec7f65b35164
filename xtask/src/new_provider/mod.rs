//! `cargo xtask new-provider`: writes the crate of a provider with its mock vendor and tests, and adds it to the lists.
//!
//! The templates are the files of `crates/example-provider`, in which the vendor's names are replaced; the files of the
//! login are those below `auth/`. So the templates are compiled and tested with the workspace.
//!
//! Invariant: everything is prepared in memory, and written only if nothing is wrong.

mod lists;
mod manifest;
mod name;
mod openapi;
mod options;
mod plan;
mod template;
#[cfg(test)]
mod tests;
pub(crate) mod trial;

use std::fs;
use std::path::Path;

use crate::workspace::Workspace;

pub(crate) use options::{Options, parse};

use plan::{Content, Plan};

pub(crate) const ABOUT: &str =
    "NAME --auth KIND [--from FILE] [--outside DIR]: writes the crate of a provider (docs/providers.md)";

/// Writes a provider. The error is one sentence for the user.
pub(crate) fn run(options: &Options, ws: &Workspace) -> Result<bool, String> {
    let plan = prepare(options, ws)?;
    for (path, content) in &plan.files {
        write(path, content).map_err(|error| format!("writing {}: {error}", path.display()))?;
    }
    finish(options, ws)?;
    let kind = if options.outside.is_some() { "outside the workspace" } else { "in the workspace" };
    ws.print(&format!("wrote {} {kind}: {} files. Left to do:", options.name.package(), plan.files.len()));
    plan.left.iter().for_each(|line| ws.print(&format!("- {line}")));
    Ok(true)
}

/// Prepares all files.
fn prepare(options: &Options, ws: &Workspace) -> Result<Plan, String> {
    let name = &options.name;
    let home = match &options.outside {
        Some(folder) => {
            let folder = std::path::absolute(folder).map_err(|error| format!("`{}`: {error}", folder.display()))?;
            let free = !folder.exists() || fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_none());
            if !free {
                return Err(format!("{} exists and is not an empty folder: choose another one", folder.display()));
            }
            if folder.starts_with(ws.root()) && !folder.starts_with(ws.target()) {
                return Err(format!("{} is inside the workspace: leave out `--outside`", folder.display()));
            }
            folder
        }
        None => ws.root().join("crates").join(name.kebab()),
    };
    if options.outside.is_none() && home.exists() {
        return Err(format!("crates/{} exists: choose another name", name.kebab()));
    }
    let generated = options.from.as_deref().map(read_document).transpose()?;
    let mut plan = Plan::default();
    template::add(&mut plan, options, &home, generated.is_some(), ws)?;
    manifest::add(&mut plan, options, &home, ws)?;
    if options.outside.is_none() {
        lists::add(&mut plan, name, ws)?;
        for file in ["CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"] {
            let target = lists::link(file);
            plan.files.insert(home.join(file), Content::Link(target));
        }
    } else {
        plan.text(home.join(".rustfmt.toml"), ws.read(".rustfmt.toml")?);
    }
    left(&mut plan, options);
    if let Some(generated) = generated {
        plan.text(home.join("src").join("from_openapi.rs"), generated.source);
        plan.left
            .push("from_openapi.rs: move what you need into messages.rs and operations.rs, then delete it".to_owned());
        plan.left.extend(generated.unsupported.iter().map(|part| format!("not generated from the document: {part}")));
    }
    Ok(plan)
}

fn read_document(path: &Path) -> Result<openapi::Generated, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("reading {}: {error}", path.display()))?;
    openapi::generate(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Adds what the generator cannot know.
fn left(plan: &mut Plan, options: &Options) {
    let contract = if options.outside.is_some() {
        "contract.md".to_owned()
    } else {
        format!("docs/contract/{}.md", options.name.kebab())
    };
    for line in [
        format!("{contract}: replace the rows by what the vendor's document says, line by line"),
        "fixtures/: replace the samples by those of the document, byte for byte".to_owned(),
        "src/auth.rs and src/mock/login.rs: the vendor's login".to_owned(),
        "src/messages.rs, src/operations.rs, src/writer.rs: the vendor's fields, calls and rules".to_owned(),
        "src/port.rs: the meaning of the vendor's statuses, capabilities, retention, evidence".to_owned(),
        "src/callback.rs: the vendor's webhook".to_owned(),
        "src/mock/: the vendor's behavior, rules and retries".to_owned(),
        "docs/providers.md explains each step and what each check wants".to_owned(),
    ] {
        plan.left.push(line);
    }
}

fn write(path: &Path, content: &Content) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    match content {
        Content::Text(text) => fs::write(path, text),
        #[cfg(unix)]
        Content::Link(target) => std::os::unix::fs::symlink(target, path),
        #[cfg(not(unix))]
        Content::Link(target) => fs::copy(path.parent().unwrap_or(Path::new("")).join(target), path).map(drop),
    }
}

/// Formats the new files, and adds the crate to `Cargo.lock`.
fn finish(options: &Options, ws: &Workspace) -> Result<(), String> {
    let package = options.name.package();
    let format = match &options.outside {
        Some(folder) => {
            let mut format = ws.cargo(&["fmt", "--manifest-path"]);
            format.arg(std::path::absolute(folder).unwrap_or_else(|_| folder.clone()).join("Cargo.toml"));
            format
        }
        None => {
            let mut format =
                ws.cargo(&["fmt", "--package", &package, "--package", "identkit", "--package", "identkit-cli", "--"]);
            // A macro declares its module, so that cargo does not find it.
            format.arg(lists::commands(&options.name, ws));
            format
        }
    };
    ws.output("cargo fmt", format)?;
    if options.outside.is_none() {
        ws.output("cargo update", ws.cargo(&["update", "--workspace", "--offline"]))?;
    }
    Ok(())
}
