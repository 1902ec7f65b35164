//! A request body on its way out. Sources that may wait for a disk are read on a blocking thread, some chunks at a time.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::vec;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use identkit_wire::{Body, BodyReader};
use tokio::task::JoinHandle;

use crate::AttemptContext;

type Chunk = Option<io::Result<Bytes>>;

enum State {
    Here(BodyReader),
    Elsewhere(Option<BodyReader>, vec::IntoIter<Chunk>),
    Reading(JoinHandle<(Vec<Chunk>, BodyReader)>),
    Done,
}

/// So many chunks are read in one go: each visit to another thread costs as much as the Base64 of a chunk.
const AT_ONCE: usize = 16;

/// The next chunks, up to the end or an error.
fn some_chunks(mut reader: BodyReader) -> (Vec<Chunk>, BodyReader) {
    let mut chunks = Vec::with_capacity(AT_ONCE);
    while chunks.len() < AT_ONCE {
        let chunk = reader.next();
        let goes_on = matches!(chunk, Some(Ok(_)));
        chunks.push(chunk);
        if !goes_on {
            break;
        }
    }
    (chunks, reader)
}

pub(super) struct Outgoing {
    state: State,
    left: u64,
    context: AttemptContext,
}

/// Opens every source once, so that a file that is not there is told before anything is sent.
pub(super) async fn openable(body: &Body) -> io::Result<()> {
    if body.in_memory() {
        return Ok(());
    }
    let body = body.clone();
    let opened = tokio::task::spawn_blocking(move || body.openable()).await;
    opened.unwrap_or_else(|_| Err(io::Error::other("opening a document was cut off")))
}

impl Outgoing {
    pub(super) fn new(body: &Body, context: &AttemptContext) -> Self {
        let left = body.len();
        let state = match (left, body.in_memory()) {
            (0, _) => State::Done,
            (_, true) => State::Here(body.read()),
            (_, false) => State::Elsewhere(Some(body.read()), Vec::new().into_iter()),
        };
        Self { state, left, context: context.clone() }
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Chunk> {
        loop {
            match &mut self.state {
                State::Done => return Poll::Ready(None),
                State::Here(reader) => return Poll::Ready(reader.next()),
                State::Elsewhere(reader, ready) => {
                    if let Some(chunk) = ready.next() {
                        return Poll::Ready(chunk);
                    }
                    let Some(reader) = reader.take() else { return Poll::Ready(None) };
                    self.state = State::Reading(tokio::task::spawn_blocking(move || some_chunks(reader)));
                }
                State::Reading(reading) => {
                    let (chunks, reader) = match std::task::ready!(Pin::new(reading).poll(cx)) {
                        Ok(read) => read,
                        Err(_) => {
                            self.state = State::Done;
                            return Poll::Ready(Some(Err(io::Error::other("reading a document was cut off"))));
                        }
                    };
                    self.state = State::Elsewhere(Some(reader), chunks.into_iter());
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
            self.left = self.left.saturating_sub(bytes.len() as u64);
            self.context.progress(bytes.len() as u64);
        }
        if !matches!(chunk, Some(Ok(_))) {
            self.state = State::Done;
        }
        Poll::Ready(chunk.map(|chunk| match chunk {
            Ok(bytes) => Ok(Frame::data(bytes)),
            Err(cause) => {
                let told = io::Error::new(cause.kind(), "a document could not be read");
                self.context.leave_trouble(cause);
                Err(told)
            }
        }))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Exact from the start: hyper then writes a Content-Length, and keeps the body of a GET.
    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
