//! Finds the large texts of a JSON text that comes in pieces.
//!
//! The texts are taken out as they come by; what remains is small, and serde_json reads it: each element of the list
//! when it ends, the rest at the end. Whether the text is JSON at all is therefore decided by serde_json.

use std::collections::BTreeMap;

use identkit_core::{Error, Kind};
use serde::de::IgnoredAny;

use super::base64::Decoder;
use crate::Base64Error;

/// The most that may stand beside the files: in an element of the list, or in all else.
const BESIDE: usize = 256 * 1024;

/// So deeply may the text be nested: as serde_json has it.
const DEPTH: usize = 128;

/// So much Base64 is decoded at once.
const RUN: usize = 64 * 1024;

/// What was found.
#[derive(Debug)]
pub(super) enum Found {
    /// Decoded bytes.
    Bytes(Vec<u8>),
    /// The end of an element: its JSON, with an empty text for the file's.
    Element(Vec<u8>),
}

/// Where the scanner stands.
enum State {
    /// Between texts.
    Between,
    /// In a text that is no file.
    Text { escape: bool },
    /// In a file.
    File { decoder: Decoder, escape: Vec<u8> },
}

pub(super) struct Scanner {
    list: &'static str,
    file: &'static str,
    state: State,
    /// What remains of the text: outside the elements, and of the present element.
    outside: Vec<u8>,
    element: Vec<u8>,
    /// Where the last text begins in the buffer that it went to.
    text: usize,
    /// The kinds of the outermost three brackets, and how many are open.
    brackets: [u8; 3],
    depth: usize,
    /// Whether the last key of the root is the list's; whether it was there before.
    in_list: bool,
    list_seen: bool,
    /// What the next value is: the list, or a file.
    list_next: bool,
    file_next: bool,
    /// Whether the present element has had its file.
    file_seen: bool,
}

pub(super) fn malformed() -> Error {
    Error::new(Kind::Protocol, "the vendor's answer cannot be read: not valid JSON")
}

pub(super) fn other_form(what: &str) -> Error {
    Error::new(Kind::Protocol, format!("the vendor's answer cannot be read: {what}"))
}

/// Lets a fault of Base64 become an error by `?`.
pub(super) struct Unreadable(pub(super) Error);

impl From<Error> for Unreadable {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<Base64Error> for Unreadable {
    fn from(_: Base64Error) -> Self {
        Self(Error::new(Kind::Protocol, "a file of the vendor's answer is not valid Base64"))
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
            list_seen: false,
            list_next: false,
            file_next: false,
            file_seen: false,
        }
    }

    /// Whether the place is inside an element of the list.
    fn in_element(&self) -> bool {
        self.depth >= 3 && self.in_list && self.brackets == *b"{[{"
    }

    fn buffer(&mut self) -> &mut Vec<u8> {
        if self.in_element() { &mut self.element } else { &mut self.outside }
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let buffer = self.buffer();
        if buffer.len() + bytes.len() > BESIDE {
            return Err(other_form("it holds more beside its files than can be"));
        }
        buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// Looks at a piece; says how many bytes of it are done with, all unless something was found.
    pub(super) fn step(&mut self, piece: &[u8]) -> Result<(usize, Option<Found>), Unreadable> {
        let mut rest = piece;
        while let Some((byte, after)) = rest.split_first() {
            match &mut self.state {
                State::Between => {
                    rest = after;
                    if let Some(found) = self.between(*byte)? {
                        return Ok((piece.len() - rest.len(), Some(found)));
                    }
                }
                State::Text { escape } => {
                    // Up to and with the quote that ends it.
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
                        return Ok((piece.len() - rest.len(), Some(Found::Bytes(out))));
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
                        return Ok((piece.len() - rest.len(), Some(Found::Bytes(out))));
                    }
                }
            }
        }
        Ok((piece.len(), None))
    }

    /// A byte between texts.
    fn between(&mut self, byte: u8) -> Result<Option<Found>, Error> {
        if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            // What it parts stays apart: `1 2` is no number.
            if self.buffer().last().is_some_and(|last| last.is_ascii_alphanumeric() || b"+-.".contains(last)) {
                self.keep(b" ")?;
            }
            return Ok(None);
        }
        let (list_next, file_next) = (std::mem::take(&mut self.list_next), std::mem::take(&mut self.file_next));
        if list_next && !matches!(byte, b'[' | b'n') {
            return Err(other_form(&format!("{}: expected an array", self.list)));
        }
        match byte {
            b'"' if file_next => {
                if std::mem::replace(&mut self.file_seen, true) {
                    return Err(other_form(&format!("{} is there twice", self.file)));
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
                    return Err(other_form("it is nested too deeply"));
                }
                if self.depth == 3 {
                    self.file_seen = false;
                }
            }
            b'}' | b']' if self.depth == 3 && self.in_element() => {
                self.keep(&[byte])?;
                self.depth = 2;
                self.keep(b"{}")?;
                return Ok(Some(Found::Element(std::mem::take(&mut self.element))));
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

    /// The last text was a key.
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
        if self.in_list && std::mem::replace(&mut self.list_seen, true) {
            // The last of two would count, and the files of the first were handed out.
            return Err(other_form(&format!("{list} is there twice")));
        }
        Ok(())
    }

    /// The end of the text.
    pub(super) fn finish(&self) -> Result<(), Error> {
        if self.depth > 0 || !matches!(self.state, State::Between) {
            return Err(other_form("it ends before its JSON does"));
        }
        crate::json::read::<BTreeMap<String, IgnoredAny>>(&self.outside)
            .map(drop)
            .map_err(|fault| if fault.well_formed { other_form(&fault.expected) } else { malformed() })
    }
}

/// The character of an escape in a file, `None` while it is not whole: in Base64, only ASCII can be meant.
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
            // What is not ASCII is no Base64 either, as this character is none.
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
