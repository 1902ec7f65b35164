//! What is printed of an answer: the members that are listed as harmless, and of all others that they are there.
//!
//! A list of what may be shown and not of what may not: what the vendor adds one day is hidden until somebody has
//! looked at it.

use identkit_core::REDACTED;
use serde_json::{Value, json};

use crate::output::Page;
use crate::text::plain;

/// An answer as it may be printed.
pub(super) struct Excerpt {
    pub(super) value: Value,
    pub(super) hidden: Vec<String>,
}

impl Excerpt {
    /// Of an object, the members `open`; all of them if they are to be revealed.
    pub(super) fn new(mut value: Value, open: &[&str], reveal: bool) -> Self {
        let mut hidden = Vec::new();
        if !reveal && let Some(members) = value.as_object_mut() {
            for (name, member) in members {
                if !open.contains(&name.as_str()) && is_informative(member) {
                    *member = REDACTED.into();
                    hidden.push(name.clone());
                }
            }
        }
        Self { value, hidden }
    }

    /// Notes how the rest is to be had.
    pub(super) fn note(&self, page: &mut Page) {
        if !self.hidden.is_empty() {
            page.note(format!("{REDACTED} is a secret or about a person: --reveal shows it"));
        }
    }

    pub(super) fn text(&self, name: &str) -> String {
        match self.value.get(name) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => plain(text),
            Some(other) => plain(&other.to_string()),
        }
    }
}

/// Whether there is anything to hide.
fn is_informative(value: &Value) -> bool {
    !value.is_null() && !value.is_boolean() && ![json!(""), json!([]), json!({})].contains(value)
}

/// Whether a text is a date-time and nothing else: one that cannot be read may be anything, a name too (AI-11).
pub(super) fn is_date_time(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_digit() || " -:.+TZ".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_listed_is_hidden_whatever_its_form() {
        let answer = json!({
            "status": "Unidentified", "id": "x", "more": { "name": "John Doe" }, "many": ["John Doe"], "age": 40,
            "result": true, "none": null, "empty": "", "no_messages": [], "nothing": {},
        });
        let excerpt = Excerpt::new(answer.clone(), &["status"], false);
        assert_eq!(
            excerpt.value,
            json!({
                "status": "Unidentified", "id": REDACTED, "more": REDACTED, "many": REDACTED, "age": REDACTED,
                "result": true, "none": null, "empty": "", "no_messages": [], "nothing": {},
            })
        );
        let mut hidden = excerpt.hidden;
        hidden.sort();
        assert_eq!(hidden, ["age", "id", "many", "more"]);
        let revealed = Excerpt::new(answer.clone(), &["status"], true);
        assert_eq!((revealed.value, revealed.hidden.len()), (answer, 0));
    }

    #[test]
    fn a_date_time_is_no_place_for_a_name() {
        assert!(is_date_time("21-10-2019 09:57:51") && is_date_time("2019-10-24T11:11+02:00"));
        assert!(!is_date_time("2019-10-24 11:11+Mustermann"));
    }
}
