//! `cargo xtask providers`: checks that every list which must name each provider does, and that its code and its
//! contract fit together.
//!
//! A provider is a crate with that role in its manifest. Its contract is the page that the manifest names, or a vendor of
//! the tables in `docs/contract/`. The code cites the rows of such a page by their ids, and it cites no others.

use std::collections::BTreeSet;

use crate::coverage;
use crate::finding::Verdict;
use crate::members::{Member, members_of};
use crate::workspace::Workspace;

/// A list, and what it contains for each provider. `{name}` and `{snake}` are the forms of the name.
struct List {
    file: &'static str,
    needs: &'static str,
    remedy: &'static str,
}

const LISTS: [List; 7] = [
    List {
        file: "README.md",
        needs: "| `identkit-{name}` | `crates/{name}` |",
        remedy: "add a row to the table of crates",
    },
    List {
        file: "docs/architecture.md",
        needs: "{name}",
        remedy: "add it to the row of the providers in the table of crates",
    },
    List { file: "Cargo.toml", needs: "\nidentkit-{name} = { ", remedy: "add it to [workspace.dependencies]" },
    List {
        file: "crates/identkit/Cargo.toml",
        needs: "\n{name} = [\"dep:identkit-{name}\"]\n",
        remedy: "add a feature of its name, with an optional dependency; the check `cone` measures it",
    },
    List {
        file: "crates/identkit/src/lib.rs",
        needs: "pub use identkit_{snake} as {snake};",
        remedy: "re-export it behind its feature",
    },
    List {
        file: "crates/cli/Cargo.toml",
        needs: "\nidentkit-{name}",
        remedy: "add it to the dependencies, with its feature `mock` if it has one",
    },
    List {
        file: "crates/cli/src/providers.rs",
        needs: "{snake}",
        remedy: "add its module: the calls that become commands, and its mock vendor",
    },
];

pub(crate) fn run(ws: &Workspace) -> Verdict {
    let members = members_of(&ws.metadata()?);
    let mut findings = Vec::new();
    for member in members.iter().filter(|member| member.provider) {
        for list in &LISTS {
            findings.extend(missing(member, list, &ws.read(list.file)?));
        }
        findings.extend(without_suite(member));
        if member.contract.is_none() && !coverage::knows(&member.folder) {
            findings.push(format!(
                "crates/{folder}/Cargo.toml names no contract: add `prefix = \"…\"` and `contract = \"docs/contract/{folder}.md\"` to [package.metadata.identkit], and write the page",
                folder = member.folder
            ));
        }
    }
    for member in &members {
        let Some((prefix, page)) = &member.contract else { continue };
        let home = format!("crates/{}/", member.folder);
        let sources = ws.read_all(|path| path.starts_with(&home) && path.ends_with(".rs"))?;
        if !ws.root().join(page).is_file() {
            findings.push(format!(
                "the contract {page} of {} is missing: write it, or correct the manifest",
                member.package
            ));
            continue;
        }
        findings.extend(contract(prefix, page, &ws.read(page)?, &sources));
    }
    findings.extend(shared_prefixes(&members));
    Ok(findings)
}

fn missing(member: &Member, list: &List, text: &str) -> Option<String> {
    let form = |text: &str| text.replace("{name}", &member.folder).replace("{snake}", &names(member));
    let needs = form(list.needs);
    let row = |line: &str| line.contains("core, wire, transport without hyper") && is_word_of(line, &member.folder);
    let found = match list.file {
        "docs/architecture.md" => text.lines().any(row),
        // The command of a provider can have a shorter name.
        "crates/cli/src/providers.rs" => text.contains(&needs) || is_command(member, text),
        _ => text.contains(&needs),
    };
    (!found).then(|| format!("{} does not name the provider `{}`: {}", list.file, member.folder, list.remedy))
}

fn names(member: &Member) -> String {
    member.folder.replace('-', "_")
}

/// Whether the list of the command line has the module of a provider under the last part of its name.
fn is_command(member: &Member, text: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let is_module = |last: &str| {
        let path = format!("{last}::");
        let mut places = text.match_indices(&path);
        places.any(|(at, _)| text.get(..at).is_some_and(|before| !before.ends_with(is_part)))
    };
    member.folder.rsplit('-').next().is_some_and(is_module)
}

fn is_word_of(line: &str, name: &str) -> bool {
    line.split(|c: char| !c.is_alphanumeric() && c != '-').any(|word| word == name)
}

/// A provider must use the conformance suite.
fn without_suite(member: &Member) -> Option<String> {
    let uses = member.edges.iter().any(|edge| edge.dev && edge.folder == "conformance");
    (!uses).then(|| {
        format!("crates/{} does not run the conformance suite: add the dev-dependency and a test, as docs/providers.md shows", member.folder)
    })
}

