//! One operation per call of the API, pure and synchronous; with the feature `server` the other side of each as well.
//!
//! Invariants: every request carries `Content-Type: application/json` (I-002, AI-26); partner and token are added by
//! the authenticator; every status from 200 to 299 is read, because an answer of success that nobody expected may
//! still have created something.

mod create_ident;
mod login;
mod reads;

use http::Method;
use identkit_core::{Advice, Error, Kind};
use identkit_wire::{AmbiguityPolicy, BodyMode, Decoded, Meta, Received, Refusal, RetrySafety, json};
use serde::de::DeserializeOwned;

use crate::messages::Envelope;

pub use login::Login;
pub use reads::{GetAllProjects, GetIdent, GetProject};

/// Every registered status of success.
const GOOD: &[u16] = &[200, 201, 202, 203, 204, 205, 206, 207, 208, 226];

/// More than any documented answer needs.
const SMALL: BodyMode = BodyMode::Whole { cap: 1024 * 1024 };

/// The general table of statuses (`[I] Errors`); what is not accepted with 401 differs.
const fn refusals(unaccepted: &'static str) -> [Refusal; 7] {
    let unacceptable = "the vendor finds the request unacceptable, often for a missing parameter";
    let failed = "the parameters are valid, yet the vendor did not carry out the request";
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
        .expect(GOOD)
        .body_mode(SMALL)
        .refusals(REFUSALS)
}

/// The most of an answer that is kept with an error, in characters.
const KEPT: usize = 2_000;

/// Reads an answer; of one that cannot be read the error keeps the beginning, unprinted (AI-01). Not for answers that
/// carry a token.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    json::read(body).map_err(|fault| fault.answer().with_vendor_text(kept(body)))
}

/// The beginning of an answer, without what steers a terminal.
fn kept(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().filter(|c| !c.is_control()).take(KEPT).collect()
}

/// An answer with its payload in `data`, judged (AI-02, AI-30).
fn enveloped<T: DeserializeOwned>(meta: &'static Meta, body: Received) -> Result<Decoded<Envelope<T>>, Error> {
    let answer: Envelope<T> = read(&body.whole()?)?;
    answer.judge(meta)?;
    Ok(answer.into())
}
