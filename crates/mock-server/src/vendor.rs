//! The seam between the sandbox and a vendor.

use std::fmt;

use bytes::Bytes;
use http::{Method, Request, Response};
use identkit_core::{Content, Error, Violation};
use identkit_wire::{Meta, Params, ServedOperation};
use serde_json::Value;

use crate::rules::{self, Rule};
use crate::{
    Account, CaseDetails, CaseKeys, Evidence, KnownStatus, PersonRequest, PersonView, Rejection, SavedError,
    StateReader, Timer, VendorFacts, World, nesting,
};

/// Marker in the extensions of a response: close the connection without sending the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoAnswer;

impl NoAnswer {
    /// Creates a response with this marker.
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

/// How a vendor responds to a request.
#[non_exhaustive]
#[derive(Debug)]
pub enum CallOutcome {
    /// The response.
    Ready(Response<Content>),
    /// A webhook about this case is being delivered: call again after the attempt.
    Blocked,
}

/// A change of a case by the person or the vendor.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transition {
    /// A story by name, e.g. `positive`.
    Scenario(String),
    /// A single status in the vendor's own form.
    Status(Value),
}

/// Why a case was not changed.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransitionError {
    /// No vendor has this case.
    UnknownCase,
    /// The vendor rejects the transition: the story does not exist, does not fit the case, or another one is running.
    Rejected(Rejection),
}

impl fmt::Display for TransitionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownCase => f.write_str("the sandbox does not have the case"),
            Self::Rejected(rejection) => rejection.fmt(f),
        }
    }
}

impl std::error::Error for TransitionError {}

impl VendorFacts {
    /// Converts an error of the client's own reader or validation to a rejection.
    pub(crate) fn reject(&self, error: &Error, section: &'static str) -> Rejection {
        match error.violations() {
            [] => self.reject_body(error.detail().to_owned(), section),
            violations => Rejection::invalid(violations.iter().cloned().map(without_setting).collect()),
        }
    }

    fn reject_body(&self, message: String, section: &'static str) -> Rejection {
        Rejection::new(400, Violation::new("body", message, self.body_rule_id(), section))
    }

    /// Returns the response, or a rejection with status 500 if it cannot be encoded.
    pub(crate) fn or_reject<T>(&self, response: Result<T, Error>, section: &'static str) -> Result<T, Rejection> {
        response.map_err(|error| Rejection { status: 500, ..self.reject(&error, section) })
    }
}

/// Removes the hint to a setting of the client, which is not one of the sandbox.
fn without_setting(mut violation: Violation) -> Violation {
    let hint = violation.message.split_once(" (the setting `").and_then(|(before, hint)| {
        let (_, after) = hint.split_once(')')?;
        Some(format!("{before}{after}"))
    });
    if let Some(message) = hint {
        violation.message = message.into();
    }
    violation
}

/// Size in bytes from which a request body is read without the lock of the world.
const LARGE: usize = 64 * 1024;

/// Reads a request.
fn decode<Op: ServedOperation>(
    facts: &VendorFacts,
    params: &Params,
    request: &Request<Bytes>,
) -> Result<Op, Rejection> {
    if nesting::is_too_deep(request.body()) {
        return Err(facts.reject_body(nesting::MESSAGE.to_owned(), Op::META.section));
    }
    Op::decode_request(params, request).map_err(|error| facts.reject(&error, Op::META.section))
}

/// Copies a request without its extensions. The copies share the body.
fn copy(request: &Request<Bytes>) -> Request<Bytes> {
    let mut copy = Request::new(request.body().clone());
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    copy.headers_mut().clone_from(request.headers());
    copy
}

type Run = Box<dyn Fn(&mut World, &Params, &Request<Bytes>) -> Result<CallOutcome, Rejection> + Send + Sync>;

/// A vendor's call and its handler.
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
    /// Creates the route of an operation. `case` returns the id of the case, so that a webhook about it blocks the call.
    pub fn new<Op: ServedOperation + Clone>(
        facts: &'static VendorFacts,
        case: fn(&Op) -> Option<String>,
        handler: fn(&mut World, Op) -> Result<Op::Output, Rejection>,
    ) -> Self {
        Self::responding::<Op>(facts, case, move |world, operation| {
            facts.or_reject(Op::encode_response(handler(world, operation)?), Op::META.section)
        })
    }

    /// Like [`new`](Self::new), for a call whose response has several shapes: the handler encodes the response itself.
    pub fn responding<Op: ServedOperation + Clone>(
        facts: &'static VendorFacts,
        case: fn(&Op) -> Option<String>,
        handler: impl Fn(&mut World, Op) -> Result<Response<Content>, Rejection> + Send + Sync + 'static,
    ) -> Self {
        let run = move |world: &mut World, params: &Params, request: &Request<Bytes>| {
            let operation = match request.body().len() {
                // Reading a large body takes long, and other calls wait for the lock.
                LARGE.. => {
                    let (params, request) = (params.clone(), copy(request));
                    world.without_lock(move || decode::<Op>(facts, &params, &request))??
                }
                _ => decode::<Op>(facts, params, request)?,
            };
            if let Some(case) = case(&operation) {
                world.set_request_case(&case);
                if facts.wait_rule.is_none_or(|rule| world.enforces(rule)) && world.is_blocked(&case) {
                    return Ok(CallOutcome::Blocked);
                }
            }
            handler(world, operation).map(CallOutcome::Ready)
        };
        Self { meta: Op::META, run: Box::new(run) }
    }

    /// Returns the operation.
    pub fn meta(&self) -> &'static Meta {
        self.meta
    }
}

/// The call that a request addresses.
#[derive(Debug)]
pub struct Target<'a> {
    route: &'a Route,
    params: Params,
}

