//! The OpenAPI 3.1 document of the admin API, generated from the routes and their types.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform as _};
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::problem::{Document, ProblemKind};
use super::route::{Route, Schemas};

/// The problems that every call can return.
const COMMON: [ProblemKind; 5] = [
    ProblemKind::InvalidQuery,
    ProblemKind::InvalidBody,
    ProblemKind::ForeignOrigin,
    ProblemKind::MethodNotAllowed,
    ProblemKind::BodyTooLarge,
];

/// A topic: name, description and calls.
pub(super) type Topic = (&'static str, &'static str, Vec<Route>);

pub(super) fn document(root: &str, topics: &[Topic]) -> Value {
    let settings =
        || SchemaSettings::draft2020_12().with(|settings| settings.definitions_path = "/components/schemas".into());
    let mut input = settings().for_deserialize().into_generator();
    let mut output = settings().for_serialize().into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for (topic, _, routes) in topics {
        for route in routes {
            let call = call(topic, route, &mut input, &mut output);
            let path = paths.entry(format!("/{}", route.path)).or_insert_with(|| json!({}));
            if let Some(path) = path.as_object_mut() {
                path.insert(route.method.as_str().to_ascii_lowercase(), call);
            }
        }
    }
    let mut schemas = output.take_definitions(true);
    // If a type is both sent and returned, the schema for sending allows more.
    schemas.extend(input.take_definitions(true));
    let tags: Vec<Value> =
        topics.iter().map(|(name, about, _)| json!({ "name": name, "description": about })).collect();
    schemas.values_mut().for_each(tidy);
    let mut paths = Value::Object(paths);
    tidy_all(&mut paths);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Admin API of the identkit sandbox",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Controls worlds, clocks, orders and webhooks, and reads the journal.",
            "description": "`identkit sandbox` runs mock vendors; this API controls it. It has its own address \
                (`--admin`), speaks plain HTTP, and requires no credentials. By default it listens on loopback \
                addresses only. Every call except those of `worlds` applies to one world: `?world=ID`, or the default \
                world. Clients must ignore unknown members of responses. A path may end with a slash, and `HEAD` works \
                where `GET` does. If a request is not valid HTTP/1.1, or its target or headers are too long, the \
                response has a status (400, 414, 431) and no body.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{
            "url": format!("http://127.0.0.1:8444{root}"),
            "description": "`identkit sandbox --admin 127.0.0.1:8444`",
        }],
        "security": [{}],
        "tags": tags,
        "paths": paths,
        "components": { "schemas": schemas },
    })
}

