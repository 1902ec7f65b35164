//! A whole house in miniature, with one fault built in per test.

use std::collections::BTreeMap;

use super::*;
use crate::members::providers;
use crate::throwaway::Throwaway;

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
    Edge {
        package: format!("identkit-{folder}"),
        key: format!("identkit-{folder}"),
        folder: Some(folder.to_owned()),
        dev: false,
        build: false,
        features: Vec::new(),
        default_features: false,
    }
}

fn dev(folder: &str) -> Edge {
    Edge { dev: true, ..to(folder) }
}

fn outside(name: &str) -> Edge {
    Edge { package: name.to_owned(), key: name.to_owned(), folder: None, ..to("") }
}

/// A whole house with one crate replaced.
fn house_with(changed: Member) -> Vec<Finding> {
    let mut members = vec![
        member("core", vec![outside("http")]),
        member("wire", vec![to("core")]),
        member("transport", vec![to("core"), to("wire"), outside("hyper")]),
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
        member("example-provider", vec![to("wire"), to("mock-server"), dev("testkit")]),
        member("xtask", vec![]),
    ];
    if let Some(transport) = members.iter_mut().find(|member| member.folder == "transport") {
        transport.features.insert("default".to_owned(), vec![]);
        transport.features.insert("tls".to_owned(), vec!["dep:hyper-rustls".to_owned()]);
        transport.features.insert("hyper".to_owned(), vec!["dep:hyper".to_owned()]);
    }
    match members.iter_mut().find(|member| member.folder == changed.folder) {
        Some(place) => *place = Member { features: place.features.clone(), ..changed },
        None => members.push(changed),
    }
    edges(&members)
}

/// The only finding, as text.
fn one(findings: Vec<Finding>) -> String {
    assert_eq!(findings.len(), 1, "{findings:?}");
    findings.first().unwrap().to_string()
}

#[test]
fn the_house_as_designed_passes() {
    assert_eq!(house_with(member("core", vec![])), []);
}

#[test]
fn an_arrow_that_points_up_is_found_whatever_its_kind() {
    let said = one(house_with(member("core", vec![to("transport")])));
    assert!(said.contains("`core` has a dependency on `transport`"), "{said}");
    assert!(one(house_with(member("core", vec![dev("wire")]))).contains("dev-dependency"));
    assert!(one(house_with(member("core", vec![Edge { build: true, ..to("wire") }]))).contains("build-dependency"));
    assert!(one(house_with(member("wire", vec![to("core"), dev("conformance")]))).contains("sandbox"));
    assert!(one(house_with(member("wire", vec![to("wire")]))).contains("`wire`"));
    assert_eq!(house_with(member("wire", vec![dev("wire")])), []);
    assert!(one(house_with(member("webhook", vec![to("store")]))).contains("`store`"));
    assert!(one(house_with(member("collector", vec![to("router")]))).contains("`router`"));
}

#[test]
fn a_provider_never_depends_on_another_not_even_in_tests() {
    for edge in [to("identity-tm"), dev("identity-tm")] {
        let said = one(house_with(member("identify24", vec![to("core"), edge])));
        assert!(said.contains("providers never depend on each other"), "{said}");
    }
}

#[test]
fn the_sandbox_is_a_dev_dependency_of_leaves_only() {
    assert!(one(house_with(member("identkit", vec![to("mock-server")]))).contains("`mock-server`"));
    assert!(one(house_with(member("identkit", vec![dev("conformance")]))).contains("`conformance`"));
    assert!(one(house_with(member("identify24", vec![to("conformance")]))).contains("`conformance`"));
    assert!(one(house_with(member("conformance", vec![to("identify24")]))).contains("`identify24`"));
    assert!(one(house_with(member("router", vec![dev("mock-server")]))).contains("`mock-server`"));
}

#[test]
fn test_helpers_are_a_dev_dependency_of_every_crate_and_nothing_else() {
    for folder in ["core", "identify24", "identkit", "files", "synthetic"] {
        assert_eq!(house_with(member(folder, vec![dev("testkit")])), []);
        assert!(one(house_with(member(folder, vec![to("testkit")]))).contains("make it a dev-dependency"));
    }
    assert!(one(house_with(member("testkit", vec![to("webhook")]))).contains("`webhook`"));
    let text = "    use identkit_testkit::Steps;".to_owned();
    let said = |folder: &str, path: &str| {
        suite_in_library(&[member(folder, vec![dev("testkit")])], &[(path.to_owned(), text.clone())])
    };
    assert!(one(said("wire", "crates/wire/src/json.rs")).contains("crates/wire/tests/"));
    assert_eq!(said("wire", "crates/wire/tests/it/main.rs"), []);
    assert_eq!(said("webhook", "crates/webhook/src/file.rs"), []);
}

