//! The seam between the sandbox and a vendor.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use http::{Request, Response};
use identkit_core::{Content, Error, Violation};
use identkit_wire::{Meta, ServedOperation};
use serde_json::{Map, Value};

use crate::faults::Shape;
use crate::nesting;
use crate::{Profile, SavedError, Shares, Timer, World};

/// Marks an answer that is not to be given: the connection ends without a byte of it. Kept in the extensions of the
/// response, whose status then means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoAnswer;

impl NoAnswer {
    /// A response that is not to be given.
    pub fn response() -> Response<Content> {
        let mut response = Response::new(Content::empty());
        *response.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
        response.extensions_mut().insert(Self);
        response
    }

    /// Whether the response is not to be given.
    pub fn marks(response: &Response<Content>) -> bool {
        response.extensions().get::<Self>().is_some()
    }
}

/// What a vendor does with a request.
#[derive(Debug)]
pub enum Handled {
    /// It answers.
    Ready(Response<Content>),
    /// A webhook about this case is under way: ask again when it is over (AT-78).
    Blocked,
}

/// How many faults of one request are told. A list of twenty thousand wrong items has as many, and each of them would be
/// answered, and kept in the journal.
#[cfg(any(feature = "identify24", feature = "identity-tm", feature = "server"))]
const TOLD: usize = 100;

/// Why a request is refused. It explains itself; it never holds a value of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The HTTP status.
    pub status: u16,
    /// What is wrong and what would be valid.
    pub violations: Vec<Violation>,
}

impl Refused {
    /// A refusal for one reason.
    pub fn new(status: u16, fault: Violation) -> Self {
        Self { status, violations: vec![fault] }
    }

    /// A refusal of what the reader or the rules of a client would refuse.
    pub fn invalid(error: &Error, section: &'static str) -> Self {
        let violations = error.violations().to_vec();
        if violations.is_empty() {
            return Self::body(error.detail().to_owned(), section);
        }
        Self { status: 400, violations }
    }

    /// A refusal of a body as a whole.
    fn body(message: impl Into<Cow<'static, str>>, section: &'static str) -> Self {
        // Which document asks for JSON.
        let rule = if section.starts_with("[T]") { "T-002" } else { "I-002" };
        Self::new(400, Violation::new("body", message, rule, section))
    }

    /// The JSON pointer (RFC 6901) of a field of the request's body, `None` for what stands elsewhere. An item of
    /// `Additional` is known by a name that may be a person's, and is not pointed at: only the map is.
    pub fn pointer(fault: &Violation) -> Option<String> {
        const ELSEWHERE: [&str; 10] = [
            "path",
            "OrderID",
            "ident_id",
            "Authorization",
            "Content-Type",
            "X-API-PARTNER",
            "X-API-TOKEN",
            "serverStatus",
            "service",
            "rate",
        ];
        let field = fault.field.as_ref();
        if ELSEWHERE.contains(&field) {
            return None;
        }
        if matches!(field, "body" | "order") {
            return Some(String::new());
        }
        let mut pointer = String::new();
        for part in field.split('.') {
            let (name, rest) = part.split_once('[').unwrap_or((part, ""));
            pointer.extend(["/", name]);
            if name == "Additional" && !rest.is_empty() {
                break;
            }
            if let Some((index, _)) = rest.split_once(']') {
                pointer.extend(["/", index]);
            }
        }
        Some(pointer)
    }

    /// The same with its first hundred violations, and one that says how many more there are.
    #[cfg(any(feature = "identify24", feature = "identity-tm", feature = "server"))]
    pub(crate) fn bounded(&self) -> Self {
        let mut violations: Vec<Violation> = self.violations.iter().take(TOLD).cloned().collect();
        let more = self.violations.len() - violations.len();
        if more > 0 {
            violations.push(Violation::new(
                "body",
                format!("and {more} more faults"),
                "sandbox",
                "docs/sandbox-control.md",
            ));
        }
        Self { status: self.status, violations }
    }

