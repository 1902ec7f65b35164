//! Contents in pieces, and futures that stop at an await point.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};
use identkit_core::{Content, Error, Kind};

/// A content in pieces. Before each piece and before the end, it is pending once.
struct Pieces {
    pieces: VecDeque<Result<Bytes, Error>>,
    ready: bool,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.ready = !self.ready;
        if self.ready {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.pieces.pop_front().map(|piece| piece.map(Frame::data)))
    }
}

/// A content in pieces of this size.
pub(crate) fn pieces(bytes: &[u8], size: usize) -> Content {
    let pieces = bytes.chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    Content::new(Some(bytes.len() as u64), Pieces { pieces, ready: false })
}

/// A content that fails after these bytes.
pub(crate) fn failing(bytes: &[u8], size: usize) -> Content {
    let pieces = bytes.chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece)));
    let error = Err(Error::new(Kind::Unavailable, "the connection broke"));
    Content::new(None, Pieces { pieces: pieces.chain([error]).collect(), ready: false })
}

/// Polls a future at most this number of times, each time after it was woken. `None` if it is not complete.
pub(crate) async fn polls<T>(future: &mut Pin<Box<dyn Future<Output = T> + Send + '_>>, count: usize) -> Option<T> {
    let mut left = count;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        match future.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => {
                left -= 1;
                if left == 0 { Poll::Ready(None) } else { Poll::Pending }
            }
        }
    })
    .await
}

/// Bytes that differ for each seed.
pub(crate) fn bytes(length: usize, seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut bytes = vec![0; length];
    random.fill(&mut bytes);
    bytes
}
