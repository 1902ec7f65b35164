//! The files of the crate: those of the example provider, with the vendor's names replaced.

use std::path::Path;

use super::lists;
use super::name::Name;
use super::options::{Auth, Options};
use super::plan::Plan;
use crate::workspace::Workspace;

/// The module of the command line.
const COMMANDS: &str = include_str!("commands.rs.in");

/// Folder of the example provider.
const EXAMPLE: &str = "crates/example-provider/";

/// Files of the example provider that depend on the place of the crate, or belong to the example only.
const OWN: [&str; 3] = ["Cargo.toml", "contract.md", "fixtures/openapi.json"];

/// The files of each kind of login, instead of those of the example.
fn login(auth: Auth) -> Option<[(&'static str, &'static str); 2]> {
    macro_rules! files {
        ($folder:literal) => {
            Some([
                ("src/auth.rs", include_str!(concat!("auth/", $folder, "/auth.rs.in"))),
                ("src/mock/login.rs", include_str!(concat!("auth/", $folder, "/login.rs.in"))),
            ])
        };
    }
    match auth {
        Auth::Basic => files!("basic"),
        Auth::Bearer => files!("bearer"),
        Auth::Session => files!("session"),
        Auth::ClientCredentials => None,
    }
}

pub(super) fn add(
    plan: &mut Plan,
    options: &Options,
    home: &Path,
    generated: bool,
    ws: &Workspace,
) -> Result<(), String> {
    let name = &options.name;
    let overlay = login(options.auth);
    let files = ws.read_all(|path| path.strip_prefix(EXAMPLE).is_some_and(|path| !OWN.contains(&path)))?;
    if files.is_empty() {
        return Err(format!("{EXAMPLE} has no files: the generator needs it as template"));
    }
    check_type(name, &files)?;
    for (path, text) in files {
        let path = path.strip_prefix(EXAMPLE).unwrap_or(&path);
        let other = overlay.iter().flatten().find(|(file, _)| *file == path);
        let mut text = other.map_or(text, |(_, text)| (*text).to_owned());
        if path == "README.md" && options.outside.is_none() {
            text = text.replace("`contract.md`", &format!("`docs/contract/{}.md`", name.kebab()));
        }
        if path == "src/lib.rs" && generated {
            text = text.replace("mod dialect;\n", "mod dialect;\npub mod from_openapi;\n");
        }
        plan.text(home.join(replace(path, name)), replace(&text, name));
    }
    let contract = replace(&ws.read(&format!("{EXAMPLE}contract.md"))?, name);
    let place = match options.outside {
        Some(_) => home.join("contract.md"),
        None => ws.root().join("docs").join("contract").join(format!("{}.md", name.kebab())),
    };
    if place.exists() {
        return Err(format!("{} exists: choose another name", place.display()));
    }
    plan.text(place, contract);
    if options.outside.is_none() {
        plan.text(lists::commands(name, ws), replace(COMMANDS, name));
    }
    Ok(())
}

/// Replaces the names of the example's vendor, in one pass: the new name may contain one of them.
pub(super) fn replace(text: &str, name: &Name) -> String {
    let (kebab, snake, camel, prefix) = (name.kebab(), name.snake(), name.camel(), name.prefix());
    // Of several that fit, the first one wins.
    let names = [
        ("identkit-example-provider", name.package()),
        ("identkit_example_provider", format!("identkit_{snake}")),
        ("crates/example-provider", format!("crates/{kebab}")),
        ("Acme Ident API 2.0", format!("{camel} API")),
        ("Acme Ident API", format!("{camel} API")),
        ("acme-ident.example", format!("{kebab}.example")),
        ("Acme", camel),
        ("ACME", prefix.clone()),
        // Test names begin with the id of a row.
        ("fn acme_", format!("fn {}_", prefix.to_lowercase())),
        ("acme", kebab.to_owned()),
    ];
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let found = names.iter().find_map(|(from, to)| Some((rest.strip_prefix(from)?, to)));
        rest = match found {
            Some((after, to)) => {
                replaced.push_str(to);
                after
            }
            None => {
                replaced.push(letter);
                rest.get(letter.len_utf8()..).unwrap_or_default()
            }
        };
    }
    replaced
}

/// Checks that the client's type has a name of its own.
fn check_type(name: &Name, files: &[(String, String)]) -> Result<(), String> {
    let camel = name.camel();
    let is_word = |text: &str| text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == camel);
    match files.iter().any(|(path, text)| path.ends_with(".rs") && is_word(text)) {
        true => Err(format!(
            "the name `{}` gives the type `{camel}`, which the templates use: choose another name",
            name.kebab()
        )),
        false => Ok(()),
    }
}
