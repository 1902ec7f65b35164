//! Blocks: large pieces for the disk, from pieces of any size.

use bytes::{Bytes, BytesMut};
use identkit_core::{Content, Error};

/// Minimum size of a block that is written, except the last one, and maximum size of a block that is read, in bytes.
pub(crate) const BLOCK: usize = 256 * 1024;

/// Reads the next block; returns `None` at the end of the content.
pub(crate) async fn next_block(content: &mut Content) -> Result<Option<Bytes>, Error> {
    let mut block = BytesMut::new();
    while block.len() < BLOCK {
        match content.next().await.transpose()? {
            // A large piece is not copied.
            Some(piece) if block.is_empty() && piece.len() >= BLOCK => return Ok(Some(piece)),
            Some(piece) => block.extend_from_slice(&piece),
            None if block.is_empty() => return Ok(None),
            None => break,
        }
    }
    Ok(Some(block.freeze()))
}
