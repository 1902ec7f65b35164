//! The admin API: worlds, their time, the person's next move, webhooks, and what happened.
//!
//! One table of calls; each call of it is one function of a module named after what it is about. All but those of
//! `worlds` are about one world: `?world=ID`, or the default one.

mod clock;
mod deliveries;
mod events;
mod faults;
mod filter;
mod journal;
mod orders;
mod problem;
mod settings;
mod webhooks;
mod worlds;

use bytes::Bytes;
use http::{Method, Request, Response};
use identkit_core::{BoxFuture, Content};
use identkit_wire::json;
use serde_json::{Map, Value};

use self::problem::Problem;
use crate::journal::Secrets;
use crate::nesting;
use crate::webhooks::Verb;
use crate::worlds::DEFAULT;
use crate::{Sandbox, Worlds};

/// What all paths begin with.
const ROOT: &str = "/_sandbox/v1";

type Answer = Result<Response<Content>, Problem>;

/// A call of the admin API.
pub(super) struct Call {
    method: Method,
    /// Below the root; `{name}` is any one segment.
    path: &'static str,
    run: for<'a> fn(Asked<'a>) -> BoxFuture<'a, Answer>,
}

/// All calls: those of docs/sandbox-openapi.json, as a test knows.
const CALLS: &[Call] = &[
    Call { method: Method::GET, path: "health", run: |asked| Box::pin(async move { clock::health(&asked) }) },
    Call { method: Method::GET, path: "version", run: |_| Box::pin(async { clock::version() }) },
    Call { method: Method::GET, path: "clock", run: |asked| Box::pin(async move { clock::get(&asked) }) },
    Call { method: Method::POST, path: "clock/advance", run: |asked| Box::pin(clock::advance(asked)) },
    Call { method: Method::POST, path: "clock/run-to-next", run: |asked| Box::pin(clock::run_to_next(asked)) },
    Call { method: Method::POST, path: "clock/mode", run: |asked| Box::pin(async move { clock::mode(&asked) }) },
    Call { method: Method::GET, path: "orders/{id}", run: |asked| Box::pin(async move { orders::get(&asked) }) },
    Call {
        method: Method::POST,
        path: "orders/{id}/transition",
        run: |asked| Box::pin(async move { orders::transition(&asked) }),
    },
    Call { method: Method::GET, path: "tans", run: |asked| Box::pin(async move { orders::tans(&asked) }) },
    Call { method: Method::GET, path: "deliveries", run: |asked| Box::pin(async move { deliveries::list(&asked) }) },
    Call {
        method: Method::POST,
        path: "deliveries/release",
        run: |asked| Box::pin(async move { deliveries::release_all(&asked) }),
    },
    Call {
        method: Method::GET,
        path: "deliveries/{id}",
        run: |asked| Box::pin(async move { deliveries::get(&asked) }),
    },
    Call {
        method: Method::POST,
        path: "deliveries/{id}/resend",
        run: |asked| Box::pin(async move { deliveries::by_hand(&asked, Verb::Resend) }),
    },
    Call {
        method: Method::POST,
        path: "deliveries/{id}/hold",
        run: |asked| Box::pin(async move { deliveries::by_hand(&asked, Verb::Hold) }),
    },
    Call {
        method: Method::POST,
        path: "deliveries/{id}/release",
        run: |asked| Box::pin(async move { deliveries::by_hand(&asked, Verb::Release) }),
    },
    Call {
        method: Method::POST,
        path: "deliveries/{id}/duplicate",
        run: |asked| Box::pin(async move { deliveries::by_hand(&asked, Verb::Duplicate) }),
    },
    Call {
        method: Method::POST,
        path: "deliveries/{id}/drop",
        run: |asked| Box::pin(async move { deliveries::by_hand(&asked, Verb::Drop) }),
    },
    Call { method: Method::GET, path: "webhooks", run: |asked| Box::pin(async move { webhooks::get(&asked) }) },
    Call { method: Method::POST, path: "webhooks", run: |asked| Box::pin(async move { webhooks::set(&asked) }) },
    Call { method: Method::GET, path: "settings", run: |asked| Box::pin(async move { settings::get(&asked) }) },
    Call { method: Method::POST, path: "settings", run: |asked| Box::pin(async move { settings::set(&asked) }) },
    Call { method: Method::GET, path: "journal", run: |asked| Box::pin(async move { journal::find(&asked) }) },
    Call { method: Method::DELETE, path: "journal", run: |asked| Box::pin(async move { journal::clear(&asked) }) },
    Call { method: Method::GET, path: "faults", run: |asked| Box::pin(async move { faults::list(&asked) }) },
    Call { method: Method::POST, path: "faults", run: |asked| Box::pin(async move { faults::inject(&asked) }) },
    Call { method: Method::DELETE, path: "faults", run: |asked| Box::pin(async move { faults::clear(&asked) }) },
    Call {
        method: Method::DELETE,
        path: "faults/{id}",
        run: |asked| Box::pin(async move { faults::take_away(&asked) }),
    },
    Call { method: Method::GET, path: "journal/count", run: |asked| Box::pin(async move { journal::count(&asked) }) },
    Call { method: Method::POST, path: "journal/wait", run: |asked| Box::pin(journal::wait(asked)) },
    Call {
        method: Method::GET,
        path: "journal/near-misses",
        run: |asked| Box::pin(async move { journal::near_misses(&asked) }),
    },
    Call {
        method: Method::GET,
        path: "journal/canonical",
        run: |asked| Box::pin(async move { journal::canonical(&asked) }),
    },
    Call { method: Method::GET, path: "explain/{id}", run: |asked| Box::pin(async move { journal::explain(&asked) }) },
    Call { method: Method::GET, path: "events", run: |asked| Box::pin(async move { events::stream(&asked) }) },
    Call { method: Method::GET, path: "worlds", run: |asked| Box::pin(async move { worlds::list(&asked) }) },
    Call { method: Method::POST, path: "worlds", run: |asked| Box::pin(async move { worlds::create(&asked) }) },
    Call { method: Method::GET, path: "worlds/{world}", run: |asked| Box::pin(async move { worlds::get(&asked) }) },
    Call {
        method: Method::DELETE,
        path: "worlds/{world}",
        run: |asked| Box::pin(async move { worlds::delete(&asked) }),
    },
    Call {
        method: Method::POST,
        path: "worlds/{world}/fork",
        run: |asked| Box::pin(async move { worlds::fork(&asked) }),
    },
    Call {
        method: Method::POST,
        path: "worlds/{world}/snapshot",
        run: |asked| Box::pin(async move { worlds::snapshot(&asked) }),
    },
    Call {
        method: Method::POST,
        path: "worlds/{world}/restore",
        run: |asked| Box::pin(async move { worlds::restore(&asked) }),
    },
    Call { method: Method::POST, path: "reset", run: |asked| Box::pin(async move { worlds::reset(&asked) }) },
];

