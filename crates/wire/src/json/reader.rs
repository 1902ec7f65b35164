//! Reads JSON with serde_json, and locates a value of the wrong form without quoting it.
//!
//! serde_json's own messages quote values. So every deserializer and every access is wrapped, and types are read with
//! an error type that takes only information of the type from serde: the expected form, names of fields and variants. A
//! path contains only keys that the type names, because a key of a map can be personal data. The first pass does not
//! record the path; a second pass of the same code with `tracing` finds it.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::fmt;

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, Expected, MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
};
use serde_json::Value;

use crate::spelling::OTHER_SPELLING;

/// Name with which a message reports that it has an element twice.
pub(crate) const REPEATED: &str = "of a message";

/// State that the wrappers of one pass share.
#[derive(Default)]
pub(super) struct Reading {
    /// Whether keys are recorded for the path.
    tracing: bool,
    /// An error of a type while it passes through serde_json, which has its own error type.
    error: Cell<Option<Fault>>,
    /// The expected form that serde_json requested while it created an error.
    expected: RefCell<String>,
    /// Field names of the type that is read next, if it has any.
    names: Cell<&'static [&'static str]>,
    /// The last text that was read, while tracing or reading a key of a map: a key.
    text: RefCell<String>,
    /// Whether a key of a map is read.
    reads_key: Cell<bool>,
    /// Whether a name occurs more than once in an object whose type names no elements (AT-95).
    repeated: Cell<bool>,
    /// Whether a message has an element in another spelling.
    other_spelling: Cell<bool>,
}

impl Reading {
    pub(super) fn new(tracing: bool) -> Self {
        Self { tracing, ..Self::default() }
    }

    /// Reads a complete text.
    pub(super) fn read<'de, S: DeserializeSeed<'de>>(&self, text: &'de str, seed: S) -> Result<S::Value, Fault> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let value = seed.deserialize(Reader::new(&mut deserializer, self))?;
        deserializer.end().map_err(|error| self.explain(&error))?;
        Ok(value)
    }

    /// Whether only a tree of the text says all that differs from the document: a message has an element in another spelling
    /// than the document's, or a name occurs more than once in an object.
    pub(super) fn needs_tree(&self) -> bool {
        self.other_spelling.get() || self.repeated.get()
    }

    /// Whether a name occurs more than once in an object whose type names no elements.
    pub(super) fn has_repeated(&self) -> bool {
        self.repeated.get()
    }

    /// Field names of the type that is read next.
    pub(super) fn names(&self) -> &Cell<&'static [&'static str]> {
        &self.names
    }

    /// Retains a text that may be a key.
    fn trace_text(&self, text: &str) {
        if self.tracing || self.reads_key.get() {
            self.text.replace(text.to_owned());
        }
    }

    /// Reads a JSON value.
    pub(super) fn read_value<'de, S: DeserializeSeed<'de>>(
        &self,
        value: &'de Value,
        seed: S,
    ) -> Result<S::Value, Fault> {
        seed.deserialize(Reader::new(value, self))
    }

    /// Passes an error of a type through serde_json.
    #[cold]
    fn pass<E: de::Error>(&self, fault: Fault) -> E {
        self.error.set(Some(fault));
        E::custom("")
    }

    /// Returns the error of a type that passed through serde_json, or serde_json's own error.
    #[cold]
    fn explain(&self, error: &dyn fmt::Display) -> Fault {
        let mut fault = self.error.take().unwrap_or_else(|| {
            let form = self.expected.take();
            let mut fault = if form.is_empty() { Fault::another_form() } else { Fault::expecting(&form) };
            // serde_json requests the form only if a type rejects the value. Otherwise the text is not valid JSON.
            fault.0.well_formed = !form.is_empty();
            fault
        });
        if fault.0.line == 0 {
            let message = error.to_string();
            fault.0.too_deep = !fault.0.well_formed && message.starts_with("recursion limit exceeded");
            (fault.0.line, fault.0.column) = position(&message).unwrap_or_default();
        }
        fault
    }

    /// Like [`explain`](Self::explain), with a step of the path.
    #[cold]
    fn explain_at(&self, error: &dyn fmt::Display, step: &dyn fmt::Display) -> Fault {
        let mut fault = self.explain(error);
        fault.0.path.push(step.to_string());
        fault
    }

    /// Writes the form that a type expects, and records it.
    #[cold]
    fn expect(&self, expected: &dyn Expected, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = expected.to_string();
        f.write_str(&form)?;
        self.expected.replace(form);
        Ok(())
    }
}

/// Returns the key, if it is one of these names.
fn name_of(names: &'static [&'static str], key: &str) -> &'static str {
    names.iter().find(|name| **name == key).copied().unwrap_or("*")
}

