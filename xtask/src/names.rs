//! `cargo xtask names`: checks that everything the documentation names exists.
//!
//! It checks repository paths in backticks, relative links, and commands of `cargo xtask` and `identkit`, in the READMEs
//! and in `docs/` without `docs/contract/` (which is about the vendors' documents). In the crates' READMEs, it also
//! checks each word in backticks: it must be a name or a text of the sources, or a word of the manifests. A path or a
//! span with a placeholder (`crates/<name>/`, `docs/*.md`) is an example and is not checked.

use std::collections::BTreeSet;
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::finding::Verdict;
use crate::workspace::Workspace;

/// Prefixes of repository paths.
const PREFIXES: &[&str] = &["crates/", "docs/", "xtask/", ".ci/"];

/// `is_command` returns whether a word is a command of `cargo xtask`.
pub(crate) fn run(ws: &Workspace, is_command: impl Fn(&str) -> bool) -> Verdict {
    let mut pages = ws.read_all(|path| {
        path == "README.md"
            || (path.starts_with("crates/") && path.ends_with("/README.md"))
            || (path.starts_with("docs/") && path.ends_with(".md") && !path.starts_with("docs/contract/"))
    })?;
    // A crate can share the README of the repository.
    let shared = pages.iter().find(|(path, _)| path == "README.md").map(|(_, text)| text.clone());
    pages.retain(|(path, text)| path == "README.md" || shared.as_ref() != Some(text));
    if pages.is_empty() {
        return Err("there is neither a README.md nor a page in docs/".to_owned());
    }
    let (mut sources, mut command_line) = (Words::default(), Words::default());
    for (path, text) in ws.read_all(|path| path.starts_with("crates/") && path.ends_with(".rs"))? {
        let tokens: TokenStream = text.parse().map_err(|_| format!("{path} cannot be parsed"))?;
        if path.starts_with("crates/cli/src/") {
            command_line.add_tokens(tokens.clone());
        }
        sources.add_tokens(tokens);
    }
    for (_, text) in ws.read_all(|path| path.ends_with("Cargo.toml"))? {
        sources.add_text(&text);
    }
    let known = Known { exists: &|path| ws.root().join(path).exists(), is_command: &is_command, sources, command_line };
    Ok(look(&pages, &known))
}

/// What exists.
struct Known<'a> {
    exists: &'a dyn Fn(&Path) -> bool,
    /// Whether `cargo xtask` has this command.
    is_command: &'a dyn Fn(&str) -> bool,
    /// Words of all crates.
    sources: Words,
    /// Words of the program `identkit`, whose commands and options are named after its types and fields.
    command_line: Words,
}

/// Names and words of texts, without comments.
#[derive(Default)]
struct Words {
    exact: BTreeSet<String>,
    /// In lower case without hyphens and underscores: `put-order` is the command of `PutOrder`.
    folded: BTreeSet<String>,
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

fn folded(word: &str) -> String {
    word.replace(['-', '_'], "").to_lowercase()
}

impl Words {
    fn add(&mut self, word: &str) {
        self.folded.insert(folded(word));
        self.exact.insert(word.to_owned());
    }

    fn add_text(&mut self, text: &str) {
        text.split(|c| !is_word(c)).for_each(|word| self.add(word));
    }

    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut after_hash = false;
        for token in tokens {
            let punct = if let TokenTree::Punct(punct) = &token { Some(punct.as_char()) } else { None };
            match token {
                TokenTree::Ident(ident) => self.add(&ident.to_string()),
                TokenTree::Literal(literal) => self.add_text(&literal.to_string()),
                TokenTree::Group(group) => {
                    let is_attribute = after_hash && group.delimiter() == Delimiter::Bracket;
                    let mut inner = group.stream().into_iter();
                    // Comments are attributes, too.
                    let is_comment = matches!(inner.next(), Some(TokenTree::Ident(ident)) if ident == "doc");
                    if !(is_attribute && is_comment) {
                        self.add_tokens(group.stream());
                    }
                }
                TokenTree::Punct(_) => {}
            }
            // `#![…]` is an attribute of the file.
            after_hash = punct == Some('#') || after_hash && punct == Some('!');
        }
    }

