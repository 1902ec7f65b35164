//! Plays a recording back.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use ::http::header::{CONTENT_TYPE, HeaderValue};
use ::http::{Request, Response, StatusCode};
use async_trait::async_trait;
use identkit_core::{Content, Delivery, Error, Kind};
use identkit_wire::Body;
use serde_json::Value;

use super::body::{of_request, to_content};
use super::{FORMAT, Redaction, VERSION, place};
use crate::{AttemptContext, Failure, Transport};

/// A transport that answers from a recording, one exchange after another, and connects to nobody.
///
/// A request must be the one that was recorded: the same operation (or method and path), and a body that is the same
/// after redaction. One that is not gets no answer, and everything after it neither: [`verify`](Self::verify) says why.
#[derive(Debug)]
pub struct Replayer {
    exchanges: Vec<Value>,
    redaction: Redaction,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: usize,
    mismatch: Option<Mismatch>,
}

/// Where requests and recording differ, by names and numbers and never by values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch(String);

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Mismatch {}

impl Replayer {
    /// Reads a recording; `redaction` is the one that it was made with.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] when it is no recording, or one of a version that is not known.
    pub fn new(recording: &str, redaction: Redaction) -> Result<Self, Error> {
        let refuse = |detail: String| Error::new(Kind::InvalidInput, detail);
        let read: Value = serde_json::from_str(recording).map_err(|error| {
            refuse(format!("the recording is no JSON: line {}, column {}", error.line(), error.column()))
        })?;
        if read.get("format").and_then(Value::as_str) != Some(FORMAT) {
            return Err(refuse(format!("the recording does not say \"format\": \"{FORMAT}\"")));
        }
        if read.get("version").and_then(Value::as_u64) != Some(VERSION) {
            return Err(refuse(format!("the recording is not of version {VERSION}, the only one known here")));
        }
        let exchanges = read.get("exchanges").and_then(Value::as_array).cloned();
        let exchanges = exchanges.ok_or_else(|| refuse("the recording has no list of exchanges".to_owned()))?;
        for (index, exchange) in exchanges.iter().enumerate() {
            if answer(exchange).is_none() {
                let number = index + 1;
                return Err(refuse(format!("exchange {number} has neither a failure nor a status and an answer")));
            }
        }
        Ok(Self { exchanges, redaction, state: Mutex::default() })
    }

    /// Whether everything was asked for, and nothing else.
    ///
    /// # Errors
    /// The first request that did not fit, or how many exchanges are left.
    pub fn verify(&self) -> Result<(), Mismatch> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mismatch) = &state.mismatch {
            return Err(mismatch.clone());
        }
        match self.exchanges.get(state.next) {
            None => Ok(()),
            Some(next) => Err(Mismatch(format!(
                "{} of {} exchanges were asked for; the next would be {}",
                state.next,
                self.exchanges.len(),
                name(next)
            ))),
        }
    }

    /// The exchange that this request is answered by.
    fn advance(&self, request: &Request<Body>, context: &AttemptContext) -> Result<&Value, Mismatch> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(earlier) = &state.mismatch {
            return Err(earlier.clone());
        }
        let number = state.next + 1;
        let found = match self.exchanges.get(state.next) {
            None => Err(format!(
                "request {number} is {}, and the recording ends after {}",
                asked(request, context),
                self.exchanges.len()
            )),
            Some(exchange) => self.compare(exchange, request, context).map(|()| exchange).map_err(|difference| {
                let all = self.exchanges.len();
                format!("exchange {number} of {all} is {}, and {difference}", name(exchange))
            }),
        };
        match found {
            Ok(exchange) => {
                state.next = number;
                Ok(exchange)
            }
            Err(told) => {
                let mismatch = Mismatch(told);
                state.mismatch = Some(mismatch.clone());
                Err(mismatch)
            }
        }
    }

    fn compare(&self, exchange: &Value, request: &Request<Body>, context: &AttemptContext) -> Result<(), String> {
        let (operation, path) = place(context, request.uri());
        let text = |field| exchange.get(field).and_then(Value::as_str);
        if (text("operation"), text("method"), text("path"))
            != (operation, Some(request.method().as_str()), Some(&path))
        {
            return Err(format!("the request is {}", asked(request, context)));
        }
        let recorded = exchange.get("request").unwrap_or(&Value::Null);
        match difference(recorded, &of_request(request.body(), &self.redaction), "body") {
            None => Ok(()),
            Some(at) => Err(format!("the request differs in its {at}")),
        }
    }
}

