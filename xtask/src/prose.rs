//! `cargo xtask prose`: checks that documentation and messages contain no phrase that `docs/language.md` rules out.
//!
//! It checks all pages except `docs/contract` (which follows the vendors' documents) and `docs/language.md`, the doc
//! comments of every Rust file, and string literals of more than one word outside tests: help and error texts. Code in
//! backticks, code blocks and placeholders (`{name}`) are not checked.

use std::iter;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::finding::Verdict;
use crate::workspace::Workspace;

/// Ruled-out phrases, and what to write instead.
const PHRASES: &[(&str, &str)] = &[
    ("told", "say who does what: the error names, the sandbox reports, the response lists"),
    ("tells", "say who does what: names, reports, shows"),
    ("whoever", "name the actor: the caller, the client, anyone who"),
    ("so many", "name the quantity: the number of, a maximum of"),
    ("so much", "name the quantity"),
    ("of ours", "say what it is, or leave it out"),
    ("what becomes of", "name the result"),
    ("anew", "\"again\", or \"a new\""),
    ("besides", "\"also\", or a sentence of its own"),
    ("at the most", "\"at most\""),
    ("as it came", "\"unchanged\", \"as received\""),
    ("is no", "\"is not a\""),
    ("are no", "\"are not\""),
    ("nobody", "name the actor, or use the passive"),
    ("somebody", "name the actor"),
];

/// Allowed uses: the phrase with its next word.
const ALLOWED: &[&str] = &["is no longer", "are no longer", "are no other"];

pub(crate) fn run(ws: &Workspace) -> Verdict {
    let is_page =
        |path: &str| path.ends_with(".md") && !path.starts_with("docs/contract/") && path != "docs/language.md";
    let is_source = |path: &str| path.ends_with(".rs") && path != "xtask/src/prose.rs";
    let mut findings = Vec::new();
    for (path, text) in ws.read_all(|path| is_page(path) || is_source(path))? {
        let passages = if is_page(&path) { vec![page(&text)] } else { source(&path, &text)? };
        findings.extend(passages.iter().flat_map(|passage| look(&path, passage)));
    }
    Ok(findings)
}

/// Continuous text: numbered lines.
type Passage = Vec<(usize, String)>;

fn page(text: &str) -> Passage {
    (1..).zip(text.lines().map(str::to_owned)).collect()
}

/// Returns the doc comments and texts of a Rust file.
fn source(path: &str, text: &str) -> Result<Vec<Passage>, String> {
    let tokens: TokenStream = text.parse().map_err(|error| format!("reading {path}: {error}"))?;
    let mut passages = Vec::new();
    let in_tests = path.contains("/tests/") || path.ends_with("tests.rs") || path.contains("/benches/");
    collect(tokens, in_tests, &mut passages);
    Ok(passages)
}

/// `docs_only`: whether string literals are skipped, because they belong to a test.
fn collect(tokens: TokenStream, docs_only: bool, passages: &mut Vec<Passage>) {
    let mut of_test = false;
    for token in tokens {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => {
                let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
                let [TokenTree::Ident(name), rest @ ..] = tokens.as_slice() else {
                    collect(group.stream(), docs_only, passages);
                    continue;
                };
                of_test |= name == "test"
                    || group.stream().to_string() == "cfg (test)"
                    || group.stream().to_string() == "cfg(test)";
                match rest {
                    [TokenTree::Punct(_), TokenTree::Literal(text)] if name == "doc" => add(text, true, passages),
                    _ => collect(group.stream(), docs_only, passages),
                }
            }
            TokenTree::Group(group) => {
                let is_body = group.delimiter() == Delimiter::Brace;
                collect(group.stream(), docs_only || (of_test && is_body), passages);
                of_test &= !is_body;
            }
            TokenTree::Literal(text) if !docs_only => add(&text, false, passages),
            TokenTree::Punct(mark) if mark.as_char() == ';' => of_test = false,
            _ => {}
        }
    }
}

/// Adds a literal's text. Lines of one doc comment are joined to one passage.
fn add(literal: &proc_macro2::Literal, is_doc: bool, passages: &mut Vec<Passage>) {
    let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string()) else { return };
    let (text, first) = (text.value(), literal.span().start().line);
    let lines: Passage = (first..).zip(text.split('\n').map(str::to_owned)).collect();
    match passages.last_mut() {
        Some(before) if is_doc && before.last().is_some_and(|(line, _)| line + 1 == first) => before.extend(lines),
        _ if is_doc || text.trim().contains(' ') => passages.push(lines),
        _ => {}
    }
}