impl<'a> Target<'a> {
    /// Finds the first route with this method and path. If `ignore_case`, literal path segments match in any letter case.
    pub fn find(routes: &'a [Route], method: &Method, path: &str, ignore_case: bool) -> Option<Self> {
        routes.iter().filter(|route| route.meta.method == *method).find_map(|route| {
            let params = route.meta.match_path(path, ignore_case)?;
            Some(Self { route, params })
        })
    }

    /// Returns the operation.
    pub fn meta(&self) -> &'static Meta {
        self.route.meta
    }

    /// Handles the request.
    ///
    /// # Errors
    /// Returns the reasons if the request is rejected.
    pub fn handle(&self, world: &mut World, request: &Request<Bytes>) -> Result<CallOutcome, Rejection> {
        (self.route.run)(world, &self.params, request)
    }
}

/// A mock vendor. It holds no state of its own: all state is in the [`World`].
pub trait MockVendor: Send + Sync + fmt::Debug {
    /// Returns the facts that the sandbox needs.
    fn facts(&self) -> &'static VendorFacts;

    /// Returns the vendor's calls.
    fn routes(&self) -> &[Route];

    /// Returns the vendor's account, if it has one.
    fn account(&self) -> Option<&dyn Account> {
        None
    }

    /// Adds the vendor's account and example cases to a new world.
    fn seed(&self, world: &mut World);

    /// Finds the call that a request addresses, even if the request will be rejected. Called once per request.
    fn route(&self, _world: &World, request: &Request<Bytes>) -> Option<Target<'_>> {
        Target::find(self.routes(), request.method(), request.uri().path(), false)
    }

    /// Responds to a request; `target` is what [`route`](Self::route) returned for it.
    fn handle(&self, world: &mut World, request: &Request<Bytes>, target: Option<&Target<'_>>) -> CallOutcome;

    /// Called when a timer fires.
    fn on_timer(&self, world: &mut World, timer: &Timer);

    /// Called after the first delivery attempt of a webhook, successful or not, so that the case continues.
    fn on_first_attempt(&self, world: &mut World, case: &str);

    /// Applies a change to a case. Returns `None` if the vendor has no such case.
    fn transition(&self, world: &mut World, case: &str, transition: &Transition) -> Option<Result<(), Rejection>>;

    /// Returns the state of a case for the admin API.
    fn inspect(&self, world: &mut World, case: &str) -> Option<Value>;

    /// Returns the case whose landing page has this link, the part of the path after [`VendorFacts::landing_path`].
    fn landing_case(&self, _world: &mut World, _link: &str) -> Option<String> {
        None
    }

    /// Returns what the person of a case sees and can do now. `None` if the vendor has no such case.
    fn person(&self, _world: &mut World, _case: &str) -> Option<PersonView> {
        None
    }

    /// Lets the person of a case act. Returns `None` if the vendor has no such case.
    fn act(&self, _world: &mut World, _case: &str, _request: &PersonRequest) -> Option<Result<(), Rejection>> {
        None
    }

    /// Returns the texts by which lists of cases are filtered. Called for each case of the world, so it should be fast.
    /// `None` if the vendor has no such case.
    fn keys(&self, world: &mut World, case: &str) -> Option<CaseKeys> {
        let state = self.inspect(world, case)?;
        let text = |member: &str| state.get(member)?.as_str().map(str::to_owned);
        Some(CaseKeys::new(text("reference"), text("latest_status")))
    }

    /// Returns what was ordered, what happened, and what can be done with a case. `None` if the vendor has no such case,
    /// or says nothing about its cases.
    fn describe(&self, _world: &mut World, _case: &str) -> Option<CaseDetails> {
        None
    }

    /// Returns a file of a case. `None` if the case has no file of this name.
    ///
    /// # Errors
    /// Returns the reasons if the file cannot be read now.
    fn evidence(&self, _world: &mut World, _case: &str, _name: &str) -> Option<Result<Evidence, Rejection>> {
        None
    }

    /// Returns the statuses that the vendor's document or settings name. `None` if any text can be a status.
    fn statuses(&self, _world: &mut World) -> Option<Vec<KnownStatus>> {
        None
    }

    /// Returns the vendor's state as JSON; `Null` if it has none. A world whose state is not read completely by the
    /// vendors cannot be saved, so that nothing is lost silently.
    ///
    /// # Errors
    /// [`SavedError::NotSaved`] if a value cannot be saved.
    fn save(&self, _states: &mut StateReader<'_>) -> Result<Value, SavedError> {
        Ok(Value::Null)
    }

    /// Restores the vendor's state into a new world. `saved` is untrusted and must be validated.
    ///
    /// # Errors
    /// [`SavedError::Damaged`] if `saved` is invalid, with a pointer that begins at `saved`.
    fn load(&self, _world: &mut World, saved: &Value) -> Result<(), SavedError> {
        match saved {
            Value::Null => Ok(()),
            _ => Err(SavedError::damaged("", "expected null: this vendor saves no state")),
        }
    }
}

/// Returns the rules of these vendors and of the sandbox.
pub(crate) fn rules_of(vendors: &[Box<dyn MockVendor>]) -> impl Iterator<Item = &'static Rule> + Clone {
    vendors.iter().flat_map(|vendor| vendor.facts().rules).chain(rules::RULES)
}

pub(crate) fn names_of<'a>(vendors: impl IntoIterator<Item = &'a Box<dyn MockVendor>>) -> String {
    vendors.into_iter().map(|vendor| vendor.name()).collect::<Vec<_>>().join(", ")
}

impl dyn MockVendor + '_ {
    /// Returns the name of the provider that the vendor serves.
    pub fn name(&self) -> &'static str {
        self.facts().name
    }
}
