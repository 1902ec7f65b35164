//! Writes JSON like serde_json, but texts faster: most need no escape, which is checked eight bytes at a time.
//! serde_json writes numbers and escapes.
//!
//! Invariant: the output is byte for byte that of `serde_json::to_vec`.

use std::fmt;

use serde::ser::{self, Error as _, Serialize};
use serde_json::{Error, Value};

use crate::ascii::needs_escape;

/// Placeholder of a source while its message is written; [`body`](super::body) replaces it.
pub(super) const MARK: &str = "\u{0}source";
pub(super) const WRITTEN_MARK: &[u8] = br#""\u0000source""#;

/// The output.
pub(super) struct Writer {
    pub(super) bytes: Vec<u8>,
    /// Positions of the opening quotes of each [`MARK`].
    pub(super) marks: Vec<usize>,
}

impl Writer {
    pub(super) fn new() -> Self {
        // Enough for a complete order without documents, so that the buffer does not grow.
        Self { bytes: Vec::with_capacity(2048), marks: Vec::new() }
    }

    /// Writes a value with serde_json.
    fn plain<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        serde_json::to_writer(&mut self.bytes, value)
    }

    fn text(&mut self, text: &str) -> Result<(), Error> {
        if needs_escape(text) {
            if text == MARK {
                self.marks.push(self.bytes.len());
            }
            return self.plain(text);
        }
        self.bytes.reserve(text.len() + 2);
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(b'"');
        Ok(())
    }

    fn open(&mut self, with: u8, close: &'static [u8]) -> Compound<'_> {
        self.bytes.push(with);
        Compound { writer: self, first: true, close }
    }

    /// Writes the name of a variant that has a value.
    fn variant(&mut self, name: &str) -> Result<(), Error> {
        self.bytes.push(b'{');
        self.text(name)?;
        self.bytes.push(b':');
        Ok(())
    }
}

/// An array or an object that is being written.
pub(super) struct Compound<'a> {
    writer: &'a mut Writer,
    first: bool,
    close: &'static [u8],
}

impl Compound<'_> {
    fn next(&mut self) {
        if !std::mem::replace(&mut self.first, false) {
            self.writer.bytes.push(b',');
        }
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.next();
        value.serialize(&mut *self.writer)
    }

    fn entry<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Error> {
        // serde_json's private form of a text without quotes, e.g. a number with its original digits.
        if key.starts_with("$serde_json::private::") {
            let Value::String(verbatim) = serde_json::to_value(value)? else {
                return Err(Error::custom("a private value of serde_json is not a string"));
            };
            self.writer.bytes.extend_from_slice(verbatim.as_bytes());
            return Ok(());
        }
        self.next();
        self.writer.text(key)?;
        self.writer.bytes.push(b':');
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), Error> {
        self.writer.bytes.extend_from_slice(self.close);
        Ok(())
    }
}

macro_rules! by_serde_json {
    ($($method:ident: $type:ty,)*) => {
        $(fn $method(self, value: $type) -> Result<(), Error> {
            self.plain(&value)
        })*
    };
}

impl<'a> ser::Serializer for &'a mut Writer {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Compound<'a>;
    type SerializeTuple = Compound<'a>;
    type SerializeTupleStruct = Compound<'a>;
    type SerializeTupleVariant = Compound<'a>;
    type SerializeMap = Compound<'a>;
    type SerializeStruct = Compound<'a>;
    type SerializeStructVariant = Compound<'a>;

    by_serde_json! {
        serialize_bool: bool,
        serialize_i8: i8,
        serialize_i16: i16,
        serialize_i32: i32,
        serialize_i64: i64,
        serialize_i128: i128,
        serialize_u8: u8,
        serialize_u16: u16,
        serialize_u32: u32,
        serialize_u64: u64,
        serialize_u128: u128,
        serialize_f32: f32,
        serialize_f64: f64,
        serialize_char: char,
        serialize_bytes: &[u8],
    }

    fn serialize_str(self, text: &str) -> Result<(), Error> {
        self.text(text)
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<(), Error> {
        serde_json::Serializer::new(&mut self.bytes).collect_str(value)
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.bytes.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
        self.text(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.variant(variant)?;
        value.serialize(&mut *self)?;
        self.bytes.push(b'}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'a>, Error> {
        Ok(self.open(b'[', b"]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Compound<'a>, Error> {
        Ok(self.open(b'[', b"]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Compound<'a>, Error> {
        Ok(self.open(b'[', b"]"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'a>, Error> {
        self.variant(variant)?;
        Ok(self.open(b'[', b"]}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'a>, Error> {
        Ok(self.open(b'{', b"}"))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Compound<'a>, Error> {
        if name.starts_with("$serde_json::private::") {
            return Ok(Compound { writer: self, first: true, close: b"" });
        }
        Ok(self.open(b'{', b"}"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'a>, Error> {
        self.variant(variant)?;
        Ok(self.open(b'{', b"}}"))
    }
}

macro_rules! lists {
    ($($name:ident: $method:ident,)*) => {
        $(impl ser::$name for Compound<'_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.element(value)
            }

            fn end(self) -> Result<(), Error> {
                Compound::end(self)
            }
        })*
    };
}

lists! {
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field,
}

macro_rules! objects {
    ($($name:ident,)*) => {
        $(impl ser::$name for Compound<'_> {
            type Ok = ();
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Error> {
                self.entry(key, value)
            }

            fn end(self) -> Result<(), Error> {
                Compound::end(self)
            }
        })*
    };
}

objects! {
    SerializeStruct,
    SerializeStructVariant,
}

impl ser::SerializeMap for Compound<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.next();
        let from = self.writer.bytes.len();
        key.serialize(&mut *self.writer)?;
        // A number or a boolean becomes a string; nothing else can be a key.
        match self.writer.bytes.get(from) {
            Some(b'"') => {}
            Some(b'0'..=b'9' | b'-' | b't' | b'f') => {
                self.writer.bytes.insert(from, b'"');
                self.writer.bytes.push(b'"');
            }
            _ => return Err(Error::custom("a key must be a string")),
        }
        self.writer.bytes.push(b':');
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), Error> {
        Compound::end(self)
    }
}

#[cfg(test)]
mod tests;
