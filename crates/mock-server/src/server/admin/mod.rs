//! The admin API: worlds, their time, the person's next move, webhooks, and what happened.
//!
//! One table of calls; each call of it is one function of a module named after what it is about. All but those of
//! `worlds` are about one world: `?world=ID`, or the default one.

mod asked;
mod callers;
mod clock;
mod deliveries;
mod events;
mod faults;
mod filter;
mod journal;
mod names;
mod orders;
mod problem;
mod settings;
mod webhooks;
mod worlds;

use bytes::Bytes;
use http::{Method, Request, Response};
use identkit_core::{BoxFuture, Content};
use identkit_wire::json;
use serde_json::Value;

use self::asked::Asked;
pub(super) use self::callers::Callers;
use self::names::Names::{self, Judged, These};
use self::problem::Problem;
use crate::Worlds;
use crate::webhooks::Verb;
use crate::worlds::DEFAULT;

/// What all paths begin with.
const ROOT: &str = "/_sandbox/v1";

type Answer = Result<Response<Content>, Problem>;

/// A call of the admin API.
pub(super) struct Call {
    method: Method,
    /// Below the root; `{name}` is any one segment.
    path: &'static str,
    /// What its query may name.
    query: Names,
    /// What its body, an object, may name.
    body: Names,
    run: Run,
}

type Run = for<'a> fn(Asked<'a>) -> BoxFuture<'a, Answer>;

const fn call(method: Method, path: &'static str, query: Names, body: Names, run: Run) -> Call {
    Call { method, path, query, body, run }
}

const NONE: Names = These(&[]);
const WORLD: Names = These(&["world"]);
const REVEAL: Names = These(&["reveal", "world"]);

