//! What a client changes in a JSON input before it is sent. Values are never named: they can be personal data.

use std::collections::HashSet;

use serde_json::Value;

/// The elements that are sent in another form, by path, each once.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Changes {
    /// Elements that are left out because they are empty or null.
    pub(crate) left_out: Vec<String>,
    /// Texts that lose the blanks around them.
    pub(crate) trimmed: Vec<String>,
    /// Elements with another value or another shape.
    pub(crate) reshaped: Vec<String>,
}

impl Changes {
    /// Compares an input with what is sent. If one of them is not JSON, there are none.
    pub(crate) fn new(given: &[u8], sent: &[u8]) -> Self {
        let mut changes = Self::default();
        if let (Ok(given), Ok(sent)) = (serde_json::from_slice(given), serde_json::from_slice(sent)) {
            changes.compare(&given, Some(&sent), "");
        }
        for list in [&mut changes.left_out, &mut changes.trimmed, &mut changes.reshaped] {
            // The items of a list have the same path.
            let mut known = HashSet::new();
            list.retain(|path| known.insert(path.clone()));
        }
        changes
    }

    fn compare(&mut self, given: &Value, sent: Option<&Value>, path: &str) {
        let list = match (given, sent) {
            (Value::Object(members), Some(Value::Object(sent))) => {
                let dot = if path.is_empty() { "" } else { "." };
                let below = members.iter().map(|(name, member)| (format!("{path}{dot}{name}"), member, sent.get(name)));
                return below.for_each(|(path, member, sent)| self.compare(member, sent, &path));
            }
            (Value::Array(items), Some(Value::Array(sent))) if items.len() == sent.len() => {
                return items.iter().zip(sent).for_each(|(item, sent)| self.compare(item, Some(sent), path));
            }
            (given, Some(sent)) if given == sent => return,
            // The client generates a value.
            (Value::Null, Some(_)) => return,
            (Value::Number(given), Some(Value::Number(sent))) if given.as_f64() == sent.as_f64() => return,
            (Value::Null, None) => &mut self.left_out,
            (Value::String(given), None) if given.trim().is_empty() => &mut self.left_out,
            (Value::String(given), Some(Value::String(sent))) if given.trim() == sent => &mut self.trimmed,
            _ => &mut self.reshaped,
        };
        list.push(path.to_owned());
    }
}

/// A note on the elements, if there are any.
pub(crate) fn note(what: &str, names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| format!("{what}: {}", names.join(", ")))
}

/// The text of a note on [`Changes::left_out`].
pub(crate) const LEFT_OUT: &str = "not sent because they are empty or null";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_is_in_its_list_once_and_without_a_value() {
        let given = br#"{"a":null,"b":" ","c":{"d":[{"e":null},{"e":null}]},"f":" x ","g":[1],"h":1e2,"i":"","j":"-","k":null}"#;
        let sent = br#"{"c":{"d":[{},{}]},"f":"x","g":1,"h":100.0,"i":"","j":"+","k":"made","l":1}"#;
        let mut changes = Changes::new(given, sent);
        changes.left_out.sort();
        changes.reshaped.sort();
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let expected =
            Changes { left_out: names(&["a", "b", "c.d.e"]), trimmed: names(&["f"]), reshaped: names(&["g", "j"]) };
        assert_eq!(changes, expected);
        assert_eq!(Changes::new(given, given), Changes::default());
        assert_eq!(Changes::new(b"{", sent), Changes::default());
        assert_eq!((note("x", &[]), note("x", &changes.trimmed)), (None, Some("x: f".to_owned())));
    }
}
