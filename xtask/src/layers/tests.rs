//! A complete workspace in miniature, with one fault per test.

use super::*;
use crate::members::providers;
use crate::throwaway::{Throwaway, one};

fn member(folder: &str, edges: Vec<Edge>) -> Member {
    Member {
        folder: folder.to_owned(),
        package: format!("identkit-{folder}"),
        provider: matches!(folder, "identify24" | "identity-tm"),
        workspace_lints: true,
        edges,
        ..Member::default()
    }
}

fn to(folder: &str) -> Edge {
    Edge { key: format!("identkit-{folder}"), folder: folder.to_owned(), dev: false, optional: false }
}

fn optional(folder: &str) -> Edge {
    Edge { optional: true, ..to(folder) }
}

fn dev(folder: &str) -> Edge {
    Edge { dev: true, ..to(folder) }
}

/// The findings of a workspace in which every layer has allowed dependencies, and one crate is replaced.
fn workspace_with(changed: Member) -> Vec<String> {
    let mut members = vec![
        member("core", vec![]),
        member("wire", vec![to("core")]),
        member("transport", vec![to("core"), to("wire")]),
        member("identify24", vec![to("core"), to("wire"), to("transport"), dev("conformance"), dev("mock-server")]),
        member("identity-tm", vec![to("core"), to("wire"), to("transport"), dev("conformance")]),
        member("webhook", vec![to("core"), to("wire"), dev("mock-server")]),
        member("files", vec![]),
        member("store", vec![to("core"), to("files")]),
        member("collector", vec![to("core"), to("store"), to("files")]),
        member("synthetic", vec![]),
        member("router", vec![to("core")]),
        member("mock-server", vec![to("core"), to("wire"), to("transport"), to("identify24"), to("identity-tm")]),
        member("conformance", vec![to("core"), to("wire"), to("transport"), to("mock-server"), dev("identify24")]),
        member("identkit", vec![to("core"), to("identify24"), to("webhook"), to("router"), dev("mock-server")]),
        member("console", vec![to("core"), to("mock-server")]),
        member("cli", vec![to("core"), to("identify24"), to("mock-server"), to("console"), to("conformance")]),
        member("testkit", vec![to("core"), to("wire"), to("transport")]),
        member("example-provider", vec![to("wire"), optional("mock-server"), dev("testkit")]),
        member("xtask", vec![]),
    ];
    members.retain(|member| member.folder != changed.folder);
    members.push(changed);
    edges(&members)
}

#[test]
fn dependencies_of_the_table_are_accepted() {
    for (folder, edges) in
        [("core", vec![]), ("wire", vec![dev("wire")]), ("identify24", vec![to("core"), optional("mock-server")])]
    {
        assert_eq!(workspace_with(member(folder, edges)), [""; 0], "{folder}");
    }
    for folder in ["core", "identify24", "identkit", "files", "synthetic"] {
        assert_eq!(workspace_with(member(folder, vec![dev("testkit")])), [""; 0], "{folder}");
    }
}

