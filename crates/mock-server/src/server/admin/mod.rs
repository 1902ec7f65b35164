//! The admin API: controls worlds, clocks, orders and webhooks, and reads the journal.
//!
//! Each module has the routes of one topic, with one type for each query, body and response. The OpenAPI document
//! (`openapi.json`) is generated from them. Every call except those of `worlds` applies to one world: `?world=ID`, or
//! the default world.

mod clock;
mod deliveries;
mod details;
mod events;
mod faults;
mod filter;
mod hosts;
mod input;
mod journal;
mod openapi;
mod orders;
mod outbox;
mod pages;
mod problem;
mod route;
mod rules;
mod settings;
mod worlds;

use std::fmt;

use bytes::Bytes;
use http::{Method, Request, Response};
use identkit_core::Content;
use identkit_wire::json;
use serde_json::Value;

pub(super) use self::hosts::AllowedHosts;
use self::input::{Form, Input, NoMembers, Reveal, RevealQuery, check_masks, input, present, word};
use self::openapi::Topic;
use self::pages::{Limit, Number, Page, check_order};
use self::problem::{Problem, ProblemKind};
use self::route::{Answer, Context, Created, Json, Output, Route, route};
use super::connection::Limits;
use crate::Worlds;
use crate::worlds::DEFAULT;

const ROOT: &str = "/_sandbox/v1";

const DOCUMENT: &str = "openapi.json";

fn topics() -> Vec<Topic> {
    let [sandbox, clock] = clock::routes();
    vec![
        ("sandbox", "The program itself.", sandbox),
        ("clock", "A world's clock.", clock),
        (
            "orders",
            "Orders and idents, and the actions of the person.",
            [orders::routes(), details::routes()].into_iter().flatten().collect(),
        ),
        ("deliveries", "Webhooks.", deliveries::routes()),
        ("outbox", "Mails and text messages that the vendors would have sent.", outbox::routes()),
        ("faults", "Injected faults.", faults::routes()),
        ("settings", "The settings of the vendors' accounts.", settings::routes()),
        ("rules", "The rules that the vendors and the sandbox enforce.", rules::routes()),
        ("journal", "Everything that happened in a world.", journal::routes()),
        ("events", "New entries of the journal.", events::routes()),
        ("worlds", "Worlds: each has its own credentials, clock and journal.", worlds::routes()),
    ]
}

pub(super) fn calls() -> impl Iterator<Item = (Method, String)> {
    let routes = topics().into_iter().flat_map(|(.., routes)| routes);
    routes.map(|route| (route.method, format!("{ROOT}/{}", route.path)))
}

/// The response to a request that a web page made a browser send. It is rejected before its body is read.
pub(super) fn refusal<B>(hosts: &AllowedHosts, request: &Request<B>) -> Option<Response<Content>> {
    hosts.check(request).err().map(Problem::response)
}

/// The admin API of a set of worlds, without a listener. It does not check where a request comes from.
pub struct AdminApi {
    worlds: Worlds,
    topics: Vec<Topic>,
}

impl fmt::Debug for AdminApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminApi").field("worlds", &self.worlds).finish_non_exhaustive()
    }
}

impl AdminApi {
    /// Creates the API of these worlds.
    pub fn new(worlds: impl Into<Worlds>) -> Self {
        Self { worlds: worlds.into(), topics: topics() }
    }

    /// The worlds.
    pub fn worlds(&self) -> &Worlds {
        &self.worlds
    }

    /// Handles a call, e.g. `GET /_sandbox/v1/orders`.
    pub async fn handle(&self, request: &Request<Bytes>) -> Response<Content> {
        let response = self.answer(request).await.unwrap_or_else(Problem::response);
        if request.method() == Method::HEAD { response.map(|_| Content::empty()) } else { response }
    }

