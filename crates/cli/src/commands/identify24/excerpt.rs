//! The printable part of a response: members on a list are shown, all others are redacted.
//!
//! The list names what may be shown, so that members that the vendor adds later stay hidden until they are reviewed.

use identkit_core::REDACTED;
use serde_json::{Value, json};

use crate::output::Page;
use crate::text::plain;

/// A response with its secret members redacted.
pub(super) struct Excerpt {
    pub(super) value: Value,
    pub(super) hidden: Vec<String>,
}

impl Excerpt {
    /// Redacts all members of an object except `open`. With `reveal`, nothing is redacted.
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

    /// Adds a note on `--reveal`, if a member is redacted.
    pub(super) fn note(&self, page: &mut Page) {
        if !self.hidden.is_empty() {
            page.note(format!("{REDACTED} hides a secret or personal data: --reveal shows it"));
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

/// Whether a value contains something to hide.
fn is_informative(value: &Value) -> bool {
    !value.is_null() && !value.is_boolean() && ![json!(""), json!([]), json!({})].contains(value)
}

/// Whether a text has only characters of a date-time. Another text could be anything, even a name (AI-11).
pub(super) fn is_date_time(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_digit() || " -:.+TZ".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unlisted_members_are_redacted_in_every_form() {
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
    fn a_text_with_a_name_is_not_a_date_time() {
        assert!(is_date_time("21-10-2019 09:57:51") && is_date_time("2019-10-24T11:11+02:00"));
        assert!(!is_date_time("2019-10-24 11:11+Mustermann"));
    }
}
