//! The allow-list of values in a recording.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Replaces a text.
pub(super) const REDACTED: &str = "[redacted]";

/// The fields whose values a recording contains; by default none.
///
/// All other values are replaced by one of the same type: `"[redacted]"`, `0`, `false`. A recording contains the names of
/// fields and the number of elements of a list. Names that are data are replaced too: the names inside identity.TM's
/// `Additional` and `Hashes` and inside the fields of [`named_by_data`](Self::named_by_data), and names that are not
/// identifiers (letters, digits and `_`, not beginning with a digit).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redaction {
    allowed: BTreeSet<String>,
    named_by_data: BTreeSet<String>,
}

impl Default for Redaction {
    fn default() -> Self {
        // [T] 3.1.3 and 3.6.4: the integrator chooses the names of details and of hashed files.
        let named_by_data = ["Additional", "Hashes"].map(str::to_owned).into();
        Self { allowed: BTreeSet::new(), named_by_data }
    }
}

impl Redaction {
    /// Redacts all values.
    pub fn everything() -> Self {
        Self::default()
    }

    /// Redacts the names inside these fields as well, because they are data.
    #[must_use]
    pub fn named_by_data<S: Into<String>>(mut self, fields: impl IntoIterator<Item = S>) -> Self {
        self.named_by_data.extend(fields.into_iter().map(Into::into));
        self
    }

    /// Redacts all values except those of these fields, at any depth. The names are in the vendor's spelling, e.g. `Status`.
    /// List only fields without personal data, secrets and values that grant access.
    pub fn keeping<S: Into<String>>(fields: impl IntoIterator<Item = S>) -> Self {
        Self { allowed: fields.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    pub(super) fn apply(&self, value: Value) -> Value {
        self.value(value, false, false)
    }

    /// `keep`: whether the value is allowed; `data`: whether the names inside it are data.
    fn value(&self, value: Value, keep: bool, data: bool) -> Value {
        match value {
            Value::Array(items) => items.into_iter().map(|item| self.value(item, keep, data)).collect(),
            Value::Object(fields) => {
                let mut redacted = Map::new();
                for (number, (name, value)) in fields.into_iter().enumerate() {
                    // Allowing a field does not allow the fields inside it.
                    let keep = self.allowed.contains(&name);
                    let value = self.value(value, keep, self.named_by_data.contains(&name));
                    let name = match keep || (is_identifier(&name) && !data) {
                        true => name,
                        // Numbered, so that the names stay distinct.
                        false => format!("{REDACTED} {}", number + 1),
                    };
                    redacted.insert(name, value);
                }
                Value::Object(redacted)
            }
            scalar if keep => scalar,
            Value::String(_) => REDACTED.into(),
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_that_are_data_are_replaced() {
        let body = json!({
            "Hashes": [{"ErikaMustermann": "x"}, {"JohnDoe": "y", "Erika": "z"}],
            "IdentData": {"Additional": {"Steuernummer": {"Type": 1}}, "Mustermann, Erika": 1, "Surname": "Mustermann"},
            "Own": {"Erika": 1},
        });
        let redacted = Redaction::everything().named_by_data(["Own"]).apply(body);
        let text = redacted.to_string();
        assert!(!text.contains("Erika") && !text.contains("Doe") && !text.contains("Steuer"), "{text}");
        assert_eq!(redacted["Hashes"][1].as_object().unwrap().len(), 2, "{text}");
        assert_eq!(redacted["IdentData"]["Surname"], REDACTED);
        assert_eq!(
            redacted["IdentData"]["Additional"]["[redacted] 1"]["Type"], 0,
            "the document defines the names inside"
        );
    }
}