    /// The explanation as one text.
    pub fn text(&self) -> String {
        self.violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }
}

/// The person's or the vendor's next move with a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transition {
    /// A story by its name, e.g. `positive`.
    Story(String),
    /// A single status in the vendor's own form.
    Status(Value),
}

/// An answer, or that it could not be written.
pub(crate) fn written(
    answer: Result<Response<Content>, Error>,
    section: &'static str,
) -> Result<Response<Content>, Refused> {
    answer.map_err(|error| Refused { status: 500, ..Refused::invalid(&error, section) })
}

type Run = Box<dyn Fn(&mut World, &str, &Request<Bytes>) -> Option<Result<Handled, Refused>> + Send + Sync>;

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
    /// The route of an operation. `case` names the case it is about, so that a running webhook blocks it; literal
    /// path segments are compared without regard to case when `ignore_case` and the profile is not strict.
    pub fn of<Op: ServedOperation>(
        ignore_case: bool,
        case: fn(&Op) -> Option<String>,
        handler: fn(&mut World, Op) -> Result<Op::Output, Refused>,
    ) -> Self {
        Self::answering::<Op>(ignore_case, case, move |world, operation| {
            written(Op::encode_response(handler(world, operation)?), Op::META.section)
        })
    }

    /// As [`of`](Self::of), for a call whose answer has more shapes than its output is written in: the handler writes
    /// it itself.
    pub fn answering<Op: ServedOperation>(
        ignore_case: bool,
        case: fn(&Op) -> Option<String>,
        handler: impl Fn(&mut World, Op) -> Result<Response<Content>, Refused> + Send + Sync + 'static,
    ) -> Self {
        let run = move |world: &mut World, path: &str, request: &Request<Bytes>| {
            let to_the_letter = world.profile == Profile::Strict && world.enforces("AT-09/case");
            let params = Op::META.match_path(path, ignore_case && !to_the_letter)?;
            if nesting::is_too_deep(request.body()) {
                return Some(Err(Refused::body(nesting::TOLD, Op::META.section)));
            }
            Some(
                Op::decode_request(&params, request)
                    .map_err(|error| Refused::invalid(&error, Op::META.section))
                    .and_then(|operation| {
                        if let Some(case) = case(&operation) {
                            world.concerns(&case);
                            if world.enforces("AT-78") && world.is_blocked(&case) {
                                return Ok(Handled::Blocked);
                            }
                        }
                        handler(world, operation).map(Handled::Ready)
                    }),
            )
        };
        Self { meta: Op::META, run: Box::new(run) }
    }

    /// The operation.
    pub fn meta(&self) -> &'static Meta {
        self.meta
    }

    /// Whether a request calls this operation; literal path segments without regard to case if `ignore_case`.
    pub fn fits(&self, path: &str, request: &Request<Bytes>, ignore_case: bool) -> bool {
        *request.method() == self.meta.method && self.meta.match_path(path, ignore_case).is_some()
    }

    /// Handles a request whose method is this route's; `None` when the path is not.
    pub fn handle(&self, world: &mut World, path: &str, request: &Request<Bytes>) -> Option<Result<Handled, Refused>> {
        if *request.method() != self.meta.method {
            return None;
        }
        (self.run)(world, path, request)
    }
}

/// A change of a world that was found to be possible.
pub type Change = Box<dyn FnOnce(&mut World)>;

/// A vendor's server side: pure, over a world.
pub trait MockVendor: Send + Sync + fmt::Debug {
    /// Name of the provider that it is the twin of.
    fn name(&self) -> &'static str;

    /// Its calls.
    fn routes(&self) -> &[Route];

    /// Puts its accounts and examples into a new world.
    fn seed(&self, world: &mut World);

    /// Whether a path belongs to this vendor.
    fn owns(&self, path: &str) -> bool;

    /// Answers a request.
    fn handle(&self, world: &mut World, request: &Request<Bytes>) -> Handled;

