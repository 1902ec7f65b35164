//! One operation per call of the API, pure and synchronous, and its twin for the sandbox.
//!
//! Invariants: every request carries `Content-Type: application/json` (I-002, AI-26); partner and token are added by
//! the authenticator; every status from 200 to 299 is read, because an answer of success that nobody expected may
//! still have created something.

mod create_ident;
mod get_all_projects;
mod get_ident;
mod get_project;
mod login;

use bytes::Bytes;
use http::Request;
use identkit_core::{Advice, Error, Kind};
use identkit_wire::json::JsonFault;
use identkit_wire::{BodyMode, Decoded, Encoded, Meta, Received, Refusal, json};
use serde::de::DeserializeOwned;

use crate::messages::Envelope;

pub use get_all_projects::GetAllProjects;
pub use get_ident::GetIdent;
pub use get_project::GetProject;
pub use login::Login;

/// Every registered status of success.
const GOOD: &[u16] = &[200, 201, 202, 203, 204, 205, 206, 207, 208, 226];

/// More than any documented answer needs.
const SMALL: BodyMode = BodyMode::Whole { cap: 1024 * 1024 };

/// The general table of statuses (`[I] Errors`) for calls with a token.
const REFUSALS: &[Refusal] = &[
    BAD_REQUEST,
    Refusal {
        status: 401,
        kind: Kind::Authentication,
        meaning: "the vendor does not accept the token",
        advice: Advice::CheckCredentials,
    },
    REQUEST_FAILED,
    FORBIDDEN,
    NOT_FOUND,
    CONFLICT,
    TOO_MANY,
];

const BAD_REQUEST: Refusal = Refusal {
    status: 400,
    kind: Kind::Rejected,
    meaning: "the vendor finds the request unacceptable, often for a missing parameter",
    advice: Advice::FixInput,
};

const REQUEST_FAILED: Refusal = Refusal {
    status: 402,
    kind: Kind::Rejected,
    meaning: "the parameters are valid, yet the vendor did not carry out the request",
    advice: Advice::DoNotRetry,
};

const FORBIDDEN: Refusal = Refusal {
    status: 403,
    kind: Kind::Forbidden,
    meaning: "the API key lacks the permission for this call",
    advice: Advice::DoNotRetry,
};

const NOT_FOUND: Refusal = Refusal {
    status: 404,
    kind: Kind::NotFound,
    meaning: "the vendor does not know it, or no longer",
    advice: Advice::DoNotRetry,
};

// The document mentions an idempotent key here; no call has one (AI-16).
const CONFLICT: Refusal = Refusal {
    status: 409,
    kind: Kind::Conflict,
    meaning: "the request conflicts with another one",
    advice: Advice::DoNotRetry,
};

const TOO_MANY: Refusal =
    Refusal { status: 429, kind: Kind::RateLimited, meaning: "too many requests", advice: Advice::RetryLater };

/// A request without a body.
fn bodiless() -> Encoded {
    Encoded { headers: json::headers(), body: identkit_wire::Body::empty(), warnings: Vec::new() }
}

/// The sandbox's side: the message in a request's body, whatever its Content-Type says.
fn message<T: DeserializeOwned>(request: &Request<Bytes>) -> Result<T, Error> {
    json::read(request.body()).map_err(JsonFault::input)
}

/// The message in an answer's body.
fn read<T: DeserializeOwned>(body: Received) -> Result<T, Error> {
    json::read(&body.whole()?).map_err(JsonFault::answer)
}

/// The most of an answer that is kept with an error, in characters.
const KEPT: usize = 2_000;

/// As [`read`]; of an answer that cannot be read the error keeps the beginning, unprinted (AI-01). Not for answers that
/// carry a token.
fn read_or_keep<T: DeserializeOwned>(body: Received) -> Result<T, Error> {
    read_whole(&body.whole()?)
}

/// As [`read_or_keep`], of a body that is whole.
fn read_whole<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    json::read(body).map_err(|fault| fault.answer().with_vendor_text(kept(body)))
}

/// The beginning of an answer, without what steers a terminal.
fn kept(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().filter(|c| !c.is_control()).take(KEPT).collect()
}

/// An answer with its payload in `data`, judged (AI-02, AI-30).
fn enveloped<T: DeserializeOwned>(meta: &'static Meta, body: Received) -> Result<Decoded<Envelope<T>>, Error> {
    let answer: Envelope<T> = read_or_keep(body)?;
    answer.judge(meta)?;
    Ok(answer.into())
}
