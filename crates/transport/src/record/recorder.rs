//! Records the exchanges of a transport.

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

use super::body::{EXAMINED, shape};
use super::exchange::{Exchange, RecordedFailure};
use super::{ABANDONED, FORMAT, KINDS, MAYBE_SENT, NOT_SENT, Redaction, VERSION};
use crate::{AttemptContext, Failure, Transport};

/// A transport that forwards requests to another one and makes a redacted recording.
///
/// ```no_run
/// # use std::sync::Arc;
/// # use identkit_transport::{Transport, record::{Recorder, Redaction}};
/// # fn example(real: Arc<dyn Transport>) -> std::io::Result<()> {
/// let recorder = Arc::new(Recorder::new(real, Redaction::keeping(["Status"])));
/// // … create a client with it and make calls …
/// std::fs::write("tests/status.json", recorder.recording())
/// # }
/// ```
pub struct Recorder<T> {
    transport: T,
    redaction: Redaction,
    exchanges: Arc<Exchanges>,
}

/// The exchanges in the order of their start. The context of a running one knows how far it got.
#[derive(Default)]
struct Exchanges(Mutex<Vec<(Exchange, Option<AttemptContext>)>>);

impl Exchanges {
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
    /// Creates a recorder of this transport.
    pub fn new(transport: T, redaction: Redaction) -> Self {
        Self { transport, redaction, exchanges: Arc::default() }
    }

    /// The recording so far, as text. Running calls are recorded as abandoned.
    pub fn recording(&self) -> String {
        let slots = self.exchanges.0.lock().unwrap_or_else(PoisonError::into_inner);
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

fn failure(delivery: Delivery, kind: &str, permanent: bool) -> RecordedFailure {
    let delivery = if delivery == Delivery::NotSent { NOT_SENT } else { MAYBE_SENT };
    RecordedFailure { delivery: delivery.to_owned(), kind: kind.to_owned(), permanent }
}

#[async_trait]
impl<T: Transport> Transport for Recorder<T> {
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        let mut exchange = Exchange::new(&request, context, &self.redaction);
        let index = self.exchanges.begin(exchange.clone(), context);
        match self.transport.send(request, context).await {
            Err(failed) => {
                let named = KINDS.iter().find(|(kind, _)| *kind == failed.kind);
                let name = named.map_or("unreachable", |(_, name)| name);
                exchange.failure = Some(failure(failed.delivery, name, failed.permanent));
                self.exchanges.end(index, exchange);
                Err(failed)
            }
            Ok(response) => {
                let (head, content) = response.into_parts();
                exchange.status = Some(head.status.as_u16());
                // The parameters of the content type can contain a file name.
                let kind = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
                exchange.content_type = kind.and_then(|kind| kind.split(';').next()).map(|kind| kind.trim().to_owned());
                let len = content.len();
                let (redaction, exchanges) = (self.redaction.clone(), Arc::clone(&self.exchanges));
                let body = RecordedBody {
                    content,
                    start: Vec::new(),
                    read: 0,
                    ended: false,
                    exchange,
                    redaction,
                    exchanges,
                    index,
                };
                Ok(Response::from_parts(head, Content::new(len, body)))
            }
        }
    }
}

/// A response body that is being read. It is recorded when it ends.
struct RecordedBody {
    content: Content,
    start: Vec<u8>,
    read: u64,
    ended: bool,
    exchange: Exchange,
    redaction: Redaction,
    exchanges: Arc<Exchanges>,
    index: usize,
}

impl http_body::Body for RecordedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = std::task::ready!(Pin::new(&mut self.content).poll_frame(cx));
        match &frame {
            None => self.ended = true,
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.read += data.len() as u64;
                    let room = EXAMINED.saturating_sub(self.start.len());
                    self.start.extend(data.iter().take(room));
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

impl Drop for RecordedBody {
    fn drop(&mut self) {
        let mut exchange = std::mem::take(&mut self.exchange);
        exchange.answer = Some(shape(&self.start, self.read, &self.redaction));
        // A reader that knows the length need not poll for the end.
        exchange.cut = !self.ended && self.content.size_hint().exact() != Some(0);
        self.exchanges.end(self.index, exchange);
    }
}
