//! A response body that is watched while the client reads it.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};
use identkit_core::{Content, Error};

/// What a watched body passes on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Piece<'a> {
    Data(&'a [u8]),
    /// The end of the body, and whether it is complete.
    End(bool),
}

/// Calls `watch` for each piece before the client gets it.
pub(crate) fn tap(content: Content, watch: impl FnMut(Piece<'_>) + Send + Unpin + 'static) -> Content {
    Content::new(content.len(), TappedBody { content, watch })
}

struct TappedBody<F> {
    content: Content,
    watch: F,
}

impl<F: FnMut(Piece<'_>) + Send + Unpin> Body for TappedBody<F> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let polled = Pin::new(&mut self.content).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(bytes) = frame.data_ref() {
                    (self.watch)(Piece::Data(bytes));
                }
            }
            Poll::Ready(Some(Err(_))) => (self.watch)(Piece::End(false)),
            Poll::Ready(None) => (self.watch)(Piece::End(true)),
            Poll::Pending => {}
        }
        polled
    }
}
