//! Streams responses that contain several files as Base64 in JSON.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Method};
use identkit_core::{Content, Error, Kind};
use identkit_wire::json::{Files, Piece};
use identkit_wire::{BodyMode, Message, Meta, error_text, has_other_spelling, json, operation};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::documents::is_pdf;
use super::{ERROR, GetESignPdf, GetVoiceFiles, JSON_CAP, PDF_CAP, check_named_order, refuse_default};
use crate::messages::{SignedPdf, VoiceFile};
use crate::{Dialect, OrderId};

/// Name of the content of a file.
const FILE: &str = "Base64Data";

/// Size of the blocks of a file in memory, in bytes.
const BLOCK: usize = 256 * 1024;

/// Streams the response of `getESignPDF` or `getVoiceFiles`: at most one chunk of one file is in memory. Example:
/// `Streamed(GetESignPdf::new(id))`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Streamed<Op>(pub Op);

/// Stream of the files of a response.
pub struct FileStream<T> {
    source: Source<T>,
    /// Plural noun for error messages.
    label: &'static str,
    /// Whether an empty list is a result.
    may_be_empty: bool,
    files: usize,
    /// Number of bytes of the current file so far.
    bytes: u64,
}

enum Source<T> {
    /// The response body is the file.
    Body(Content),
    Json(Box<List<T>>),
    Ended,
    Failed,
}

impl<T: DeserializeOwned> Source<T> {
    fn list(content: Content, name: &'static str, cap: u64, order_id: &OrderId) -> Self {
        let files = Files::new(content, name, FILE, cap);
        Self::Json(Box::new(List { files, name, order_id: order_id.clone() }))
    }
}

struct List<T> {
    files: Files<T>,
    /// Name of the list.
    name: &'static str,
    order_id: OrderId,
}

impl<T> fmt::Debug for FileStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStream").field("label", &self.label).finish_non_exhaustive()
    }
}

impl<T> List<T> {
    /// Checks elements that were not read: they name no other order (AT-24), and are not in another spelling what was read
    /// (AT-93).
    fn check(&self, elements: &BTreeMap<String, Value>, read: &str) -> Result<(), Error> {
        check_named_order(&self.order_id, elements)?;
        match has_other_spelling(elements, read) {
            true => {
                let detail =
                    format!("the response has the element {read} in another spelling, which may contradict it");
                Err(Error::new(Kind::Protocol, detail))
            }
            false => Ok(()),
        }
    }
}

impl<T: DeserializeOwned + Default + Message> FileStream<T> {
    fn new(source: Source<T>, label: &'static str, may_be_empty: bool) -> Self {
        Self { source, label, may_be_empty, files: 0, bytes: 0 }
    }

    /// Returns the next piece: bytes of the current file, or its end with the other elements of its entry. `None` means
    /// that the response ended and was complete.
    ///
    /// # Errors
    /// The errors of the body; [`Kind::Protocol`] if the response is not as documented, contains no signed document, or
    /// contains a file without content: only the position identifies a signed document (AT-35). [`Kind::Rejected`] if it
    /// contains an error instead. [`Kind::Integrity`] at its end if it names another order (AT-24). After an error every further call fails.
    pub async fn next(&mut self) -> Result<Option<Piece<T>>, Error> {
        let next = self.read().await;
        if next.is_err() {
            self.source = Source::Failed;
        }
        next
    }

    async fn read(&mut self) -> Result<Option<Piece<T>>, Error> {
        let mut piece = match &mut self.source {
            Source::Ended => return Ok(None),
            Source::Failed => {
                return Err(Error::new(Kind::Protocol, "the response cannot be read further after an error"));
            }
            Source::Json(list) => list.files.next().await?,
            Source::Body(content) => match content.next().await.transpose()? {
                Some(bytes) => Some(Piece::Bytes(bytes)),
                None => {
                    self.source = Source::Ended;
                    Some(Piece::End(T::default()))
                }
            },
        };
        match &mut piece {
            Some(Piece::Bytes(bytes)) => self.bytes += bytes.len() as u64,
            Some(Piece::End(_)) if self.bytes == 0 => {
                return Err(Error::new(
                    Kind::Protocol,
                    format!("one of the {} in the response has no content", self.label),
                ));
            }
            Some(Piece::End(entry)) => {
                (self.files, self.bytes) = (self.files + 1, 0);
                if let Source::Json(list) = &self.source {
                    list.check(entry.extra(), FILE)?;
                }
            }
            None => {
                if let Source::Json(list) = &self.source {
                    let files = &list.files;
                    let beside: BTreeMap<String, Value> = json::read(files.beside()).unwrap_or_default();
                    list.check(&beside, list.name)?;
                    // AT-93, AT-94: an empty list of recordings means that there is none; anything else is no result.
                    if self.files == 0 {
                        if let Some(text) = error_text(files.beside(), ERROR) {
                            let detail = "the vendor reports an error in a response with a success status";
                            return Err(Error::new(Kind::Rejected, detail).with_vendor_text(text));
                        }
                        refuse_default(true, &beside)?;
                        if !self.may_be_empty || !files.has_list() {
                            return Err(Error::new(Kind::Protocol, format!("the response contains no {}", self.label)));
                        }
                    }
                }
                self.source = Source::Ended;
            }
        }
        Ok(piece)
    }