fn name(exchange: &Value) -> String {
    let text = |field| exchange.get(field).and_then(Value::as_str);
    let place = format!("{} {}", text("method").unwrap_or("?"), text("path").unwrap_or("?"));
    text("operation").map_or(place.clone(), |operation| format!("{operation} ({place})"))
}

fn asked(request: &Request<Body>, context: &AttemptContext) -> String {
    let (operation, path) = place(context, request.uri());
    let place = format!("{} {path}", request.method());
    operation.map_or(place.clone(), |operation| format!("{operation} ({place})"))
}

/// Where two values differ first, as a path of names.
fn difference(recorded: &Value, sent: &Value, at: &str) -> Option<String> {
    match (recorded, sent) {
        (Value::Object(recorded), Value::Object(sent)) => {
            for (name, value) in recorded {
                let Some(other) = sent.get(name) else { return Some(format!("{at}: {name} is missing")) };
                if let Some(found) = difference(value, other, &format!("{at}.{name}")) {
                    return Some(found);
                }
            }
            let more = sent.keys().find(|name| !recorded.contains_key(*name));
            more.map(|name| format!("{at}: {name} was not recorded"))
        }
        (Value::Array(recorded), Value::Array(sent)) if recorded.len() == sent.len() => recorded
            .iter()
            .zip(sent)
            .enumerate()
            .find_map(|(index, (one, other))| difference(one, other, &format!("{at}[{index}]"))),
        (Value::Array(recorded), Value::Array(sent)) => {
            Some(format!("{at}: {} elements instead of {}", sent.len(), recorded.len()))
        }
        _ if recorded == sent => None,
        _ => Some(at.to_owned()),
    }
}

/// What an exchange ends in; `None` when it is none of version 1.
fn answer(exchange: &Value) -> Option<Result<Response<Content>, Failure>> {
    if let Some(failure) = exchange.get("failure") {
        let delivery = match failure.get("delivery")?.as_str()? {
            "not sent" => Delivery::NotSent,
            "maybe sent" => Delivery::MaybeSent,
            _ => return None,
        };
        let kind = match failure.get("kind")?.as_str()? {
            "unreachable" => Kind::Unreachable,
            "timeout" | "abandoned" => Kind::Timeout,
            "protocol" => Kind::Protocol,
            "storage" => Kind::Storage,
            "invalid input" => Kind::InvalidInput,
            _ => return None,
        };
        let told = Failure::new(delivery, kind, "the recorded attempt failed");
        let permanent = failure.get("lasting").and_then(Value::as_bool) == Some(true);
        return Some(Err(if permanent { told.permanent() } else { told }));
    }
    let cut = exchange.get("cut").and_then(Value::as_bool) == Some(true);
    let mut response = Response::new(to_content(exchange.get("answer")?, cut)?);
    *response.status_mut() = StatusCode::from_u16(exchange.get("status")?.as_u64()?.try_into().ok()?).ok()?;
    if let Some(kind) = exchange.get("content_type") {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_str(kind.as_str()?).ok()?);
    }
    Some(Ok(response))
}

#[async_trait]
impl Transport for Replayer {
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        let refuse = |mismatch| {
            let detail = "the request is not the next one of the recording; nothing was sent";
            Failure::new(Delivery::NotSent, Kind::InvalidInput, detail).permanent().with_source(mismatch)
        };
        let exchange = self.advance(&request, context).map_err(refuse)?;
        let answered = answer(exchange).ok_or_else(|| refuse(Mismatch("the exchange cannot be read".to_owned())))?;
        if !matches!(&answered, Err(failure) if failure.delivery == Delivery::NotSent) {
            context.mark_sent();
        }
        answered
    }
}
