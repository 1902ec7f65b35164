//! Repairs the status entries of a response that cannot be read as documented: one malformed entry must not make a whole
//! list unreadable. A code that cannot be read stays in `extra`, so the verdict is unclear instead of wrong (AT-93, AT-95).

use std::borrow::Cow;

use identkit_wire::json::{self, JsonFault, Node, Notes};
use serde::de::DeserializeOwned;

/// Name in `extra` of a code that cannot be read.
const ODD: &str = "KindAsItCame";

/// Decodes a message with status entries.
///
/// # Errors
/// As [`json::read_answer`].
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, Notes), JsonFault> {
    json::read_answer_with(bytes, mend)
}

fn mend(node: &mut Node<'_>) {
    match node {
        Node::List(many) | Node::Repeated(many) => many.iter_mut().for_each(mend),
        Node::Map(members) => {
            for (name, value) in members {
                let unreadable = name == "Kind" && !value.is_whole_number() && *value != Node::Null;
                let digits = match &*value {
                    Node::Number(digits) => Some(*digits),
                    Node::Text(digits) => Some(digits.as_ref()),
                    _ => None,
                };
                let large = name == "Kind" && digits.is_some_and(|digits| digits.parse::<u32>().is_err());
                if unreadable || large {
                    *name = Cow::Borrowed(ODD);
                }
                mend(value);
            }
        }
        _ => {}
    }
}
