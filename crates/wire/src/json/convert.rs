//! Reads a [tree](super::tree) with the one rule for types that differ from the document's tables (AT-92): digits in place
//! of a number, a number in place of a text, `[]` or `null` in place of an absent object, an object with the keys 0, 1, 2 in
//! place of a list. Each conversion is noted.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};

use serde::de::value::{Error, MapAccessDeserializer};
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};

use super::JsonFault;
use super::notes::{Note, Notes};
use super::reader::{Detail, Reader, Reading};
use super::tree::{Node, is_digits};
use crate::spelling::is_same_name;
use crate::tolerant::{ID, LENIENT, LOOSE, ONE_OR_MANY};

impl Node<'_> {
    /// Reads it as part of a vendor's response (AT-92, AT-95), and notes what differs from the document.
    ///
    /// # Errors
    /// If it has another form. The fault has no line and no column.
    pub fn read<T: DeserializeOwned>(&self, notes: &mut Notes) -> Result<T, JsonFault> {
        self.decode(true, notes).map_err(|detail| {
            let mut fault = JsonFault { well_formed: true, line: 0, column: 0, ..JsonFault::new(Detail::default()) };
            fault.trace(detail);
            fault
        })
    }

    /// Reads it. `convert`: whether it is part of a response, where values of another type are converted (AT-92).
    pub(super) fn decode<T: DeserializeOwned>(&self, convert: bool, notes: &mut Notes) -> Result<T, Detail> {
        let (all, reading) = (RefCell::new(std::mem::take(notes)), Reading::new(true));
        let value = T::deserialize(Reader::new(At::new(self, &all, reading.names(), convert), &reading));
        *notes = all.into_inner();
        value.map_err(|fault| fault.into_detail())
    }
}

/// A node that is being deserialized.
pub(super) struct At<'a, 'de> {
    node: &'a Node<'de>,
    notes: &'a RefCell<Notes>,
    /// Names of the type that is read next.
    names: &'a Cell<&'static [&'static str]>,
    /// Whether it is part of a response, where values of another type are converted (AT-92).
    convert: bool,
    /// Whether [`Loose`](crate::Loose) reads it: it is also converted in a request.
    loose: bool,
    /// Whether it is `None` in a response if it cannot be read.
    lenient: bool,
    /// Whether it is an id, which may be a number.
    id: bool,
    /// Name of the element, if the type names it.
    name: Option<&'static str>,
    /// Whether it is the whole text. An object cannot be absent there.
    root: bool,
}

impl<'a, 'de> At<'a, 'de> {
    pub(super) fn new(
        node: &'a Node<'de>,
        notes: &'a RefCell<Notes>,
        names: &'a Cell<&'static [&'static str]>,
        convert: bool,
    ) -> Self {
        Self { node, notes, names, convert, loose: false, lenient: false, id: false, name: None, root: true }
    }

    fn note(&self, note: Note) {
        self.notes.borrow_mut().add(self.name, note);
    }

    fn converts(&self) {
        self.note(Note::Converted);
    }

    fn of(&self, node: &'a Node<'de>, name: Option<&'static str>) -> Self {
        Self { node, name, loose: false, lenient: false, id: false, root: false, ..*self }
    }

    fn seq<V: Visitor<'de>>(&self, nodes: impl Iterator<Item = &'a Node<'de>>, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Items { nodes, at: self })
    }

    fn map<V: Visitor<'de>>(&self, members: &'a [(Cow<'de, str>, Node<'de>)], visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(Members { all: members, next: 0, names: self.names.get(), at: self })
    }

