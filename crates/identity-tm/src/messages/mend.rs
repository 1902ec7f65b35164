//! Repairs the status entries of a response that cannot be read as documented: one malformed entry must not make a whole
//! list unreadable. A code that cannot be read stays in `extra`, so the verdict is unclear instead of wrong (AT-93, AT-95).

use std::borrow::Cow;

use identkit_wire::json::{self, JsonFault, Node, Notes};
use serde::de::DeserializeOwned;

/// Name of a status code.
const KIND: &str = "Kind";

/// Name in `extra` of a code that cannot be read.
const ODD: &str = "KindAsItCame";

/// Decodes a message with status entries.
///
/// # Errors
/// As [`json::read_answer`].
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, Notes), JsonFault> {
    json::read_answer_with(bytes, mend)
}

fn mend(node: &mut Node<'_>, notes: &mut Notes) {
    match node {
        Node::List(many) | Node::Repeated(many) => many.iter_mut().for_each(|one| mend(one, notes)),
        Node::Map(members) => {
            for (name, value) in members {
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
