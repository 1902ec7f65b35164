//! Reads and writes JSON. Errors contain path, line, column and the expected type, but no values.

mod convert;
mod files;
mod notes;
mod reader;
mod tree;
mod writer;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
#[cfg(feature = "server")]
use identkit_core::Content;
use identkit_core::{Error, Kind};
use serde::de::{DeserializeOwned, DeserializeSeed};
use serde::{Serialize, Serializer};
use serde_json::Value;

pub use self::files::{Files, Piece};
pub use self::notes::Notes;
pub(crate) use self::reader::REPEATED;
use self::reader::{Detail, Reading};
use self::tree::DEPTH;
pub use self::tree::Node;
use self::writer::{MARK, WRITTEN_MARK, Writer};
use crate::{Body, Decoded, Part, Received, Source};

/// Maximum size in bytes for which errors contain a path: finding it parses the text a second time.
const PATH_LIMIT: usize = 1024 * 1024;

/// Media type of JSON bodies.
pub const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/json");

/// Why a text cannot be read. Contains no value of the text, and only keys that the type names.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonFault {
    /// Path of the value, e.g. `IdentData[0].Birthdate`; `*` stands for a key that the type does not name. Empty if the
    /// text is not valid JSON, if the root has the wrong type, or if the text is larger than 1 MiB.
    pub path: String,
    /// The expected form.
    pub expected: String,
    /// Line, from 1. 0 if a value was read instead of a text.
    pub line: usize,
    /// Column, from 1. 0 if a value was read instead of a text.
    pub column: usize,
    /// Whether the text is valid JSON of another form.
    pub well_formed: bool,
    /// Whether the text is nested deeper than 128 levels.
    pub too_deep: bool,
}

impl fmt::Display for JsonFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.too_deep {
            return write!(f, "nested deeper than {DEPTH} levels at line {}, column {}", self.line, self.column);
        }
        if !self.well_formed {
            return write!(f, "not valid JSON at line {}, column {}", self.line, self.column);
        }
        if self.path.is_empty() {
            write!(f, "{}", self.expected)?;
        } else {
            write!(f, "{}: {}", self.path, self.expected)?;
        }
        if self.line == 0 {
            return Ok(());
        }
        write!(f, " (line {}, column {})", self.line, self.column)
    }
}

impl JsonFault {
    /// Creates a fault without a path.
    fn new(Detail { line, column, well_formed, too_deep, .. }: Detail) -> Self {
        Self { path: String::new(), expected: "another form was expected".into(), line, column, well_formed, too_deep }
    }

    /// Creates the fault of a text that is not valid JSON from an offset on.
    fn invalid(text: &[u8], at: usize, too_deep: bool) -> Self {
        let valid = text.get(..at).unwrap_or(text);
        let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = valid.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        Self { path: String::new(), expected: String::new(), line, column, well_formed: false, too_deep }
    }

    /// Adds path and expected form from a second, tracing pass. Its path begins with the innermost step.
    fn trace(&mut self, Detail { path, expected, .. }: Detail) {
        for step in path.iter().rev() {
            if !self.path.is_empty() && !step.starts_with('[') {
                self.path.push('.');
            }
            self.path.push_str(step);
        }
        self.expected = expected;
    }

    /// Creates the error of a vendor's response that cannot be read.
    pub fn answer(self) -> Error {
        Error::new(Kind::Protocol, format!("the vendor's response cannot be read: {self}"))
    }

    /// Creates the error of an input that cannot be read.
    pub fn input(self) -> Error {
        Error::new(Kind::InvalidInput, format!("the JSON cannot be read: {self}"))
    }
}

