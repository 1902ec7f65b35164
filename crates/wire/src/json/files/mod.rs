//! A JSON list of files, read while it comes: never more than a piece of one file is in memory.

mod base64;
mod scan;

use std::fmt;
use std::marker::PhantomData;

use bytes::{Buf, Bytes};
use identkit_core::{Content, Error, Kind};
use serde::de::DeserializeOwned;

use self::scan::{Found, Scanner, Unreadable};

/// A piece of a list of files.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece<T> {
    /// Bytes of the present file, never none.
    Bytes(Bytes),
    /// The end of an element: what else it says, with an empty text in the file's place. All bytes since the element
    /// before were its file.
    End(T),
}

/// The files of `{"list": [{"file": "Base64", …}, …]}`, in order and byte by byte as they come, each as a `T` at its end.
///
/// Base64 is read as [`decode_base64_lenient`](crate::decode_base64_lenient) does (AT-40). Files are handed out before
/// what follows was looked at: only `None` says that the text was whole and was JSON. Elements of other names are
/// passed over, up to 256 KiB of them.
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
    /// The files under `file` in the elements of `list`. More than `cap` bytes of text are an error.
    pub fn new(content: Content, list: &'static str, file: &'static str, cap: u64) -> Self {
        let scanner = Scanner::new(list, file);
        Self { content, piece: Bytes::new(), scanner, left: cap, state: State::Reading, element: PhantomData }
    }

    /// The text as it came, as long as nothing of it was read.
    pub fn into_content(self) -> Content {
        self.content
    }

    /// The next piece, `None` at the end of the whole text.
    ///
    /// # Errors
    /// What reading the content meets; [`Kind::Protocol`] when the text is no JSON, is of another form, ends early, or
    /// is longer than allowed. After an error nothing more is read.
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
                    .ok_or_else(|| Error::new(Kind::Protocol, "the answer is longer than allowed"))?;
                self.piece = piece;
            }
            let (done, found) = self.scanner.step(&self.piece).map_err(|Unreadable(error)| error)?;
            self.piece.advance(done);
            match found {
                None => {}
                Some(Found::Bytes(bytes)) => return Ok(Some(Piece::Bytes(bytes.into()))),
                Some(Found::Element(text)) => {
                    return element(&text).map(|element| Some(Piece::End(element)));
                }
            }
        }
    }
}

/// Reads an element without its file. Line and column would count in what is left of it, and are not told.
fn element<T: DeserializeOwned>(text: &[u8]) -> Result<T, Error> {
    super::read(text).map_err(|fault| match (fault.well_formed, fault.path.as_str()) {
        (false, _) => scan::malformed(),
        (true, "") => scan::other_form(&fault.expected),
        (true, path) => scan::other_form(&format!("{path}: {}", fault.expected)),
    })
}

#[cfg(test)]
mod tests;