/// Line and column at the end of a message of serde_json. The text before can quote a value.
fn position(message: &str) -> Option<(usize, usize)> {
    let (line, column) = message.rsplit_once(" at line ")?.1.split_once(" column ")?;
    Some((line.parse().ok()?, column.parse().ok()?))
}

/// A text of the wrong form.
#[derive(Debug)]
pub(super) struct Fault(Box<Detail>);

#[derive(Debug, Default)]
pub(super) struct Detail {
    /// Innermost step first.
    pub(super) path: Vec<String>,
    pub(super) expected: String,
    /// 0 until serde_json reports the position.
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) well_formed: bool,
    pub(super) too_deep: bool,
    /// Whether a message has an element twice.
    pub(super) repeated: bool,
}

impl Fault {
    fn another_form() -> Self {
        Self::new("another form was expected".into())
    }

    fn new(expected: String) -> Self {
        Self(Box::new(Detail { expected, well_formed: true, ..Detail::default() }))
    }

    /// Creates a fault that names the expected form in JSON's terms instead of Rust's.
    fn expecting(form: &str) -> Self {
        let form = match form {
            "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "a whole number, not negative and not too large",
            "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number that is not too large",
            "f32" | "f64" => "a number",
            "a boolean" => "true or false",
            "a map" => "an object",
            "a sequence" => "an array",
            // Rust's type names mean nothing to the author of the text.
            other if other.starts_with("struct ") => "an object",
            other => other,
        };
        Self::new(format!("expected {form}"))
    }

    pub(super) fn into_detail(self) -> Detail {
        *self.0
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.expected)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::another_form()
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::expecting(&expected.to_string())
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::expecting(&expected.to_string())
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::new(format!("expected {expected}"))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format!("expected one of: {}", expected.join(", ")))
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new(match expected {
            [] => "unknown field; none is allowed here".to_owned(),
            names => format!("unknown field; allowed: {}", names.join(", ")),
        })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(format!("the field {field} is missing"))
    }

    fn duplicate_field(field: &'static str) -> Self {
        let repeated = field == REPEATED;
        let what = if repeated { "an element".to_owned() } else { format!("the field {field}") };
        let mut fault = Self::new(format!("{what} occurs twice"));
        fault.0.repeated = repeated;
        fault
    }
}

/// Wraps a deserializer, a seed, a visitor or an access of serde_json or of a type.
pub(super) struct Reader<'a, T> {
    inner: T,
    reading: &'a Reading,
}

impl<'a, T> Reader<'a, T> {
    pub(super) fn new(inner: T, reading: &'a Reading) -> Self {
        Self { inner, reading }
    }
}

macro_rules! deserialize {
    ($($method:ident($($argument:ident: $type:ty),*) $($names:expr)?;)*) => {
        $(
            #[inline]
            fn $method<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value, Fault> {
                let reading = self.reading;
                $(reading.names.set($names);)?
                self.inner.$method($($argument,)* Reader::new(visitor, reading)).map_err(|error| reading.explain(&error))
            }
        )*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Reader<'_, D> {
    type Error = Fault;

    deserialize! {
        deserialize_any() &[];
        deserialize_bool();
        deserialize_i8();
        deserialize_i16();
        deserialize_i32();
        deserialize_i64();
        deserialize_i128();
        deserialize_u8();
        deserialize_u16();
        deserialize_u32();
        deserialize_u64();
        deserialize_u128();
        deserialize_f32();
        deserialize_f64();
        deserialize_char();
        deserialize_str();
        deserialize_string();
        deserialize_bytes();
        deserialize_byte_buf();
        deserialize_option();
        deserialize_unit();
        deserialize_unit_struct(name: &'static str);
        deserialize_seq();
        deserialize_tuple(len: usize);
        deserialize_tuple_struct(name: &'static str, len: usize);
        deserialize_map() &[];
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
        deserialize_identifier();
        deserialize_ignored_any() &[];
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Fault> {
        let reading = self.reading;
        if name == OTHER_SPELLING {
            reading.other_spelling.set(true);
        }
        let value = self.inner.deserialize_newtype_struct(name, Reader::new(visitor, reading));
        value.map_err(|error| reading.explain(&error))
    }

    /// Reads a struct from an object only. Code that serde derives also takes an array of the values.
    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let reading = self.reading;
        reading.names.set(names);
        self.inner.deserialize_map(Reader::new(visitor, reading)).map_err(|error| reading.explain(&error))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Reader<'_, S> {
    type Value = S::Value;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        let reading = self.reading;
        self.inner.deserialize(Reader::new(deserializer, reading)).map_err(|fault| reading.pass(fault))
    }
}

macro_rules! visit {
    ($($method:ident: $type:ty,)*) => {
        $(
            #[inline]
            fn $method<E: de::Error>(self, value: $type) -> Result<V::Value, E> {
                self.inner.$method(value).map_err(|fault| self.reading.pass(fault))
            }
        )*
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Reader<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reading.expect(&self.inner, f)
    }

    visit! {
        visit_bool: bool,
        visit_i64: i64,
        visit_i128: i128,
        visit_u64: u64,
        visit_u128: u128,
        visit_f64: f64,
        visit_bytes: &[u8],
        visit_borrowed_bytes: &'de [u8],
    }

    #[inline]
    fn visit_str<E: de::Error>(self, value: &str) -> Result<V::Value, E> {
        self.reading.trace_text(value);
        self.inner.visit_str(value).map_err(|fault| self.reading.pass(fault))
    }

    #[inline]
    fn visit_borrowed_str<E: de::Error>(self, value: &'de str) -> Result<V::Value, E> {
        self.reading.trace_text(value);
        self.inner.visit_borrowed_str(value).map_err(|fault| self.reading.pass(fault))
    }

    #[inline]
    fn visit_none<E: de::Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none().map_err(|fault| self.reading.pass(fault))
    }

    #[inline]
    fn visit_unit<E: de::Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit().map_err(|fault| self.reading.pass(fault))
    }

    #[inline]
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        let deserializer = Reader::new(deserializer, self.reading);
        self.inner.visit_some(deserializer).map_err(|fault| self.reading.pass(fault))
    }

    #[inline]
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        let deserializer = Reader::new(deserializer, self.reading);
        self.inner.visit_newtype_struct(deserializer).map_err(|fault| self.reading.pass(fault))
    }

    #[inline]
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<V::Value, A::Error> {
        let items = Items { seq: Reader::new(seq, self.reading), index: 0 };
        self.inner.visit_seq(items).map_err(|fault| self.reading.pass(fault))
    }

    #[inline]
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        let entries =
            Entries { map, reading: self.reading, names: self.reading.names.get(), key: "*", keys: HashSet::new() };
        self.inner.visit_map(entries).map_err(|fault| self.reading.pass(fault))
    }

    #[inline]
    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<V::Value, A::Error> {
        self.inner.visit_enum(Reader::new(data, self.reading)).map_err(|fault| self.reading.pass(fault))
    }
}

