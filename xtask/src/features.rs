//! `cargo xtask features`: every library crate compiles without features, with each feature alone and with all of them,
//! and without a warning.
//!
//! Combinations that turn on the same features of a crate are checked once. Warnings are read from cargo's messages
//! instead of being denied through `RUSTFLAGS`, because other flags would make cargo build everything a second time.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::diagnostic::DiagnosticLevel;
use cargo_metadata::{Message, Metadata};

use crate::finding::{Broken, Finding, Verdict};
use crate::workspace::Workspace;

/// The features of a crate and what each turns on.
type Features = BTreeMap<String, Vec<String>>;

pub(crate) fn run(ws: &Workspace) -> Verdict {
    let mut findings = Vec::new();
    let libraries = libraries(&ws.metadata()?);
    if libraries.is_empty() {
        return Err(Broken::new("there is no library under crates/"));
    }
    for (package, features) in &libraries {
        for combination in combinations(features) {
            findings.extend(check(ws, package, &combination)?);
        }
    }
    Ok(findings)
}

/// The library packages under `crates/`, with their features.
fn libraries(metadata: &Metadata) -> Vec<(String, Features)> {
    let crates = metadata.workspace_root.join("crates");
    metadata
        .packages
        .iter()
        .filter(|package| package.manifest_path.starts_with(&crates))
        .filter(|package| package.targets.iter().any(|target| target.is_lib()))
        .map(|package| (package.name.to_string(), package.features.clone()))
        .collect()
}

/// The arguments of each combination worth a build: none, each alone, all; without repetitions.
fn combinations(features: &Features) -> Vec<Vec<String>> {
    let none = vec!["--no-default-features".to_owned()];
    let mut wanted = vec![(none.clone(), BTreeSet::new())];
    for name in features.keys() {
        let mut alone = none.clone();
        alone.extend(["--features".to_owned(), name.clone()]);
        wanted.push((alone, turned_on(features, [name])));
    }
    wanted.push((vec!["--all-features".to_owned()], turned_on(features, features.keys())));

    let mut seen = BTreeSet::new();
    wanted.retain(|(_, on)| seen.insert(on.clone()));
    wanted.into_iter().map(|(args, _)| args).collect()
}

/// Everything that some features turn on, with `default` standing for what it names.
fn turned_on<'a>(features: &'a Features, start: impl IntoIterator<Item = &'a String>) -> BTreeSet<String> {
    let mut on = BTreeSet::new();
    let mut todo: Vec<&String> = start.into_iter().collect();
    while let Some(name) = todo.pop() {
        if on.insert(name.clone()) {
            todo.extend(features.get(name).into_iter().flatten());
        }
    }
    on.remove("default");
    on
}

/// Checks one combination.
fn check(ws: &Workspace, package: &str, combination: &[String]) -> Verdict {
    let mut cargo = ws.cargo(&["check", "--quiet", "--message-format", "json", "-p", package]);
    cargo.args(combination);
    let output = ws.capture(cargo)?;
    let what = format!("`cargo check -p {package} {}`", combination.join(" "));
    let said = diagnostics(&output.stdout);
    if !output.status.success() {
        // When the compiler said nothing, cargo itself did.
        let said =
            if said.is_empty() { String::from_utf8_lossy(&output.stderr).trim().to_owned() } else { said.join("") };
        return Ok(vec![Finding::new(format!("{what} does not compile:\n{said}"))]);
    }
    Ok(if said.is_empty() { Vec::new() } else { vec![Finding::new(format!("{what} warns:\n{}", said.join("")))] })
}

/// The rendered warnings and errors in cargo's messages. Cargo caps those of crates from outside the workspace.
fn diagnostics(messages: &[u8]) -> Vec<String> {
    Message::parse_stream(messages)
        .filter_map(|message| match message {
            Ok(Message::CompilerMessage(said)) => Some(said.message),
            _ => None,
        })
        .filter(|message| {
            matches!(message.level, DiagnosticLevel::Warning | DiagnosticLevel::Error | DiagnosticLevel::Ice)
        })
        // The compiler's own count of what it said is no news.
        .filter(|message| !(message.spans.is_empty() && message.message.ends_with("emitted")))
        .map(|message| message.rendered.unwrap_or(message.message))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::throwaway::Throwaway;

    fn features(list: &[(&str, &[&str])]) -> Features {
        list.iter().map(|(name, on)| ((*name).to_owned(), on.iter().map(|&on| on.to_owned()).collect())).collect()
    }

    fn lines(features: &Features) -> Vec<String> {
        combinations(features).into_iter().map(|args| args.join(" ")).collect()
    }

    #[test]
    fn each_combination_is_checked_once() {
        assert_eq!(lines(&features(&[])), ["--no-default-features"]);
        assert_eq!(lines(&features(&[("default", &[])])), ["--no-default-features"]);
        assert_eq!(
            lines(&features(&[("default", &["a"]), ("a", &[]), ("b", &["dep:b"])])),
            [
                "--no-default-features",
                "--no-default-features --features a",
                "--no-default-features --features b",
                "--all-features"
            ]
        );
        // Here `b` alone is everything.
        assert_eq!(
            lines(&features(&[("a", &[]), ("b", &["a"])])),
            ["--no-default-features", "--no-default-features --features a", "--no-default-features --features b"]
        );
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
        assert_eq!(run(&repo.workspace()).unwrap(), []);
    }

    #[test]
    fn a_warning_under_one_combination_is_found_again_on_a_second_run() {
        let repo = Throwaway::package("#[cfg(not(feature = \"used\"))]\nfn unused() {}\n");
        repo.manifest("[features]\nused = []\n");
        for _ in 0..2 {
            let findings = run(&repo.workspace()).unwrap();
            assert_eq!(findings.len(), 1, "{findings:?}");
            assert!(findings.first().unwrap().to_string().contains("--no-default-features` warns"));
        }
    }

    #[test]
    fn a_manifest_that_cargo_refuses_is_never_fine() {
        let repo = Throwaway::package("");
        repo.manifest("[features]\nbroken = [\"no-such-feature\"]\n");
        assert!(run(&repo.workspace()).is_err());
    }
}
