use std::collections::BTreeMap;

use super::lists::changed;
use super::name::Name;
use super::options::Auth;
use super::*;
use crate::throwaway::Throwaway;

fn options(line: &str) -> Options {
    parse(&line.split_whitespace().collect::<Vec<_>>()).unwrap()
}

/// Returns the text of a planned file below the root of the workspace.
fn text<'a>(plan: &'a Plan, ws: &Workspace, path: &str) -> &'a str {
    match &plan.files[&ws.root().join(path)] {
        Content::Text(text) => text,
        Content::Link(target) => target,
    }
}

#[test]
fn a_name_has_all_its_forms() {
    let name = Name::parse("foo-id2").unwrap();
    assert_eq!(
        (name.kebab(), &*name.snake(), &*name.camel(), &*name.prefix(), &*name.package()),
        ("foo-id2", "foo_id2", "FooId2", "FOOID2", "identkit-foo-id2")
    );
    for bad in ["", "ab", "Foo", "foo_id", "-foo", "foo-", "foo--id", "2foo", "föö", "a-name-of-21-characters", "mock"]
    {
        assert!(Name::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn every_kind_of_login_is_planned_without_the_example() {
    let ws = Workspace::current().unwrap();
    for auth in Auth::ALL {
        let plan = prepare(&options(&format!("foo-id --auth {}", auth.word())), &ws).unwrap();
        for (path, content) in &plan.files {
            let Content::Text(text) = content else { continue };
            let own = path.starts_with(ws.root().join("crates/foo-id")) || path.ends_with("docs/contract/foo-id.md");
            let rest = ["acme", "example-provider", "example_provider"];
            let found = rest.iter().find(|word| own && text.to_lowercase().contains(**word));
            assert_eq!(found, None, "{auth:?} {}", path.display());
            let parsed = path.extension().is_none_or(|end| end != "rs") || syn::parse_file(text).is_ok();
            assert!(parsed, "{auth:?} {}", path.display());
        }
        let manifest = text(&plan, &ws, "crates/foo-id/Cargo.toml");
        assert_eq!(manifest.contains("percent-encoding"), auth == Auth::ClientCredentials);
        assert!(manifest.contains("role = \"provider\"") && manifest.contains("\"docs/contract/foo-id.md\""));
        assert!(text(&plan, &ws, "crates/foo-id/src/lib.rs").contains("pub use client::{FooId, Builder"));
        assert_eq!(text(&plan, &ws, "crates/foo-id/CHANGELOG.md"), "../../CHANGELOG.md");
        let login = text(&plan, &ws, "crates/foo-id/src/mock/login.rs");
        let own = ["Basic ", "Bearer ", "SESSION", "/oauth/token"];
        let index = Auth::ALL.iter().position(|kind| *kind == auth).unwrap();
        assert!(login.contains(own[index]), "{auth:?}");
    }
}

#[test]
fn a_name_that_contains_the_examples_is_replaced_once() {
    let name = Name::parse("acme-ident").unwrap();
    let source = "use identkit_example_provider::Acme; // ACME-01 of https://api.acme-ident.example";
    let expected = "use identkit_acme_ident::AcmeIdent; // ACMEIDENT-01 of https://api.acme-ident.example";
    assert_eq!(template::replace(source, &name), expected);
}

#[test]
fn three_providers_change_few_lines_of_the_lists() {
    let ws = Workspace::current().unwrap();
    let mut files: BTreeMap<&str, String> = BTreeMap::new();
    for name in ["foo-id", "bar", "third-of-all"] {
        let read = |file: &str| files.get(file).map_or_else(|| ws.read(file), |text| Ok(text.clone()));
        let new = changed(&Name::parse(name).unwrap(), read).unwrap();
        files.extend(new);
    }
    assert_eq!(files.len(), 7);
    let lines = |text: &str| text.lines().count();
    let added: usize = files.iter().map(|(file, text)| lines(text) - lines(&ws.read(file).unwrap())).sum();
    assert_eq!(added, 3 * 8, "each provider adds eight lines, and changes one");
}

#[test]
fn a_list_without_its_place_is_an_error() {
    let ws = Workspace::current().unwrap();
    let read = |file: &str| match file {
        "README.md" => Ok("# identkit\n".to_owned()),
        file => ws.read(file),
    };
    let error = changed(&Name::parse("foo-id").unwrap(), read).unwrap_err();
    assert!(error.contains("README.md has no line with `| `identkit-transport`"), "{error}");
}

#[test]
fn bad_input_is_an_error_before_anything_is_written() {
    let ws = Workspace::current().unwrap();
    let place = Throwaway::new();
    place.write("full/file", "");
    place.write("text.json", "{\n x");
    place.write("other.json", "{}");
    let path = |name: &str| place.path(name).display().to_string();
    for (line, expected) in [
        ("identify24 --auth basic".to_owned(), "crates/identify24 exists"),
        ("webhook --auth basic".to_owned(), "crates/webhook exists"),
        ("tracing --auth basic".to_owned(), "is a feature of the crate identkit"),
        ("person --auth basic".to_owned(), "gives the type `Person`"),
        (format!("foo-id --auth basic --outside {}", path("full")), "is not an empty folder"),
        (format!("foo-id --auth basic --outside {}", ws.root().join("docs/new").display()), "inside the workspace"),
        (format!("foo-id --auth basic --from {}", path("none.json")), "none.json"),
        (format!("foo-id --auth basic --from {}", path("text.json")), "not valid JSON at line 2"),
        (format!("foo-id --auth basic --from {}", path("other.json")), "not an OpenAPI 3 document"),
    ] {
        // It writes nothing: only `run` does, and only what was prepared without an error.
        let error = prepare(&options(&line), &ws).unwrap_err();
        assert!(error.contains(expected), "{line}: {error}");
    }
}

#[test]
fn a_crate_outside_names_versions_and_paths() {
    let ws = Workspace::current().unwrap();
    let place = Throwaway::new();
    let home = place.path("mine");
    let plan = prepare(&options(&format!("foo-id --auth basic --outside {}", home.display())), &ws).unwrap();
    assert!(plan.files.keys().all(|path| path.starts_with(&home)));
    let Content::Text(manifest) = &plan.files[&home.join("Cargo.toml")] else { panic!("no text") };
    assert!(!manifest.contains("workspace = true"), "{manifest}");
    let core = format!("identkit-core = {{ version = \"0.1.0\", path = \"{}/crates/core\" }}\n", ws.root().display());
    assert!(manifest.contains(&core), "{manifest}");
    assert!(manifest.contains("tokio = { version = \"1\", features = [\"macros\", \"rt\"] }\n"), "{manifest}");
    assert!(manifest.contains("bytes = { version = \"1\" }\n"), "{manifest}");
}

const DOCUMENT: &str = r##"{
  "openapi": "3.1.0",
  "components": {
    "securitySchemes": { "key": {} },
    "schemas": {
      "Person": { "type": "object", "required": ["name"], "properties": {
        "name": { "type": "string", "description": "The *full* name." },
        "type": { "enum": ["a", "b"] },
        "apiKey": { "type": "string" },
        "age": { "type": ["integer", "null"] },
        "tags": { "type": "array", "items": { "type": "string" } },
        "home": { "type": "object", "properties": { "street": { "type": "string" } } },
        "free": { "type": "object" },
        "parent": { "$ref": "#/components/schemas/Person" }
      } },
      "Code": { "type": "string" },
      "Both": { "allOf": [] }
    }
  },
  "paths": {
    "/people/{personId}/notes": {
      "put": {
        "operationId": "setNote",
        "parameters": [{ "in": "path", "name": "personId" }, { "in": "query", "name": "dry" }],
        "requestBody": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Person" } } } },
        "responses": { "204": { "description": "done" }, "404": { "description": "unknown" }, "500": {} }
      },
      "get": {
        "operationId": "person",
        "parameters": [{ "in": "path", "name": "personId" }],
        "responses": { "200": { "content": { "application/pdf": {} } } }
      }
    },
    "/form": { "post": { "requestBody": { "content": { "text/plain": {} } }, "responses": {} } },
    "/x{part}": { "get": { "responses": { "200": {} } } }
  }
}"##;

#[test]
fn a_document_becomes_messages_and_operations() {
    let openapi::Generated { source, unsupported } = openapi::generate(DOCUMENT).unwrap();
    for expected in [
        "pub struct Person {",
        "/// The full name. Required.\n        \"name\" => name: Pii<String> as Loose<Pii<String>>,",
        "\"type\" => type_: String as Loose<String>,",
        "\"apiKey\" => api_key: Secret as Loose<Secret>,",
        "\"age\" => age: i64,",
        "\"tags\" => tags: Vec<Pii<String>>,",
        "\"home\" => home: PersonHome,",
        "pub struct PersonHome {",
        "pub fn new(person_id: Secret, body: Person) -> Self {",
        "Method::PUT, \"/people/{personId}/notes\", RetrySafety::IdempotentByEffect, AmbiguityPolicy::Never)",
        "params: |this| vec![(\"personId\", this.person_id.expose()), ],",
        ".refusals(&[Refusal::new(404, Kind::NotFound, \"unknown\", Advice::DoNotRetry), ])",
        "pub struct PersonItem {",
        "BodyMode::Stream",
    ] {
        assert!(source.contains(expected), "{expected}\n{source}");
    }
    let expected = [
        "schema Both: `allOf`",
        "schema Code: not an object with properties",
        "Person.free: its type cannot be expressed; `extra` retains it",
        "Person.parent: recursive",
        "post /form: its request body is text/plain, not JSON",
        "setNote: the parameter dry in query",
        "setNote: the status 500",
        "get /x{part}: the path /x{part} has a parameter that is not declared or is a part of a segment",
        "security scheme key: the login is in auth.rs",
    ];
    let (mut left, mut wanted) = (unsupported, expected.map(str::to_owned).to_vec());
    left.sort();
    wanted.sort();
    assert_eq!(left, wanted);
}

#[test]
fn the_document_of_the_example_names_what_is_left_out() {
    let text = Workspace::current().unwrap().read("crates/example-provider/fixtures/openapi.json").unwrap();
    let openapi::Generated { source, unsupported } = openapi::generate(&text).unwrap();
    assert!(syn::parse_file(&source).is_ok(), "{source}");
    assert!(source.contains(".expect(&[201])\n    .ids(&[\"caseId\"])"), "{source}");
    assert_eq!(source.matches(".ids(").count(), 1, "only a call that creates");
    for name in ["CreateCase", "GetCase", "GetReport", "DeleteCase", "Person", "Event"] {
        assert!(source.contains(&format!("pub struct {name} {{")), "{name}");
    }
    assert_eq!(
        unsupported,
        [
            "token: its request body is application/x-www-form-urlencoded, not JSON",
            "createCase: the callback finished; write a `Callback`, as in callback.rs",
            "security scheme oauth: the login is in auth.rs",
        ]
    );
}
