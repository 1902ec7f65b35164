//! The seam between the sandbox and a vendor.

use std::fmt;

use bytes::Bytes;
use http::{Method, Request, Response};
use identkit_core::{Content, Error, Violation};
use identkit_wire::{Meta, Params, ServedOperation};
use serde_json::Value;

use crate::rules::{self, Rule};
use crate::{Account, Rejection, SavedError, StateReader, Timer, VendorFacts, World, nesting};

/// Marker in the extensions of a response: close the connection without sending the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoAnswer;

impl NoAnswer {
    /// A response with this marker.
    pub fn response() -> Response<Content> {
        let mut response = Response::new(Content::empty());
        *response.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
        response.extensions_mut().insert(Self);
        response
    }

    /// Whether a response has this marker.
    pub fn marks(response: &Response<Content>) -> bool {
        response.extensions().get::<Self>().is_some()
    }
}

/// What a vendor does with a request.
#[derive(Debug)]
pub enum CallOutcome {
    /// It responds.
    Ready(Response<Content>),
    /// A webhook about this case is being delivered: ask again when it is over.
    Blocked,
}

/// The person's or the vendor's next move with a case.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transition {
    /// A scenario by its name, e.g. `positive`.
    Scenario(String),
    /// A single status in the vendor's own form.
    Status(Value),
}

impl VendorFacts {
    /// The rejection of a request that a client's own reader or rules reject.
    pub(crate) fn reject(&self, error: &Error, section: &'static str) -> Rejection {
        match error.violations() {
            [] => self.reject_body(error.detail().to_owned(), section),
            violations => Rejection::invalid(violations.to_vec()),
        }
    }

    fn reject_body(&self, message: String, section: &'static str) -> Rejection {
        Rejection::new(400, Violation::new("body", message, self.body_rule_id(), section))
    }

    /// The response, or the rejection with status 500 if it cannot be written.
    pub(crate) fn or_reject<T>(&self, response: Result<T, Error>, section: &'static str) -> Result<T, Rejection> {
        response.map_err(|error| Rejection { status: 500, ..self.reject(&error, section) })
    }
}

type Run = Box<dyn Fn(&mut World, &Params, &Request<Bytes>) -> Result<CallOutcome, Rejection> + Send + Sync>;

/// A vendor's call and what the sandbox does with it.
pub struct Route {
    meta: &'static Meta,
    run: Run,
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route").field("operation", &self.meta.name).finish_non_exhaustive()
    }
}

impl Route {
    /// The route of an operation. `case` names the case that a call is about, so that a webhook about it blocks the
    /// call.
    pub fn new<Op: ServedOperation>(
        facts: &'static VendorFacts,
        case: fn(&Op) -> Option<String>,
        handler: fn(&mut World, Op) -> Result<Op::Output, Rejection>,
    ) -> Self {
        Self::responding::<Op>(facts, case, move |world, operation| {
            facts.or_reject(Op::encode_response(handler(world, operation)?), Op::META.section)
        })
    }

    /// As [`new`](Self::new), for a call whose response has more shapes than its output is written in: the handler
    /// writes the response itself.
    pub fn responding<Op: ServedOperation>(
        facts: &'static VendorFacts,
        case: fn(&Op) -> Option<String>,
        handler: impl Fn(&mut World, Op) -> Result<Response<Content>, Rejection> + Send + Sync + 'static,
    ) -> Self {
        let run = move |world: &mut World, params: &Params, request: &Request<Bytes>| {
            if nesting::is_too_deep(request.body()) {
                return Err(facts.reject_body(nesting::MESSAGE.to_owned(), Op::META.section));
            }
            let operation =
                Op::decode_request(params, request).map_err(|error| facts.reject(&error, Op::META.section))?;
            if let Some(case) = case(&operation) {
                world.concerns(&case);
                if facts.wait_rule.is_none_or(|rule| world.enforces(rule)) && world.is_blocked(&case) {
                    return Ok(CallOutcome::Blocked);
                }
            }
            handler(world, operation).map(CallOutcome::Ready)
        };
        Self { meta: Op::META, run: Box::new(run) }
    }