/// The method and the whole path of each call.
pub(super) fn calls() -> impl Iterator<Item = (Method, String)> {
    CALLS.iter().map(|call| (call.method.clone(), format!("{ROOT}/{}", call.path)))
}

/// A request to the admin API.
struct Asked<'a> {
    worlds: &'a Worlds,
    request: &'a Request<Bytes>,
    /// What stands in the path for `{id}`.
    id: String,
    /// The world that it is about, which need not exist.
    world: String,
}

impl Asked<'_> {
    /// The world.
    fn sandbox(&self) -> Result<Sandbox, Problem> {
        self.worlds.get(&self.world).ok_or_else(|| Problem::no_world(&self.worlds.ids()))
    }

    /// The value of a parameter of the query.
    fn query(&self, name: &str) -> Option<String> {
        parameter(self.request, name)
    }

    /// Whether secrets are to be told.
    fn secrets(&self) -> Result<Secrets, Problem> {
        match self.query("reveal").as_deref() {
            None | Some("false") => Ok(Secrets::Masked),
            Some("true") => Ok(Secrets::Revealed),
            Some(_) => Err(Problem::new(400, "secrets or not", "reveal is true or false", "admin-reveal")),
        }
    }

    /// The text that is all that an [`optional`](Self::optional) body may hold, if it is there.
    fn optional_text(&self, name: &str, example: &str, rule: &'static str) -> Result<Option<String>, Problem> {
        let refuse = |what: String| Err(Problem::new(400, "the body cannot be read", what, rule));
        let mut body = self.optional(example)?;
        if body.keys().any(|key| key != name) {
            return refuse(format!("{name} is all that can be named; send {example}"));
        }
        match body.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => refuse(format!("{name} is a text; send {example}")),
        }
    }

    /// As [`object`](Self::object), where an empty body is an empty object.
    fn optional(&self, example: &str) -> Result<Map<String, Value>, Problem> {
        match self.request.body().is_empty() {
            true => Ok(Map::new()),
            false => self.object(example),
        }
    }

    /// The body, an object.
    fn object(&self, example: &str) -> Result<Map<String, Value>, Problem> {
        let refuse = |told: String| Problem::new(400, "the body cannot be read", told, "admin-body");
        if nesting::is_too_deep(self.request.body()) {
            return Err(refuse(format!("it {}", nesting::TOLD)));
        }
        json::read(self.request.body()).map_err(|fault| refuse(format!("send {example}: {fault}")))
    }
}