fn look(path: &str, passage: &Passage) -> Vec<String> {
    let words = words(passage);
    let mut findings = Vec::new();
    for at in 0..words.len() {
        let is = |phrase: &str| {
            let found = words.iter().skip(at).map(|(_, word)| word.as_str());
            phrase.split(' ').map(Some).eq(found.map(Some).chain(iter::repeat(None)).take(phrase.split(' ').count()))
        };
        if ALLOWED.iter().any(|allowed| is(allowed)) {
            continue;
        }
        let Some((line, _)) = words.get(at) else { continue };
        if let Some((phrase, instead)) = PHRASES.iter().find(|(phrase, _)| is(phrase)) {
            findings.push(format!("{path}:{line} says \"{phrase}\": {instead} (docs/language.md)"));
        }
    }
    findings
}

/// Returns the words of a passage in lower case, each with its line. A punctuation mark counts as a word.
fn words(passage: &Passage) -> Vec<(usize, String)> {
    let mut words = Vec::new();
    // Code in backticks can continue in the next line. `code` is the character that ends it.
    let (mut fenced, mut code) = (false, None);
    for (line, text) in passage {
        if text.trim_start().starts_with("```") {
            (fenced, code) = (!fenced, None);
            continue;
        }
        if fenced || text.trim().is_empty() {
            words.push((*line, ".".to_owned()));
            code = None;
            continue;
        }
        let mut word = String::new();
        for c in text.chars().chain(iter::once(' ')) {
            if code.is_none() && (c.is_alphanumeric() || c == '\'') {
                word.extend(c.to_lowercase());
                continue;
            }
            if !word.is_empty() {
                words.push((*line, std::mem::take(&mut word)));
            }
            match (code, c) {
                (Some(end), c) if c == end => {
                    code = None;
                    words.push((*line, "`".to_owned()));
                }
                (None, '`') => code = Some('`'),
                (None, '{') => code = Some('}'),
                (None, c) if !c.is_whitespace() => words.push((*line, c.to_string())),
                _ => {}
            }
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::throwaway::Throwaway;

    fn findings_in(path: &str, text: &str) -> Vec<String> {
        let repo = Throwaway::repository();
        repo.write(path, text);
        run(&repo.workspace()).unwrap()
    }

    #[test]
    fn a_phrase_is_found_in_pages_doc_comments_and_texts() {
        for (path, text, line) in [
            ("README.md", "A page.\n\nThe caller is told what to do.", 3),
            ("docs/a.md", "This value is\nno number.", 1),
            ("crates/core/src/lib.rs", "//! The crate.\n//! It is told.", 2),
            ("crates/core/src/lib.rs", "/// What is\n/// no date.\nfn f() {}", 1),
            ("crates/core/src/lib.rs", "fn f() {\n    error(\"nobody did that\")\n}", 2),
            ("crates/core/src/lib.rs", "fn f() {\n    error(\"first \\\n         and so many more\")\n}", 2),
            ("crates/core/tests/it/main.rs", "//! Whoever reads this.", 1),
        ] {
            let findings = findings_in(path, text);
            assert!(
                matches!(&findings[..], [one] if one.starts_with(&format!("{path}:{line} says \""))),
                "{text}: {findings:?}"
            );
        }
    }

    #[test]
    fn code_tests_allowed_uses_and_the_contract_are_skipped() {
        for (path, text) in [
            ("README.md", "It is no longer `told`. The rest is. No more."),
            ("README.md", "```sh\nwhoever\n```"),
            ("docs/contract/contract.md", "told"),
            ("docs/language.md", "told"),
            ("crates/core/src/lib.rs", "// told\nfn told() { f(\"told\", \"{told} a\") }"),
            ("crates/core/src/lib.rs", "#[cfg(test)]\nmod tests { fn f() { g(\"told you so\") } }"),
            ("crates/core/tests/it/main.rs", "fn f() { g(\"told you so\") }"),
        ] {
            assert_eq!(findings_in(path, text), [""; 0], "{text}");
        }
    }
}
