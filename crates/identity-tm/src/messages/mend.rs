//! Repairs the status entries of a response that cannot be read as documented: one malformed entry must not make a whole
//! list unreadable. A code that cannot be read stays in `extra`, so the verdict is unclear instead of wrong (AT-93, AT-95).

use std::borrow::Cow;

use identkit_wire::is_same_name;
use identkit_wire::json::{self, JsonFault, Node, Notes};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Name of a status code.
const KIND: &str = "Kind";

/// Suffix of the name in `extra` of an element that cannot be read.
pub(crate) const AS_IT_CAME: &str = "AsItCame";

/// Name in `extra` of a code that cannot be read.
pub(crate) const ODD: &str = "KindAsItCame";

/// Whether a name is one of these in another spelling, or one of them.
pub(crate) fn is_spelling(name: &str, listed: &[&str]) -> bool {
    listed.iter().any(|listed| is_same_name(name, listed))
}

/// Whether an element that the document does not list has a status code, at any depth. Nothing reads it.
pub(crate) fn has_code(name: &str, value: &Value) -> bool {
    match value {
        Value::Null => false,
        _ if is_spelling(name, &[KIND, ODD]) => true,
        Value::Array(many) => many.iter().any(|one| has_code("", one)),
        Value::Object(members) => members.iter().any(|(name, value)| has_code(name, value)),
        _ => false,
    }
}

/// Decodes a message with status entries.
///
/// # Errors
/// As [`json::read_answer`].
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, Notes), JsonFault> {
    json::read_answer_with(bytes, mend)
}

/// Moves codes that cannot be read to [`ODD`].
pub(crate) fn mend(node: &mut Node<'_>, notes: &mut Notes) {
    match node {
        Node::List(many) | Node::Repeated(many) => many.iter_mut().for_each(|one| mend(one, notes)),
        Node::Map(members) => {
            for (name, value) in members {
                if let ("Status", Node::List(entries)) = (&**name, &mut *value) {
                    entries.iter_mut().filter(|entry| !is_entry(entry)).for_each(|entry| {
                        notes.ignore("Status", false);
                        *entry = Node::Map(vec![(Cow::Borrowed(ODD), std::mem::replace(entry, Node::Null))]);
                    });
                }
                if name == KIND && !is_code(value) {
                    *name = Cow::Borrowed(ODD);
                    notes.ignore(KIND, matches!(value, Node::Repeated(_)));
                    // `ODD` itself is not repeated.
                    if let Node::Repeated(many) = value {
                        *value = Node::List(std::mem::take(many));
                    }
                }
                mend(value, notes);
            }
        }
        _ => {}
    }
}

/// Whether an element of `Status` is an object, or absent.
fn is_entry(node: &Node<'_>) -> bool {
    match node {
        Node::Map(_) | Node::Null => true,
        Node::List(many) => many.is_empty(),
        _ => false,
    }
}

/// Whether the value of a `Kind` can be read. `null` can: it is the same as an absent `Kind`.
fn is_code(value: &Node<'_>) -> bool {
    let digits = match value {
        Node::Null => return true,
        Node::Number(digits) => *digits,
        Node::Text(digits) => digits.as_ref(),
        _ => return false,
    };
    value.is_whole_number() && digits.parse::<u32>().is_ok()
}
