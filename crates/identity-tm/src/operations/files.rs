//! Answers that hold several files as Base64 in JSON, read while they come.

use std::fmt;

use bytes::Bytes;
use http::{Method, Request, Response, response};
use identkit_core::{Content, Error, Kind};
use identkit_wire::json::{self, Files, Piece};
use identkit_wire::{BodyMode, Decoded, Encoded, Meta, Operation, Params, Received};
use serde::de::DeserializeOwned;

use super::get_ident_data_pdf::pdf_response;
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
    fn into_content(self) -> Content {
        match self.from {
            Source::Itself(content) => content,
            Source::Json(files) => files.into_content(),
            Source::Ended | Source::Failed => Content::empty(),
        }
    }
}

/// An answer of which everything streams, whatever it is; its first bytes tell what.
fn content(body: Received) -> (Bytes, Content) {
    match body {
        Received::Whole(bytes) => (bytes.clone(), Content::from_bytes(bytes)),
        Received::Stream { head, rest } => (head.clone(), rest.preceded_by(head)),
    }
}

macro_rules! streamed {
    ($operation:ty, $file:ty, $cap:expr, $decode:expr, $encode:expr) => {
        impl Operation for Streamed<$operation> {
            const META: &'static Meta = &Meta {
                name: <$operation>::META.name,
                provider: <$operation>::META.provider,
                method: Method::GET,
                path: <$operation>::META.path,
                section: <$operation>::META.section,
                safety: <$operation>::META.safety,
                on_ambiguous: <$operation>::META.on_ambiguous,
                expect: <$operation>::META.expect,
                reply: BodyMode::Sniff { cap: $cap, stream: |_, _| true },
                refusals: <$operation>::META.refusals,
            };
            type Output = FileStream<$file>;
            type Dialect = Dialect;

            fn path_params(&self) -> Vec<(&'static str, &str)> {
                self.0.path_params()
            }

            fn encode(&self, dialect: &Dialect) -> Result<Encoded, Error> {
                self.0.encode(dialect)
            }

            fn decode(
                &self,
                _: &response::Parts,
                body: Received,
                _: &Dialect,
            ) -> Result<Decoded<FileStream<$file>>, Error> {
                let (head, content) = content(body);
                let decode: fn(&[u8], Content) -> FileStream<$file> = $decode;
                Ok(decode(&head, content).into())
            }

            fn decode_request(params: &Params, request: &Request<Bytes>) -> Result<Self, Error> {
                <$operation>::decode_request(params, request).map(Self)
            }

            fn encode_response(output: FileStream<$file>) -> Result<Response<Content>, Error> {
                let encode: fn(FileStream<$file>) -> Result<Response<Content>, Error> = $encode;
                encode(output)
            }
        }
    };
}

fn json_response<T: DeserializeOwned + Default>(output: FileStream<T>) -> Response<Content> {
    let mut response = Response::new(output.into_content());
    response.headers_mut().insert(http::header::CONTENT_TYPE, json::MEDIA_TYPE);
    response
}

streamed!(
    GetESignPdf,
    SignedPdf,
    PDF_CAP,
    |head, content| {
        // By the first bytes, whatever the Content-Type says (AT-37).
        let from = match head.starts_with(b"%PDF-") {
            true => Source::Itself(content),
            false => Source::Json(Box::new(Files::new(content, "PDFs", "Base64Data", PDF_CAP))),
        };
        FileStream::new(from, "signed documents")
    },
    |output| match output.from {
        Source::Itself(content) => pdf_response(content),
        _ => Ok(json_response(output)),
    }
);

streamed!(
    GetVoiceFiles,
    VoiceFile,
    JSON_CAP,
    |_, content| {
        let files = Files::new(content, "Voicefiles", "Base64Data", JSON_CAP);
        FileStream::new(Source::Json(Box::new(files)), "recordings")
    },
    |output| Ok(json_response(output))
);
