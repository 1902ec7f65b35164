//! Writes down what goes over a transport.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use ::http::header::CONTENT_TYPE;
use ::http::{Request, Response};
use async_trait::async_trait;
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use identkit_core::{Content, Delivery, Error};
use identkit_wire::Body;
use serde_json::json;

use super::body::{LOOK, of_bytes};
use super::exchange::{Exchange, RecordedFailure};
use super::{ABANDONED, FORMAT, KINDS, MAYBE_SENT, NOT_SENT, Redaction, VERSION};
use crate::{AttemptContext, Failure, Transport};

/// A transport that passes everything on to another one and keeps a redacted recording of it.
///
/// ```no_run
/// # use std::sync::Arc;
/// # use identkit_transport::{Transport, record::{Recorder, Redaction}};
/// # fn example(real: Arc<dyn Transport>) -> std::io::Result<()> {
/// let recorder = Arc::new(Recorder::new(real, Redaction::keeping(["Status"])));
/// // … make a client with it, and calls …
/// std::fs::write("tests/status.json", recorder.recording())
/// # }
/// ```
pub struct Recorder<T> {
    transport: T,
    redaction: Redaction,
    tape: Arc<Tape>,
}

/// The exchanges in the order in which they began, and until one is over, whom to ask how far it got.
#[derive(Default)]
struct Tape(Mutex<Vec<(Exchange, Option<AttemptContext>)>>);

impl Tape {
    fn begin(&self, exchange: Exchange, context: &AttemptContext) -> usize {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slots.push((exchange, Some(context.clone())));
        slots.len() - 1
    }

    fn end(&self, index: usize, exchange: Exchange) {
        if let Some(slot) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(index) {
            *slot = (exchange, None);
        }
    }
}

impl<T> fmt::Debug for Recorder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("redaction", &self.redaction).finish_non_exhaustive()
    }
}

impl<T> Recorder<T> {
    /// Records what goes over this transport.
    pub fn new(transport: T, redaction: Redaction) -> Self {
        Self { transport, redaction, tape: Arc::default() }
    }

    /// The recording up to now, as text. Calls still under way are told as abandoned.
    pub fn recording(&self) -> String {
        let slots = self.tape.0.lock().unwrap_or_else(PoisonError::into_inner);
        let exchanges = slots.iter().map(|(exchange, open)| {
            let mut exchange = exchange.clone();
            if let Some(context) = open {
                exchange.failure = Some(failure(context.delivery(), ABANDONED, false));
            }
            exchange
        });
        let all = json!({ "format": FORMAT, "version": VERSION, "exchanges": exchanges.collect::<Vec<_>>() });
        format!("{all:#}\n")
    }
}

fn failure(delivery: Delivery, kind: &str, lasting: bool) -> RecordedFailure {
    let delivery = if delivery == Delivery::NotSent { NOT_SENT } else { MAYBE_SENT };
    RecordedFailure { delivery: delivery.to_owned(), kind: kind.to_owned(), lasting }
}

#[async_trait]
impl<T: Transport> Transport for Recorder<T> {
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        let mut exchange = Exchange::new(&request, context, &self.redaction);
        let index = self.tape.begin(exchange.clone(), context);
        match self.transport.send(request, context).await {
            Err(failed) => {
                let named = KINDS.iter().find(|(kind, _)| *kind == failed.kind);
                let name = named.map_or("unreachable", |(_, name)| name);
                exchange.failure = Some(failure(failed.delivery, name, failed.permanent));
                self.tape.end(index, exchange);
                Err(failed)
            }
            Ok(response) => {
                let (head, content) = response.into_parts();
                exchange.status = Some(head.status.as_u16());
                // Its parameters may hold the name of a file.
                let kind = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
                exchange.content_type = kind.and_then(|kind| kind.split(';').next()).map(|kind| kind.trim().to_owned());
                let len = content.len();
                let (redaction, tape) = (self.redaction.clone(), Arc::clone(&self.tape));
                let tee = Tee { content, seen: Vec::new(), read: 0, ended: false, exchange, redaction, tape, index };
                Ok(Response::from_parts(head, Content::new(len, tee)))
            }
        }
    }
}

/// An answer's body on its way; what it was is told when it is over.
struct Tee {
    content: Content,
    seen: Vec<u8>,
    read: u64,
    ended: bool,
    exchange: Exchange,
    redaction: Redaction,
    tape: Arc<Tape>,
    index: usize,
}

impl http_body::Body for Tee {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = std::task::ready!(Pin::new(&mut self.content).poll_frame(cx));
        match &frame {
            None => self.ended = true,
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.read += data.len() as u64;
                    let room = LOOK.saturating_sub(self.seen.len());
                    self.seen.extend(data.iter().take(room));
                }
            }
            Some(Err(_)) => {}
        }
        Poll::Ready(frame)
    }

    fn size_hint(&self) -> SizeHint {
        self.content.size_hint()
    }
}

impl Drop for Tee {
    fn drop(&mut self) {
        let mut exchange = std::mem::take(&mut self.exchange);
        exchange.answer = Some(of_bytes(&self.seen, self.read, &self.redaction));
        // A reader that knows the length need not ask for the end.
        exchange.cut = !self.ended && self.content.size_hint().exact() != Some(0);
        self.tape.end(self.index, exchange);
    }
}