    fn text<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.node {
            Node::Text(_) => self.deserialize_any(visitor),
            // A decimal number is not the text of an id that a vendor printed.
            Node::Number(printed) if self.convert && !is_digits(printed) && self.name.is_some_and(is_id) => {
                self.unreadable(visitor)
            }
            Node::Number(printed) if self.convert && self.lenient && is_calculated(printed) => self.unreadable(visitor),
            Node::Number(printed) if self.convert || self.loose => {
                self.converts();
                visitor.visit_str(printed)
            }
            Node::Bool(truth) if (self.convert || self.loose) && !self.lenient => {
                self.converts();
                visitor.visit_str(if *truth { "true" } else { "false" })
            }
            // Not as a text of digits, however long.
            Node::Number(_) => visitor.visit_f64(0.0),
            _ => self.unreadable(visitor),
        }
    }

    /// A word of an enum. A number would select the word at this index.
    fn word<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.node {
            Node::Text(_) => self.deserialize_any(visitor),
            _ => visitor.visit_unit(),
        }
    }

    fn number<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let digits = match self.node {
            Node::Text(text) if self.loose => text.trim(),
            Node::Text(text) if self.convert => text,
            Node::Number(printed) if is_digits(printed) => return self.deserialize_any(visitor),
            _ => "",
        };
        match digits.parse::<u64>() {
            Ok(number) if is_digits(digits) => {
                self.converts();
                visitor.visit_u64(number)
            }
            _ => self.unreadable(visitor),
        }
    }

    fn boolean<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let truth = match self.node {
            Node::Bool(_) => return self.deserialize_any(visitor),
            Node::Number(printed) if self.loose => printed.parse::<f64>().ok().map(|number| number != 0.0),
            Node::Number(printed) => truth(printed),
            Node::Text(word) if self.loose => truth(word.trim()),
            Node::Text(word) => truth(word),
            _ => None,
        };
        match truth.filter(|_| self.convert || self.loose) {
            Some(truth) => {
                self.converts();
                visitor.visit_bool(truth)
            }
            None => self.unreadable(visitor),
        }
    }

    /// A value that cannot be read as its type: `None` if that is accepted, otherwise an error of the type. An empty list
    /// stands for an absent value.
    fn unreadable<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let absent = self.loose && matches!(self.node, Node::List(many) if many.is_empty());
        if self.convert && (self.lenient || absent) {
            self.note(Note::Unreadable);
            return visitor.visit_unit();
        }
        self.deserialize_any(visitor)
    }

    fn list<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.node {
            Node::Map(members) if self.convert && Node::is_numbered(members) => {
                self.converts();
                self.seq(Node::numbered(members).into_iter(), visitor)
            }
            // One object in place of a list of objects.
            Node::Map(members) if self.convert && !self.root && !members.is_empty() => {
                self.converts();
                self.seq(std::iter::once(self.node), visitor)
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn object<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let absent = matches!(self.node, Node::Null) || matches!(self.node, Node::List(many) if many.is_empty());
        match self.node {
            Node::Map(members) => self.map(members, visitor),
            _ if absent && self.convert && !self.root => {
                self.converts();
                self.map(&[], visitor)
            }
            // Code that serde derives would take an array of the values as a struct.
            Node::List(_) => visitor.visit_unit(),
            _ => self.deserialize_any(visitor),
        }
    }

    /// The last value of a repeated name.
    fn last(mut self) -> Self {
        if let Node::Repeated(values) = self.node
            && let Some(last) = values.last()
        {
            self.note(Note::Repeated { differs: values.iter().any(|value| value != last) });
            self.node = last;
        }
        self
    }
}

/// Whether a number has a fraction or an exponent. Such a number is neither an id nor a word.
fn is_calculated(printed: &str) -> bool {
    printed.contains(['.', 'e', 'E'])
}

/// Whether an element has an id, by its name.
fn is_id(name: &str) -> bool {
    name.ends_with("ID") || name.ends_with("_id")
}

/// Whether a float is written with the value of a number as it was printed.
fn is_exact(printed: &str, number: f64) -> bool {
    let (given, written) = (decimal(printed), decimal(&format!("{number:e}")));
    given.is_some() && given == written
}

