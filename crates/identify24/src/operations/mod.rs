//! One operation per call of the API, pure and synchronous. The feature `server` adds the server side.
//!
//! Invariants: every request has `Content-Type: application/json` (I-002, AI-26); the authenticator adds partner and
//! token.

mod create_ident;
mod login;
mod reads;
mod refused;

use http::Method;
use identkit_core::{Advice, Error, Kind};
use identkit_wire::json::Notes;
use identkit_wire::{
    AmbiguityPolicy, BodyMode, Decoded, Message, Meta, OneOrMany, Operation, Received, Refusal, RetrySafety, Warning,
    failure_beside_result, is_result_or_reason, is_same_name, json,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::messages::Envelope;

pub use login::Login;
pub use reads::{GetAllProjects, GetIdent, GetProject};

/// Size limit, far above every documented response.
const SMALL: BodyMode = BodyMode::Whole { cap: 1024 * 1024 };

/// The general table of statuses (`[I] Errors`). `unaccepted` is the text for 401, which differs between calls.
const fn refusals(unaccepted: &'static str) -> [Refusal; 7] {
    let unacceptable = "the vendor rejected the request, often because of a missing parameter";
    let failed = "the parameters are valid, but the vendor did not execute the request";
    [
        Refusal::new(400, Kind::Rejected, unacceptable, Advice::FixInput),
        Refusal::new(401, Kind::Authentication, unaccepted, Advice::CheckCredentials),
        Refusal::new(402, Kind::Rejected, failed, Advice::DoNotRetry),
        Refusal::new(403, Kind::Forbidden, "the API key lacks the permission for this call", Advice::DoNotRetry),
        Refusal::new(404, Kind::NotFound, "the vendor does not know it, or no longer", Advice::DoNotRetry),
        // The document mentions an idempotent key here; no call has one (AI-16).
        Refusal::new(409, Kind::Conflict, "the request conflicts with another one", Advice::DoNotRetry),
        Refusal::new(429, Kind::RateLimited, "too many requests", Advice::RetryLater),
    ]
}

const fn call(
    name: &'static str,
    method: Method,
    path: &'static str,
    section: &'static str,
    safety: RetrySafety,
    ambiguity: AmbiguityPolicy,
) -> Meta {
    const REFUSALS: &[Refusal] = &refusals("the vendor does not accept the token");
    Meta::new(crate::PROVIDER, name, method, path, safety, ambiguity)
        .section(section)
        .body_mode(SMALL)
        .refusals(REFUSALS)
}

/// Maximum length of an excerpt, in characters.
const EXCERPT: usize = 2_000;

/// Reads a response. If it cannot be read, the error retains its beginning as vendor text (AI-01). Not for responses
/// with a token.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<(T, Notes), Error> {
    json::read_answer(body).map_err(|fault| fault.answer().with_vendor_text(excerpt(body)))
}

/// Returns the beginning of a response without control characters.
fn excerpt(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().filter(|c| !c.is_control()).take(EXCERPT).collect()
}

/// Elements that decide what a response with its payload in `data` means (AT-93, AT-95).
const DECISIVE: &[&str] = &["result", "response_status", "data", "id", "status"];

/// Elements that say whether a call succeeded.
const VERDICT: [&str; 2] = ["result", "response_status"];

/// Reads a response with its payload in `data`. Fails if it reports a failure (AI-02, AI-30) or has one beside an empty list
/// (AT-94), if a decisive element occurs more than once in an object (AT-95) or in another spelling (AT-93), or if one of
/// [`VERDICT`] and of the elements `readable` has a value that cannot be read (AT-93).
fn enveloped<T: DeserializeOwned + Default + PartialEq>(
    meta: &'static Meta,
    body: Received,
    readable: &[&'static str],
) -> Result<Decoded<Envelope<T>>, Error> {
    let (answer, notes) = read::<Envelope<T>>(&body.whole()?)?;
    notes.require_once(DECISIVE)?;
    answer.judge(meta)?;
    notes.require_spelling(DECISIVE)?;
    let unreadable = |names: &[&'static str]| names.iter().copied().find(|name| notes.is_ignored(name));
    if let Some(name) = unreadable(&VERDICT) {
        let detail = format!("the {name} in the response cannot be read, so it does not report a success");
        return Err(Error::new(Kind::Protocol, detail));
    }
    let Some(data) = &answer.data else {
        return Err(Error::new(Kind::Protocol, "the response has no member data"));
    };
    // An empty list or object beside a failure or another list does not mean that there is none.
    let explained = answer.messages.as_ref().is_some_and(|messages| !messages.is_empty());
    let explained = explained || answer.extra.iter().any(|(name, value)| is_result_or_reason(name, value));
    if data.as_slice().iter().all(|one| *one == T::default()) && explained {
        return Err(Error::new(Kind::Protocol, "the response has an error or another element in place of a result"));
    }
    if let Some(name) = unreadable(readable) {
        return Err(Error::new(Kind::Protocol, format!("the {name} in the response is not a text")));
    }
    let failure = failure_beside_result(&answer.extra);
    Ok(Decoded::new(answer, notes.warnings().into_iter().chain(failure).collect()))
}

/// Whether a conference_url contains this ident_id in any case, as text or as a segment of its path (I-041). An empty one
/// contradicts none.
fn is_url_of(url: &str, id: &str) -> bool {
    let path = GetIdent::META.path(&[("ident_id", id)]).unwrap_or_default();
    let segment = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let url = url.to_ascii_lowercase();
    url.trim().is_empty() || url.contains(id.trim().to_ascii_lowercase().as_str()) || url.contains(&segment)
}

/// Returns a warning if a response with one object does not have its id: it may be about another object (AT-24).
fn unnamed<T>(answer: &Envelope<T>, id: impl Fn(&T) -> Option<&str>) -> Option<Warning> {
    let objects = answer.data.as_ref().map_or(&[][..], OneOrMany::as_slice);
    let is_unnamed = matches!(objects, [one] if id(one).is_none_or(str::is_empty));
    let message = "the response does not name its object (id), so it may be about another one than the requested one";
    Warning::when(is_unnamed, message, "AT-24")
}

/// Checks that a response with one object names no other than the requested one, in an element that the document does not
/// list: beside `data` in `id` or the element `name`, in the object in the element `name`.
fn refuse_another<T: Message>(answer: &mut Envelope<T>, name: &str, wanted: &str) -> Result<(), Error> {
    let differs = |value: &Value| {
        let id = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        !value.is_null() && !id.is_empty() && id != wanted
    };
    // A list can have other objects.
    let one = match answer.data.as_mut().map_or(&mut [][..], OneOrMany::as_mut_slice) {
        [one] => one.extra().iter().any(|(element, value)| is_same_name(element, name) && differs(value)),
        _ => false,
    };
    let is_id = |element: &str| is_same_name(element, name) || is_same_name(element, "id");
    match one || answer.extra.iter().any(|(element, value)| is_id(element) && differs(value)) {
        true => Err(Error::new(Kind::Protocol, "the response names another object than the requested one")),
        false => Ok(()),
    }
}