#[test]
fn every_other_dependency_is_found_with_advice() {
    const TWO_PROVIDERS: &str = "providers never depend on each other";
    const TESTS_ONLY: &str = "make it a dev-dependency";
    for (folder, edges, expected) in [
        ("core", vec![to("transport")], "`core` has a dependency on `transport`"),
        ("core", vec![dev("wire")], "dev-dependency"),
        ("wire", vec![to("core"), dev("conformance")], "sandbox"),
        ("wire", vec![to("wire")], "`wire`"),
        ("webhook", vec![to("store")], "`store`"),
        ("collector", vec![to("router")], "`router`"),
        ("identify24", vec![to("core"), to("identity-tm")], TWO_PROVIDERS),
        ("identify24", vec![to("core"), dev("identity-tm")], TWO_PROVIDERS),
        ("identkit", vec![to("mock-server")], "`mock-server`"),
        ("webhook", vec![optional("mock-server")], "`mock-server`"),
        ("identify24", vec![to("mock-server")], "make the dependency optional"),
        ("example-provider", vec![to("mock-server")], "make the dependency optional"),
        ("cli", vec![to("example-provider")], "no crate depends on it"),
        ("identkit", vec![dev("conformance")], "`conformance`"),
        ("identify24", vec![to("conformance")], "`conformance`"),
        ("conformance", vec![to("identify24")], "`identify24`"),
        ("router", vec![dev("mock-server")], "`mock-server`"),
        ("core", vec![to("testkit")], TESTS_ONLY),
        ("identify24", vec![to("testkit")], TESTS_ONLY),
        ("identkit", vec![to("testkit")], TESTS_ONLY),
        ("files", vec![to("testkit")], TESTS_ONLY),
        ("synthetic", vec![to("testkit")], TESTS_ONLY),
        ("testkit", vec![to("webhook")], "`webhook`"),
        ("cli", vec![to("identkit")], "no crate depends on it"),
        ("identify24", vec![dev("identkit")], "`identkit`"),
        ("conformance", vec![to("cli")], "`cli`"),
        ("cli", vec![to("xtask")], "`xtask`"),
        ("xtask", vec![to("core")], "no crate of the workspace"),
    ] {
        let finding = one(workspace_with(member(folder, edges)));
        assert!(finding.contains(expected), "{expected}: {finding}");
    }
}

#[test]
fn a_crate_without_a_layer_must_have_the_provider_role() {
    assert!(one(workspace_with(member("acme", vec![]))).contains("not in the table"));
    assert_eq!(workspace_with(Member { provider: true, ..member("acme", vec![to("wire")]) }), [""; 0]);
    assert!(
        one(workspace_with(Member { provider: true, ..member("router", vec![]) })).contains("remove its provider role")
    );
}

#[test]
fn packages_are_named_after_folders_and_inherit_lints() {
    let mut wrong = member("wire", vec![]);
    wrong.package = "identkit-codec".to_owned();
    assert!(one(names(&[wrong])).contains("name it `identkit-wire`"));
    let loose = Member { workspace_lints: false, ..member("wire", vec![]) };
    assert!(one(names(&[loose])).contains("[lints] workspace = true"));
    let facade = Member { package: "identkit".to_owned(), ..member("identkit", vec![]) };
    assert_eq!(names(&[facade]), [""; 0]);
}

#[test]
fn an_unknown_entry_at_the_top_level_is_found() {
    let files = |list: &[&str]| list.iter().map(|&path| path.to_owned()).collect::<Vec<_>>();
    let allowed = files(&["Cargo.toml", "LICENSE-MIT", ".ci/run", "crates/core/src/lib.rs", "docs/x.md", ".gitignore"]);
    assert_eq!(top_level(&allowed), [""; 0]);
    assert!(one(top_level(&files(&["scripts/a.sh", "scripts/b.sh"]))).contains("`scripts`"));
    assert!(one(top_level(&files(&["NOTES.md"]))).contains("`NOTES.md`"));
}

#[test]
fn test_crates_are_found_in_a_library_but_not_in_its_tests() {
    const SUITE: &str = "    use identkit_conformance::suite;";
    const HELPERS: &str = "    use identkit_testkit::Steps;";
    for (folder, edge, path, line, expected) in [
        ("identify24", "conformance", "crates/identify24/src/client.rs", SUITE, Some("crates/identify24/tests/")),
        ("identify24", "conformance", "crates/identify24/tests/suite.rs", SUITE, None),
        ("identify24", "conformance", "crates/identity-tm/src/client.rs", SUITE, None),
        ("identify24", "conformance", "crates/identify24/src/client.rs", "/// By identkit_conformance.", None),
        ("wire", "testkit", "crates/wire/src/json.rs", HELPERS, Some("crates/wire/tests/")),
        ("wire", "testkit", "crates/wire/tests/it/main.rs", HELPERS, None),
        ("webhook", "testkit", "crates/webhook/src/receiver.rs", HELPERS, None),
    ] {
        let findings = suite_in_library(&[member(folder, vec![dev(edge)])], &[(path.to_owned(), line.to_owned())]);
        assert_eq!(findings.len(), usize::from(expected.is_some()), "{path}: {findings:?}");
        assert!(
            findings.iter().zip(expected).all(|(finding, expected)| finding.contains(expected)),
            "{path}: {findings:?}"
        );
    }
}

