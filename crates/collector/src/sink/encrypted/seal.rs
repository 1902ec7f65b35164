//! Encrypts a content.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use aead_stream::EncryptorBE32;
use bytes::Bytes;
use chacha20poly1305::{Key, XChaCha20Poly1305};
use http_body::{Body, Frame};
use identkit_core::{Content, Error, Kind};

use crate::sink::encrypted::chunks::Chunks;
use crate::sink::encrypted::format::{CHUNK, FileKey, sealed_length};
use crate::sink::tally::{Sum, Tally};

/// Length and SHA-256 of a content that was encrypted, when all of it was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClearSum(Arc<Mutex<Option<Sum>>>);

impl ClearSum {
    /// Returns the sum, if all of the content was read.
    pub(crate) fn get(&self) -> Option<Sum> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the header and the encrypted content, and the sum of the clear text.
pub(crate) fn seal(header: Vec<u8>, key: &FileKey, content: Content) -> (Content, ClearSum) {
    let length = content.len().map(|clear| header.len() as u64 + sealed_length(clear));
    let sum = ClearSum::default();
    let sealer = Sealer {
        header: Some(header.into()),
        encryptor: Some(EncryptorBE32::new(&Key::from(**key), &Default::default())),
        chunks: Chunks::new(Bytes::new(), content, CHUNK),
        tally: Tally::default(),
        sum: sum.clone(),
    };
    (Content::new(length, sealer), sum)
}

struct Sealer {
    header: Option<Bytes>,
    /// `None` after the last chunk or an error.
    encryptor: Option<EncryptorBE32<XChaCha20Poly1305>>,
    chunks: Chunks,
    tally: Tally,
    sum: ClearSum,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").finish_non_exhaustive()
    }
}

impl Body for Sealer {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        if let Some(header) = this.header.take() {
            return Poll::Ready(Some(Ok(Frame::data(header))));
        }
        let Some(mut encryptor) = this.encryptor.take() else { return Poll::Ready(None) };
        let Poll::Ready(chunk) = this.chunks.poll_next(cx) else {
            this.encryptor = Some(encryptor);
            return Poll::Pending;
        };
        let mut chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) => return Poll::Ready(Some(Err(error))),
        };
        this.tally.add(&chunk.bytes);
        let encrypted = if chunk.is_last {
            let sum = std::mem::take(&mut this.tally).sum();
            *this.sum.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(sum);
            encryptor.encrypt_last_in_place(b"", &mut chunk.bytes)
        } else {
            let encrypted = encryptor.encrypt_next_in_place(b"", &mut chunk.bytes);
            this.encryptor = Some(encryptor);
            encrypted
        };
        let too_long = |_| Error::new(Kind::InvalidInput, "the artifact is too long to be encrypted");
        Poll::Ready(Some(encrypted.map(|()| Frame::data(chunk.bytes.into())).map_err(too_long)))
    }
}
