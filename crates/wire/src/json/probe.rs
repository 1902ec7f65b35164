//! Finds where a JSON value does not fit a type, without ever telling a value.
//!
//! A deserializer of our own over a parsed [`Value`]: its error type takes from serde only what comes from the type
//! (expected form, names of fields and variants) and drops what comes from the text. Keys are told only where the
//! type itself names them; a key of a map may be a person's.

use std::fmt;

use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Expected, MapAccess, SeqAccess, Unexpected,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};

/// Path and expectation of the first place that does not fit; `None` when everything fits after all.
pub(super) fn explain<T: DeserializeOwned>(value: &Value) -> Option<(String, String)> {
    let Fault { mut path, expected } = T::deserialize(Probe { value }).err()?;
    path.reverse();
    let mut text = String::new();
    for step in path {
        if !text.is_empty() && !step.starts_with('[') {
            text.push('.');
        }
        text.push_str(&step);
    }
    Some((text, expected))
}

#[derive(Debug)]
struct Fault {
    /// Innermost step first.
    path: Vec<String>,
    expected: String,
}

impl Fault {
    fn saying(expected: String) -> Self {
        Self { path: Vec::new(), expected }
    }

    /// The expectation, in words for people instead of Rust's names of types.
    fn expecting(expected: &dyn Expected) -> Self {
        let form = expected.to_string();
        let words = match form.as_str() {
            "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "a whole number, not negative and not too large",
            "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number that is not too large",
            "f32" | "f64" => "a number",
            "a boolean" => "true or false",
            "a map" => "an object",
            "a sequence" => "an array",
            other => other,
        };
        Self::saying(format!("expected {words}"))
    }

    fn at(mut self, step: impl Into<String>) -> Self {
        self.path.push(step.into());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.expected)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::saying("another form was expected".into())
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::expecting(expected)
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::expecting(expected)
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::saying(format!("expected {expected}"))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::saying(format!("expected one of: {}", expected.join(", ")))
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Self {
        Self::saying(format!("there is a field other than: {}", expected.join(", ")))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::saying(format!("the field {field} is missing"))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::saying(format!("the field {field} is there twice"))
    }
}

#[derive(Clone, Copy)]
struct Probe<'a> {
    value: &'a Value,
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(truth) => visitor.visit_bool(*truth),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(unsigned), ..) => visitor.visit_u64(unsigned),
                (_, Some(signed), _) => visitor.visit_i64(signed),
                (.., Some(float)) => visitor.visit_f64(float),
                _ => Err(Fault::saying("the number is out of range".into())),
            },
            Value::String(text) => visitor.visit_str(text),
            Value::Array(items) => visitor.visit_seq(Items { items: items.iter(), index: 0 }),
            Value::Object(object) => visitor.visit_map(Entries::new(object, &[])),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.value {
            Value::Object(object) => visitor.visit_map(Entries::new(object, fields)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.value {
            Value::String(name) => visitor.visit_enum(Variant { name, content: None }),
            Value::Object(object) if object.len() == 1 => match object.iter().next() {
                Some((name, content)) => visitor.visit_enum(Variant { name, content: Some(content) }),
                None => Err(Fault::saying(format!("expected one of: {}", variants.join(", ")))),
            },
            _ => Err(Fault::saying(format!("expected one of: {}", variants.join(", ")))),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

struct Items<'a> {
    items: std::slice::Iter<'a, Value>,
    index: usize,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some(value) = self.items.next() else { return Ok(None) };
        let index = self.index;
        self.index += 1;
        seed.deserialize(Probe { value }).map(Some).map_err(|fault| fault.at(format!("[{index}]")))
    }
}

struct Entries<'a> {
    entries: serde_json::map::Iter<'a>,
    current: Option<(&'a String, &'a Value)>,
    own: &'static [&'static str],
}

impl<'a> Entries<'a> {
    fn new(object: &'a Map<String, Value>, own: &'static [&'static str]) -> Self {
        Self { entries: object.iter(), current: None, own }
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        self.current = self.entries.next();
        let Some((key, _)) = self.current else { return Ok(None) };
        seed.deserialize(de::value::StrDeserializer::new(key)).map(Some).map_err(|fault: Fault| fault.at("*"))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some((key, value)) = self.current.take() else { return Err(Fault::saying("a value is missing".into())) };
        let step = self.own.iter().find(|name| **name == key.as_str()).map_or("*", |name| name);
        seed.deserialize(Probe { value }).map_err(|fault| fault.at(step))
    }
}

struct Variant<'a> {
    name: &'a str,
    content: Option<&'a Value>,
}

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = Fault;
    type Variant = VariantContent<'a>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self::Variant), Fault> {
        let name = seed.deserialize(de::value::StrDeserializer::new(self.name))?;
        Ok((name, VariantContent(self.content)))
    }
}

struct VariantContent<'a>(Option<&'a Value>);

impl<'de> VariantAccess<'de> for VariantContent<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self.0 {
            None => Ok(()),
            Some(_) => Err(Fault::saying("expected a name alone".into())),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        seed.deserialize(Probe { value: self.0.unwrap_or(&Value::Null) })
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        Probe { value: self.0.unwrap_or(&Value::Null) }.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        Probe { value: self.0.unwrap_or(&Value::Null) }.deserialize_struct("", fields, visitor)
    }
}