/// Applies [`tidy`] to each schema of the calls.
fn tidy_all(node: &mut Value) {
    match node {
        Value::Object(members) => {
            for (name, value) in members {
                if name == "schema" { tidy(value) } else { tidy_all(value) }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(tidy_all),
        _ => {}
    }
}

fn tidy(schema: &mut Value) {
    if let Ok(schema) = schema.try_into() {
        RecursiveTransform(simplify).transform(schema);
    }
}

/// Merges alternatives of single strings into one enumeration, and removes keywords that only describe Rust types.
fn simplify(schema: &mut Schema) {
    // Duplicate items of a set are accepted.
    schema.remove("uniqueItems");
    // Marks an optional member in Rust, also one whose JSON form is an object.
    if schema.get("default").is_some_and(|default| default.is_null() || default.as_array().is_some_and(Vec::is_empty)) {
        schema.remove("default");
    }
    // The formats of Rust's numbers.
    if schema.get("format").and_then(Value::as_str).is_some_and(|format| !matches!(format, "uri" | "date-time")) {
        schema.remove("format");
    }
    if schema.get("type").and_then(Value::as_str) != Some("object")
        && let Some(Value::Array(kinds)) = schema.get("oneOf")
    {
        // A `const` has a description; an `enum` lists the values without one.
        let mut words = Vec::new();
        let mut about = String::new();
        for kind in kinds {
            if kind.get("type").and_then(Value::as_str) != Some("string") {
                return;
            }
            words.extend(kind.get("enum").and_then(Value::as_array).into_iter().flatten().cloned());
            if let Some(word) = kind.get("const") {
                let meaning = kind.get("description").and_then(Value::as_str).unwrap_or_default();
                about.push_str(&format!("\n- `{}`: {meaning}", word.as_str().unwrap_or_default()));
                words.push(word.clone());
            }
        }
        let own = schema.get("description").and_then(Value::as_str).unwrap_or_default();
        let text = format!("{own}\n{about}");
        schema.remove("oneOf");
        schema.insert("type".into(), "string".into());
        schema.insert("enum".into(), words.into());
        schema.insert("description".into(), text.trim().into());
    }
}

fn call(topic: &str, route: &Route, input: &mut SchemaGenerator, output: &mut SchemaGenerator) -> Value {
    let schemas = (route.schemas)(input, output);
    let mut parameters = Vec::new();
    for (placeholder, about, example) in [("world", "Id of the world.", "my-test"), ("id", route.id.0, route.id.1)] {
        if route.path.contains(&format!("{{{placeholder}}}")) {
            parameters.push(json!({
                "name": placeholder, "in": "path", "required": true, "description": about,
                "schema": { "type": "string", "minLength": 1 }, "example": example,
            }));
        }
    }
    parameters.extend(query(&schemas.query));
    if route.takes_world {
        parameters.push(json!({
            "name": "world", "in": "query", "description": "Id of the world. The default is `default`.",
            "schema": { "type": "string" }, "example": "default",
        }));
    }
    let mut call = json!({
        "operationId": route.name, "tags": [topic], "summary": route.summary, "parameters": parameters,
    });
    let Some(members) = call.as_object_mut() else { return call };
    if !route.description.is_empty() {
        members.insert("description".into(), route.description.into());
    }
    if let Some((schema, required)) = &schemas.body {
        let content = json!({ "application/json": { "schema": schema } });
        members.insert("requestBody".into(), json!({ "required": required, "content": content }));
    }
    members.insert("responses".into(), responses(route, &schemas, output));
    call
}

fn responses(route: &Route, schemas: &Schemas, output: &mut SchemaGenerator) -> Value {
    let schema = &schemas.output;
    let (pointer, calls) = route.links;
    let parameters = json!({ "id": format!("$response.body#{pointer}") });
    let link = |name: &&str| ((*name).to_owned(), json!({ "operationId": name, "parameters": parameters }));
    let links: Map<String, Value> = calls.iter().map(link).collect();
    // The doc comment of the response's type.
    let about = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit_once('/'));
    let about =
        about.and_then(|(_, name)| output.definitions().get(name)?.get("description")).or(schema.get("description"));
    let mut responses = Map::new();
    let success = json!({
        "description": about.and_then(Value::as_str).unwrap_or(route.summary),
        "content": { route.media: { "schema": schema } },
        "links": links,
    });
    responses.insert(route.status.to_string(), success);
    let mut problems: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    let world = (route.takes_world || route.path.contains("{world}")).then_some(ProblemKind::UnknownWorld);
    let reveal = schemas.query.pointer("/properties/reveal").map(|_| ProblemKind::InvalidReveal);
    for kind in COMMON.into_iter().chain(world).chain(reveal).chain(route.problems.iter().copied()) {
        problems.entry(kind.status()).or_default().push(kind.meaning());
    }
    let problem = output.subschema_for::<Document>();
    for (status, meanings) in problems {
        let response = json!({
            "description": meanings.join(" "), "content": { "application/problem+json": { "schema": problem } },
        });
        responses.insert(status.to_string(), response);
    }
    Value::Object(responses)
}

/// The parameters of a query, from the members of its schema.
fn query(schema: &Schema) -> Vec<Value> {
    let required = |name: &str| {
        schema.get("required").and_then(Value::as_array).is_some_and(|names| names.iter().any(|known| known == name))
    };
    let members = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    members
        .filter_map(|(name, schema)| {
            let mut schema = schema.clone();
            match name.as_str() {
                "headers" => None,
                "body" => Some(json!({
                    "name": "elements", "in": "query", "style": "form", "explode": true,
                    "description": "Any number of `header/NAME=text` and `body/POINTER=text`: only calls with this \
                        header, or with this element of the body at a JSON pointer (RFC 6901).",
                    "schema": { "type": "object", "patternProperties": { "^(header/.+|body/.*)$": true } },
                    "example": { "body/Address/City": "Berlin" },
                })),
                name => {
                    // A query cannot hold null.
                    if let Some(Value::Array(types)) = schema.get_mut("type") {
                        types.retain(|kind| kind != "null");
                    }
                    let about = schema.get("description").cloned().unwrap_or_default();
                    let required = required(name);
                    Some(json!({ "name": name, "in": "query", "required": required, "description": about, "schema": schema }))
                }
            }
        })
        .collect()
}