struct Items<'a, A> {
    seq: Reader<'a, A>,
    index: usize,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Items<'_, A> {
    type Error = Fault;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        let Reader { inner, reading } = &mut self.seq;
        self.index += 1;
        let element = inner.next_element_seed(Reader::new(seed, reading));
        element.map_err(|error| reading.explain_at(&error, &format_args!("[{}]", self.index - 1)))
    }
}

struct Entries<'a, A> {
    map: A,
    reading: &'a Reading,
    names: &'static [&'static str],
    /// The last key, while tracing.
    key: &'static str,
    /// All keys so far, if the type names no elements. A message finds repeated names itself.
    keys: HashSet<String>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Entries<'_, A> {
    type Error = Fault;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let reading = self.reading;
        if reading.tracing {
            reading.names.set(self.names);
        }
        let is_map = self.names.is_empty();
        reading.reads_key.set(is_map);
        let key = self.map.next_key_seed(Reader::new(seed, reading));
        reading.reads_key.set(false);
        if is_map && matches!(key, Ok(Some(_))) && !self.keys.insert(reading.text.borrow().clone()) {
            reading.repeated.set(true);
        }
        if reading.tracing {
            // Only a type that names its fields contributes keys to the path. A key can name them too.
            self.key = name_of(reading.names.get(), &reading.text.borrow());
        }
        key.map_err(|error| reading.explain_at(&error, &"*"))
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let value = self.map.next_value_seed(Reader::new(seed, self.reading));
        value.map_err(|error| self.reading.explain_at(&error, &self.key))
    }
}

impl<'de, 'a, A: EnumAccess<'de>> EnumAccess<'de> for Reader<'a, A> {
    type Error = Fault;
    type Variant = Reader<'a, A::Variant>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self::Variant), Fault> {
        let reading = self.reading;
        let (name, variant) =
            self.inner.variant_seed(Reader::new(seed, reading)).map_err(|error| reading.explain(&error))?;
        Ok((name, Reader::new(variant, reading)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Reader<'_, A> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        self.inner.unit_variant().map_err(|error| self.reading.explain(&error))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        let reading = self.reading;
        self.inner.newtype_variant_seed(Reader::new(seed, reading)).map_err(|error| reading.explain(&error))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Fault> {
        let reading = self.reading;
        self.inner.tuple_variant(len, Reader::new(visitor, reading)).map_err(|error| reading.explain(&error))
    }

    fn struct_variant<V: Visitor<'de>>(self, names: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        let reading = self.reading;
        reading.names.set(names);
        let fields = Fields(Reader::new(visitor, reading));
        self.inner.newtype_variant_seed(fields).map_err(|error| reading.explain(&error))
    }
}

/// Reads the fields of a variant from an object only, like those of a struct.
struct Fields<V>(V);

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Fields<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        deserializer.deserialize_map(self.0)
    }
}
