//! The admin API and its OpenAPI document. crates/cli/tests/outside/admin.py validates the responses against its schemas.

use crate::support::*;

const ROOT: &str = "/_sandbox/v1";
const METHODS: [&str; 7] = ["get", "put", "post", "delete", "patch", "head", "options"];

async fn document() -> Value {
    Door::of(&sandbox().start()).await.get("openapi.json").await
}

/// The calls of the document: method, path, description.
fn described(document: &Value) -> Vec<(String, String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let calls = paths.flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter().filter(|(name, _)| METHODS.contains(&name.as_str()));
        methods.map(move |(method, call)| (method.to_uppercase(), path.clone(), call))
    });
    calls.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_openapi_document_has_exactly_the_admin_calls() {
    let document = document().await;
    let answered: BTreeSet<(String, String)> =
        server::admin_calls().map(|(method, path)| (method.to_string(), path)).collect();
    let output: BTreeSet<(String, String)> =
        described(&document).into_iter().map(|(method, path, _)| (method, format!("{ROOT}{path}"))).collect();
    assert!(answered.len() > 20, "the table is not empty");
    let only = |a: &BTreeSet<_>, b: &BTreeSet<_>| a.difference(b).cloned().collect::<Vec<(String, String)>>();
    assert_eq!(only(&answered, &output), [], "not in the document");
    assert_eq!(only(&output, &answered), [], "in the document, but not a call");
}

#[tokio::test(flavor = "multi_thread")]
async fn openapi_operations_have_unique_ids_and_all_responses() {
    let document = document().await;
    assert_eq!(document["servers"][0]["url"].as_str().unwrap().split_once(":8444").unwrap().1, ROOT);
    let topics: Vec<&str> =
        document["tags"].as_array().unwrap().iter().map(|topic| topic["name"].as_str().unwrap()).collect();
    let mut names = BTreeSet::new();
    for (method, path, call) in described(&document) {
        let at = format!("{method} {path}");
        assert!(names.insert(call["operationId"].as_str().expect(&at)), "{at}: duplicate operationId");
        assert!(topics.contains(&call["tags"][0].as_str().expect(&at)), "{at}: unknown tag");
        assert!(!call["summary"].as_str().expect(&at).is_empty(), "{at}");
        let answers = call["responses"].as_object().unwrap();
        assert_eq!(
            answers.keys().filter(|status| status.starts_with('2')).count(),
            1,
            "{at}: number of success responses"
        );
        let parameters: Vec<&Value> = call["parameters"].as_array().into_iter().flatten().collect();
        let named = |name: &str, place: &str| {
            parameters.iter().any(|parameter| parameter["name"] == name && parameter["in"] == place)
        };
        for name in ["world", "id"] {
            let has = path.contains(&format!("{{{name}}}"));
            assert_eq!(has, named(name, "path"), "{at}: {name}");
            assert!(!has || answers.contains_key("404"), "{at}: 404 for an unknown id");
        }
        assert!(!named("world", "query") || answers.contains_key("404"), "{at}: 404 for an unknown world");
        assert!(!(named("world", "query") && path.contains("{world}")), "{at}: the world is in path and query");
        // Unknown parameters are rejected.
        assert!(answers.contains_key("400"), "{at}");
        let body = call.get("requestBody");
        assert!(body.is_none() || answers.contains_key("400"), "{at}: 400 for an invalid body");
        assert!(method != "GET" || body.is_none(), "{at}: a GET without a body");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn openapi_has_the_profiles_and_the_program_version() {
    let document = document().await;
    assert_eq!(document["components"]["schemas"]["Profile"]["enum"], json!(Profile::ALL.map(Profile::name)));
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
}