/// Answers one request.
pub(super) async fn handle(worlds: &Worlds, request: &Request<Bytes>) -> Response<Content> {
    answered(worlds, request).await.unwrap_or_else(Problem::response)
}

async fn answered(worlds: &Worlds, request: &Request<Bytes>) -> Answer {
    let below = request.uri().path().strip_prefix(ROOT).and_then(|path| path.strip_prefix('/'));
    let path = below.ok_or_else(|| Problem::nowhere("the admin API is below /_sandbox/v1"))?;
    let mut fitting: Vec<_> = CALLS.iter().filter_map(|call| Some((call, fit(call.path, path)?))).collect();
    // A path that is written out is no id: deliveries/release is not the delivery `release`.
    if fitting.iter().any(|(call, _)| !call.path.contains('{')) {
        fitting.retain(|(call, _)| !call.path.contains('{'));
    }
    let Some((call, found)) = fitting.iter().find(|(call, _)| call.method == *request.method()) else {
        return Err(match fitting.is_empty() {
            true => Problem::nowhere("no such call"),
            false => Problem::another_method(fitting.iter().map(|(call, _)| &call.method)),
        });
    };
    let world = found.world.clone().or_else(|| parameter(request, "world")).unwrap_or_else(|| DEFAULT.to_owned());
    let id = found.id.clone().unwrap_or_default();
    (call.run)(Asked { worlds, request, id, world }).await
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

fn parameter(request: &Request<Bytes>, name: &str) -> Option<String> {
    let pairs = request.uri().query()?.split('&');
    pairs.filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| decoded(value))
}

/// All parameters of the query.
fn parameters(request: &Request<Bytes>) -> impl Iterator<Item = (String, String)> {
    let pairs = request.uri().query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(key, value)| (decoded(key), decoded(value)))
}

fn decoded(value: &str) -> String {
    percent_encoding::percent_decode_str(&value.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// An answer that succeeded.
fn answer(value: &Value) -> Answer {
    told(200, value)
}

fn told(status: u16, value: &Value) -> Answer {
    json::response(status, value)
        .map_err(|error| Problem::new(500, "the answer cannot be written", error.to_string(), "admin"))
}
