//! How deep a body may be nested. What was accepted must be savable with the world, and the reader of a saved world, as
//! most readers of JSON, ends at a depth of its own: a body that comes near it is refused when it arrives.

#[cfg(feature = "server")]
use serde_json::{Map, Value};

/// As deep as a body may be nested, on both vendors' APIs and the admin API. The documents' own messages have 4 levels.
pub(crate) const MAX_DEPTH: usize = 64;

/// What is told about a body that is nested deeper.
pub(crate) const MESSAGE: &str = "is nested deeper than the 64 levels that the sandbox keeps";

/// Whether lists and objects of this text are nested deeper than [`MAX_DEPTH`] levels. It need not be JSON: who reads it
/// afterwards says so.
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

/// Whether a name stands twice in an object of this JSON text: one of the two is not in the value that was read.
#[cfg(feature = "server")]
pub(crate) fn has_a_name_twice(text: &[u8], value: &Map<String, Value>) -> bool {
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
    fn only_what_is_open_at_the_same_time_counts_and_no_bracket_in_a_text() {
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