    fn has(&self, word: &str) -> bool {
        self.exact.contains(word) || word.contains('-') && self.folded.contains(&folded(word))
    }
}

fn look(pages: &[(String, String)], known: &Known<'_>) -> Vec<String> {
    let mut findings = Vec::new();
    for (page, text) in pages {
        let folder = Path::new(page).parent().unwrap_or(Path::new(""));
        let mut fenced = false;
        for (number, line) in (1..).zip(text.lines()) {
            let mut report = |what: String| findings.push(format!("{page}:{number} {what}"));
            for word in commands(line).filter(|word| !(known.is_command)(word)) {
                report(format!("names `cargo xtask {word}`, which is not a command: see `cargo xtask help`"));
            }
            if line.trim_start().starts_with("```") {
                fenced = !fenced;
            }
            let of_program = if fenced { vec![line] } else { spans(line).collect() };
            for word in of_program.into_iter().flat_map(program_words).filter(|word| !known.command_line.has(word)) {
                report(format!("names `{word}`, which identkit does not have: see `identkit --help`"));
            }
            if fenced {
                continue;
            }
            for path in paths(line).filter(|path| !(known.exists)(Path::new(path))) {
                report(format!("names `{path}`, which does not exist: correct the name"));
            }
            for target in links(line).filter(|target| !(known.exists)(&folder.join(target))) {
                report(format!("links to {target}, which does not exist: correct the link"));
            }
            if is_of_crate(page) {
                for word in spans(line).flat_map(code_words).filter(|word| !known.sources.has(word)) {
                    report(format!("names `{word}`, which no source and no manifest contains: correct the name"));
                }
            }
        }
    }
    findings
}

/// Whether a page is the README of a crate, and not of its fixtures.
fn is_of_crate(page: &str) -> bool {
    page.strip_prefix("crates/")
        .and_then(|rest| rest.strip_suffix("/README.md"))
        .is_some_and(|name| !name.contains('/'))
}

