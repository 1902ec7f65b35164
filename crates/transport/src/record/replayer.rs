//! Replays a recording.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use ::http::header::{CONTENT_TYPE, HeaderValue};
use ::http::{Request, Response, StatusCode};
use async_trait::async_trait;
use identkit_core::{Content, Delivery, Error, Kind};
use identkit_wire::{Body, json};
use serde_json::Value;

use super::exchange::Exchange;
use super::{FORMAT, KINDS, MAYBE_SENT, NOT_SENT, Redaction, VERSION};
use crate::{AttemptContext, Failure, Transport};

/// A transport that answers from a recording, one exchange after another, and opens no connection.
///
/// Each request must match the next recorded one: the same operation, method and path, and the same body after redaction.
/// If it does not, it fails, and so do all later requests. [`verify`](Self::verify) returns the reason.
#[derive(Debug)]
pub struct Replayer {
    exchanges: Vec<Exchange>,
    redaction: Redaction,
    /// Index of the next exchange, or the first mismatch.
    next: Mutex<Result<usize, Mismatch>>,
}

/// The first difference between the requests and the recording. It contains names and numbers and never values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch(String);

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Mismatch {}

impl Replayer {
    /// Reads a recording. `redaction` must be the one that it was made with.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] if it is not a valid recording of version 1.
    pub fn new(recording: &str, redaction: Redaction) -> Result<Self, Error> {
        let refuse = |detail: String| Error::new(Kind::InvalidInput, detail);
        let read: Value = serde_json::from_str(recording).map_err(|error| {
            refuse(format!("the recording is not valid JSON: line {}, column {}", error.line(), error.column()))
        })?;
        if read.get("format").and_then(Value::as_str) != Some(FORMAT) {
            return Err(refuse(format!("the recording must contain \"format\": \"{FORMAT}\"")));
        }
        if read.get("version").and_then(Value::as_u64) != Some(VERSION) {
            return Err(refuse(format!(
                "the recording must contain \"version\": {VERSION}, the only supported version"
            )));
        }
        let listed = read.get("exchanges").and_then(Value::as_array).cloned();
        let listed = listed.ok_or_else(|| refuse("the recording has no array \"exchanges\"".to_owned()))?;
        let read = |(index, exchange)| {
            let number = index + 1;
            let exchange = json::from_value(&exchange);
            let exchange: Exchange = exchange.map_err(|fault| refuse(format!("exchange {number}: {fault}")))?;
            let needs = "needs either a valid failure or a valid status and answer";
            match answer(&exchange) {
                Some(_) => Ok(exchange),
                None => Err(refuse(format!("exchange {number} {needs}"))),
            }
        };
        let exchanges = listed.into_iter().enumerate().map(read).collect::<Result<_, _>>()?;
        Ok(Self { exchanges, redaction, next: Mutex::new(Ok(0)) })
    }

    /// Checks that all exchanges were requested, and nothing else.
    ///
    /// # Errors
    /// The first request that differs, or the next exchange that was not requested.
    pub fn verify(&self) -> Result<(), Mismatch> {
        let next = self.next.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let Some(exchange) = self.exchanges.get(next) else { return Ok(()) };
        let (all, name) = (self.exchanges.len(), exchange.name());
        Err(Mismatch(format!("{next} of {all} exchanges were requested; the next is {name}")))
    }

    /// The exchange that answers this request.
    fn advance(&self, request: &Request<Body>, context: &AttemptContext) -> Result<&Exchange, Mismatch> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let index = next.clone()?;
        let sent = Exchange::new(request, context, &self.redaction);
        let (number, all) = (index + 1, self.exchanges.len());
        let mismatch = match self.exchanges.get(index) {
            None => format!("request {number} is {}, but the recording ends after {all}", sent.name()),
            Some(exchange) => match exchange.difference(&sent) {
                None => {
                    *next = Ok(number);
                    return Ok(exchange);
                }
                Some(difference) => format!("exchange {number} of {all} is {}, but {difference}", exchange.name()),
            },
        };
        let mismatch = Mismatch(mismatch);
        *next = Err(mismatch.clone());
        Err(mismatch)
    }
}

/// The result of an exchange. `None` if it is not valid in version 1.
fn answer(exchange: &Exchange) -> Option<Result<Response<Content>, Failure>> {
    if let Some(failure) = &exchange.failure {
        let delivery = match failure.delivery.as_str() {
            NOT_SENT => Delivery::NotSent,
            MAYBE_SENT => Delivery::MaybeSent,
            _ => return None,
        };
        let (kind, _) = KINDS.iter().find(|(_, name)| *name == failure.kind)?;
        let replayed = Failure::new(delivery, *kind, "the recorded attempt failed");
        return Some(Err(if failure.permanent { replayed.permanent() } else { replayed }));
    }
    let mut response = Response::new(exchange.answer.as_ref()?.to_content(exchange.cut)?);
    *response.status_mut() = StatusCode::from_u16(exchange.status?).ok()?;
    if let Some(kind) = &exchange.content_type {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_str(kind).ok()?);
    }
    Some(Ok(response))
}

#[async_trait]
impl Transport for Replayer {
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        let refuse = |mismatch| {
            let detail = "the request does not match the next exchange of the recording (see Replayer::verify)";
            Failure::new(Delivery::NotSent, Kind::InvalidInput, detail).permanent().with_source(mismatch)
        };
        let exchange = self.advance(&request, context).map_err(refuse)?;
        let answered = answer(exchange).ok_or_else(|| refuse(Mismatch("the exchange is not valid".to_owned())))?;
        if !matches!(&answered, Err(failure) if failure.delivery == Delivery::NotSent) {
            context.mark_sent();
        }
        answered
    }
}
