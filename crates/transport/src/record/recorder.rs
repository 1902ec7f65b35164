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
use identkit_core::{Content, Delivery, Error, Kind};
use identkit_wire::Body;
use serde_json::{Map, Value, json};

use super::body::{LOOK, of_bytes, of_request};
use super::{FORMAT, Redaction, VERSION, place};
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

/// The exchanges in the order in which they began.
#[derive(Default)]
struct Tape(Mutex<Vec<Slot>>);

struct Slot {
    told: Map<String, Value>,
    /// Until the exchange is over: whom to ask how far it got.
    open: Option<AttemptContext>,
}

impl Tape {
    fn begin(&self, told: Map<String, Value>, context: &AttemptContext) -> usize {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slots.push(Slot { told, open: Some(context.clone()) });
        slots.len() - 1
    }

    fn tell(&self, index: usize, more: Value) {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(slot), Value::Object(more)) = (slots.get_mut(index), more) {
            slot.told.extend(more);
            slot.open = None;
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
        let exchanges: Vec<Value> = slots
            .iter()
            .map(|slot| {
                let mut told = slot.told.clone();
                if let Some(context) = &slot.open {
                    told.insert("failure".into(), failure(context.delivery(), "abandoned", false));
                }
                Value::Object(told)
            })
            .collect();
        let all = json!({ "format": FORMAT, "version": VERSION, "exchanges": exchanges });
        format!("{all:#}\n")
    }
}

fn failure(delivery: Delivery, kind: &str, permanent: bool) -> Value {
    let delivery = if delivery == Delivery::NotSent { "not sent" } else { "maybe sent" };
    match permanent {
        true => json!({ "delivery": delivery, "kind": kind, "lasting": true }),
        false => json!({ "delivery": delivery, "kind": kind }),
    }
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Timeout => "timeout",
        Kind::Protocol => "protocol",
        Kind::Storage => "storage",
        Kind::InvalidInput => "invalid input",
        _ => "unreachable",
    }
}

#[async_trait]
impl<T: Transport> Transport for Recorder<T> {
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        let (operation, path) = place(context, request.uri());
        let mut told = Map::new();
        told.insert("operation".into(), operation.into());
        told.insert("method".into(), request.method().as_str().into());
        told.insert("path".into(), path.into());
        told.insert("request".into(), of_request(request.body(), &self.redaction));
        let index = self.tape.begin(told, context);
        match self.transport.send(request, context).await {
            Err(failed) => {
                let failure = failure(failed.delivery, kind_name(failed.kind), failed.permanent);
                self.tape.tell(index, json!({ "failure": failure }));
                Err(failed)
            }
            Ok(response) => {
                let (head, content) = response.into_parts();
                // Its parameters may hold the name of a file.
                let kind = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
                let kind = kind.and_then(|kind| kind.split(';').next()).map(|kind| kind.trim().to_owned());
                let len = content.len();
                let tee = Tee {
                    content,
                    seen: Vec::new(),
                    read: 0,
                    ended: false,
                    status: head.status.as_u16(),
                    kind,
                    redaction: self.redaction.clone(),
                    tape: Arc::clone(&self.tape),
                    index,
                };
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
    status: u16,
    kind: Option<String>,
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
        let mut told = json!({
            "status": self.status,
            "answer": of_bytes(&self.seen, self.read, &self.redaction),
        });
        // A reader that knows the length need not ask for the end.
        let whole = self.ended || self.content.size_hint().exact() == Some(0);
        if let Value::Object(told) = &mut told {
            if let Some(kind) = self.kind.take() {
                told.insert("content_type".into(), kind.into());
            }
            if !whole {
                told.insert("cut".into(), true.into());
            }
        }
        self.tape.tell(self.index, told);
    }
}
