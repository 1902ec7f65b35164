//! Limit for the nesting of a body. Accepted data must be savable with the world, and the JSON reader of saved worlds
//! has a depth limit. A body that comes near that limit is therefore rejected on arrival.

use serde_json::{Map, Value};

/// Maximum nesting of a body, on the vendors' APIs and the admin API. The messages of the documents have 4 levels.
pub(crate) const MAX_DEPTH: usize = 64;

/// Message for a body that is nested deeper.
pub(crate) const MESSAGE: &str = "is nested deeper than the maximum of 64 levels";

/// Whether arrays and objects of this text are nested deeper than [`MAX_DEPTH`] levels. The text need not be valid JSON.
pub(crate) fn is_too_deep(text: &[u8]) -> bool {
    let mut depth = 0_usize;
    signs(text).any(|sign| {
        match sign {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > MAX_DEPTH
    })
}

/// Whether an object of this JSON text has a duplicate name. `value` is the parsed text, which has lost one of the two.
pub(crate) fn has_duplicate_name(text: &[u8], value: &Map<String, Value>) -> bool {
    fn members(value: &Value) -> usize {
        match value {
            Value::Array(items) => items.iter().map(members).sum(),
            Value::Object(object) => all(object),
            _ => 0,
        }
    }

    fn all(object: &Map<String, Value>) -> usize {
        object.len() + object.values().map(members).sum::<usize>()
    }

    signs(text).filter(|sign| *sign == b':').count() > all(value)
}

fn signs(text: &[u8]) -> impl Iterator<Item = u8> {
    let (mut in_string, mut escaped) = (false, false);
    text.iter().copied().filter(move |byte| {
        match byte {
            _ if escaped => escaped = false,
            b'"' => in_string = !in_string,
            b'\\' => escaped = in_string,
            _ => return !in_string,
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_open_brackets_outside_of_strings() {
        let nested = |levels: usize| format!("{}{}", "[{\"a\":".repeat(levels / 2), "}]".repeat(levels / 2));
        assert!(!is_too_deep(nested(MAX_DEPTH).as_bytes()));
        assert!(is_too_deep(nested(MAX_DEPTH + 2).as_bytes()));
        let text = "[".repeat(MAX_DEPTH + 1);
        let in_a_text = format!(r#"{{"a\\":"\"{text}","b":"{text}"}}"#);
        assert!(!is_too_deep(in_a_text.as_bytes()));
        assert!(!is_too_deep(format!("[{}]", "[],".repeat(MAX_DEPTH * 2)).as_bytes()));
        assert!(is_too_deep(format!(r#""{text}"{text}"#).as_bytes()));
    }
}