/// The words after `cargo xtask`, also in code blocks, without options and placeholders.
fn commands(line: &str) -> impl Iterator<Item = &str> {
    line.split("cargo xtask ").skip(1).filter_map(|rest| {
        let end =
            rest.find(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')).unwrap_or(rest.len());
        rest.get(..end).filter(|word| !word.is_empty() && !word.starts_with('-'))
    })
}

/// Commands and options after `identkit`, e.g. `tm`, `status` and `--extended`.
fn program_words(code: &str) -> impl Iterator<Item = &str> {
    let rest = code.trim_start().trim_start_matches("$ ").strip_prefix("identkit ").unwrap_or_default();
    let mut is_command = true;
    rest.split_whitespace().take_while(|word| !word.starts_with(['#', '|', '&', '>', '<', ';'])).filter_map(
        move |word| {
            if let Some(option) = word.strip_prefix("--") {
                is_command = false;
                return option.split('=').next().filter(|option| option.chars().all(is_word));
            }
            is_command &= word.starts_with(|c: char| c.is_ascii_lowercase())
                && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
            is_command.then_some(word)
        },
    )
}

/// Words of a code span, without paths, links and placeholders, which other checks read.
fn code_words(code: &str) -> impl Iterator<Item = &str> {
    let code = if code.contains(['<', '*', '…', '{']) || code.contains("://") { "" } else { code };
    let is_path = |word: &str| PREFIXES.iter().any(|start| word.starts_with(start));
    code.split_whitespace()
        .filter(move |word| !is_path(word))
        .flat_map(|word| word.split(|c| !is_word(c)))
        .map(|word| word.trim_matches('-'))
        .filter(|word| word.contains(|c: char| c.is_ascii_alphabetic()))
}

fn spans(line: &str) -> impl Iterator<Item = &str> {
    // The odd pieces are between backticks, except a last one without a closing backtick.
    let pieces = line.matches('`').count();
    line.split('`').enumerate().filter(move |(index, _)| index % 2 == 1 && *index < pieces).map(|(_, code)| code)
}

fn paths(line: &str) -> impl Iterator<Item = &str> {
    spans(line)
        .flat_map(|code| code.split_whitespace())
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

    /// The findings of a page, if only these paths, words and commands exist.
    fn findings_at(page: &str, text: &str) -> Vec<String> {
        let there = ["crates/core/src/lib.rs", "docs/guide.md", "crates/core", "docs/../README.md"];
        let (mut sources, mut command_line) = (Words::default(), Words::default());
        let source =
            r#"/// Gone. #[serde(rename = "OnFinal")] struct Known; fn open_case() { call!("putOrder, x-api"); }"#;
        sources.add_tokens(source.replace("Gone. ", "Gone.\n").parse().unwrap());
        sources.add_text("[features]\nfile-inbox = []");
        command_line.add_tokens("enum Command { Tm, PutOrder { write_ca: bool } }".parse().unwrap());
        command_line.add_text("tm");
        let known = Known {
            exists: &|path| there.iter().any(|there| Path::new(there) == path),
            is_command: &|word| word == "test",
            sources,
            command_line,
        };
        look(&[(page.to_owned(), text.to_owned())], &known)
    }

    fn findings_in(text: &str) -> Vec<String> {
        findings_at("docs/page.md", text)
    }

    #[test]
    fn names_in_a_readme_of_a_crate_must_exist() {
        for text in [
            "`Known`, `Known::open_case`, `putOrder`, `OnFinal`, `x-api`, `file-inbox` and `4711`",
            "`<gone>`, `gone/*`, `https://gone.example`, `crates/core`, gone",
            "```\nlet gone = 1;\n```",
        ] {
            assert_eq!(findings_at("crates/core/README.md", text), [""; 0], "{text}");
        }
        for (text, word) in
            [("`Gone`", "Gone"), ("`Known::gone`", "gone"), ("`known`", "known"), ("`gone-inbox`", "gone-inbox")]
        {
            let findings = findings_at("crates/core/README.md", text);
            assert!(
                matches!(&findings[..], [one] if one.contains(&format!("names `{word}`, which no source"))),
                "{findings:?}"
            );
            for other in ["docs/page.md", "README.md", "crates/core/fixtures/README.md"] {
                assert_eq!(findings_at(other, text), [""; 0], "{other} also names what others define");
            }
        }
    }

    #[test]
    fn commands_and_options_of_the_program_must_exist() {
        for text in [
            "`identkit tm put-order order.json --write-ca=x`",
            "```sh\n$ identkit tm put-order 4711 --write-ca ca.pem | jq --gone  # gone\n```",
            "`identkit` `identkit-core` identkit gone",
        ] {
            assert_eq!(findings_in(text), [""; 0], "{text}");
        }
        for (text, word) in [
            ("`identkit gone`", "gone"),
            ("`identkit tm put-orders`", "put-orders"),
            ("```\nidentkit tm put-order x.json --gone y\n```", "gone"),
        ] {
            let findings = findings_in(text);
            assert!(
                matches!(&findings[..], [one] if one.contains(&format!("names `{word}`, which identkit"))),
                "{findings:?}"
            );
        }
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
        repo.write("crates/deep/README.md", "`Gone` and `docs/gone.md`");
        let findings = run(&repo.workspace(), |word| matches!(word, "ci" | "test")).unwrap();
        assert_eq!(findings.len(), 4, "{findings:?}");
        repo.write("crates/deep/README.md", "`Known`");
        repo.write("crates/deep/src/lib.rs", "pub struct Known;");
        repo.write("README.md", "`docs/deep/page.md`");
        repo.write("docs/other.md", "`cargo xtask ci` and `cargo xtask test`");
        assert_eq!(run(&repo.workspace(), |word| matches!(word, "ci" | "test")).unwrap(), [""; 0]);
    }
}