/// Reads a complete JSON text. A byte order mark at the start is ignored. If a message has an element twice, the last
/// value counts. [`Loose`](crate::Loose) converts values of other types.
///
/// # Errors
/// If the text is not valid JSON or has another form.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonFault> {
    let text = without_byte_order_mark(bytes)?;
    if let Ok(value) = Reading::new(false).read(text, PhantomData::<T>) {
        return Ok(value);
    }
    let again = parse(bytes).ok().and_then(|node| node.decode(false, &mut Notes::default()).ok());
    again.map_or_else(|| read_with::<T, _>(bytes, PhantomData::<T>), Ok)
}

/// Reads a complete JSON text of a vendor: also if types differ from the document, or if names are repeated, as the notes
/// then say (AT-92, AT-93, AT-95).
///
/// # Errors
/// If the text is not valid JSON or has another form.
pub fn read_answer<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, Notes), JsonFault> {
    read_answer_with(bytes, |_, _| ())
}

/// Like [`read_answer`], with a function that repairs a text that cannot be read as documented, and notes the repairs.
///
/// # Errors
/// Like [`read_answer`].
pub fn read_answer_with<T: DeserializeOwned>(
    bytes: &[u8],
    repair: impl FnOnce(&mut Node<'_>, &mut Notes),
) -> Result<(T, Notes), JsonFault> {
    let text = without_byte_order_mark(bytes)?;
    let reading = Reading::new(false);
    let detail = match reading.read(text, PhantomData::<T>) {
        Ok(value) if !reading.needs_tree() => return Ok((value, Notes::default())),
        Ok(_) => Detail::default(),
        Err(fault) => fault.into_detail(),
    };
    let mut fault = JsonFault::new(detail);
    let mut node = parse(bytes).map_err(|invalid| {
        (fault.well_formed, fault.too_deep) = (false, fault.too_deep || invalid.too_deep);
        fault.clone()
    })?;
    let mut notes = Notes::default();
    repair(&mut node, &mut notes);
    let value = node.decode(true, &mut notes).map_err(|again| {
        fault.well_formed = true;
        fault.trace(again);
        fault
    });
    value.map(|value| (value, notes))
}

/// Parses a complete JSON text of a vendor as a tree. A byte order mark at the start is ignored.
///
/// # Errors
/// If the text is not valid JSON, or is nested deeper than 128 levels.
pub fn parse(bytes: &[u8]) -> Result<Node<'_>, JsonFault> {
    let text = without_byte_order_mark(bytes)?;
    Node::parse(text).map_err(|invalid| JsonFault::invalid(text.as_bytes(), invalid.at, invalid.too_deep))
}

/// Reads a complete JSON text with a seed, which need not build the whole value. Errors name the form of `T`.
///
/// # Errors
/// Like [`read()`], and if a name occurs more than once in an object: a seed cannot compare the values (AT-95).
pub fn read_with<'de, T: DeserializeOwned, S: DeserializeSeed<'de>>(
    bytes: &'de [u8],
    seed: S,
) -> Result<S::Value, JsonFault> {
    let text = without_byte_order_mark(bytes)?;
    let reading = Reading::new(false);
    let value = reading.read(text, seed).map_err(|fault| {
        let mut fault = JsonFault::new(fault.into_detail());
        if fault.well_formed
            && text.len() <= PATH_LIMIT
            && let Err(again) = Reading::new(true).read(text, PhantomData::<T>)
        {
            fault.trace(again.into_detail());
        }
        fault
    })?;
    if reading.has_repeated() {
        let expected = "a name occurs more than once in its object".to_owned();
        return Err(JsonFault { expected, well_formed: true, ..JsonFault::new(Detail::default()) });
    }
    Ok(value)
}

