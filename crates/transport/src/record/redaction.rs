//! What of a body is kept.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// What stands where a text was.
pub(super) const GONE: &str = "[redacted]";

/// The fields whose values a recording keeps; by default none.
///
/// Everything else is replaced by a value of the same type: `"[redacted]"`, `0`, `false`. Names of fields are kept,
/// and how many elements a list has. Names that are made of data are replaced too: those inside identity.TM's
/// `Additional` and `Hashes`, inside fields that [`named_by_data`](Self::named_by_data) tells, and all that are no
/// identifiers (letters, digits and `_`, not beginning with a digit).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redaction {
    kept: BTreeSet<String>,
    named_by_data: BTreeSet<String>,
}

impl Default for Redaction {
    fn default() -> Self {
        // [T] 3.1.3 and 3.6.4: the integrator chooses the names of details and of files with hashes.
        let named_by_data = ["Additional", "Hashes"].map(str::to_owned).into();
        Self { kept: BTreeSet::new(), named_by_data }
    }
}

impl Redaction {
    /// Nothing is kept but the shape.
    pub fn everything() -> Self {
        Self::default()
    }

    /// Says of these fields that the names inside them are data, so that they are replaced as well.
    #[must_use]
    pub fn named_by_data<S: Into<String>>(mut self, fields: impl IntoIterator<Item = S>) -> Self {
        self.named_by_data.extend(fields.into_iter().map(Into::into));
        self
    }

    /// Keeps the values of these fields, wherever they stand, in the vendor's spelling, e.g. `Status`. Name only what
    /// holds no personal data, no secret, and nothing that lets a bearer act.
    pub fn keeping<S: Into<String>>(fields: impl IntoIterator<Item = S>) -> Self {
        Self { kept: fields.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    pub(super) fn apply(&self, value: Value) -> Value {
        self.value(value, false, false)
    }

    /// `keep`: the value of a field that is kept; `data`: the names inside it are data.
    fn value(&self, value: Value, keep: bool, data: bool) -> Value {
        match value {
            Value::Array(items) => items.into_iter().map(|item| self.value(item, keep, data)).collect(),
            Value::Object(fields) => {
                let mut shown = Map::new();
                for (number, (name, value)) in fields.into_iter().enumerate() {
                    // What stands inside a field that is kept has names of its own to be kept by.
                    let keep = self.kept.contains(&name);
                    let value = self.value(value, keep, self.named_by_data.contains(&name));
                    let name = match keep || (is_identifier(&name) && !data) {
                        true => name,
                        // Numbered, so that none takes the place of another.
                        false => format!("{GONE} {}", number + 1),
                    };
                    shown.insert(name, value);
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_that_are_made_of_data_are_replaced_and_counted() {
        let told = json!({
            "Hashes": [{"ErikaMustermann": "x"}, {"JohnDoe": "y", "Erika": "z"}],
            "IdentData": {"Additional": {"Steuernummer": {"Type": 1}}, "Mustermann, Erika": 1, "Surname": "Mustermann"},
            "Own": {"Erika": 1},
        });
        let shown = Redaction::everything().named_by_data(["Own"]).apply(told);
        let text = shown.to_string();
        assert!(!text.contains("Erika") && !text.contains("Doe") && !text.contains("Steuer"), "{text}");
        assert_eq!(shown["Hashes"][1].as_object().unwrap().len(), 2, "{text}");
        assert_eq!(shown["IdentData"]["Surname"], GONE);
        assert_eq!(
            shown["IdentData"]["Additional"]["[redacted] 1"]["Type"], 0,
            "what is inside is listed by the document"
        );
    }
}