/// Compares the ids of a contract's rows with those that the code cites.
fn contract(prefix: &str, page: &str, text: &str, sources: &[(String, String)]) -> Vec<String> {
    let rows: BTreeSet<&str> = text.lines().filter_map(|line| row(line, prefix)).collect();
    let mut findings = Vec::new();
    if rows.is_empty() {
        findings
            .push(format!("{page} has no row whose id begins with `{prefix}-`: add the requirements and the traps"));
    }
    let mut cited = BTreeSet::new();
    let mut tests = String::new();
    for (path, text) in sources {
        for id in ids(text, prefix) {
            if !rows.contains(id.as_str()) {
                findings.push(format!("{path} cites {id}, but {page} has no such row: add the row, or correct the id"));
            }
            cited.insert(id);
        }
        tests.push_str(text);
    }
    for id in rows {
        let name = format!("fn {}_", id.replace('-', "_").to_lowercase());
        if !cited.contains(id) && !tests.contains(&name) {
            findings.push(format!("no code cites {id} of {page}: cite it where it is implemented, or delete the row"));
        }
        if is_trap(id, prefix) && !tests.contains(&name) {
            findings.push(format!("no test is named after the trap {id} of {page}: write `{name}…`"));
        }
    }
    findings
}

/// The id of a table row.
fn row<'a>(line: &'a str, prefix: &str) -> Option<&'a str> {
    let id = line.strip_prefix("| ")?.split(' ').next()?;
    id.strip_prefix(prefix)?.starts_with('-').then_some(id)
}

fn is_trap(id: &str, prefix: &str) -> bool {
    id.strip_prefix(prefix).is_some_and(|rest| rest.starts_with("-T"))
}

/// The ids with this prefix in a source.
fn ids(text: &str, prefix: &str) -> Vec<String> {
    let start = format!("{prefix}-");
    let whole =
        |at: usize| !text.get(..at).and_then(|before| before.chars().next_back()).is_some_and(char::is_alphanumeric);
    let found = text.match_indices(&start).filter(|(at, _)| whole(*at)).map(|(at, _)| {
        let rest = text.get(at + start.len()..).unwrap_or_default();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        format!("{start}{}", rest.get(..end).unwrap_or_default())
    });
    found.collect()
}

/// Two providers must not have the same prefix.
fn shared_prefixes(members: &[Member]) -> Vec<String> {
    let mut known = BTreeSet::new();
    let prefixes = members.iter().filter_map(|member| Some((member, &member.contract.as_ref()?.0)));
    prefixes
        .filter(|(_, prefix)| !known.insert(*prefix))
        .map(|(member, prefix)| {
            format!("the prefix {prefix} of {} is that of another provider: choose another one", member.package)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::members::Edge;

    fn provider(folder: &str) -> Member {
        let suite =
            Edge { key: "identkit-conformance".into(), folder: "conformance".into(), dev: true, optional: false };
        Member { folder: folder.into(), provider: true, edges: vec![suite], ..Member::default() }
    }

    #[test]
    fn every_list_names_the_providers_of_this_repository() {
        assert_eq!(run(&Workspace::current().unwrap()).unwrap(), [""; 0]);
    }

    #[test]
    fn a_list_without_a_provider_is_found_with_the_remedy() {
        let ws = Workspace::current().unwrap();
        for list in &LISTS {
            let text = ws.read(list.file).unwrap();
            let found = missing(&provider("foo-id"), list, &text).unwrap();
            assert!(found.contains(list.file) && found.contains("`foo-id`") && found.contains(list.remedy), "{found}");
            for folder in ["identify24", "identity-tm"] {
                assert_eq!(missing(&provider(folder), list, &text), None, "{}", list.file);
            }
        }
    }

    #[test]
    fn a_provider_without_the_suite_is_found() {
        assert_eq!(without_suite(&provider("foo-id")), None);
        let without = Member { edges: Vec::new(), ..provider("foo-id") };
        assert!(without_suite(&without).unwrap().contains("crates/foo-id"));
    }

    const PAGE: &str = "| id | x |\n| FOO-01 | one |\n| FOO-02 | two |\n| FOO-T1 | a trap |\n";

    fn findings_in(source: &str) -> Vec<String> {
        contract("FOO", "foo.md", PAGE, &[("lib.rs".to_owned(), source.to_owned())])
    }

    #[test]
    fn the_code_cites_the_rows_of_the_contract() {
        let good = "// FOO-01\nconst X: &str = \"FOO-02\";\n/// FOO-T1\nfn foo_t1_is_decided() {}";
        assert_eq!(findings_in(good), [""; 0]);
        for (from, to, expected) in [
            ("FOO-02", "FOO-03", "lib.rs cites FOO-03"),
            ("FOO-01", "XFOO-01", "no code cites FOO-01"),
            ("fn foo_t1_is", "fn foo_t2_is", "no test is named after the trap FOO-T1"),
        ] {
            let findings = findings_in(&good.replace(from, to));
            assert!(findings.iter().any(|one| one.contains(expected)), "{expected}: {findings:?}");
        }
        assert!(contract("BAR", "foo.md", PAGE, &[]).concat().contains("no row whose id begins with `BAR-`"));
    }

    #[test]
    fn a_prefix_belongs_to_one_provider() {
        let with = |folder: &str| Member { contract: Some(("FOO".into(), "foo.md".into())), ..provider(folder) };
        assert_eq!(shared_prefixes(&[with("one")]), [""; 0]);
        assert_eq!(shared_prefixes(&[with("one"), with("two")]).len(), 1);
    }
}
