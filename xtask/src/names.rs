//! `cargo xtask names`: checks that everything the documentation names exists.
//!
//! It checks repository paths in backticks, relative links, and commands of `cargo xtask`, in `README.md` and `docs/`
//! without `docs/contract/` (which is about the vendors' documents). A path with a placeholder (`crates/<name>/`,
//! `docs/*.md`) is an example and is not checked.

use std::path::Path;

use crate::finding::Verdict;
use crate::workspace::Workspace;

/// Prefixes of repository paths.
const PREFIXES: &[&str] = &["crates/", "docs/", "xtask/", ".ci/"];

/// `is_command` returns whether a word is a command of `cargo xtask`.
pub(crate) fn run(ws: &Workspace, is_command: impl Fn(&str) -> bool) -> Verdict {
    let pages = ws.read_all(|path| {
        path == "README.md"
            || (path.starts_with("docs/") && path.ends_with(".md") && !path.starts_with("docs/contract/"))
    })?;
    if pages.is_empty() {
        return Err("there is neither a README.md nor a page in docs/".to_owned());
    }
    Ok(look(&pages, |path| ws.root().join(path).exists(), is_command))
}

fn look(pages: &[(String, String)], exists: impl Fn(&Path) -> bool, is_command: impl Fn(&str) -> bool) -> Vec<String> {
    let mut findings = Vec::new();
    for (page, text) in pages {
        let folder = Path::new(page).parent().unwrap_or(Path::new(""));
        let mut fenced = false;
        for (number, line) in (1..).zip(text.lines()) {
            let mut report = |what: String| findings.push(format!("{page}:{number} {what}"));
            for word in commands(line).filter(|word| !is_command(word)) {
                report(format!("names `cargo xtask {word}`, which is not a command: see `cargo xtask help`"));
            }
            if line.trim_start().starts_with("```") {
                fenced = !fenced;
            }
            if fenced {
                continue;
            }
            for path in paths(line).filter(|path| !exists(Path::new(path))) {
                report(format!("names `{path}`, which does not exist: correct the name"));
            }
            for target in links(line).filter(|target| !exists(&folder.join(target))) {
                report(format!("links to {target}, which does not exist: correct the link"));
            }
        }
    }
    findings
}

/// The words after `cargo xtask`, also in code blocks, without options and placeholders.
fn commands(line: &str) -> impl Iterator<Item = &str> {
    line.split("cargo xtask ").skip(1).filter_map(|rest| {
        let end =
            rest.find(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')).unwrap_or(rest.len());
        rest.get(..end).filter(|word| !word.is_empty() && !word.starts_with('-'))
    })
}

fn paths(line: &str) -> impl Iterator<Item = &str> {
    // The odd pieces are between backticks, except a last one without a closing backtick.
    let pieces = line.matches('`').count();
    line.split('`')
        .enumerate()
        .filter(move |(index, _)| index % 2 == 1 && *index < pieces)
        .flat_map(|(_, code)| code.split_whitespace())
        .filter(|word| PREFIXES.iter().any(|start| word.starts_with(start)))
        .filter(|word| !word.contains(['<', '*', '{', '…']))
        .map(|word| word.split(['#', ':', ',', ';', ')']).next().unwrap_or(word).trim_end_matches('.'))
}

/// Targets of relative links.
pub(crate) fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| {
        let target = rest.split([')', ' ', '#']).next()?;
        (!target.is_empty() && !target.contains(':') && !target.contains('<')).then_some(target)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::throwaway::Throwaway;

    /// The findings of a page at `docs/page.md`, if only these paths exist.
    fn findings_in(text: &str) -> Vec<String> {
        let there = ["crates/core/src/lib.rs", "docs/guide.md", "crates/core", "docs/../README.md"];
        let exists = |path: &Path| there.iter().any(|there| Path::new(there) == path);
        let pages = [("docs/page.md".to_owned(), text.to_owned())];
        look(&pages, exists, |word| word == "test")
    }

    #[test]
    fn existing_names_and_other_words_are_accepted() {
        for text in [
            "`crates/core/src/lib.rs:12`, `docs/guide.md#part` and `cat crates/core/`.",
            "`crates/<name>/src`",
            "`docs/*.md`",
            "crates/gone without backticks",
            "`src/lib.rs`",
            "```\n`crates/gone`\n```",
            "Run `cargo xtask test`, `cargo xtask`, `cargo xtask --help`, `cargo xtask <name>`.",
            "[a](guide.md#part) [b](../README.md) [c](https://example.org/x) [d](#part)",
        ] {
            assert_eq!(findings_in(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn paths_commands_and_links_must_exist() {
        for (text, found) in [
            (
                "fine\nsee `crates/core/src/gone.rs` and `docs/guide.md`",
                &["docs/page.md:2 names `crates/core/src/gone.rs`"][..],
            ),
            (
                "`cat xtask/gone.rs` `.ci/gone`",
                &["docs/page.md:1 names `xtask/gone.rs`", "docs/page.md:1 names `.ci/gone`"],
            ),
            ("```\n```\n`crates/gone`", &["docs/page.md:3 names `crates/gone`"]),
            // Also in code blocks.
            ("```\ncargo xtask tset && cargo xtask test\n```", &["docs/page.md:2 names `cargo xtask tset`"]),
            // A link is relative to its page.
            ("[a](gone.md)", &["docs/page.md:1 links to gone.md"]),
            ("[a](../guide.md)", &["docs/page.md:1 links to ../guide.md"]),
            ("[a](crates/core)", &["docs/page.md:1 links to crates/core"]),
        ] {
            let findings = findings_in(text);
            assert_eq!(findings.len(), found.len(), "{text}: {findings:?}");
            assert!(findings.iter().zip(found).all(|(finding, start)| finding.starts_with(start)), "{findings:?}");
        }
    }

    #[test]
    fn readme_and_docs_are_checked_but_not_the_contract() {
        let repo = Throwaway::repository();
        assert!(run(&repo.workspace(), |word| matches!(word, "ci" | "test")).is_err());
        repo.write("README.md", "`crates/gone`");
        repo.write("docs/deep/page.md", "[up](../other.md) and `docs/deep/page.md`");
        repo.write("docs/contract/contract.md", "`docs/gone.md`");
        let findings = run(&repo.workspace(), |word| matches!(word, "ci" | "test")).unwrap();
        assert_eq!(findings.len(), 2, "{findings:?}");
        repo.write("README.md", "`docs/deep/page.md`");
        repo.write("docs/other.md", "`cargo xtask ci` and `cargo xtask test`");
        assert_eq!(run(&repo.workspace(), |word| matches!(word, "ci" | "test")).unwrap(), [""; 0]);
    }
}