/// All calls: those of docs/sandbox-openapi.json, as a test knows. First the query's names, then the body's.
const CALLS: &[Call] = &[
    call(Method::GET, "health", WORLD, NONE, |asked| Box::pin(async move { clock::health(&asked) })),
    call(Method::GET, "version", NONE, NONE, |_| Box::pin(async { clock::version() })),
    call(Method::GET, "clock", WORLD, NONE, |asked| Box::pin(async move { clock::get(&asked) })),
    call(Method::POST, "clock/advance", WORLD, These(&["seconds", "to"]), |asked| Box::pin(clock::advance(asked))),
    call(Method::POST, "clock/run-to-next", WORLD, NONE, |asked| Box::pin(clock::run_to_next(asked))),
    call(Method::POST, "clock/mode", WORLD, These(&["mode", "factor"]), |asked| {
        Box::pin(async move { clock::mode(&asked) })
    }),
    call(Method::GET, "orders/{id}", REVEAL, NONE, |asked| Box::pin(async move { orders::get(&asked) })),
    call(Method::POST, "orders/{id}/transition", REVEAL, These(&["story", "status"]), |asked| {
        Box::pin(async move { orders::transition(&asked) })
    }),
    call(Method::GET, "tans", These(&["order", "world"]), NONE, |asked| Box::pin(async move { orders::tans(&asked) })),
    call(Method::GET, "deliveries", These(&["order", "reveal", "world"]), NONE, |asked| {
        Box::pin(async move { deliveries::list(&asked) })
    }),
    call(Method::POST, "deliveries/release", REVEAL, These(&["order", "deliveries"]), |asked| {
        Box::pin(async move { deliveries::release_all(&asked) })
    }),
    call(Method::GET, "deliveries/{id}", REVEAL, NONE, |asked| Box::pin(async move { deliveries::get(&asked) })),
    call(Method::POST, "deliveries/{id}/resend", REVEAL, NONE, |asked| {
        Box::pin(async move { deliveries::by_hand(&asked, Verb::Resend) })
    }),
    call(Method::POST, "deliveries/{id}/hold", REVEAL, NONE, |asked| {
        Box::pin(async move { deliveries::by_hand(&asked, Verb::Hold) })
    }),
    call(Method::POST, "deliveries/{id}/release", REVEAL, NONE, |asked| {
        Box::pin(async move { deliveries::by_hand(&asked, Verb::Release) })
    }),
    call(Method::POST, "deliveries/{id}/duplicate", REVEAL, NONE, |asked| {
        Box::pin(async move { deliveries::by_hand(&asked, Verb::Duplicate) })
    }),
    call(Method::POST, "deliveries/{id}/drop", REVEAL, NONE, |asked| {
        Box::pin(async move { deliveries::by_hand(&asked, Verb::Drop) })
    }),
    call(Method::GET, "webhooks", WORLD, NONE, |asked| Box::pin(async move { webhooks::get(&asked) })),
    call(Method::POST, "webhooks", WORLD, These(&["mode", "order", "seconds"]), |asked| {
        Box::pin(async move { webhooks::set(&asked) })
    }),
    call(Method::GET, "settings", REVEAL, NONE, |asked| Box::pin(async move { settings::get(&asked) })),
    call(Method::POST, "settings", REVEAL, Judged, |asked| Box::pin(async move { settings::set(&asked) })),
    call(Method::GET, "journal", Judged, NONE, |asked| Box::pin(async move { journal::find(&asked) })),
    call(Method::DELETE, "journal", WORLD, NONE, |asked| Box::pin(async move { journal::clear(&asked) })),
    call(Method::GET, "faults", REVEAL, NONE, |asked| Box::pin(async move { faults::list(&asked) })),
    call(Method::POST, "faults", REVEAL, Judged, |asked| Box::pin(async move { faults::inject(&asked) })),
    call(Method::DELETE, "faults", REVEAL, NONE, |asked| Box::pin(async move { faults::clear(&asked) })),
    call(Method::DELETE, "faults/{id}", REVEAL, NONE, |asked| Box::pin(async move { faults::take_away(&asked) })),
    call(Method::GET, "journal/count", Judged, NONE, |asked| Box::pin(async move { journal::count(&asked) })),
    call(Method::POST, "journal/wait", WORLD, Judged, |asked| Box::pin(journal::wait(asked))),
    call(Method::GET, "journal/near-misses", Judged, NONE, |asked| {
        Box::pin(async move { journal::near_misses(&asked) })
    }),
    call(Method::GET, "journal/canonical", WORLD, NONE, |asked| Box::pin(async move { journal::canonical(&asked) })),
    call(Method::GET, "explain/{id}", REVEAL, NONE, |asked| Box::pin(async move { journal::explain(&asked) })),
    call(Method::GET, "events", These(&["since", "world"]), NONE, |asked| {
        Box::pin(async move { events::stream(&asked) })
    }),
    call(Method::GET, "worlds", NONE, NONE, |asked| Box::pin(async move { worlds::list(&asked) })),
    call(Method::POST, "worlds", NONE, These(&["id", "seed", "profile", "clock", "now"]), |asked| {
        Box::pin(async move { worlds::create(&asked) })
    }),
    call(Method::GET, "worlds/{world}", NONE, NONE, |asked| Box::pin(async move { worlds::get(&asked) })),
    call(Method::DELETE, "worlds/{world}", NONE, NONE, |asked| Box::pin(async move { worlds::delete(&asked) })),
    call(Method::POST, "worlds/{world}/fork", NONE, These(&["id"]), |asked| {
        Box::pin(async move { worlds::fork(&asked) })
    }),
    call(Method::POST, "worlds/{world}/snapshot", NONE, These(&["snapshot"]), |asked| {
        Box::pin(async move { worlds::snapshot(&asked) })
    }),
    call(Method::POST, "worlds/{world}/restore", NONE, These(&["snapshot"]), |asked| {
        Box::pin(async move { worlds::restore(&asked) })
    }),
    call(Method::POST, "reset", WORLD, NONE, |asked| Box::pin(async move { worlds::reset(&asked) })),
];

/// The method and the whole path of each call.
pub(super) fn calls() -> impl Iterator<Item = (Method, String)> {
    CALLS.iter().map(|call| (call.method.clone(), format!("{ROOT}/{}", call.path)))
}

/// Answers one request.
pub(super) async fn handle(worlds: &Worlds, callers: &Callers, request: &Request<Bytes>) -> Response<Content> {
    let response = answered(worlds, callers, request).await.unwrap_or_else(Problem::response);
    if request.method() == Method::HEAD { response.map(|_| Content::empty()) } else { response }
}

/// The answer to a request whose body is too large.
pub(super) fn too_large() -> Response<Content> {
    let detail = format!("it has more than {} MiB", super::connection::BODY >> 20);
    Problem::new(413, "the body is too large", detail, "admin-body").response()
}

