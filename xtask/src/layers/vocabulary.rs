//! Finds vendor names in vendor-neutral files of the sandbox.
//!
//! The words are each provider's name and those that its manifest lists (`[package.metadata.identkit] words =
//! ["OrderID", …]`). Case is ignored, and comments are searched too. Test code may name vendors.

use std::collections::BTreeSet;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::syntax::{is_test_item, parse};
use crate::finding::Verdict;
use crate::members::Member;

/// Sources of the sandbox, and the folder that is not vendor-neutral.
const SOURCES: &str = "crates/mock-server/src/";
const VENDORS: &str = "crates/mock-server/src/vendors/";

/// A word that a vendor-neutral file must contain: the file below [`SOURCES`], the word, and why.
pub(super) type Exception = (&'static str, &'static str, &'static str);

/// All exceptions, at most a dozen.
pub(super) const EXCEPTIONS: &[Exception] = &[
    ("lib.rs", "identity-tm", "the feature with which the guide's examples are compiled"),
    (
        "webhooks/delivery.rs",
        "identity_tm",
        "the name of the retry schedule in format 2 of saved worlds, for every vendor",
    ),
];

/// Returns the words of all providers, in lower case.
fn words(members: &[Member]) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for member in members.iter().filter(|member| member.provider) {
        let folder = member.folder.to_lowercase();
        words.extend(["_", ""].map(|separator| folder.replace('-', separator)));
        words.insert(folder);
        words.extend(member.words.iter().map(|word| word.to_lowercase()));
    }
    words
}

/// Finds words of vendors in the sandbox's vendor-neutral files, and unused exceptions.
pub(super) fn vocabulary(members: &[Member], sources: &[(String, String)], exceptions: &[Exception]) -> Verdict {
    let words = words(members);
    let mut findings = Vec::new();
    let mut needed = BTreeSet::new();
    for (path, text) in sources {
        let Some(name) = path.strip_prefix(SOURCES).filter(|_| !path.starts_with(VENDORS)) else { continue };
        if name.ends_with("tests.rs") || name.contains("tests/") {
            continue;
        }
        let mut tests = Tests(BTreeSet::new());
        tests.visit_file(&parse(path, text)?);
        let lines: Vec<(usize, String)> =
            (1..).zip(text.lines().map(str::to_lowercase)).filter(|(number, _)| !tests.0.contains(number)).collect();
        for word in &words {
            let mut places = lines.iter().filter(|(_, line)| line.contains(word)).map(|(number, _)| number);
            let Some(first) = places.next() else { continue };
            match exceptions.iter().find(|(file, excepted, _)| *file == name && excepted.to_lowercase() == *word) {
                Some(exception) => drop(needed.insert(exception)),
                None => findings.push(format!(
                    "{path}:{first} and {} more line(s) name `{word}`, but the sandbox's vendor-neutral files name no vendor: move it into {VENDORS}, or pass it as data",
                    places.count()
                )),
            }
        }
    }
    for (file, word, _) in exceptions.iter().filter(|exception| !needed.contains(exception)) {
        findings.push(format!(
            "{SOURCES}{file} no longer names `{word}`: remove the exception from xtask/src/layers/vocabulary.rs"
        ));
    }
    Ok(findings)
}

/// Line numbers of test code.
struct Tests(BTreeSet<usize>);

impl<'ast> Visit<'ast> for Tests {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if is_test_item(item) {
            let span = item.span();
            self.0.extend(span.start().line..=span.end().line);
        } else {
            visit::visit_item(self, item);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings_in(file: &str, text: &str) -> Vec<String> {
        let provider = Member {
            folder: "acme-id".to_owned(),
            provider: true,
            words: vec!["CaseNo".to_owned(), "[A]".to_owned()],
            ..Member::default()
        };
        let neutral = Member { folder: "wire".to_owned(), ..Member::default() };
        let sources = [
            (format!("{SOURCES}{file}"), text.to_owned()),
            (format!("{SOURCES}lib.rs"), "#[cfg(feature = \"acme-id\")]\nfn f() {}".to_owned()),
        ];
        let exceptions = [("lib.rs", "acme-id", "a feature")];
        vocabulary(&[provider, neutral], &sources, &exceptions).unwrap()
    }

    #[test]
    fn a_vendors_words_are_found_in_neutral_files_only() {
        for text in [
            "fn acme_id() {}",
            "struct AcmeId;",
            "// the same at acme-id",
            "const X: &str = \"caseno\";",
            "/// See [A] 3.1.\nfn f() {}",
            "#[cfg(feature = \"acme-id\")]\nfn f() {}",
        ] {
            let findings = findings_in("journal/mod.rs", text);
            assert!(
                matches!(&findings[..], [one] if one.contains(" name `") && one.contains("journal/mod.rs:")),
                "{text}: {findings:?}"
            );
            assert_eq!(findings_in("vendors/acme_id.rs", text), [""; 0], "{text}");
            assert_eq!(findings_in("journal/tests.rs", text), [""; 0], "{text}");
            assert_eq!(
                findings_in("journal/mod.rs", &format!("#[cfg(test)]\nmod tests {{\n{text}\n}}")),
                [""; 0],
                "{text}"
            );
        }
        assert_eq!(findings_in("journal/mod.rs", "fn wire() {}"), [""; 0]);
    }

    #[test]
    fn an_unused_exception_is_found() {
        let findings = vocabulary(&[], &[], &[("lib.rs", "acme", "")]).unwrap();
        assert!(findings.first().unwrap().to_string().contains("lib.rs no longer names `acme`"));
        assert!(EXCEPTIONS.len() <= 12);
    }
}