/// Reads a message that a person or a service wrote, and that will be sent. Unlike [`read()`], it is an error if anything
/// of the text would be dropped or changed silently: an element that occurs twice in its object, or a number of an
/// element that the document does not list with more digits than are kept.
///
/// # Errors
/// Like [`read()`], and for the above.
pub fn read_input<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonFault> {
    let fault = read_with::<T, _>(bytes, PhantomData::<T>).err();
    let text = without_byte_order_mark(bytes)?;
    let node = match (parse(bytes), &fault) {
        (Ok(node), _) => node,
        (Err(_), Some(fault)) => return Err(fault.clone()),
        (Err(invalid), None) => return Err(invalid),
    };
    let own = |expected: &str, (line, column)| JsonFault {
        expected: expected.to_owned(),
        line,
        column,
        well_formed: true,
        ..JsonFault::new(Detail::default())
    };
    if let Some(place) = node.repeated_name(text) {
        // The first fault has the path.
        let with_path = fault.filter(|fault| fault.expected.ends_with("occurs twice"));
        return Err(with_path.unwrap_or_else(|| own("an element occurs twice", place)));
    }
    let mut notes = Notes::default();
    match (node.decode(false, &mut notes), fault) {
        (Ok(_), _) if notes.has_inexact() => {
            let detail = "a number has more digits than can be sent without a change: write fewer digits, or a text if \
                          the document does not list the element";
            Err(own(detail, (0, 0)))
        }
        // Not the value of the first pass: serde_json rounds some numbers.
        (Ok(value), _) => Ok(value),
        (Err(_), Some(fault)) => Err(fault),
        (Err(detail), None) => Err(JsonFault::new(detail)),
    }
}

/// Reads a JSON value like the text that it was read from.
///
/// # Errors
/// If the value has another form. The fault has no line and no column.
pub fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T, JsonFault> {
    Reading::new(false).read_value(value, PhantomData::<T>).map_err(|fault| {
        let mut fault = JsonFault::new(fault.into_detail());
        if let Err(again) = Reading::new(true).read_value(value, PhantomData::<T>) {
            fault.trace(again.into_detail());
        }
        JsonFault { well_formed: true, line: 0, column: 0, ..fault }
    })
}

/// The text, without a byte order mark at its start.
fn without_byte_order_mark(bytes: &[u8]) -> Result<&str, JsonFault> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| JsonFault::invalid(bytes, error.valid_up_to(), false))
}

/// Writes a value into one buffer.
///
/// # Errors
/// [`Kind::InvalidInput`] if the value cannot be written as JSON.
pub fn write<T: Serialize>(value: &T) -> Result<Vec<u8>, Error> {
    Ok(serialize(value)?.bytes)
}

fn serialize<T: Serialize>(value: &T) -> Result<Writer, Error> {
    let mut writer = Writer::new();
    value.serialize(&mut writer).map_err(|_| Error::new(Kind::InvalidInput, "the value cannot be written as JSON"))?;
    Ok(writer)
}

/// Returns the headers of a JSON request.
pub fn headers() -> HeaderMap {
    // The driver and the transport add further headers.
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(CONTENT_TYPE, MEDIA_TYPE);
    headers
}

/// Reads a complete JSON response.
///
/// # Errors
/// [`Kind::Protocol`] if the body is a stream or cannot be read.
pub fn decode<T: DeserializeOwned>(body: Received) -> Result<Decoded<T>, Error> {
    decode_once(body, &[])
}

/// Like [`decode`], and the elements on which the result depends must occur neither twice (AT-95) nor in another spelling
/// (AT-93).
///
/// # Errors
/// [`Kind::Protocol`] also if one of them does.
pub fn decode_once<T: DeserializeOwned>(body: Received, once: &[&str]) -> Result<Decoded<T>, Error> {
    let (value, notes) = read_answer(&body.whole()?).map_err(JsonFault::answer)?;
    notes.require_once(once)?;
    notes.require_spelling(once)?;
    Ok(Decoded::new(value, notes.warnings()))
}

/// Reads the JSON body of a request. Its Content-Type is ignored.
///
/// # Errors
/// [`Kind::InvalidInput`] if the body cannot be read; it names the field.
#[cfg(feature = "server")]
pub fn decode_request<T: DeserializeOwned>(request: &http::Request<Bytes>) -> Result<T, Error> {
    read(request.body()).map_err(JsonFault::input)
}

