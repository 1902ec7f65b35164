//! Reads a JSON list of files as it arrives: at most a piece of one file is in memory.

mod base64;
mod scan;

use std::fmt;
use std::marker::PhantomData;

use bytes::{Buf, Bytes};
use identkit_core::{Content, Error, Kind};
use serde::de::DeserializeOwned;

use self::scan::{Scanner, Token, Unreadable};

/// A piece of a list of files.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece<T> {
    /// Bytes of the current file, never empty.
    Bytes(Bytes),
    /// End of an element: its other fields, and an empty text for its file, which is the bytes since the last `End`.
    End(T),
}

/// Reads the files of `{"list": [{"file": "Base64", …}, …]}` in order, piece by piece. Each element ends with its `T`.
///
/// Base64 is read like [`decode_base64_lenient`](crate::decode_base64_lenient) (AT-40). Pieces are returned before the
/// following text is read: only `None` means that the text was complete and valid JSON. The text outside the elements,
/// and that of an element beside its file, can each have up to 256 KiB.
pub struct Files<T> {
    content: Content,
    piece: Bytes,
    scanner: Scanner,
    left: u64,
    state: State,
    element: PhantomData<fn() -> T>,
}

#[derive(PartialEq)]
enum State {
    Reading,
    Ended,
    Failed,
}

impl<T> fmt::Debug for Files<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files").field("content", &self.content).finish_non_exhaustive()
    }
}

impl<T: DeserializeOwned> Files<T> {
    /// Reads the field `file` of the elements of `list`. A text of more than `cap` bytes is an error.
    pub fn new(content: Content, list: &'static str, file: &'static str, cap: u64) -> Self {
        let scanner = Scanner::new(list, file);
        Self { content, piece: Bytes::new(), scanner, left: cap, state: State::Reading, element: PhantomData }
    }

    /// Returns the content. It is complete only if no piece was read.
    pub fn into_content(self) -> Content {
        self.content
    }

    /// Text outside the elements of the list, without its files. Complete at the end of the text.
    pub fn beside(&self) -> &[u8] {
        self.scanner.outside()
    }

    /// Whether the list occurred as an array.
    pub fn has_list(&self) -> bool {
        self.scanner.has_list()
    }

    /// Reads the next piece; returns `None` at the end of the complete text.
    ///
    /// # Errors
    /// If the content cannot be read, or with [`Kind::Protocol`] if the text is not valid JSON, has another form, is
    /// incomplete, or is too long. After an error nothing more can be read.
    pub async fn next(&mut self) -> Result<Option<Piece<T>>, Error> {
        let next = match self.state {
            State::Reading => self.read().await,
            State::Ended => return Ok(None),
            State::Failed => Err(Error::new(Kind::Protocol, "the files cannot be read further after an error")),
        };
        match &next {
            Ok(Some(_)) => {}
            Ok(None) => self.state = State::Ended,
            Err(_) => self.state = State::Failed,
        }
        next
    }

    async fn read(&mut self) -> Result<Option<Piece<T>>, Error> {
        loop {
            while self.piece.is_empty() {
                let Some(piece) = self.content.next().await.transpose()? else {
                    return self.scanner.finish().map(|()| None);
                };
                self.left = self
                    .left
                    .checked_sub(piece.len() as u64)
                    .ok_or_else(|| Error::new(Kind::Protocol, "the response is longer than allowed"))?;
                self.piece = piece;
            }
            let (done, token) = self.scanner.step(&self.piece).map_err(|Unreadable(error)| error)?;
            self.piece.advance(done);
            match token {
                None => {}
                Some(Token::Bytes(bytes)) => return Ok(Some(Piece::Bytes(bytes.into()))),
                Some(Token::Element(text)) => {
                    return element(&text).map(|element| Some(Piece::End(element)));
                }
            }
        }
    }
}

/// Reads an element without its file. The error has no line and column, because the file was removed from the text.
fn element<T: DeserializeOwned>(text: &[u8]) -> Result<T, Error> {
    super::read(text).map_err(|fault| match (fault.well_formed, fault.path.as_str()) {
        (false, _) => scan::malformed(),
        (true, "") => scan::other_form(&fault.expected),
        (true, path) => scan::other_form(&format!("{path}: {}", fault.expected)),
    })
}

#[cfg(test)]
mod tests;