    /// The operation.
    pub fn meta(&self) -> &'static Meta {
        self.meta
    }
}

/// The call that a request means.
#[derive(Debug)]
pub struct Target<'a> {
    route: &'a Route,
    params: Params,
}

impl<'a> Target<'a> {
    /// The first route with this method and path; literal path segments without regard to case if `ignore_case`.
    pub fn find(routes: &'a [Route], method: &Method, path: &str, ignore_case: bool) -> Option<Self> {
        routes.iter().filter(|route| route.meta.method == *method).find_map(|route| {
            let params = route.meta.match_path(path, ignore_case)?;
            Some(Self { route, params })
        })
    }

    /// The operation.
    pub fn meta(&self) -> &'static Meta {
        self.route.meta
    }

    /// Handles the request.
    ///
    /// # Errors
    /// Why the request is rejected.
    pub fn handle(&self, world: &mut World, request: &Request<Bytes>) -> Result<CallOutcome, Rejection> {
        (self.route.run)(world, &self.params, request)
    }
}

/// A vendor's server side: pure, over a world.
pub trait MockVendor: Send + Sync + fmt::Debug {
    /// What the sandbox has to know of it.
    fn facts(&self) -> &'static VendorFacts;

    /// Its calls.
    fn routes(&self) -> &[Route];

    /// Its account, if it has one.
    fn account(&self) -> Option<&dyn Account> {
        None
    }

    /// Puts its accounts and examples into a new world.
    fn seed(&self, world: &mut World);

    /// Finds the call that a request means, whatever the response will be. Asked once for each request.
    fn route(&self, _world: &World, request: &Request<Bytes>) -> Option<Target<'_>> {
        Target::find(self.routes(), request.method(), request.uri().path(), false)
    }

    /// Responds to a request; `target` is what [`route`](Self::route) returned for it.
    fn handle(&self, world: &mut World, request: &Request<Bytes>, target: Option<&Target<'_>>) -> CallOutcome;

    /// Does what a timer was set for.
    fn on_timer(&self, world: &mut World, timer: &Timer);

    /// Called after the first attempt to deliver a webhook, successful or not: the case goes on.
    fn on_first_attempt(&self, world: &mut World, case: &str);

    /// Moves a case along. `None` if the vendor has no such case.
    fn transition(&self, world: &mut World, case: &str, transition: &Transition) -> Option<Result<(), Rejection>>;

    /// The state of a case, for the admin API.
    fn inspect(&self, world: &mut World, case: &str) -> Option<Value>;

    /// Its state in a world as JSON; `Null` if it has none. State that no vendor reads keeps the world from being
    /// saved, so that nothing is lost in silence.
    ///
    /// # Errors
    /// [`SavedError::NotSaved`] for what has no saved form.
    fn save(&self, _states: &mut StateReader<'_>) -> Result<Value, SavedError> {
        Ok(Value::Null)
    }

    /// Puts its saved state into a world that has none of it yet. `saved` comes from outside and must be validated.
    ///
    /// # Errors
    /// [`SavedError::Damaged`], with a pointer that begins at `saved`.
    fn load(&self, _world: &mut World, saved: &Value) -> Result<(), SavedError> {
        match saved {
            Value::Null => Ok(()),
            _ => Err(SavedError::damaged("", "this vendor saves nothing: null is expected")),
        }
    }
}

/// The rules of these vendors, and the sandbox's own.
pub(crate) fn rules_of(vendors: &[Box<dyn MockVendor>]) -> impl Iterator<Item = &'static Rule> + Clone {
    vendors.iter().flat_map(|vendor| vendor.facts().rules).chain(rules::RULES)
}

pub(crate) fn names_of<'a>(vendors: impl IntoIterator<Item = &'a Box<dyn MockVendor>>) -> String {
    vendors.into_iter().map(|vendor| vendor.name()).collect::<Vec<_>>().join(", ")
}

impl dyn MockVendor + '_ {
    /// Name of the provider that it serves.
    pub fn name(&self) -> &'static str {
        self.facts().name
    }
}