/// The answer to a request whose body breaks off, or is not as HTTP has it.
pub(super) fn unreadable() -> Response<Content> {
    let detail = "it breaks off, or is not as HTTP/1.1 has it (RFC 9112, section 7)";
    Problem::new(400, "the body cannot be read", detail, "admin-body").response()
}

async fn answered(worlds: &Worlds, callers: &Callers, request: &Request<Bytes>) -> Answer {
    callers.check(request)?;
    let below = request.uri().path().strip_prefix(ROOT).and_then(|path| path.strip_prefix('/'));
    let path = below.ok_or_else(|| Problem::nowhere("the admin API is below /_sandbox/v1"))?;
    let mut fitting: Vec<_> = CALLS.iter().filter_map(|call| Some((call, fit(call.path, path)?))).collect();
    // A path that is written out is no id: deliveries/release is not the delivery `release`.
    if fitting.iter().any(|(call, _)| !call.path.contains('{')) {
        fitting.retain(|(call, _)| !call.path.contains('{'));
    }
    // Where there is something to get, its head can be asked for.
    let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
    let Some((call, found)) = fitting.iter().find(|(call, _)| call.method == *method) else {
        return Err(match fitting.is_empty() {
            true => Problem::nowhere("no such call"),
            false => Problem::another_method(fitting.iter().map(|(call, _)| &call.method)),
        });
    };
    let query = call.query.of_query(request.uri().query().unwrap_or_default())?;
    call.body.check_body(request.body())?;
    let named = || query.iter().find(|(name, _)| name == "world").map(|(_, world)| world.clone());
    let world = found.world.clone().or_else(named).unwrap_or_else(|| DEFAULT.to_owned());
    let id = found.id.clone().unwrap_or_default();
    (call.run)(Asked { worlds, request, query, id, world }).await
}

/// What stands for the names of a path.
#[derive(Default)]
struct Found {
    id: Option<String>,
    world: Option<String>,
}

fn fit(template: &str, path: &str) -> Option<Found> {
    let mut found = Found::default();
    let mut given = path.trim_end_matches('/').split('/');
    for segment in template.split('/') {
        let value = given.next()?;
        match segment {
            "{id}" => found.id = Some(decoded(value)),
            "{world}" => found.world = Some(decoded(value)),
            literal if literal == value => {}
            _ => return None,
        }
    }
    given.next().is_none().then_some(found)
}

fn decoded(value: &str) -> String {
    percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned()
}

/// An answer that succeeded.
fn answer(value: &Value) -> Answer {
    told(200, value)
}

fn told(status: u16, value: &Value) -> Answer {
    json::response(status, value)
        .map_err(|error| Problem::new(500, "the answer cannot be written", error.to_string(), "admin"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What a part of the document refers to.
    fn found<'a>(document: &'a Value, part: &'a Value) -> &'a Value {
        match part["$ref"].as_str() {
            Some(pointer) => document.pointer(pointer.trim_start_matches('#')).unwrap(),
            None => part,
        }
    }

    fn properties(document: &Value, schema: &Value) -> BTreeSet<String> {
        let schema = found(document, schema);
        let own = schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone());
        let kinds = schema["oneOf"].as_array().into_iter().flatten().flat_map(|kind| properties(document, kind));
        own.chain(kinds).collect()
    }

    #[test]
    fn what_the_document_says_can_be_named_is_what_is_read() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/sandbox-openapi.json");
        let document: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        for call in CALLS {
            let at = format!("{} {}", call.method, call.path);
            let told = &document["paths"][format!("/{}", call.path)][call.method.as_str().to_lowercase()];
            if let These(known) = call.query {
                let parameters = told["parameters"].as_array().into_iter().flatten();
                let parameters = parameters.map(|parameter| found(&document, parameter));
                let query = parameters.filter(|parameter| parameter["in"] == "query");
                let query: BTreeSet<_> =
                    query.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect();
                assert_eq!(query, names(known), "{at}");
            }
            if let These(known) = call.body {
                let schema = &told["requestBody"]["content"]["application/json"]["schema"];
                assert_eq!(properties(&document, schema), names(known), "{at}");
            }
            // Whatever a call is not known to read is refused.
            assert!(told["responses"]["400"].is_object(), "{at}");
        }
    }
}
