//! Parts of equal size, from pieces of any size.

use bytes::{Bytes, BytesMut};
use identkit_core::{Content, Error};

/// Size of each part but the last one, in bytes. S3 allows 10,000 parts of at least 5 MiB.
pub(crate) const PART: usize = 8 * 1024 * 1024;

/// A content, read in parts. It retains less than one piece.
#[derive(Debug)]
pub(crate) struct Parts {
    content: Content,
    rest: Bytes,
}

impl Parts {
    /// Creates the parts of a content.
    pub(crate) fn new(content: Content) -> Self {
        Self { content, rest: Bytes::new() }
    }

    /// Reads the next part; returns `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let mut part = BytesMut::new();
        loop {
            let missing = PART - part.len();
            if self.rest.len() >= missing {
                let end = self.rest.split_to(missing);
                // A large piece is not copied.
                if part.is_empty() {
                    return Ok(Some(end));
                }
                part.extend_from_slice(&end);
                return Ok(Some(part.freeze()));
            }
            part.extend_from_slice(&std::mem::take(&mut self.rest));
            match self.content.next().await.transpose()? {
                Some(piece) => self.rest = piece,
                None if part.is_empty() => return Ok(None),
                None => return Ok(Some(part.freeze())),
            }
        }
    }
}
