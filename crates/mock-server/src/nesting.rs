//! How deep a body may be nested. What was accepted must be savable with the world, and the reader of a saved world, as
//! most readers of JSON, ends at a depth of its own: a body that comes near it is refused when it arrives.

/// As deep as a body may be nested, on both vendors' APIs and the admin API. The documents' own messages have 4 levels.
pub(crate) const MAX_DEPTH: usize = 64;

/// What is told about a body that is nested deeper.
pub(crate) const MESSAGE: &str = "is nested deeper than the 64 levels that the sandbox keeps";

/// Whether lists and objects of this text are nested deeper than [`MAX_DEPTH`] levels. It need not be JSON: who reads it
/// afterwards says so.
pub(crate) fn is_too_deep(text: &[u8]) -> bool {
    let (mut depth, mut rest) = (0_usize, text.iter());
    while let Some(byte) = rest.next() {
        match byte {
            b'"' => {
                // To the end of the string; what an escape stands before is no end.
                while let Some(byte) = rest.next() {
                    match byte {
                        b'"' => break,
                        b'\\' => drop(rest.next()),
                        _ => {}
                    }
                }
            }
            b'[' | b'{' if depth == MAX_DEPTH => return true,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
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