    async fn answer(&self, request: &Request<Bytes>) -> Answer {
        let below = request.uri().path().strip_prefix(ROOT).and_then(|path| path.strip_prefix('/'));
        let path = below.ok_or_else(|| unknown_path("all paths of the admin API begin with /_sandbox/v1/"))?;
        // HEAD is supported wherever GET is.
        let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
        if path.trim_end_matches('/') == DOCUMENT {
            return match *method == Method::GET {
                true => self.document(),
                false => Err(other_method(vec!["GET"])),
            };
        }
        let routes = self.topics.iter().flat_map(|(.., routes)| routes);
        let mut matching: Vec<(&Route, Placeholders)> =
            routes.filter_map(|route| Some((route, Placeholders::new(route.path, path)?))).collect();
        // A literal path takes precedence: deliveries/release is not the delivery with the id `release`.
        if matching.iter().any(|(route, _)| !route.path.contains('{')) {
            matching.retain(|(route, _)| !route.path.contains('{'));
        }
        let Some((route, placeholders)) = matching.iter().find(|(route, _)| route.method == *method) else {
            return Err(match matching.is_empty() {
                true => unknown_path("no call has this path"),
                false => other_method(matching.iter().map(|(route, _)| route.method.as_str()).collect()),
            });
        };
        let query = pairs(request.uri().query().unwrap_or_default());
        let named = query.iter().find(|(name, _)| name == "world").and_then(|(_, world)| world.clone());
        let world = placeholders.world.clone().or(named).unwrap_or_else(|| DEFAULT.to_owned());
        let id = placeholders.id.clone().unwrap_or_default();
        let context = Context { worlds: self.worlds.clone(), world, id, headers: request.headers().clone() };
        (route.run)(context, &query, request.body()).await
    }

    fn document(&self) -> Answer {
        let document: Value = openapi::document(ROOT, &self.topics);
        json::response(200, &document).map_err(|error| Problem::new(ProblemKind::Internal, error.to_string()))
    }
}

pub(super) fn too_large(limits: Limits) -> Response<Content> {
    let detail = format!("the body is larger than {} MiB", limits.body >> 20);
    Problem::new(ProblemKind::BodyTooLarge, detail).response()
}

pub(super) fn bad_request(detail: &'static str) -> Response<Content> {
    Problem::new(ProblemKind::InvalidBody, detail).response()
}

fn unknown_path(what: &str) -> Problem {
    Problem::new(ProblemKind::UnknownPath, format!("{what}; GET {ROOT}/{DOCUMENT} describes all calls"))
}

fn other_method(mut methods: Vec<&str>) -> Problem {
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    let methods = methods.join(", ");
    Problem::new(ProblemKind::MethodNotAllowed, format!("the methods of this path are {methods}")).allow(methods)
}

#[derive(Default)]
struct Placeholders {
    id: Option<String>,
    world: Option<String>,
}

impl Placeholders {
    fn new(template: &str, path: &str) -> Option<Self> {
        let mut placeholders = Self::default();
        let mut given = path.trim_end_matches('/').split('/');
        for segment in template.split('/') {
            let value = given.next()?;
            match segment {
                "{id}" => placeholders.id = Some(decoded(value)),
                "{world}" => placeholders.world = Some(decoded(value)),
                literal if literal == value => {}
                _ => return None,
            }
        }
        given.next().is_none().then_some(placeholders)
    }
}

fn pairs(query: &str) -> Vec<(String, Option<String>)> {
    let text = |part: &str| decoded(&part.replace('+', " "));
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').map_or((text(pair), None), |(name, value)| (text(name), Some(text(value)))))
        .collect()
}

fn decoded(value: &str) -> String {
    percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sandbox;

    #[tokio::test]
    async fn each_rejection_has_its_status_and_rule() {
        let api = AdminApi::new(&Sandbox::start());
        for (method, path, body, status, rule, words) in [
            (
                "POST",
                "faults",
                r#"{"fault":"reset-in-commit","at":{"answer":null}}"#,
                400,
                "sandbox",
                "request or answer",
            ),
            ("POST", "worlds", r#"{"profile":{"strict":null}}"#, 400, "admin-world", "profile: expected a string"),
            ("POST", "worlds", r#"{"clock":{"frozen":null}}"#, 400, "admin-world", "clock: expected a string"),
            (
                "POST",
                "deliveries/release",
                r#"{"order":{"reversed":null}}"#,
                400,
                "admin-delivery",
                "order: expected a string",
            ),
            ("GET", "deliveries/1?reveal=yes", "", 404, "admin-delivery", "no delivery 1"),
            ("GET", "deliveries?reveal=yes", "", 400, "admin-reveal", "true or false"),
            ("GET", "journal?%zz", "", 400, "admin-query", "a parameter has no value"),
            ("GET", "journal?nothing=1", "", 400, "admin-journal", "body/POINTER, fault, header/NAME, limit"),
        ] {
            let request = Request::builder().method(method).uri(format!("{ROOT}/{path}"));
            let response = api.handle(&request.body(Bytes::from(body)).unwrap()).await;
            let problem: Value = serde_json::from_slice(response.body().as_bytes().unwrap()).unwrap();
            assert_eq!((&problem["status"], &problem["rule"]), (&status.into(), &rule.into()), "{path} {body}");
            assert!(problem["detail"].as_str().unwrap().contains(words), "{path} {body}: {problem}");
        }
    }
}
