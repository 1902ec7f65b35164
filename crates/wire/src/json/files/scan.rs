//! Extracts the large texts of a JSON text that arrives in pieces.
//!
//! The rest is small, and serde_json reads it: each element of the list at its end, everything else at the end of the
//! text. So serde_json decides whether the text is valid JSON.

use std::collections::BTreeMap;

use identkit_core::{Error, Kind};
use serde::de::IgnoredAny;

use super::base64::Decoder;
use crate::Base64Error;

/// Maximum size in bytes of the text beside the files: of an element, and of everything outside the elements.
const BESIDE: usize = 256 * 1024;

/// Maximum nesting depth, the same as serde_json's.
const DEPTH: usize = 128;

/// Maximum length of Base64 that is decoded at once.
const RUN: usize = 64 * 1024;

/// A result of the scanner.
#[derive(Debug)]
pub(super) enum Token {
    /// Decoded bytes.
    Bytes(Vec<u8>),
    /// End of an element: its JSON, with an empty text in place of the file.
    Element(Vec<u8>),
}

/// Position of the scanner.
enum State {
    /// Between texts.
    Between,
    /// In a text that is not a file.
    Text { escape: bool },
    /// In a file.
    File { decoder: Decoder, escape: Vec<u8> },
}

pub(super) struct Scanner {
    list: &'static str,
    file: &'static str,
    state: State,
    /// Text outside the elements, and of the current element, without files.
    outside: Vec<u8>,
    element: Vec<u8>,
    /// Start of the last text in its buffer.
    text: usize,
    /// The outermost three brackets, and the number of open brackets.
    brackets: [u8; 3],
    depth: usize,
    /// Whether the last key of the root is the list's, and whether the list occurred.
    in_list: bool,
    had_list: bool,
    /// Whether the list is an array.
    has_list: bool,
    /// Whether the next value is the list, or a file.
    list_next: bool,
    file_next: bool,
    /// Whether the file of the current element occurred.
    had_file: bool,
}

pub(super) fn malformed() -> Error {
    Error::new(Kind::Protocol, "the vendor's response cannot be read: not valid JSON")
}

pub(super) fn other_form(what: &str) -> Error {
    Error::new(Kind::Protocol, format!("the vendor's response cannot be read: {what}"))
}

/// Error type into which `?` converts a Base64 error.
pub(super) struct Unreadable(pub(super) Error);

impl From<Error> for Unreadable {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<Base64Error> for Unreadable {
    fn from(_: Base64Error) -> Self {
        Self(Error::new(Kind::Protocol, "a file of the vendor's response is not valid Base64"))
    }
}

impl Scanner {
    pub(super) fn new(list: &'static str, file: &'static str) -> Self {
        Self {
            list,
            file,
            state: State::Between,
            outside: Vec::new(),
            element: Vec::new(),
            text: 0,
            brackets: [0; 3],
            depth: 0,
            in_list: false,
            had_list: false,
            has_list: false,
            list_next: false,
            file_next: false,
            had_file: false,
        }
    }

    pub(super) fn outside(&self) -> &[u8] {
        &self.outside
    }

    pub(super) fn has_list(&self) -> bool {
        self.has_list
    }

    /// Whether the position is in an element of the list.
    fn in_element(&self) -> bool {
        self.depth >= 3 && self.in_list && self.brackets == *b"{[{"
    }

