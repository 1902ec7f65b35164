//! Chunks of equal size, and which of them is the last.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::Body as _;
use identkit_core::{Content, Error};

/// A content, read in chunks. It retains less than one piece and one chunk.
#[derive(Debug)]
pub(crate) struct Chunks {
    content: Content,
    size: usize,
    chunk: Vec<u8>,
    rest: Bytes,
}

impl Chunks {
    /// Creates the chunks of these bytes and a content that follows them.
    pub(crate) fn new(begin: Bytes, content: Content, size: usize) -> Self {
        Self { content, size, chunk: Vec::new(), rest: begin }
    }

    /// Reads the next chunk. Must not be called after the last one.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Chunk, Error>> {
        loop {
            let missing = self.size.saturating_sub(self.chunk.len()).min(self.rest.len());
            self.chunk.extend_from_slice(&self.rest.split_to(missing));
            // There are more bytes than this chunk has.
            if !self.rest.is_empty() {
                return Poll::Ready(Ok(Chunk { bytes: std::mem::take(&mut self.chunk), is_last: false }));
            }
            match ready!(Pin::new(&mut self.content).poll_frame(cx)).transpose()? {
                Some(frame) => self.rest = frame.into_data().unwrap_or_default(),
                None => return Poll::Ready(Ok(Chunk { bytes: std::mem::take(&mut self.chunk), is_last: true })),
            }
        }
    }
}

/// A part of a content.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) bytes: Vec<u8>,
    /// Whether the content ends with it.
    pub(crate) is_last: bool,
}
