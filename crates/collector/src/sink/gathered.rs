//! Content in memory.

use bytes::{Bytes, BytesMut};
use identkit_core::{Content, Error};

/// Reads all bytes. A content in one piece is not copied.
pub(crate) async fn gather(mut content: Content) -> Result<Bytes, Error> {
    let mut gathered = BytesMut::new();
    let mut first = Bytes::new();
    while let Some(piece) = content.next().await.transpose()? {
        if first.is_empty() && gathered.is_empty() {
            first = piece;
            continue;
        }
        gathered.extend_from_slice(&std::mem::take(&mut first));
        gathered.extend_from_slice(&piece);
    }
    Ok(if gathered.is_empty() { first } else { gathered.freeze() })
}