/// The significant digits of a number, without zeros around them, and the exponent of the last one.
fn decimal(number: &str) -> Option<(bool, String, i64)> {
    let (is_negative, number) = number.strip_prefix('-').map_or((false, number), |number| (true, number));
    let (digits, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_end_matches('0');
    let zeros = i64::try_from(digits.len() - significant.len()).ok()?;
    let last = exponent.parse::<i64>().ok()?.checked_sub(i64::try_from(fraction.len()).ok()?)?.checked_add(zeros)?;
    let significant = significant.trim_start_matches('0').to_owned();
    let last = if significant.is_empty() { 0 } else { last };
    Some((is_negative, significant, last))
}

fn truth(word: &str) -> Option<bool> {
    match word {
        "1" => Some(true),
        "0" => Some(false),
        _ if word.eq_ignore_ascii_case("true") => Some(true),
        _ if word.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

macro_rules! deserialize {
    ($($method:ident => $with:ident;)*) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
                self.last().$with(visitor)
            }
        )*
    };
}

impl<'de> Deserializer<'de> for At<'_, 'de> {
    type Error = Error;

    deserialize! {
        deserialize_bool => boolean;
        deserialize_i8 => number;
        deserialize_i16 => number;
        deserialize_i32 => number;
        deserialize_i64 => number;
        deserialize_i128 => number;
        deserialize_u8 => number;
        deserialize_u16 => number;
        deserialize_u32 => number;
        deserialize_u64 => number;
        deserialize_u128 => number;
        deserialize_f32 => number;
        deserialize_f64 => number;
        deserialize_char => text;
        deserialize_str => text;
        deserialize_string => text;
        deserialize_seq => list;
        deserialize_map => object;
        deserialize_bytes => deserialize_any;
        deserialize_byte_buf => deserialize_any;
        deserialize_unit => deserialize_any;
        deserialize_identifier => word;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let at = self.last();
        match at.node {
            Node::Number(printed) if at.id && !is_calculated(printed) => visitor.visit_str(printed),
            Node::Bool(_) | Node::List(_) | Node::Map(_) | Node::Number(_) if at.id && at.convert => {
                at.note(Note::Unreadable);
                visitor.visit_unit()
            }
            Node::Null => visitor.visit_unit(),
            Node::Bool(truth) => visitor.visit_bool(*truth),
            Node::Number(printed) => match (printed.parse::<u64>(), printed.parse::<i64>(), printed.parse::<f64>()) {
                (Ok(number), ..) => visitor.visit_u64(number),
                (_, Ok(number), _) => visitor.visit_i64(number),
                // A float would lose digits.
                (_, _, Ok(number)) if number.is_finite() && !is_digits(printed) => {
                    if !is_exact(printed, number) {
                        at.note(Note::Inexact);
                    }
                    visitor.visit_f64(number)
                }
                _ => {
                    at.note(Note::Inexact);
                    visitor.visit_str(printed)
                }
            },
            Node::Text(Cow::Borrowed(text)) => visitor.visit_borrowed_str(text),
            Node::Text(Cow::Owned(text)) => visitor.visit_str(text),
            Node::List(many) => at.seq(many.iter(), visitor),
            Node::Map(members) => at.map(members, visitor),
            // A name is repeated in its object only.
            Node::Repeated(_) => visitor.visit_unit(),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let at = self.last();
        if matches!(at.node, Node::Null) { visitor.visit_none() } else { visitor.visit_some(at) }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Error> {
        let at = self.last();
        match at.node {
            Node::Map(members) if name == ONE_OR_MANY && Node::is_numbered(members) => at.list(visitor),
            _ => {
                let id = name == ID;
                let lenient = id || name == LENIENT;
                visitor.visit_newtype_struct(Self { loose: lenient || name == LOOSE, lenient, id, ..at })
            }
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let at = self.last();
        match at.node {
            Node::Text(word) => visitor.visit_enum(word.as_ref().into_deserializer()),
            Node::Map(members) => {
                let members = Members { all: members, next: 0, names: &[], at: &at };
                visitor.visit_enum(MapAccessDeserializer::new(members))
            }
            _ => at.deserialize_any(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }
}

struct Items<'b, 'a, 'de, I> {
    nodes: I,
    at: &'b At<'a, 'de>,
}

impl<'a, 'de, I: Iterator<Item = &'a Node<'de>>> SeqAccess<'de> for Items<'_, 'a, 'de, I> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        self.nodes.next().map(|node| seed.deserialize(self.at.of(node, self.at.name))).transpose()
    }
}

struct Members<'b, 'a, 'de> {
    all: &'a [(Cow<'de, str>, Node<'de>)],
    /// Number of the keys that were read.
    next: usize,
    /// Names of the type that is read.
    names: &'static [&'static str],
    at: &'b At<'a, 'de>,
}