    /// Reads the next file of at most `cap` bytes into memory, and the other elements of its entry. The file is in
    /// blocks: growing one buffer of unknown length would need twice the memory.
    ///
    /// # Errors
    /// As [`next`](Self::next); [`Kind::Protocol`] if the file is longer than `cap`.
    pub async fn next_file(&mut self, cap: u64) -> Result<Option<(Vec<Bytes>, T)>, Error> {
        let (mut blocks, mut block) = (Vec::new(), Vec::new());
        while let Some(piece) = self.next().await? {
            match piece {
                Piece::End(entry) => {
                    blocks.push(Bytes::from(block));
                    return Ok(Some((blocks, entry)));
                }
                Piece::Bytes(_) if self.bytes > cap => {
                    self.source = Source::Failed;
                    let detail = format!("one of the {} exceeds the limit of {cap} bytes", self.label);
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

    /// Returns the content if the response is a single file, otherwise the stream. Nothing may have been read.
    pub(crate) fn into_single(self) -> Result<Content, Self> {
        match self {
            Self { source: Source::Body(content), .. } => Ok(content),
            list => Err(list),
        }
    }

    /// Reads all remaining files into memory, each with the other elements of its entry. The operation limits the size of
    /// the response.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub(crate) async fn rest(mut self) -> Result<Vec<(Content, T)>, Error> {
        let mut files = Vec::new();
        while let Some((mut blocks, entry)) = self.next_file(u64::MAX).await? {
            let whole = if blocks.len() == 1 { blocks.pop().unwrap_or_default() } else { blocks.concat().into() };
            files.push((Content::from_bytes(whole), entry));
        }
        Ok(files)
    }

    /// Returns the response body, if nothing of it was read.
    #[cfg(feature = "server")]
    fn into_content(self) -> Content {
        match self.source {
            Source::Body(content) => content,
            Source::Json(list) => list.files.into_content(),
            Source::Ended | Source::Failed => Content::empty(),
        }
    }
}

const fn streamed(of: &Meta, cap: u64, stream: fn(&HeaderMap, &[u8]) -> bool) -> Meta {
    Meta::new(of.provider, of.name, Method::GET, of.path, of.safety, of.ambiguity)
        .section(of.section)
        .expect(of.expect)
        .error_member(ERROR)
        .body_mode(BodyMode::Sniff { cap, stream })
        .refusals(of.refusals)
}

/// Whether the first bytes decide what the body is. A PDF can begin with other bytes (AT-96).
fn is_pdf_or_json(headers: &HeaderMap, first: &[u8]) -> bool {
    is_pdf(headers, first) || matches!(first.trim_ascii_start(), [b'{' | b'[', ..])
}

operation! {
    impl Streamed<GetESignPdf>;
    meta: streamed(GetESignPdf::META, PDF_CAP, is_pdf_or_json), output: FileStream<SignedPdf>, dialect: Dialect,
    params: |this| this.0.path_params(),
    encode: |this, dialect| this.0.encode(dialect),
    decode: |this, _, body, _| {
        let (head, content) = body.into_content();
        // The first bytes decide, regardless of the Content-Type (AT-37).
        let source = match is_pdf(&HeaderMap::new(), &head) {
            true => Source::Body(content),
            false => Source::list(content, "PDFs", PDF_CAP, &this.0.order_id),
        };
        Ok(FileStream::new(source, "signed documents", false).into())
    },
    request: |params, request| GetESignPdf::decode_request(params, request).map(Self),
    respond: |output| match output.source {
        Source::Body(content) => super::respond::pdf(content),
        _ => super::respond::content(output.into_content(), identkit_wire::json::MEDIA_TYPE),
    },
}

operation! {
    impl Streamed<GetVoiceFiles>;
    meta: streamed(GetVoiceFiles::META, JSON_CAP, |_, _| true), output: FileStream<VoiceFile>, dialect: Dialect,
    params: |this| this.0.path_params(),
    encode: |this, dialect| this.0.encode(dialect),
    decode: |this, _, body, _| {
        let source = Source::list(body.into_content().1, "Voicefiles", JSON_CAP, &this.0.order_id);
        Ok(FileStream::new(source, "recordings", true).into())
    },
    request: |params, request| GetVoiceFiles::decode_request(params, request).map(Self),
    respond: |output| super::respond::content(output.into_content(), identkit_wire::json::MEDIA_TYPE),
}