    /// Which of its operations a request calls, however it will be answered.
    fn operation(&self, _world: &World, request: &Request<Bytes>) -> Option<&'static Meta> {
        let path = request.uri().path();
        self.routes().iter().find(|route| route.fits(path, request, false)).map(Route::meta)
    }

    /// Whose account a request says that it comes from: the public half of the credentials. By it the server of many
    /// worlds finds the world.
    fn claims(&self, _request: &Request<Bytes>) -> Option<String> {
        None
    }

    /// That half of this world's account, if the vendor has accounts.
    fn identity(&self, _world: &mut World) -> Option<String> {
        None
    }

    /// The other half of it.
    fn secret(&self, _world: &mut World) -> Option<String> {
        None
    }

    /// Gives this world's account credentials of its own: the public half, and the secret one.
    fn set_credentials(&self, _world: &mut World, _identity: &str, _secret: &str) {}

    /// The cases of this world, by id, however they were opened.
    fn cases(&self, _world: &mut World) -> Vec<String> {
        Vec::new()
    }

    /// The shapes that its document leaves open for answers.
    fn shapes(&self) -> &'static [Shape] {
        &[]
    }

    /// Whether it may refuse in an answer of success, by `result: false`.
    fn refuses_by_result(&self) -> bool {
        false
    }

    /// Does what a timer was set for.
    fn on_timer(&self, world: &mut World, timer: &Timer);

    /// Hears that the first try to deliver a webhook is over, whatever came of it: the case goes on.
    fn delivered(&self, world: &mut World, case: &str);

    /// Moves a case along. `None` when the vendor has no such case.
    fn transition(&self, world: &mut World, case: &str, transition: &Transition) -> Option<Result<(), Refused>>;

    /// What the sandbox knows of a case, for the admin API.
    fn inspect(&self, world: &mut World, case: &str) -> Option<Value>;

    /// The account's credentials and base path, for the ready line.
    fn account(&self, world: &mut World) -> Value;

    /// How the account is set up, by the names of the settings; `Null` when nothing can be set.
    fn settings(&self, _world: &mut World) -> Value {
        Value::Null
    }

    /// What sets the account up so: the settings that are named, and none of them when one cannot be set.
    ///
    /// # Errors
    /// What cannot be set, and what would be valid.
    fn set_up(&self, _world: &mut World, _changes: &Map<String, Value>) -> Result<Change, Refused> {
        Err(Refused::new(400, Violation::new(self.name(), "has no settings", "sandbox", "docs/sandbox.md")))
    }

    /// The names of its timers ([`Timer::what`]): a world with another timer of this vendor is neither saved nor read.
    fn timers(&self) -> &'static [&'static str] {
        &[]
    }

    /// Its shares of a world as JSON; `Null` when it keeps none. A share that no vendor asks for keeps the world from
    /// being saved, so that nothing is lost in silence.
    ///
    /// # Errors
    /// [`SavedError::NotSaved`] for what has no saved form.
    fn save(&self, _shares: &mut Shares<'_>) -> Result<Value, SavedError> {
        Ok(Value::Null)
    }

    /// Puts its shares back into a world that has none of them yet. What was saved is data from outside: nothing of it
    /// may be taken on trust.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_the_body_has_a_pointer_and_what_stands_elsewhere_has_none() {
        let of = |field: &'static str| Refused::pointer(&Violation::new(field, "is wrong", "T-005", "[T] 3.1.3"));
        for (field, told) in [
            ("Email", "/Email"),
            ("Address.ZipCode", "/Address/ZipCode"),
            ("eSignPDF[1].Data", "/eSignPDF/1/Data"),
            ("MultiSignOptions.SignParameters[0].Filename", "/MultiSignOptions/SignParameters/0/Filename"),
            ("IdentData.Additional[2].Label", "/IdentData/Additional"),
            ("IdentData.Additional[2] (its name)", "/IdentData/Additional"),
            ("body", ""),
        ] {
            assert_eq!(of(field).as_deref(), Some(told), "{field}");
        }
        assert_eq!(of("OrderID").or(of("path")).or(of("Authorization")).or(of("X-API-TOKEN")), None);
    }
}
