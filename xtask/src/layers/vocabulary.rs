//! Finds vendor names in vendor-neutral files of the sandbox and of the command line.
//!
//! The words are each provider's name and those that its manifest lists (`[package.metadata.identkit] words =
//! ["OrderID", …]`). Case is ignored, and comments are searched too. Test code may name vendors.

use std::collections::BTreeSet;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::syntax::{is_test_item, parse};
use crate::finding::Verdict;
use crate::members::Member;

/// Sources that are vendor-neutral except for the files of a vendor.
struct Sources {
    folder: &'static str,
    /// Folders of vendors and lists of them, relative to `folder`.
    vendors: &'static [&'static str],
    /// Whether a folder or file named after a provider belongs to that vendor, too.
    by_name: bool,
}

const SOURCES: [Sources; 2] = [
    Sources { folder: "crates/mock-server/src/", vendors: &["vendors/"], by_name: false },
    // `tm` is the command for identity.TM; `providers.rs` is the list of providers.
    Sources { folder: "crates/cli/src/", vendors: &["commands/tm/", "providers.rs"], by_name: true },
];

impl Sources {
    /// Whether a file below the folder belongs to a vendor.
    fn is_of_vendor(&self, name: &str, names: &BTreeSet<String>) -> bool {
        self.vendors.iter().any(|folder| name.starts_with(folder))
            || self.by_name && name.split(['/', '.']).any(|part| names.contains(part))
    }
}

/// A word that a vendor-neutral file must contain: the path, the word, and why.
pub(super) type Exception = (&'static str, &'static str, &'static str);

/// All exceptions, at most a dozen.
pub(super) const EXCEPTIONS: &[Exception] = &[
    ("crates/mock-server/src/lib.rs", "identity-tm", "the feature with which the guide's examples are compiled"),
    (
        "crates/mock-server/src/webhooks/delivery.rs",
        "identity_tm",
        "the name of the retry schedule in format 2 of saved worlds, for every vendor",
    ),
    ("crates/cli/src/commands/mod.rs", "identify24", "the list of commands"),
    ("crates/cli/src/commands/demo/mod.rs", "identity_tm", "the demo plays this vendor's flow"),
    ("crates/cli/src/commands/demo/mod.rs", "identify24", "the demo plays this vendor's flow"),
    ("crates/cli/src/values.rs", "identify24", "the module that defines the time zone of both vendors"),
];

/// Returns the names of all providers: as a folder, as an identifier, and as a type, in lower case.
fn provider_names(members: &[Member]) -> BTreeSet<String> {
    let folders = members.iter().filter(|member| member.provider).map(|member| member.folder.to_lowercase());
    folders.flat_map(|folder| ["-", "_", ""].map(|separator| folder.replace('-', separator))).collect()
}

/// Finds words of vendors in vendor-neutral files, and unused exceptions.
pub(super) fn vocabulary(members: &[Member], sources: &[(String, String)], exceptions: &[Exception]) -> Verdict {
    let names = provider_names(members);
    let listed = members.iter().filter(|member| member.provider).flat_map(|member| &member.words);
    let words: BTreeSet<String> = names.iter().cloned().chain(listed.map(|word| word.to_lowercase())).collect();
    let mut findings = Vec::new();
    let mut needed = BTreeSet::new();
    for (path, text) in sources {
        let place = SOURCES.iter().find_map(|place| Some((place, path.strip_prefix(place.folder)?)));
        let Some((_, name)) = place.filter(|(place, name)| !place.is_of_vendor(name, &names)) else { continue };
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
            match exceptions.iter().find(|(file, excepted, _)| *file == path && excepted.to_lowercase() == *word) {
                Some(exception) => drop(needed.insert(exception)),
                None => findings.push(format!(
                    "{path}:{first} and {} more line(s) name `{word}`, but a vendor-neutral file names no vendor: move it into the vendor's files, or pass it as data",
                    places.count()
                )),
            }
        }
    }
    for (file, word, _) in exceptions.iter().filter(|exception| !needed.contains(exception)) {
        findings
            .push(format!("{file} no longer names `{word}`: remove the exception from xtask/src/layers/vocabulary.rs"));
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
            (file.to_owned(), text.to_owned()),
            ("crates/mock-server/src/lib.rs".to_owned(), "#[cfg(feature = \"acme-id\")]\nfn f() {}".to_owned()),
        ];
        let exceptions = [("crates/mock-server/src/lib.rs", "acme-id", "a feature")];
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
            for file in [
                "crates/mock-server/src/journal/mod.rs",
                "crates/mock-server/src/journal/acme_id.rs",
                "crates/cli/src/output.rs",
                "crates/cli/src/commands/sandbox/ready.rs",
            ] {
                let findings = findings_in(file, text);
                let shown = |one: &str| one.contains(" name `") && one.contains(&format!("{file}:"));
                assert!(matches!(&findings[..], [one] if shown(one)), "{text}: {findings:?}");
                let tested = format!("#[cfg(test)]\nmod tests {{\n{text}\n}}");
                assert_eq!(findings_in(file, &tested), [""; 0], "{text}");
            }
            for file in [
                "crates/mock-server/src/vendors/acme_id.rs",
                "crates/mock-server/src/journal/tests.rs",
                "crates/cli/src/commands/acme_id/mod.rs",
                "crates/cli/src/commands/demo/acme_id.rs",
                "crates/cli/src/commands/tm/mod.rs",
                "crates/cli/src/providers.rs",
                "crates/cli/tests/it/main.rs",
                "crates/wire/src/lib.rs",
            ] {
                assert_eq!(findings_in(file, text), [""; 0], "{text}");
            }
        }
        assert_eq!(findings_in("crates/mock-server/src/journal/mod.rs", "fn wire() {}"), [""; 0]);
    }

    #[test]
    fn an_unused_exception_is_found() {
        let findings = vocabulary(&[], &[], &[("lib.rs", "acme", "")]).unwrap();
        assert!(findings.first().unwrap().to_string().contains("lib.rs no longer names `acme`"));
        assert!(EXCEPTIONS.len() <= 12);
    }
}
