//! `cargo xtask features`: checks that every library crate compiles without features, with each feature alone and with
//! all of them, without warnings.
//!
//! Warnings are read from cargo's messages instead of being denied through `RUSTFLAGS`, because other flags would make
//! cargo build everything a second time.

use cargo_metadata::diagnostic::DiagnosticLevel;
use cargo_metadata::{Message, Metadata};

use crate::finding::Verdict;
use crate::workspace::Workspace;

pub(crate) fn run(ws: &Workspace) -> Verdict {
    let mut findings = Vec::new();
    let libraries = libraries(&ws.metadata()?);
    if libraries.is_empty() {
        return Err("crates/ contains no library".to_owned());
    }
    for (package, features) in &libraries {
        for combination in combinations(features) {
            findings.extend(check(ws, package, &combination)?);
        }
    }
    Ok(findings)
}

fn libraries(metadata: &Metadata) -> Vec<(String, Vec<String>)> {
    let crates = metadata.workspace_root.join("crates");
    metadata
        .packages
        .iter()
        .filter(|package| package.manifest_path.starts_with(&crates))
        .filter(|package| package.targets.iter().any(|target| target.is_lib()))
        .map(|package| (package.name.to_string(), package.features.keys().cloned().collect()))
        .collect()
}

/// Arguments of each build: no feature, each alone, all.
fn combinations(features: &[String]) -> Vec<Vec<&str>> {
    let alone = features.iter().map(|name| vec!["--no-default-features", "--features", name.as_str()]);
    let none = vec!["--no-default-features"];
    [none].into_iter().chain(alone).chain([vec!["--all-features"]]).collect()
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
    fn no_feature_each_alone_and_all_are_checked() {
        assert_eq!(
            combinations(&["a".to_owned(), "b".to_owned()]),
            [
                &["--no-default-features"][..],
                &["--no-default-features", "--features", "a"],
                &["--no-default-features", "--features", "b"],
                &["--all-features"]
            ]
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
