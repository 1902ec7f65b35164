//! The admin API and the document that it serves about itself. What the responses look like is held against its schemas
//! from outside, by crates/cli/tests/outside/admin.py.

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
async fn every_call_of_the_admin_api_is_described_and_every_description_is_of_a_call() {
    let document = document().await;
    let answered: BTreeSet<(String, String)> =
        server::admin_calls().map(|(method, path)| (method.to_string(), path)).collect();
    let told: BTreeSet<(String, String)> =
        described(&document).into_iter().map(|(method, path, _)| (method, format!("{ROOT}{path}"))).collect();
    assert!(answered.len() > 20, "the table was found");
    let only = |a: &BTreeSet<_>, b: &BTreeSet<_>| a.difference(b).cloned().collect::<Vec<(String, String)>>();
    assert_eq!(only(&answered, &told), [], "not in the document");
    assert_eq!(only(&told, &answered), [], "in the document, and no call");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_is_described_with_a_name_of_its_own_and_everything_that_it_may_answer() {
    let document = document().await;
    assert_eq!(document["servers"][0]["url"].as_str().unwrap().split_once(":8444").unwrap().1, ROOT);
    let topics: Vec<&str> =
        document["tags"].as_array().unwrap().iter().map(|topic| topic["name"].as_str().unwrap()).collect();
    let mut names = BTreeSet::new();
    for (method, path, call) in described(&document) {
        let at = format!("{method} {path}");
        assert!(names.insert(call["operationId"].as_str().expect(&at)), "{at}: a name twice");
        assert!(topics.contains(&call["tags"][0].as_str().expect(&at)), "{at}: a topic that is none");
        assert!(!call["summary"].as_str().expect(&at).is_empty(), "{at}");
        let answers = call["responses"].as_object().unwrap();
        assert_eq!(answers.keys().filter(|status| status.starts_with('2')).count(), 1, "{at}: what succeeds");
        let parameters: Vec<&Value> = call["parameters"].as_array().into_iter().flatten().collect();
        let named = |name: &str, place: &str| {
            parameters.iter().any(|parameter| parameter["name"] == name && parameter["in"] == place)
        };
        for name in ["world", "id"] {
            let has = path.contains(&format!("{{{name}}}"));
            assert_eq!(has, named(name, "path"), "{at}: {name}");
            assert!(!has || answers.contains_key("404"), "{at}: an id that is not known");
        }
        assert!(!named("world", "query") || answers.contains_key("404"), "{at}: a world that is not known");
        assert!(!(named("world", "query") && path.contains("{world}")), "{at}: the world twice");
        // Whatever a call is not known to read is refused.
        assert!(answers.contains_key("400"), "{at}");
        let body = call.get("requestBody");
        assert!(body.is_none() || answers.contains_key("400"), "{at}: a body that cannot be read");
        assert!(method != "GET" || body.is_none(), "{at}: a GET without a body");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_names_the_profiles_that_there_are_and_the_version_of_the_program() {
    let document = document().await;
    assert_eq!(document["components"]["schemas"]["Profile"]["enum"], json!(Profile::ALL.map(Profile::name)));
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
}