#[test]
fn nothing_depends_on_the_facade_the_binary_or_xtask() {
    assert!(one(house_with(member("cli", vec![to("identkit")]))).contains("nothing of ours depends on it"));
    assert!(one(house_with(member("identify24", vec![dev("identkit")]))).contains("`identkit`"));
    assert!(one(house_with(member("conformance", vec![to("cli")]))).contains("`cli`"));
    assert!(one(house_with(member("cli", vec![to("xtask")]))).contains("`xtask`"));
    assert!(one(house_with(member("xtask", vec![to("core")]))).contains("none of our crates"));
}

#[test]
fn a_crate_without_a_room_must_say_that_it_is_a_provider() {
    assert!(one(house_with(member("acme", vec![]))).contains("not in the table"));
    assert_eq!(house_with(Member { provider: true, ..member("acme", vec![to("wire")]) }), []);
    assert!(
        one(house_with(Member { provider: true, ..member("router", vec![]) })).contains("remove its provider role")
    );
}

#[test]
fn a_provider_cannot_reach_hyper_directly_or_through_a_feature_of_transport() {
    assert!(one(house_with(member("identify24", vec![outside("hyper-util")]))).contains("`hyper-util`"));
    for feature in ["hyper", "tls"] {
        let edge = Edge { features: vec![feature.to_owned()], ..to("transport") };
        assert!(one(house_with(member("identify24", vec![edge]))).contains("turns on the feature"));
    }
    let tests_may = Edge { features: vec!["hyper".to_owned()], ..dev("transport") };
    assert_eq!(house_with(member("identify24", vec![tests_may])), []);
    let not_by_default = Edge { default_features: true, ..to("transport") };
    assert_eq!(house_with(member("identify24", vec![not_by_default])), []);
}

#[test]
fn a_provider_cannot_pass_the_hyper_feature_on_nor_take_it_by_default() {
    let transport = Member {
        features: BTreeMap::from([("default".to_owned(), vec!["hyper".to_owned()])]),
        ..member("transport", vec![])
    };
    let by_default = member("identify24", vec![Edge { default_features: true, ..to("transport") }]);
    assert!(one(edges(&[transport.clone(), by_default])).contains("turns on the feature"));
    for value in ["identkit-transport/hyper", "identkit-transport?/hyper"] {
        let passes_on = Member {
            features: BTreeMap::from([("net".to_owned(), vec![value.to_owned()])]),
            ..member("identify24", vec![to("transport")])
        };
        assert!(one(edges(&[transport.clone(), passes_on])).contains("turns on the feature"));
    }
}

#[test]
fn packages_are_named_after_their_folder_and_take_the_lints() {
    let mut wrong = member("wire", vec![]);
    wrong.package = "identkit-codec".to_owned();
    assert!(one(names(&[wrong])).contains("name it `identkit-wire`"));
    let loose = Member { workspace_lints: false, ..member("wire", vec![]) };
    assert!(one(names(&[loose])).contains("[lints] workspace = true"));
    let facade = Member { package: "identkit".to_owned(), ..member("identkit", vec![]) };
    assert_eq!(names(&[facade]), []);
}

#[test]
fn a_stranger_at_the_top_level_is_found() {
    let files = |list: &[&str]| list.iter().map(|&path| path.to_owned()).collect::<Vec<_>>();
    let fine = files(&["Cargo.toml", "LICENSE-MIT", ".ci/run", "crates/core/src/lib.rs", "docs/x.md", ".gitignore"]);
    assert_eq!(top_level(&fine), []);
    assert!(one(top_level(&files(&["scripts/a.sh", "scripts/b.sh"]))).contains("`scripts`"));
    assert!(one(top_level(&files(&["CHANGELOG.md"]))).contains("`CHANGELOG.md`"));
}

#[test]
fn an_attribute_that_allows_unsafe_is_found_in_any_layout() {
    let lint = concat!("unsafe", "_code");
    let said = |text: String| softened(&[("crates/core/src/lib.rs".to_owned(), text)]);
    for level in ["allow", "expect", "warn"] {
        assert!(one(said(format!("#![{level}(\n    dead_code,\n    {lint}\n)]"))).contains("crates/core/src/lib.rs"));
    }
    assert!(!said(format!("#[allow({lint})] fn f() {{}}")).is_empty());
    assert_eq!(said(format!("#![forbid({lint})]\n// #![allow({lint})]\n")), []);
    assert_eq!(said(format!("#![allow(dead_code)]\n#![deny({lint})]")), []);
}

