//! A response body that is watched while the client reads it.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
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
    let left = content.len();
    let mut tapped = TappedBody { content, left, ended: false, watch };
    if left == Some(0) {
        tapped.end(true);
    }
    Content::new(left, tapped)
}

/// Maximum size of a joined piece, in bytes.
const JOINED: usize = 64 * 1024;

/// Joins the pieces that have arrived, so that what watches the body writes them together: a server can send each byte as
/// a chunk of its own.
pub(crate) fn join(content: Content) -> Content {
    Content::new(content.len(), JoinedBody { content, after: None })
}

struct JoinedBody {
    content: Content,
    /// The end or the error that follows the last joined piece.
    after: Option<Option<Result<Frame<Bytes>, Error>>>,
}

impl Body for JoinedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Some(after) = self.after.take() {
            return Poll::Ready(after);
        }
        // A single piece is not copied.
        let (mut first, mut joined) = (Bytes::new(), BytesMut::new());
        while first.len() + joined.len() < JOINED {
            match Pin::new(&mut self.content).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    let data = frame.into_data().unwrap_or_default();
                    if first.is_empty() && joined.is_empty() {
                        first = data;
                    } else {
                        joined.extend_from_slice(&std::mem::take(&mut first));
                        joined.extend_from_slice(&data);
                    }
                }
                Poll::Pending if first.is_empty() && joined.is_empty() => return Poll::Pending,
                Poll::Pending => break,
                Poll::Ready(after) if first.is_empty() && joined.is_empty() => return Poll::Ready(after),
                Poll::Ready(after) => {
                    self.after = Some(after);
                    break;
                }
            }
        }
        let piece = if joined.is_empty() { first } else { joined.freeze() };
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }
}

/// Takes what has arrived of a body, without waiting. Returns the piece, and the body with it.
pub(crate) fn peek(mut content: Content) -> (Option<Bytes>, Content) {
    let len = content.len();
    let polled = Pin::new(&mut content).poll_frame(&mut Context::from_waker(Waker::noop()));
    let first = match polled {
        Poll::Ready(first) => Some(first),
        Poll::Pending => None,
    };
    let data = match &first {
        Some(Some(Ok(frame))) => frame.data_ref().cloned(),
        _ => None,
    };
    (data, Content::new(len, PeekedBody { first, rest: content }))
}

struct PeekedBody {
    first: Option<Option<Result<Frame<Bytes>, Error>>>,
    rest: Content,
}

impl Body for PeekedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match self.first.take() {
            Some(first) => Poll::Ready(first),
            None => Pin::new(&mut self.rest).poll_frame(cx),
        }
    }
}

struct TappedBody<F> {
    content: Content,
    /// Bytes that are still missing, if the length is known.
    left: Option<u64>,
    ended: bool,
    watch: F,
}

impl<F: FnMut(Piece<'_>)> TappedBody<F> {
    fn data(&mut self, bytes: &[u8]) {
        (self.watch)(Piece::Data(bytes));
        self.left = self.left.and_then(|left| left.checked_sub(bytes.len() as u64));
        if self.left == Some(0) {
            // The client need not ask for the end.
            self.end(true);
        }
    }

    fn end(&mut self, complete: bool) {
        if !std::mem::replace(&mut self.ended, true) {
            (self.watch)(Piece::End(complete));
        }
    }
}

impl<F: FnMut(Piece<'_>) + Send + Unpin> Body for TappedBody<F> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let polled = Pin::new(&mut self.content).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(bytes) = frame.data_ref() {
                    self.data(bytes);
                }
            }
            Poll::Ready(Some(Err(_))) => self.end(false),
            Poll::Ready(None) => self.end(true),
            Poll::Pending => {}
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[tokio::test]
    async fn a_peeked_body_is_complete() {
        for text in ["", "body"] {
            let (first, content) = peek(Content::from_bytes(text));
            assert_eq!(first.unwrap_or_default(), text);
            assert_eq!(content.collect(10).await.unwrap(), text);
        }
    }

    /// Pieces that are ready, then one after a wait, then an error.
    struct Pieces(Vec<Poll<Result<&'static [u8], Error>>>);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = Error;

        fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
            if self.0.is_empty() {
                return Poll::Ready(None);
            }
            if self.0[0].is_pending() {
                cx.waker().wake_by_ref();
            }
            self.0.remove(0).map(|piece| Some(piece.map(|bytes| Frame::data(Bytes::from_static(bytes)))))
        }
    }

    #[tokio::test]
    async fn at_97_pieces_that_have_arrived_are_one_piece() {
        let piece = |bytes: &'static [u8]| Poll::Ready(Ok(bytes));
        let error = Error::new(identkit_core::Kind::Unreachable, "broken");
        let pieces = vec![piece(b"a"), piece(b"b"), piece(b"c"), Poll::Pending, piece(b"d"), Poll::Ready(Err(error))];
        let mut content = join(Content::new(None, Pieces(pieces)));
        assert_eq!(content.next().await.unwrap().unwrap(), "abc", "what is ready, without waiting for more");
        assert_eq!(content.next().await.unwrap().unwrap(), "d");
        assert!(content.next().await.unwrap().is_err());
        // The size is limited.
        let large = &[7; JOINED - 1];
        let mut content = join(Content::new(None, Pieces(vec![piece(large), piece(b"b"), piece(b"c")])));
        assert_eq!(content.next().await.unwrap().unwrap().len(), JOINED);
        assert_eq!(content.next().await.unwrap().unwrap(), "c");
        assert!(content.next().await.is_none());
    }

    /// A client that knows the length need not ask for the end.
    #[tokio::test]
    async fn the_end_is_reported_with_the_last_byte() {
        for text in ["", "body"] {
            let seen: Arc<Mutex<Vec<String>>> = Arc::default();
            let log = Arc::clone(&seen);
            let watch = move |piece: Piece<'_>| log.lock().unwrap().push(format!("{piece:?}"));
            let mut content = tap(Content::from_bytes(text), watch);
            if !text.is_empty() {
                content.next().await.unwrap().unwrap();
            }
            assert_eq!(seen.lock().unwrap().last().map(String::as_str), Some("End(true)"), "{text}");
            assert!(content.next().await.is_none());
            assert_eq!(seen.lock().unwrap().len(), 1 + usize::from(!text.is_empty()), "once: {text}");
        }
    }
}