/// Creates a JSON response of the sandbox. An invalid `status` becomes 200.
///
/// # Errors
/// Like [`write()`].
#[cfg(feature = "server")]
pub fn response<T: Serialize>(status: u16, value: &T) -> Result<http::Response<Content>, Error> {
    let bytes = write(value)?;
    let mut response = http::Response::new(Content::from_bytes(bytes));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::OK);
    response.headers_mut().insert(CONTENT_TYPE, MEDIA_TYPE);
    Ok(response)
}

/// Binary data in a JSON message, as Base64. It is read as text, and written from text or directly from a source.
#[derive(Clone)]
pub enum Blob {
    /// Base64 text, written unchanged.
    Text(identkit_core::Pii<String>),
    /// Bytes that are encoded as Base64 while they are sent.
    Source(Arc<dyn Source>),
}

impl Blob {
    /// Creates a blob from bytes in memory, without copying them.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        Self::Source(Arc::new(crate::MemorySource(bytes.into())))
    }

    /// The source, if the blob has one.
    pub fn source(&self) -> Option<&Arc<dyn Source>> {
        match self {
            Self::Source(source) => Some(source),
            Self::Text(_) => None,
        }
    }

    /// Reads the bytes into memory.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] if the text is not valid Base64, [`Kind::Storage`] if the source cannot be read.
    pub fn to_bytes(&self) -> Result<Bytes, Error> {
        match self {
            Self::Text(text) => crate::decode_base64_lenient(text.expose())
                .map(Bytes::from)
                .map_err(|_| Error::new(Kind::InvalidInput, "the text is not valid Base64")),
            Self::Source(source) => {
                let unreadable = |_| Error::new(Kind::Storage, "the source of a document cannot be read");
                let mut bytes = Vec::new();
                std::io::Read::read_to_end(&mut source.open().map_err(unreadable)?, &mut bytes).map_err(unreadable)?;
                Ok(bytes.into())
            }
        }
    }

    /// Reads at most the first `count` bytes; fewer if the blob is shorter or cannot be read.
    pub fn first_bytes(&self, count: usize) -> Vec<u8> {
        match self {
            Self::Text(text) => {
                let start: String =
                    text.expose().chars().filter(|c| !c.is_ascii_whitespace()).take(count.div_ceil(3) * 4).collect();
                let mut bytes = crate::decode_base64_lenient(&start).unwrap_or_default();
                bytes.truncate(count);
                bytes
            }
            Self::Source(source) => {
                let mut bytes = Vec::new();
                if let Ok(reader) = source.open() {
                    let mut reader = std::io::Read::take(reader, count as u64);
                    // The caller compares the bytes, and so notices missing ones.
                    let _ = std::io::Read::read_to_end(&mut reader, &mut bytes);
                }
                bytes
            }
        }
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Blob({} characters of Base64)", text.expose().len()),
            Self::Source(source) => write!(f, "Blob({} bytes)", source.len()),
        }
    }
}

/// Compares the content. A source that cannot be read equals nothing.
impl PartialEq for Blob {
    fn eq(&self, other: &Self) -> bool {
        matches!((self.to_bytes(), other.to_bytes()), (Ok(one), Ok(two)) if one == two)
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text.expose()),
            Self::Source(_) => serializer.serialize_str(MARK),
        }
    }
}

impl<'de> serde::Deserialize<'de> for Blob {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::Text(text.into()))
    }
}