#[test]
fn the_suite_in_a_library_is_found_and_in_its_tests_folder_it_is_fine() {
    let provider = [member("identify24", vec![dev("conformance")])];
    let said = |path: &str, line: &str| suite_in_library(&provider, &[(path.to_owned(), line.to_owned())]);
    let line = "    use identkit_conformance::suite;";
    assert!(one(said("crates/identify24/src/client.rs", line)).contains("crates/identify24/tests/"));
    assert_eq!(said("crates/identify24/tests/suite.rs", line), []);
    assert_eq!(said("crates/identity-tm/src/client.rs", line), []);
    assert_eq!(said("crates/identify24/src/client.rs", "/// Tested by identkit_conformance."), []);
}

#[test]
fn the_graph_is_read_from_real_manifests() {
    let repo = Throwaway::repository();
    repo.write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n");
    let package = |folder: &str, more: &str| {
        repo.write(
            &format!("crates/{folder}/Cargo.toml"),
            &format!("[package]\nname = \"identkit-{folder}\"\nedition = \"2024\"\n[lints]\nworkspace = true\n{more}"),
        );
        repo.write(&format!("crates/{folder}/src/lib.rs"), "");
    };
    package("core", "[dependencies]\nidentkit-wire = { path = \"../wire\", optional = true }\n");
    package("wire", "[dependencies]\ncore = { path = \"../core\", package = \"identkit-core\" }\n");
    package("acme", "[package.metadata.identkit]\nrole = \"provider\"\n");
    let metadata = repo.workspace().metadata();
    // Without a `[workspace.lints]` table cargo itself refuses the manifests.
    assert!(metadata.is_err());
    repo.write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n[workspace.lints.rust]\n");

    assert_eq!(providers(&repo.workspace().metadata().unwrap()), [("acme".to_owned(), "identkit-acme".to_owned())]);
    assert!(one(check(&repo.workspace(), &[]).unwrap()).contains("`core` has a dependency on `wire`"));

    package("core", "");
    assert_eq!(check(&repo.workspace(), &[]).unwrap(), []);

    package("acme", "");
    assert!(one(check(&repo.workspace(), &[]).unwrap()).contains("not in the table"));

    // Each of the other rules takes part.
    package(
        "acme",
        "[package.metadata.identkit]\nrole = \"provider\"\n[dev-dependencies]\nidentkit-mock-server = { path = \"../mock-server\" }\n",
    );
    package("mock-server", "");
    assert_eq!(check(&repo.workspace(), &[]).unwrap(), []);
    repo.write("scripts/build.sh", "");
    assert!(one(check(&repo.workspace(), &[]).unwrap()).contains("`scripts` stands at the top level"));
    repo.remove("scripts/build.sh");
    repo.write("crates/core/src/lib.rs", &format!("#![allow(unsafe{})]\n", "_code"));
    assert!(one(check(&repo.workspace(), &[]).unwrap()).contains("softens the lint"));
    repo.write("crates/core/src/lib.rs", "");
    repo.write("crates/acme/src/lib.rs", "use identkit_mock_server as _;\n");
    assert!(one(check(&repo.workspace(), &[]).unwrap()).contains("integration tests only"));
    repo.write("crates/acme/src/lib.rs", "");
    repo.write("crates/core/Cargo.toml", "[package]\nname = \"identkit-core\"\nedition = \"2024\"\n");
    assert!(one(check(&repo.workspace(), &[]).unwrap()).contains("does not take the workspace's lints"));
}

#[test]
fn a_library_that_softens_a_hard_lint_is_found_and_its_tests_are_not() {
    let said = |path: &str, text: &str| softened(&[(path.to_owned(), text.to_owned())]).len();
    let attribute = |lints: &str| format!("#![{}({lints})]", "allow");
    let two = attribute("missing_docs, clippy::unwrap_used");
    assert_eq!(said("crates/core/src/lib.rs", &two), 2);
    assert_eq!(said("crates/core/src/a/tests.rs", &two), 0);
    assert_eq!(said("crates/core/tests/a.rs", &two), 0);
    assert_eq!(said("crates/testkit/src/lib.rs", &two), 0);
    let clock = attribute("clippy::disallowed_methods");
    assert_eq!(said("crates/core/src/time.rs", &clock), 1);
    assert_eq!(said(CLOCK, &clock), 0);
    assert_eq!(said("crates/core/src/lib.rs", &attribute("clippy::cast_possible_truncation")), 0);
}
