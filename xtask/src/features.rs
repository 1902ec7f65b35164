//! `cargo xtask features`: checks that every library crate compiles without features, with each feature alone and with
//! all of them, without warnings. Of combinations that enable the same features, one is checked.
//!
//! `ci` runs it beside the tests, so it prints nothing. All builds are in one target directory, one after the other: what
//! two of them have in common is compiled once.
//!
//! Warnings are read from cargo's messages instead of being denied through `RUSTFLAGS`, because other flags would make
//! cargo build everything a second time.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::diagnostic::DiagnosticLevel;
use cargo_metadata::{Message, Metadata};

use crate::finding::Verdict;
use crate::workspace::Workspace;

pub(crate) fn run(ws: &Workspace) -> Verdict {
    let libraries = libraries(&ws.metadata()?);
    if libraries.is_empty() {
        return Err("crates/ contains no library".to_owned());
    }
    let mut findings = Vec::new();
    for (package, features) in libraries {
        for combination in combinations(&features) {
            findings.extend(check(ws, &package, &combination)?);
        }
    }
    Ok(findings)
}

/// The features of a package, each with what it enables.
type Features = BTreeMap<String, Vec<String>>;

fn libraries(metadata: &Metadata) -> Vec<(String, Features)> {
    let crates = metadata.workspace_root.join("crates");
    metadata
        .packages
        .iter()
        .filter(|package| package.manifest_path.starts_with(&crates))
        .filter(|package| package.targets.iter().any(|target| target.is_lib()))
        .map(|package| (package.name.to_string(), package.features.clone().into_iter().collect()))
        .collect()
}

/// Arguments of each build: no feature, each alone, all.
fn combinations(features: &Features) -> Vec<Vec<&str>> {
    let none = (vec!["--no-default-features"], BTreeSet::new());
    let alone = features
        .keys()
        .map(|name| (vec!["--no-default-features", "--features", name.as_str()], enabled(features, [name.as_str()])));
    let all = (vec!["--all-features"], enabled(features, features.keys().map(String::as_str)));
    let mut seen = BTreeSet::new();
    let each = [none, all].into_iter().chain(alone).filter(|(_, enabled)| seen.insert(enabled.clone()));
    each.map(|(arguments, _)| arguments).collect()
}

/// All that these features enable, directly or not. `default` alone changes nothing.
fn enabled<'a>(features: &'a Features, names: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
    let mut enabled = BTreeSet::new();
    let mut left: Vec<&str> = names.into_iter().collect();
    while let Some(name) = left.pop() {
        if enabled.insert(name) {
            left.extend(features.get(name).into_iter().flatten().map(String::as_str));
        }
    }
    enabled.remove("default");
    enabled
}

/// Checks one combination, and returns the finding.
fn check(ws: &Workspace, package: &str, combination: &[&str]) -> Result<Option<String>, String> {
    let mut cargo = ws.cargo(&["check", "--quiet", "--message-format", "json", "-p", package]);
    cargo.args(combination);
    let output = ws.capture(cargo)?;
    let mut messages = diagnostics(&output.stdout);
    let ended = if output.status.success() { "warns" } else { "does not compile" };
    if messages.is_empty() && !output.status.success() {
        // There is no message of the compiler, so cargo itself failed.
        messages = String::from_utf8_lossy(&output.stderr).into_owned();
    }
    let what = combination.join(" ");
    Ok((!messages.is_empty()).then(|| format!("`cargo check -p {package} {what}` {ended}:\n{}", messages.trim_end())))
}

/// Returns the rendered warnings and errors in cargo's messages. Cargo suppresses those of external crates.
fn diagnostics(messages: &[u8]) -> String {
    let messages = Message::parse_stream(messages).filter_map(|message| match message {
        Ok(Message::CompilerMessage(message)) => Some(message.message),
        _ => None,
    });
    let levels = [DiagnosticLevel::Warning, DiagnosticLevel::Error, DiagnosticLevel::Ice];
    messages
        .filter(|message| levels.contains(&message.level))
        // Omits the compiler's count of its messages.
        .filter(|message| !(message.spans.is_empty() && message.message.ends_with("emitted")))
        .map(|message| message.rendered.unwrap_or(message.message))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::throwaway::Throwaway;

    #[test]
    fn each_set_of_features_is_checked_once() {
        let check = |features: &[(&str, &[&str])], expected: &[&str]| {
            let owned = |(name, enables): &(&str, &[&str])| {
                ((*name).to_owned(), enables.iter().map(|feature| (*feature).to_owned()).collect())
            };
            let features = features.iter().map(owned).collect();
            let combinations: Vec<_> = combinations(&features).iter().map(|arguments| arguments.join(" ")).collect();
            assert_eq!(combinations, expected);
        };
        let (none, all) = ("--no-default-features", "--all-features");
        let (a, b) = ("--no-default-features --features a", "--no-default-features --features b");
        check(&[], &[none]);
        check(&[("default", &[]), ("a", &["dep:x"])], &[none, all]);
        check(&[("a", &[]), ("b", &["y/z"])], &[none, all, a, b]);
        check(&[("a", &[]), ("b", &["a"]), ("default", &["b"])], &[none, all, a]);
    }

    #[test]
    fn a_feature_that_does_not_compile_alone_is_found() {
        let repo = Throwaway::package(
            "#[cfg(feature = \"base\")]\nmod base {\n    pub(crate) const TWO: u8 = 2;\n}\n/// Two.\n#[cfg(feature = \"extra\")]\npub const TWO: u8 = base::TWO;\n/// More.\n#[cfg(feature = \"base\")]\npub const FOUR: u8 = base::TWO + base::TWO;\n",
        );
        repo.manifest("[features]\nbase = []\nextra = []\n");
        let findings = run(&repo.workspace()).unwrap();
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings.first().unwrap().to_string().contains("--features extra` does not compile"));

        repo.manifest("[features]\nbase = []\nextra = [\"base\"]\n");
        assert_eq!(run(&repo.workspace()).unwrap(), [""; 0]);
    }

    #[test]
    fn a_warning_of_one_combination_is_found_on_every_run() {
        let repo = Throwaway::package("#[cfg(not(feature = \"used\"))]\nfn unused() {}\n");
        repo.manifest("[features]\nused = []\n");
        for _ in 0..2 {
            let findings = run(&repo.workspace()).unwrap();
            assert_eq!(findings.len(), 1, "{findings:?}");
            assert!(findings.first().unwrap().to_string().contains("--no-default-features` warns"));
        }
    }

    #[test]
    fn an_invalid_manifest_is_an_error() {
        let repo = Throwaway::package("");
        repo.manifest("[features]\nbroken = [\"no-such-feature\"]\n");
        assert!(run(&repo.workspace()).is_err());
    }
}
