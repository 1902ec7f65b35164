//! What of a body is kept.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// What stands where a text was.
pub(super) const GONE: &str = "[redacted]";

/// The fields whose values a recording keeps; by default none.
///
/// Everything else is replaced by a value of the same type: `"[redacted]"`, `0`, `false`. Names of fields are kept,
/// and how many elements a list has. A vendor that makes names out of data would be recorded with it: such names are
/// replaced when they are no identifiers (letters, digits and `_`, not beginning with a digit).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redaction {
    kept: BTreeSet<String>,
}

impl Redaction {
    /// Nothing is kept but the shape.
    pub fn everything() -> Self {
        Self::default()
    }

    /// Keeps the values of these fields, wherever they stand, in the vendor's spelling, e.g. `Status`. Name only what
    /// holds no personal data, no secret, and nothing that lets a bearer act.
    pub fn keeping<S: Into<String>>(fields: impl IntoIterator<Item = S>) -> Self {
        Self { kept: fields.into_iter().map(Into::into).collect() }
    }

    pub(super) fn apply(&self, value: Value) -> Value {
        self.value(value, false)
    }

    fn value(&self, value: Value, keep: bool) -> Value {
        match value {
            Value::Array(items) => items.into_iter().map(|item| self.value(item, keep)).collect(),
            Value::Object(fields) => {
                let mut shown = Map::new();
                for (name, value) in fields {
                    // What stands inside a field that is kept has names of its own to be kept by.
                    let keep = self.kept.contains(&name);
                    let value = self.value(value, keep);
                    shown.insert(if keep || is_identifier(&name) { name } else { GONE.to_owned() }, value);
                }
                Value::Object(shown)
            }
            scalar if keep => scalar,
            Value::String(_) => GONE.into(),
            Value::Number(_) => 0.into(),
            Value::Bool(_) => false.into(),
            Value::Null => Value::Null,
        }
    }
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.len() <= 64
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}
