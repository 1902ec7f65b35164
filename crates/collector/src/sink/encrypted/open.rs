//! Decrypts a content.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use aead_stream::DecryptorBE32;
use bytes::{Bytes, BytesMut};
use chacha20poly1305::{Key, XChaCha20Poly1305};
use http_body::{Body, Frame};
use identkit_core::{Content, Error, Kind};

use crate::sink::encrypted::chunks::Chunks;
use crate::sink::encrypted::format::{CHUNK, PREFIX, TAG, clear_length, header_length, open_header};
use crate::sink::encrypted::key::ArtifactKey;

/// Returns the clear text of a content that is encrypted with one of these keys.
pub(crate) async fn open<'a>(
    mut content: Content,
    location: &str,
    keys: impl Iterator<Item = &'a ArtifactKey>,
) -> Result<Content, Error> {
    let total = content.len();
    let mut begin = BytesMut::new();
    let length = loop {
        match header_length(&begin) {
            Some(length) if begin.len() >= length => break length,
            None if begin.len() >= PREFIX => return Err(undecipherable(location)),
            _ => {}
        }
        match content.next().await.transpose()? {
            Some(piece) => begin.extend_from_slice(&piece),
            None => return Err(undecipherable(location)),
        }
    };
    let header = begin.split_to(length);
    let key = open_header(&header, location, keys).ok_or_else(|| undecipherable(location))?;
    let length = total.map(|total| clear_length(total.saturating_sub(length as u64)));
    let opener = Opener {
        decryptor: Some(DecryptorBE32::new(&Key::from(*key), &Default::default())),
        chunks: Chunks::new(begin.freeze(), content, CHUNK + TAG),
        location: location.to_owned(),
    };
    Ok(Content::new(length, opener))
}

/// The error of a content that cannot be decrypted.
fn undecipherable(location: &str) -> Error {
    let detail =
        format!("cannot read {location}: it was changed, belongs to another name, or is encrypted with another key");
    Error::new(Kind::Integrity, detail)
}

struct Opener {
    /// `None` after the last chunk or an error.
    decryptor: Option<DecryptorBE32<XChaCha20Poly1305>>,
    chunks: Chunks,
    location: String,
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener").finish_non_exhaustive()
    }
}

impl Body for Opener {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        let Some(mut decryptor) = this.decryptor.take() else { return Poll::Ready(None) };
        let Poll::Ready(chunk) = this.chunks.poll_next(cx) else {
            this.decryptor = Some(decryptor);
            return Poll::Pending;
        };
        let mut chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) => return Poll::Ready(Some(Err(error))),
        };
        let decrypted = if chunk.is_last {
            decryptor.decrypt_last_in_place(b"", &mut chunk.bytes)
        } else {
            decryptor.decrypt_next_in_place(b"", &mut chunk.bytes).map(|()| this.decryptor = Some(decryptor))
        };
        let decrypted = decrypted.map(|()| Frame::data(chunk.bytes.into()));
        Poll::Ready(Some(decrypted.map_err(|_| undecipherable(&this.location))))
    }
}