    fn buffer(&mut self) -> &mut Vec<u8> {
        if self.in_element() { &mut self.element } else { &mut self.outside }
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let buffer = self.buffer();
        if buffer.len() + bytes.len() > BESIDE {
            return Err(other_form("the text beside its files is larger than 256 KiB"));
        }
        buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// Scans a piece up to the next token. Returns the number of bytes scanned: all of them if the piece ends no token.
    pub(super) fn step(&mut self, piece: &[u8]) -> Result<(usize, Option<Token>), Unreadable> {
        let mut rest = piece;
        while let Some((byte, after)) = rest.split_first() {
            match &mut self.state {
                State::Between => {
                    rest = after;
                    if let Some(token) = self.between(*byte)? {
                        return Ok((piece.len() - rest.len(), Some(token)));
                    }
                }
                State::Text { escape } => {
                    // Up to and including the closing quote.
                    let end = rest.iter().position(|byte| {
                        let escaped = std::mem::replace(escape, !*escape && *byte == b'\\');
                        !escaped && *byte == b'"'
                    });
                    let (text, after) =
                        rest.split_at_checked(end.map_or(rest.len(), |at| at + 1)).unwrap_or((rest, &[]));
                    if end.is_some() {
                        self.state = State::Between;
                    }
                    self.keep(text)?;
                    rest = after;
                }
                State::File { decoder, escape } if !escape.is_empty() => {
                    rest = after;
                    escape.push(*byte);
                    let mut out = Vec::new();
                    if let Some(character) = unescape(escape)? {
                        decoder.push(&[character], true, &mut out)?;
                        escape.clear();
                    }
                    if !out.is_empty() {
                        return Ok((piece.len() - rest.len(), Some(Token::Bytes(out))));
                    }
                }
                State::File { decoder, escape } => {
                    let end = memchr::memchr2(b'"', b'\\', rest.get(..RUN).unwrap_or(rest));
                    let (run, after) = rest.split_at_checked(end.unwrap_or(rest.len().min(RUN))).unwrap_or((rest, &[]));
                    let mut out = Vec::new();
                    decoder.push(run, false, &mut out)?;
                    rest = after;
                    if end.is_some()
                        && let Some((byte, after)) = rest.split_first()
                    {
                        rest = after;
                        if *byte == b'\\' {
                            escape.push(*byte);
                        } else {
                            std::mem::take(decoder).finish(&mut out)?;
                            self.state = State::Between;
                            self.keep(b"\"\"")?;
                        }
                    }
                    if !out.is_empty() {
                        return Ok((piece.len() - rest.len(), Some(Token::Bytes(out))));
                    }
                }
            }
        }
        Ok((piece.len(), None))
    }

    /// Scans a byte between texts.
    fn between(&mut self, byte: u8) -> Result<Option<Token>, Error> {
        if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            // White space still separates: `1 2` is not a number.
            if self.buffer().last().is_some_and(|last| last.is_ascii_alphanumeric() || b"+-.".contains(last)) {
                self.keep(b" ")?;
            }
            return Ok(None);
        }
        let (list_next, file_next) = (std::mem::take(&mut self.list_next), std::mem::take(&mut self.file_next));
        if list_next && !matches!(byte, b'[' | b'n') {
            return Err(other_form(&format!("{}: expected an array", self.list)));
        }
        self.has_list |= list_next && byte == b'[';
        match byte {
            b'"' if file_next => {
                if std::mem::replace(&mut self.had_file, true) {
                    return Err(other_form(&format!("the field {} occurs twice", self.file)));
                }
                self.state = State::File { decoder: Decoder::default(), escape: Vec::new() };
                return Ok(None);
            }
            b'"' => {
                self.text = self.buffer().len();
                self.state = State::Text { escape: false };
            }
            b':' => self.key()?,
            b'{' | b'[' => {
                if let Some(bracket) = self.brackets.get_mut(self.depth) {
                    *bracket = byte;
                }
                self.depth += 1;
                if self.depth > DEPTH {
                    return Err(other_form("it is nested more than 128 levels deep"));
                }
                if self.depth == 3 {
                    self.had_file = false;
                }
            }
            b'}' | b']' if self.depth == 3 && self.in_element() => {
                self.keep(&[byte])?;
                self.depth = 2;
                self.keep(b"{}")?;
                return Ok(Some(Token::Element(std::mem::take(&mut self.element))));
            }
            b'}' | b']' => {
                self.keep(&[byte])?;
                self.depth = self.depth.checked_sub(1).ok_or_else(malformed)?;
                return Ok(None);
            }
            _ => {}
        }
        self.keep(&[byte])?;
        Ok(None)
    }

    /// Handles a key: the last text.
    fn key(&mut self) -> Result<(), Error> {
        let element = self.depth == 3 && self.in_element();
        if self.depth != 1 && !element {
            return Ok(());
        }
        let (from, list, file) = (self.text, self.list, self.file);
        let key: String =
            self.buffer().get(from..).and_then(|text| serde_json::from_slice(text).ok()).ok_or_else(malformed)?;
        if element {
            self.file_next = key == file;
            return Ok(());
        }
        self.in_list = key == list;
        self.list_next = self.in_list;
        if self.in_list && std::mem::replace(&mut self.had_list, true) {
            // serde_json would take the last list, but the files of the first were returned already.
            return Err(other_form(&format!("the field {list} occurs twice")));
        }
        Ok(())
    }

    /// Checks the text at its end.
    pub(super) fn finish(&self) -> Result<(), Error> {
        if self.depth > 0 || !matches!(self.state, State::Between) {
            return Err(other_form("its JSON is incomplete"));
        }
        crate::json::read::<BTreeMap<String, IgnoredAny>>(&self.outside)
            .map(drop)
            .map_err(|fault| if fault.well_formed { other_form(&fault.expected) } else { malformed() })
    }
}

/// Returns the character of an escape in a file, `None` while the escape is incomplete.
fn unescape(escape: &[u8]) -> Result<Option<u8>, Error> {
    match escape {
        [_, b'u', hex @ ..] => {
            if !hex.iter().all(u8::is_ascii_hexdigit) {
                return Err(malformed());
            }
            if hex.len() < 4 {
                return Ok(None);
            }
            let code = std::str::from_utf8(hex).ok().and_then(|hex| u32::from_str_radix(hex, 16).ok());
            // Base64 contains neither non-ASCII characters nor `*`.
            Ok(Some(code.and_then(|code| u8::try_from(code).ok()).filter(u8::is_ascii).unwrap_or(b'*')))
        }
        [_, plain @ (b'"' | b'\\' | b'/')] => Ok(Some(*plain)),
        [_, b'n'] => Ok(Some(b'\n')),
        [_, b'r'] => Ok(Some(b'\r')),
        [_, b't'] => Ok(Some(b'\t')),
        [_, b'f'] => Ok(Some(b'\x0c')),
        [_, b'b'] => Ok(Some(b'\x08')),
        _ => Err(malformed()),
    }
}
