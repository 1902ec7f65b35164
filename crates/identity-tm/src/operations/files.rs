//! Answers that hold several files as Base64 in JSON, read while they come.

use std::fmt;

use bytes::Bytes;
use http::Method;
use identkit_core::{Content, Error, Kind};
use identkit_wire::json::{Files, Piece};
use identkit_wire::{BodyMode, Meta, operation};
use serde::de::DeserializeOwned;

use super::{GetESignPdf, GetVoiceFiles, JSON_CAP, PDF_CAP};
use crate::Dialect;
use crate::messages::{SignedPdf, VoiceFile};

/// The size of the blocks of a file in memory.
const BLOCK: usize = 256 * 1024;

/// `getESignPDF` or `getVoiceFiles`, of whose answer never more than a piece of one file is in memory:
/// `Streamed(GetESignPdf::new(id))`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Streamed<Op>(pub Op);

/// The files of an answer, one after the other.
pub struct FileStream<T> {
    from: Source<T>,
    what: &'static str,
    files: usize,
    /// Bytes of the present file so far.
    bytes: u64,
}

enum Source<T> {
    /// The answer is the file.
    Itself(Content),
    Json(Box<Files<T>>),
    Ended,
    Failed,
}

impl<T> fmt::Debug for FileStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStream").field("of", &self.what).finish_non_exhaustive()
    }
}

impl<T: DeserializeOwned + Default> FileStream<T> {
    fn new(from: Source<T>, what: &'static str) -> Self {
        Self { from, what, files: 0, bytes: 0 }
    }

    /// The next piece: bytes of the present file, or its end with what the answer says of it. `None` at the end of the
    /// answer, which alone says that it was whole.
    ///
    /// # Errors
    /// What the stream meets; [`Kind::Protocol`] when the answer is another one than documented, and when there is no
    /// file or one without content: signed documents are told apart by position only (AT-35). After an error nothing
    /// more is read.
    pub async fn next(&mut self) -> Result<Option<Piece<T>>, Error> {
        let next = self.read().await;
        if next.is_err() {
            // An error is never followed by the end.
            self.from = Source::Failed;
        }
        next
    }

    async fn read(&mut self) -> Result<Option<Piece<T>>, Error> {
        let piece = match &mut self.from {
            Source::Ended => return Ok(None),
            Source::Failed => {
                return Err(Error::new(Kind::Protocol, "the answer cannot be read further after an error"));
            }
            Source::Json(files) => files.next().await?,
            Source::Itself(content) => match content.next().await.transpose()? {
                Some(bytes) => Some(Piece::Bytes(bytes)),
                None => {
                    self.from = Source::Ended;
                    Some(Piece::End(T::default()))
                }
            },
        };
        match &piece {
            Some(Piece::Bytes(bytes)) => self.bytes += bytes.len() as u64,
            Some(Piece::End(_)) if self.bytes == 0 => {
                return Err(Error::new(
                    Kind::Protocol,
                    format!("one of the {} of the answer has no content", self.what),
                ));
            }
            Some(Piece::End(_)) => (self.files, self.bytes) = (self.files + 1, 0),
            None if self.files == 0 => {
                return Err(Error::new(Kind::Protocol, format!("the answer holds none of the {}", self.what)));
            }
            None => self.from = Source::Ended,
        }
        Ok(piece)
    }

    /// The next whole file in memory, at most `cap` bytes of it, in blocks; and what the answer says of it. In blocks,
    /// since growing one buffer to a length that is not known would take the file twice.
    ///
    /// # Errors
    /// As [`next`](Self::next); [`Kind::Protocol`] when the file is longer.
    pub async fn next_file(&mut self, cap: u64) -> Result<Option<(Vec<Bytes>, T)>, Error> {
        let (mut blocks, mut block) = (Vec::new(), Vec::new());
        while let Some(piece) = self.next().await? {
            match piece {
                Piece::End(said) => {
                    blocks.push(Bytes::from(block));
                    return Ok(Some((blocks, said)));
                }
                Piece::Bytes(_) if self.bytes > cap => {
                    self.from = Source::Failed;
                    let detail = format!("one of the {} is longer than the {cap} bytes allowed", self.what);
                    return Err(Error::new(Kind::Protocol, detail));
                }
                Piece::Bytes(bytes) => {
                    if !block.is_empty() && block.len() + bytes.len() > BLOCK {
                        block.shrink_to_fit();
                        blocks.push(Bytes::from(std::mem::take(&mut block)));
                    }
                    block.reserve_exact(if block.is_empty() { BLOCK.max(bytes.len()) } else { 0 });
                    block.extend_from_slice(&bytes);
                }
            }
        }
        Ok(None)
    }

    /// The answer as it came, when nothing of it was read.
    #[cfg(feature = "server")]
    fn into_content(self) -> Content {
        match self.from {
            Source::Itself(content) => content,
            Source::Json(files) => files.into_content(),
            Source::Ended | Source::Failed => Content::empty(),
        }
    }
}

const fn streamed(of: &Meta, cap: u64) -> Meta {
    Meta::new(of.provider, of.name, Method::GET, of.path, of.safety, of.ambiguity)
        .section(of.section)
        .expect(of.expect)
        .body_mode(BodyMode::Sniff { cap, stream: |_, _| true })
        .refusals(of.refusals)
}

operation! {
    impl Streamed<GetESignPdf>;
    meta: streamed(GetESignPdf::META, PDF_CAP), output: FileStream<SignedPdf>, dialect: Dialect,
    params: |this| this.0.path_params(),
    encode: |this, dialect| this.0.encode(dialect),
    decode: |_, _, body, _| {
        let (head, content) = body.into_content();
        // By the first bytes, whatever the Content-Type says (AT-37).
        let from = match head.starts_with(b"%PDF-") {
            true => Source::Itself(content),
            false => Source::Json(Box::new(Files::new(content, "PDFs", "Base64Data", PDF_CAP))),
        };
        Ok(FileStream::new(from, "signed documents").into())
    },
    request: |params, request| GetESignPdf::decode_request(params, request).map(Self),
    respond: |output| match output.from {
        Source::Itself(content) => super::respond::pdf(content),
        _ => super::respond::content(output.into_content(), identkit_wire::json::MEDIA_TYPE),
    },
}

operation! {
    impl Streamed<GetVoiceFiles>;
    meta: streamed(GetVoiceFiles::META, JSON_CAP), output: FileStream<VoiceFile>, dialect: Dialect,
    params: |this| this.0.path_params(),
    encode: |this, dialect| this.0.encode(dialect),
    decode: |_, _, body, _| {
        let files = Files::new(body.into_content().1, "Voicefiles", "Base64Data", JSON_CAP);
        Ok(FileStream::new(Source::Json(Box::new(files)), "recordings").into())
    },
    request: |params, request| GetVoiceFiles::decode_request(params, request).map(Self),
    respond: |output| super::respond::content(output.into_content(), identkit_wire::json::MEDIA_TYPE),
}