#[test]
fn the_graph_is_read_from_real_manifests() {
    let repo = Throwaway::repository();
    repo.write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n");
    repo.member("core", "[dependencies]\nidentkit-wire = { path = \"../wire\", optional = true }\n");
    repo.member("wire", "[dependencies]\ncore = { path = \"../core\", package = \"identkit-core\" }\n");
    repo.member("acme", "[package.metadata.identkit]\nrole = \"provider\"\n");
    let metadata = repo.workspace().metadata();
    // Without a `[workspace.lints]` table cargo itself refuses the manifests.
    assert!(metadata.is_err());
    repo.write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n[workspace.lints.rust]\n");

    assert_eq!(providers(&repo.workspace().metadata().unwrap()), [("acme".to_owned(), "identkit-acme".to_owned())]);
    assert!(one(check(&repo.workspace(), &[]).unwrap()).contains("`core` has a dependency on `wire`"));

    repo.member("core", "");
    assert_eq!(check(&repo.workspace(), &[]).unwrap(), [""; 0]);

    repo.member("acme", "");
    assert!(one(check(&repo.workspace(), &[]).unwrap()).contains("not in the table"));

    // `check` runs each of the other rules.
    repo.member(
        "acme",
        "[package.metadata.identkit]\nrole = \"provider\"\n[dev-dependencies]\nidentkit-mock-server = { path = \"../mock-server\" }\n",
    );
    repo.member("mock-server", "");
    assert_eq!(check(&repo.workspace(), &[]).unwrap(), [""; 0]);
    repo.write("scripts/build.sh", "");
    assert!(one(check(&repo.workspace(), &[]).unwrap()).contains("`scripts` is at the top level"));
    repo.remove("scripts/build.sh");
    repo.write("crates/core/src/lib.rs", &format!("#![{}(missing_docs)]\n", "allow"));
    assert!(one(check(&repo.workspace(), &[]).unwrap()).contains("relaxes the lint"));
    repo.write("crates/core/src/lib.rs", "");
    repo.write("crates/acme/src/lib.rs", "use identkit_mock_server as _;\n");
    assert!(one(check(&repo.workspace(), &[]).unwrap()).contains("integration tests only"));
    repo.write("crates/acme/src/lib.rs", "");
    repo.write("crates/core/Cargo.toml", "[package]\nname = \"identkit-core\"\nedition = \"2024\"\n");
    assert!(one(check(&repo.workspace(), &[]).unwrap()).contains("does not inherit the workspace's lints"));
}

#[test]
fn a_library_that_relaxes_a_hard_lint_is_found() {
    const LIB: &str = "crates/core/src/lib.rs";
    let attribute = |level: &str, lints: &str| format!("#![{level}({lints})]");
    let two = attribute("allow", "missing_docs, clippy::unwrap_used");
    let clock = attribute("allow", "clippy::disallowed_methods");
    for (path, text, count) in [
        (LIB, &two, 2),
        ("crates/core/src/a/tests.rs", &two, 0),
        ("crates/core/tests/a.rs", &two, 0),
        ("crates/testkit/src/lib.rs", &two, 0),
        ("crates/core/src/time.rs", &clock, 1),
        (CLOCK, &clock, 0),
        (LIB, &attribute("expect", "\n    dead_code,\n    clippy::panic\n"), 1),
        (LIB, &attribute("warn", "missing_docs"), 1),
        (LIB, &format!("{} fn f() {{}}", attribute("allow", "missing_docs").replace('!', "")), 1),
        (LIB, &format!("{}\n// {two}\n", attribute("forbid", "missing_docs")), 0),
        (LIB, &format!("{}\n{}", attribute("allow", "dead_code"), attribute("deny", "missing_docs")), 0),
        (LIB, &attribute("allow", "clippy::cast_possible_truncation"), 0),
    ] {
        assert_eq!(relaxed_lints(&[(path.to_owned(), text.clone())]).len(), count, "{path}: {text}");
    }
}