impl<'de> Members<'_, '_, 'de> {
    /// Notes an element whose name is that of a listed one in another spelling, unless both have the same value (AT-93).
    fn note_other_spelling(&self, key: &str, node: &Node<'de>) {
        let Some(listed) = self.names.iter().find(|listed| is_same_name(listed, key)) else { return };
        if !self.all.iter().any(|(name, value)| name == listed && value == node) {
            self.at.notes.borrow_mut().add(Some(listed), Note::OtherSpelling);
        }
    }
}

impl<'de> MapAccess<'de> for Members<'_, '_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some((key, _)) = self.all.get(self.next) else { return Ok(None) };
        self.next += 1;
        // A key can say which names its type knows.
        self.at.names.set(self.names);
        let key = seed.deserialize(Key(key));
        self.names = self.at.names.get();
        key.map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let last = self.next.checked_sub(1).and_then(|last| self.all.get(last));
        let (key, node) = last.map_or(("", &Node::Null), |(key, node)| (&**key, node));
        let name = self.names.iter().find(|name| **name == key).copied();
        if name.is_none() && *node != Node::Null {
            self.note_other_spelling(key, node);
        }
        seed.deserialize(self.at.of(node, name))
    }
}

/// A key.
struct Key<'a>(&'a str);

impl<'de> Deserializer<'de> for Key<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(self.0)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    // The macro declares public types with more than the tests use.
    #![allow(unreachable_pub, dead_code)]

    use std::collections::BTreeMap;
    use std::marker::PhantomData;

    use crate::json::{read, read_answer, read_input, read_with};
    use crate::message;
    use proptest::prelude::*;

    message! {
        without setters;
        /// A result.
        pub struct Outcome {
            /// A text.
            "Text" => text: String,
            /// A number.
            "Kind" => kind: u32,
            /// A bool.
            "Done" => done: bool,
            /// An object.
            "Inner" => inner: Inner,
            /// A list.
            "List" => list: Vec<Inner>,
            /// A map.
            "Map" => map: BTreeMap<String, String>,
        }
    }

    message! {
        without setters;
        /// An object.
        pub struct Inner {
            /// A number.
            "Kind" => kind: u32,
        }
    }

    #[test]
    fn at_92_values_of_other_types_are_read_with_a_warning() {
        for (text, expected) in [
            (r#"{"Text":12345678901234567890123}"#, r#"{"Text":"12345678901234567890123"}"#),
            (r#"{"Text":1.50}"#, r#"{"Text":"1.50"}"#),
            (r#"{"Text":-0}"#, r#"{"Text":"-0"}"#),
            (r#"{"Text":true}"#, r#"{"Text":"true"}"#),
            (r#"{"Kind":"6"}"#, r#"{"Kind":6}"#),
            (r#"{"Kind":"006"}"#, r#"{"Kind":6}"#),
            (r#"{"Done":"TRUE"}"#, r#"{"Done":true}"#),
            (r#"{"Done":0}"#, r#"{"Done":false}"#),
            (r#"{"Inner":[]}"#, r#"{"Inner":{}}"#),
            (r#"{"List":[null,[]]}"#, r#"{"List":[{},{}]}"#),
            (r#"{"List":{"0":{"Kind":1},"1":{"Kind":2}}}"#, r#"{"List":[{"Kind":1},{"Kind":2}]}"#),
            (r#"{"List":{"Kind":1}}"#, r#"{"List":[{"Kind":1}]}"#),
            (r#"{"Map":[]}"#, r#"{"Map":{}}"#),
        ] {
            let (read, notes) = read_answer::<Outcome>(text.as_bytes()).unwrap();
            assert_eq!(crate::json::write(&read).unwrap(), expected.as_bytes(), "{text}");
            let warnings = notes.warnings();
            assert_eq!((warnings.len(), warnings[0].rule), (1, "AT-92"), "{text}");
            assert!(super::super::read::<Outcome>(text.as_bytes()).is_err(), "a request is not converted: {text}");
        }
        let (_, notes) =
            read_answer::<Outcome>(br#"{"Text":"a","Done":true,"Inner":null,"List":[{"Kind":1}]}"#).unwrap();
        assert!(notes.warnings().is_empty());
    }

    #[test]
    fn at_93_another_spelling_is_noted_unless_it_agrees() {
        for (text, expected) in [
            (r#"{"Kind":6,"kind":89}"#, &["Kind"][..]),
            (r#"{"kinds":89}"#, &["Kind"]),
            (r#"{"Kind":6,"KIND":6,"kind":"6"}"#, &["Kind"]),
            (r#"{"List":[{"Kind":6,"ki_nd":89}],"DONE":[true]}"#, &["Kind", "Done"]),
            (r#"{"Kind":6,"KIND":6,"kind":null,"Kinder":7}"#, &[]),
            (r#"{"Map":{"kind":"7","Kind":"6"}}"#, &[]),
        ] {
            let (read, notes) = read_answer::<Outcome>(text.as_bytes()).unwrap();
            let noted: Vec<_> =
                ["Kind", "Done", "Map"].into_iter().filter(|name| notes.require_spelling(&[name]).is_err()).collect();
            assert_eq!(noted, expected, "{text}");
            assert_eq!(notes.warnings().len(), expected.len(), "{text}");
            assert_eq!(read, super::super::read(text.as_bytes()).unwrap(), "a request is read without a note: {text}");
        }
        let (_, mut notes) = read_answer::<Outcome>(br#"{"kind":7}"#).unwrap();
        notes.accept_spelling("Kind");
        assert_eq!(notes, super::Notes::default());
    }

    #[test]
    fn at_92_a_loose_value_is_read_in_more_shapes() {
        #[derive(Debug, PartialEq, serde::Deserialize)]
        struct Shapes {
            #[serde(default, deserialize_with = "<String as crate::Tolerant>::read")]
            text: Option<String>,
            #[serde(default, deserialize_with = "<identkit_core::Pii<String> as crate::Tolerant>::read")]
            name: Option<identkit_core::Pii<String>>,
            #[serde(default, deserialize_with = "<identkit_core::Secret as crate::Tolerant>::read")]
            token: Option<identkit_core::Secret>,
            #[serde(default, deserialize_with = "<bool as crate::Tolerant>::read")]
            done: Option<bool>,
            #[serde(default, deserialize_with = "<u16 as crate::Tolerant>::read")]
            kind: Option<u16>,
        }
        let answer = r#"{"text":"a","name":"John","token":"b","done":2,"kind":" 6 "}"#;
        let (shapes, notes) = read_answer::<Shapes>(answer.as_bytes()).unwrap();
        let expected = Shapes {
            text: Some("a".into()),
            name: Some("John".to_owned().into()),
            token: Some("b".into()),
            done: Some(true),
            kind: Some(6),
        };
        assert_eq!(shapes, expected);
        assert_eq!(notes.warnings().len(), 2, "done and kind were converted");
        let answer = r#"{"text":true,"token":true,"done":"odd","kind":"odd"}"#;
        let (shapes, notes) = read_answer::<Shapes>(answer.as_bytes()).unwrap();
        assert_eq!(shapes, Shapes { text: Some("true".into()), name: None, token: None, done: None, kind: None });
        assert!(["token", "done", "kind"].into_iter().all(|name| notes.is_ignored(name)) && !notes.is_ignored("text"));
        assert_eq!(read::<Shapes>(br#"{"text":1}"#).unwrap().text.as_deref(), Some("1"), "also in a request");
        let many = br#"{"0":{"Kind":1},"1":{"Kind":2}}"#;
        assert_eq!(read_answer::<crate::OneOrMany<Inner>>(many).unwrap().0.as_slice().len(), 2);
    }

    #[test]
    fn at_92_an_id_of_any_length_keeps_its_digits() {
        for digits in ["18446744073709551616", "99999999999999999999999"] {
            let (id, _) = read_answer::<crate::TextOrNumber>(digits.as_bytes()).unwrap();
            assert_eq!(id.as_str(), digits);
        }
    }

    #[test]
    fn at_92_other_values_are_errors_that_name_the_element() {
        for (text, path) in [
            (r#"{"Kind":6.0}"#, "Kind"),
            (r#"{"Kind":6e0}"#, "Kind"),
            (r#"{"Kind":1e400}"#, "Kind"),
            (r#"{"Kind":" 6"}"#, "Kind"),
            (r#"{"Kind":"+6"}"#, "Kind"),
            (r#"{"Kind":true}"#, "Kind"),
            (r#"{"Kind":"4294967296"}"#, "Kind"),
            (r#"{"Kind":"99999999999999999999"}"#, "Kind"),
            (r#"{"Text":["Mustermann"]}"#, "Text"),
            (r#"{"Done":"Mustermann"}"#, "Done"),
            (r#"{"Inner":"Mustermann"}"#, "Inner"),
            (r#"{"Inner":["Mustermann"]}"#, "Inner"),
            (r#"{"List":{}}"#, "List"),
            (r#"{"List":"Mustermann"}"#, "List"),
            (r#"{"List":[{"Kind":"Mustermann"}]}"#, "List[0].Kind"),
            ("[]", ""),
            ("null", ""),
        ] {
            let fault = read_answer::<Outcome>(text.as_bytes()).unwrap_err();
            assert_eq!((fault.path.as_str(), fault.well_formed), (path, true), "{text}: {fault}");
            assert!(!fault.to_string().contains("Mustermann"), "{fault}");
        }
        for text in [r#"{"Kind":01}"#, r#"{"Text":"\ud800"}"#, r#"Notice {"Kind":1}"#, r#"{"Kind":"6"} x"#] {
            assert!(!read_answer::<Outcome>(text.as_bytes()).unwrap_err().well_formed, "{text}");
        }
    }

    #[test]
    fn a_number_does_not_select_a_word_of_an_enum() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(tag = "mode", rename_all = "lowercase")]
        enum Mode {
            Real,
            Frozen,
        }
        #[derive(Debug, serde::Deserialize)]
        enum Word {
            Yes,
        }
        for value in ["0", "1", "true", "null", "[]"] {
            let mode = format!(r#"{{"mode":{value}}}"#);
            assert!(read::<Mode>(mode.as_bytes()).is_err() && read_input::<Mode>(mode.as_bytes()).is_err(), "{value}");
            assert!(read_answer::<Mode>(mode.as_bytes()).is_err(), "{value}");
            assert!(
                read::<Word>(value.as_bytes()).is_err() && read_answer::<Word>(value.as_bytes()).is_err(),
                "{value}"
            );
        }
        assert!(matches!(read(br#"{"mode":"real"}"#), Ok(Mode::Real)));
        assert!(matches!(read_input(br#"{"mode":"frozen"}"#), Ok(Mode::Frozen)));
        assert!(matches!(read(br#""Yes""#), Ok(Word::Yes)));
    }

    #[test]
    fn at_95_the_last_value_of_a_repeated_name_is_read() {
        let text = br#"{"Kind":1,"Kind":2,"Inner":{"Kind":5,"Kind":5},"Erika":1,"Erika":1}"#;
        let (outcome, notes) = read_answer::<Outcome>(text).unwrap();
        assert_eq!((outcome.kind, outcome.inner.unwrap().kind), (Some(2), Some(5)));
        assert!(notes.is_repeated("Kind") && notes.has_different("Kind") && !notes.is_repeated("Text"));
        let (_, equal) = read_answer::<Outcome>(br#"{"Kind":1,"Kind":1}"#).unwrap();
        assert!(equal.is_repeated("Kind") && !equal.has_different("Kind"));
        assert!(notes.require_once(&["Text"]).is_ok() && notes.require_once(&["Kind"]).is_err());
        assert!(notes.warnings().iter().all(|warning| warning.rule == "AT-95" && !warning.message.contains("Erika")));
        // A request is read like this too; the sandbox decides about it.
        assert_eq!(read::<Outcome>(text).unwrap().kind, Some(2));
        let (_, notes) = read_answer::<Outcome>(br#"{"Map":{"a":"1","a":"1"}}"#).unwrap();
        assert!(notes.require_once(&["*"]).is_ok(), "equal values");
        let (_, notes) = read_answer::<Outcome>(br#"{"Kind":"1","Map":{"a":"1","a":"2"}}"#).unwrap();
        assert!(notes.require_once(&["*"]).is_err(), "different values");
    }

    #[test]
    fn at_95_a_repeated_name_is_noted_at_any_depth() {
        for text in [
            r#"{"Map":{"a":"1","a":"2"}}"#,
            r#"{"Erika":{"a":1,"a":2}}"#,
            r#"{"Erika":[{"b":{"a":1,"\u0061":2}}]}"#,
            r#"{"List":[{"Erika":{"a":null,"a":2}}]}"#,
        ] {
            let (_, notes) = read_answer::<Outcome>(text.as_bytes()).unwrap();
            let rules: Vec<_> = notes.warnings().iter().map(|warning| warning.rule).collect();
            assert_eq!(rules, ["AT-95"], "{text}");
            assert!(read_with::<Outcome, _>(text.as_bytes(), PhantomData::<Outcome>).is_err(), "{text}");
        }
        // The same name in other objects is no repetition.
        let (_, notes) =
            read_answer::<Outcome>(br#"{"Map":{"a":"1"},"a":{"a":1,"b":{"a":2}},"x":[{"a":1},{"a":2}]}"#).unwrap();
        assert!(notes.warnings().is_empty());
    }

    proptest! {
        #[test]
        fn at_92_a_tree_has_every_value(map in prop::collection::btree_map("\\PC{0,4}", any::<Option<i64>>(), 0..5)) {
            let text = serde_json::to_string(&map).unwrap();
            let (read, _): (BTreeMap<String, Option<i64>>, _) = read_answer(text.as_bytes()).unwrap();
            prop_assert_eq!(read, map);
        }
    }

    #[test]
    fn at_95_an_input_has_each_name_once_at_any_depth() {
        for (text, line, column) in [
            (r#"{"x":{"a":1,"a":2}}"#, 1, 8),
            ("{\"x\":[{},\n{\"a\":null,\"b\":1,\"a\":null}]}", 2, 3),
            (r#"{"x":{"\u0061":1,"a":2}}"#, 0, 0),
        ] {
            let fault = read_input::<Outcome>(text.as_bytes()).unwrap_err();
            assert_eq!((fault.expected.as_str(), fault.line, fault.column), ("an element occurs twice", line, column));
            assert!(fault.well_formed && read::<Outcome>(text.as_bytes()).is_ok(), "{text}");
        }
    }

    #[test]
    fn at_92_a_number_of_an_input_is_kept_exactly_or_refused() {
        for (number, written) in [
            ("7", Some("7")),
            ("-7", Some("-7")),
            ("0.1234567890123456", Some("0.1234567890123456")),
            ("18446744073709551615", Some("18446744073709551615")),
            ("1.50", Some("1.5")),
            ("1E2", Some("100.0")),
            ("0.0", Some("0.0")),
            ("18446744073709551616", None),
            ("123456789012345678901234567890", None),
            ("1e400", None),
            ("-1e400", None),
            ("1e-400", None),
            ("0.12345678901234567890", None),
            ("9007199254740993.0", None),
        ] {
            let text = format!(r#"{{"x":{{"y":[{number}]}}}}"#);
            let read = read_input::<Outcome>(text.as_bytes());
            match written {
                Some(written) => {
                    let json = crate::json::write(&read.unwrap()).unwrap();
                    assert_eq!(String::from_utf8(json).unwrap(), text.replace(number, written));
                }
                None => assert!(read.unwrap_err().expected.contains("without a change"), "{number}"),
            }
        }
    }
}
