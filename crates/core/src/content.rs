//! A body that is read once: a stream of bytes, with or without a known length.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};

use crate::{Error, Kind};

type Inner = Pin<Box<dyn Body<Data = Bytes, Error = Error> + Send>>;

/// Bytes that can be read once, e.g. a response body or a piece of evidence.
///
/// If [`len`](Self::len) is known, a stream that ends at another length, such as a truncated download, is an error.
pub struct Content {
    len: Option<u64>,
    read: u64,
    body: Option<Inner>,
    whole: Option<Bytes>,
}

impl Content {
    /// Creates a stream of `len` bytes, or of unknown length.
    pub fn new(len: Option<u64>, body: impl Body<Data = Bytes, Error = Error> + Send + 'static) -> Self {
        Self { len, read: 0, body: Some(Box::pin(body)), whole: None }
    }

    /// Creates content from bytes in memory.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { len: u64::try_from(bytes.len()).ok(), read: 0, body: None, whole: Some(bytes) }
    }

    /// Creates content without bytes.
    pub fn empty() -> Self {
        Self::from_bytes(Bytes::new())
    }

    /// Puts back bytes that were read from the start of the stream.
    ///
    /// # Panics
    /// In debug builds, if the content holds bytes in memory that were not read.
    #[must_use]
    pub fn preceded_by(mut self, head: Bytes) -> Self {
        debug_assert!(self.whole.is_none(), "only bytes that were read can be put back");
        // Reading these bytes again counts them again.
        self.read = self.read.saturating_sub(head.len() as u64);
        self.whole = Some(head);
        self
    }

    /// Length in bytes, if known in advance.
    pub fn len(&self) -> Option<u64> {
        self.len
    }

    /// Whether the length is known to be 0.
    pub fn is_empty(&self) -> bool {
        self.len == Some(0)
    }

    /// All bytes, if they are in memory and none was read.
    pub fn as_bytes(&self) -> Option<&Bytes> {
        self.whole.as_ref().filter(|_| self.body.is_none() && self.read == 0)
    }

    /// Reads the next bytes; returns `None` at the end.
    ///
    /// # Errors
    /// If the transport fails, or with [`Kind::Integrity`] if the stream ends at another length than declared.
    ///
    /// # Panics
    /// If it is the body of a response whose transport or clock needs a tokio runtime, and there is none.
    pub async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        if let Some(bytes) = self.whole.take() {
            self.read = self.read.saturating_add(bytes.len() as u64);
            if !bytes.is_empty() {
                return Poll::Ready(Some(Ok(bytes)));
            }
        }
        let Some(body) = self.body.as_mut() else { return Poll::Ready(None) };
        loop {
            match std::task::ready!(body.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => {
                    // No vendor documents trailers.
                    let Ok(data) = frame.into_data() else { continue };
                    if data.is_empty() {
                        continue;
                    }
                    self.read = self.read.saturating_add(data.len() as u64);
                    return Poll::Ready(Some(Ok(data)));
                }
                Some(Err(error)) => {
                    self.body = None;
                    return Poll::Ready(Some(Err(error)));
                }
                None => {
                    self.body = None;
                    return match self.len {
                        Some(len) if len != self.read => {
                            let detail = format!("the body ended after {} of {len} bytes", self.read);
                            Poll::Ready(Some(Err(Error::new(Kind::Integrity, detail))))
                        }
                        _ => Poll::Ready(None),
                    };
                }
            }
        }
    }

    /// Reads all bytes into memory, at most `cap`.
    ///
    /// # Errors
    /// Like [`next`](Self::next), and with [`Kind::Protocol`] if there are more than `cap` bytes.
    ///
    /// # Panics
    /// Like [`next`](Self::next).
    pub async fn collect(mut self, cap: u64) -> Result<Bytes, Error> {
        let too_long = || Error::new(Kind::Protocol, format!("the body is longer than the {cap} bytes allowed"));
        if self.len.is_some_and(|len| len > cap) {
            return Err(too_long());
        }
        // Most bodies are one piece, which is not copied.
        let (mut first, mut joined) = (Bytes::new(), BytesMut::new());
        while let Some(more) = self.next().await.transpose()? {
            if (first.len() + joined.len() + more.len()) as u64 > cap {
                return Err(too_long());
            }
            if first.is_empty() && joined.is_empty() {
                first = more;
            } else {
                joined.extend_from_slice(&std::mem::take(&mut first));
                joined.extend_from_slice(&more);
            }
        }
        Ok(if joined.is_empty() { first } else { joined.freeze() })
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.get_mut().poll_next(cx).map(|next| next.map(|data| data.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_none() && self.whole.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        self.len.map_or_else(SizeHint::default, |len| SizeHint::with_exact(len.saturating_sub(self.read)))
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("len", &self.len).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Pieces(Vec<&'static str>);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = Error;
        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
            if self.0.is_empty() {
                return Poll::Ready(None);
            }
            let piece = self.0.remove(0);
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(piece.as_bytes())))))
        }
    }

    #[tokio::test]
    async fn a_short_body_is_an_error() {
        let content = Content::new(Some(10), Pieces(vec!["abc", "def"]));
        let error = content.collect(100).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Integrity);
        assert!(error.to_string().contains("6 of 10 bytes"), "{error}");
    }

    #[tokio::test]
    async fn collecting_stops_at_the_cap() {
        let content = Content::new(None, Pieces(vec!["abc", "def", "ghi"]));
        assert_eq!(content.collect(8).await.unwrap_err().kind(), Kind::Protocol);
        let content = Content::new(None, Pieces(vec!["abc", "", "def"]));
        assert_eq!(content.collect(6).await.unwrap(), "abcdef");
        let content = Content::new(None, Pieces(vec!["abc", "def"]));
        assert_eq!(content.collect(5).await.unwrap_err().kind(), Kind::Protocol);
        assert_eq!(Content::from_bytes("abc").collect(2).await.unwrap_err().kind(), Kind::Protocol);
    }

    #[tokio::test]
    async fn bytes_put_back_are_read_again() {
        let mut content = Content::new(Some(6), Pieces(vec!["abc", "def"]));
        let head = content.next().await.unwrap().unwrap();
        assert_eq!(content.preceded_by(head).collect(6).await.unwrap(), "abcdef");
        let mut short = Content::new(Some(9), Pieces(vec!["abc", "def"]));
        let head = short.next().await.unwrap().unwrap();
        assert_eq!(short.preceded_by(head).collect(9).await.unwrap_err().kind(), Kind::Integrity);
    }

    #[tokio::test]
    async fn bytes_in_memory_are_read_once() {
        let mut content = Content::from_bytes("abc");
        assert_eq!(content.as_bytes().unwrap(), "abc");
        assert_eq!(format!("{content:?}"), "Content { len: Some(3), .. }", "the bytes are not printed");
        assert_eq!(content.next().await.unwrap().unwrap(), "abc");
        assert!(content.next().await.is_none() && content.as_bytes().is_none());
        assert!(Content::empty().next().await.is_none());
    }
}
