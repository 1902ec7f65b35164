//! Sends a request body. Sources that may wait for the disk are read on a blocking thread, several chunks at a time.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::vec;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use identkit_wire::{Body, BodyReader};
use tokio::task::JoinHandle;

use super::handover::Handover;
use crate::AttemptContext;

type Chunk = Option<io::Result<Bytes>>;

enum State {
    InMemory(BodyReader),
    OnDisk(Option<BodyReader>, vec::IntoIter<Chunk>),
    Reading(JoinHandle<(Vec<Chunk>, BodyReader)>),
    Done,
}

/// Number of chunks read per switch to a blocking thread: a switch costs as much as encoding one chunk in Base64.
const CHUNKS: usize = 16;

/// Reads the next chunks, up to the end or an error.
fn read_chunks(mut reader: BodyReader) -> (Vec<Chunk>, BodyReader) {
    let mut chunks = Vec::with_capacity(CHUNKS);
    while chunks.len() < CHUNKS {
        let chunk = reader.next();
        let is_data = matches!(chunk, Some(Ok(_)));
        chunks.push(chunk);
        if !is_data {
            break;
        }
    }
    (chunks, reader)
}

pub(super) struct Outgoing {
    state: State,
    remaining: u64,
    context: AttemptContext,
    handover: Option<Handover>,
}

/// Opens every source once, so that a missing file is an error before anything is sent.
pub(super) async fn check_sources(body: &Body) -> io::Result<()> {
    if body.in_memory() {
        return Ok(());
    }
    let body = body.clone();
    let opened = tokio::task::spawn_blocking(move || body.openable()).await;
    opened.unwrap_or_else(|_| Err(io::Error::other("the task that opens a document was canceled")))
}

impl Outgoing {
    pub(super) fn new(body: &Body, context: &AttemptContext) -> Self {
        let remaining = body.len();
        let state = match (remaining, body.in_memory()) {
            (0, _) => State::Done,
            (_, true) => State::InMemory(body.read()),
            (_, false) => State::OnDisk(Some(body.read()), Vec::new().into_iter()),
        };
        Self { state, remaining, context: context.clone(), handover: None }
    }

    /// Begins the request on a connection, which is handed over together with this body.
    pub(super) fn begin(&mut self, handover: &Handover) {
        handover.begin(self.remaining > 0);
        self.handover = Some(handover.clone());
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Chunk> {
        loop {
            match &mut self.state {
                State::Done => return Poll::Ready(None),
                State::InMemory(reader) => return Poll::Ready(reader.next()),
                State::OnDisk(reader, ready) => {
                    if let Some(chunk) = ready.next() {
                        return Poll::Ready(chunk);
                    }
                    let Some(reader) = reader.take() else { return Poll::Ready(None) };
                    self.state = State::Reading(tokio::task::spawn_blocking(move || read_chunks(reader)));
                }
                State::Reading(reading) => {
                    let (chunks, reader) = match std::task::ready!(Pin::new(reading).poll(cx)) {
                        Ok(read) => read,
                        Err(_) => {
                            self.state = State::Done;
                            return Poll::Ready(Some(Err(io::Error::other(
                                "the task that reads a document was canceled",
                            ))));
                        }
                    };
                    self.state = State::OnDisk(Some(reader), chunks.into_iter());
                }
            }
        }
    }
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let chunk = std::task::ready!(self.poll_chunk(cx));
        if let Some(Ok(bytes)) = &chunk {
            self.remaining = self.remaining.saturating_sub(bytes.len() as u64);
            self.context.progress(bytes.len() as u64);
            if let Some(handover) = self.handover.as_ref().filter(|_| self.remaining == 0) {
                handover.take();
            }
        }
        if !matches!(chunk, Some(Ok(_))) {
            self.state = State::Done;
        }
        Poll::Ready(chunk.map(|chunk| match chunk {
            Ok(bytes) => Ok(Frame::data(bytes)),
            Err(cause) => {
                let error = io::Error::new(cause.kind(), "a document of the request could not be read");
                self.context.set_body_error(cause);
                Err(error)
            }
        }))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Exact, so that hyper writes a Content-Length and does not drop the body of a GET.
    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}