/// Writes a message. `sources` are its [`Blob::Source`]s in the order in which they are written.
///
/// # Errors
/// [`Kind::InvalidInput`] if the value cannot be written as JSON, if a text of it equals the internal mark of a source,
/// or if `sources` is incomplete.
pub fn body<T: Serialize>(value: &T, sources: &[Arc<dyn Source>]) -> Result<Body, Error> {
    let Writer { bytes, marks } = serialize(value)?;
    let written = Bytes::from(bytes);
    if marks.len() != sources.len() {
        let detail = "a text of the request contains the control character U+0000, which no field allows";
        return Err(Error::new(Kind::InvalidInput, detail));
    }
    if marks.is_empty() {
        return Ok(written.into());
    }
    let mut parts = Vec::with_capacity(sources.len() * 2 + 1);
    let mut from = 0;
    for (mark, source) in marks.into_iter().zip(sources) {
        // The quotes around the mark are retained.
        parts.push(Part::Bytes(written.slice(from..=mark)));
        parts.push(Part::Base64(Arc::clone(source)));
        from = mark + WRITTEN_MARK.len() - 1;
    }
    parts.push(Part::Bytes(written.slice(from..)));
    Ok(Body::from_parts(parts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Person {
        #[serde(rename = "Surname")]
        surname: String,
        #[serde(rename = "Years", default)]
        years: Vec<u32>,
        #[serde(rename = "Additional", default)]
        additional: BTreeMap<String, u8>,
        #[serde(rename = "Sex", default)]
        sex: Option<Sex>,
    }

    #[derive(Debug, Deserialize)]
    enum Sex {
        #[serde(rename = "female")]
        Female,
    }

    fn fault(json: &str) -> JsonFault {
        read::<Person>(json.as_bytes()).unwrap_err()
    }

    #[test]
    fn faults_contain_path_and_type_but_no_value() {
        for (json, path, expected) in [
            (r#"{"Surname":4711}"#, "Surname", "expected a string"),
            (
                r#"{"Surname":"x","Years":[1,"Mustermann"]}"#,
                "Years[1]",
                "expected a whole number, not negative and not too large",
            ),
            (
                r#"{"Surname":"x","Additional":{"Mustermann":"Erika"}}"#,
                "Additional.*",
                "expected a whole number, not negative and not too large",
            ),
            (r#"{"Years":[]}"#, "", "the field Surname is missing"),
            (r#"{"Surname":"x","Sex":"Mustermann"}"#, "Sex", "expected one of: female"),
            (r#"{"Surname":"x","Years":[-5]}"#, "Years[0]", "expected a whole number, not negative and not too large"),
            (r#""Mustermann""#, "", "expected an object"),
        ] {
            let fault = fault(json);
            let shown = format!("{fault} {fault:?}");
            assert!(!shown.contains("Mustermann") && !shown.contains("Erika") && !shown.contains("4711"), "{shown}");
            assert!(fault.well_formed);
            assert_eq!((fault.path.as_str(), fault.expected.as_str()), (path, expected), "{json}");
        }
    }

    #[test]
    fn a_fault_in_a_key_has_a_path_without_the_key() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Closed {
            #[allow(dead_code, reason = "only its key is read")]
            years: std::collections::BTreeMap<u8, u8>,
        }
        for (json, path, expected) in [
            (r#"{"Mustermann":1}"#, "*", "unknown field; allowed: years"),
            (r#"{"years":{"3":"Mustermann"}}"#, "years.*", "expected a whole number, not negative and not too large"),
        ] {
            let fault = read::<Closed>(json.as_bytes()).unwrap_err();
            assert_eq!((fault.path.as_str(), fault.expected.as_str()), (path, expected), "{json}");
        }
    }

    #[test]
    fn a_struct_is_read_from_an_object_only() {
        #[derive(Debug, Deserialize)]
        #[allow(dead_code)]
        struct Outer {
            inner: Option<Person>,
            #[serde(default)]
            kind: Option<Variant>,
        }
        #[derive(Debug, Deserialize)]
        #[allow(dead_code)]
        enum Variant {
            Fields { first: u8 },
        }
        for (json, path) in [
            (r#"[null]"#, ""),
            (r#"{"inner":["Mustermann"]}"#, "inner"),
            (r#"{"inner":["Mustermann",[],{},null]}"#, "inner"),
            (r#"{"inner":null,"kind":{"Fields":[1]}}"#, "kind"),
        ] {
            let text = read::<Outer>(json.as_bytes()).unwrap_err();
            let value = from_value::<Outer>(&serde_json::from_str(json).unwrap()).unwrap_err();
            for fault in [&text, &value] {
                let outcome = (fault.path.as_str(), fault.expected.as_str(), fault.well_formed);
                assert_eq!(outcome, (path, "expected an object", true), "{json}");
            }
            assert!(text.line == 1 && value.line == 0 && !value.to_string().contains("line"), "{value}");
        }
        let taken = r#"{"inner":{"Surname":"x"},"kind":{"Fields":{"first":1}}}"#;
        assert!(read::<Outer>(taken.as_bytes()).is_ok());
        assert!(from_value::<Outer>(&serde_json::from_str(taken).unwrap()).is_ok());
    }

    #[test]
    fn a_value_of_another_form_has_a_path() {
        for (json, path, expected) in [
            (r#"{"Surname":4711}"#, "Surname", "expected a string"),
            (r#"{"Surname":"x","Sex":["Mustermann"]}"#, "Sex", "another form was expected"),
            (
                r#"{"Surname":"x","Years":[1,"Mustermann"]}"#,
                "Years[1]",
                "expected a whole number, not negative and not too large",
            ),
        ] {
            let fault = from_value::<Person>(&serde_json::from_str(json).unwrap()).unwrap_err();
            assert_eq!((fault.path.as_str(), fault.expected.as_str()), (path, expected), "{json}");
        }
    }

    #[test]
    fn invalid_json_is_reported_by_line_and_column() {
        let fault = fault("{\n \"Surname\": \"Mustermann\" \"Years\"");
        assert!(!fault.well_formed);
        assert_eq!((fault.line, fault.column), (2, 26));
        assert!(!fault.to_string().contains("Mustermann"));
        let fault = read::<Person>(b"{\n\"Surname\":\"\xff\"}").unwrap_err();
        assert_eq!((fault.well_formed, fault.line, fault.column), (false, 2, 12));
    }

    #[test]
    fn a_byte_order_mark_is_ignored() {
        assert!(read::<Person>(b"\xef\xbb\xbf{\"Surname\":\"x\"}").is_ok());
    }

    #[test]
    fn sources_replace_their_marks_in_order() {
        #[derive(Serialize)]
        struct Message {
            a: Blob,
            text: &'static str,
            b: Blob,
        }
        let message = Message { a: Blob::from_bytes("one"), text: "between", b: Blob::from_bytes("two") };
        let sources: Vec<_> = [&message.a, &message.b].into_iter().filter_map(|blob| blob.source().cloned()).collect();
        let body = body(&message, &sources).unwrap();
        let sent = body.read().map(|chunk| chunk.unwrap()).collect::<Vec<_>>().concat();
        assert_eq!(sent, br#"{"a":"b25l","text":"between","b":"dHdv"}"#);
        assert_eq!(body.len(), sent.len() as u64);
    }

    #[test]
    fn a_blob_is_compared_and_read_by_its_bytes() {
        let (text, source) = (Blob::Text("b25 l".to_owned().into()), Blob::from_bytes("one"));
        assert!(text == source && source != Blob::from_bytes("two"));
        for blob in [text, source] {
            assert_eq!((blob.first_bytes(2), blob.first_bytes(9)), (b"on".to_vec(), b"one".to_vec()), "{blob:?}");
        }
    }

    #[test]
    fn a_text_equal_to_a_mark_is_rejected() {
        let message = (MARK, Blob::from_bytes("one"));
        let sources = [message.1.source().cloned().unwrap()];
        assert_eq!(body(&message, &sources).unwrap_err().kind(), Kind::InvalidInput);
        // The mark of a source that is missing in `sources` is not sent either.
        assert_eq!(body(&message.1, &[]).unwrap_err().kind(), Kind::InvalidInput);
    }
}
