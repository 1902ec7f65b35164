//! Untrusted text, which must not control a terminal or deceive its reader.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Replaces every character that [`escape`] escapes, and line breaks and tabs: the text is one value on one line.
pub(crate) fn plain(text: &str) -> String {
    if is_ascii(text, |byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    text.chars().map(|c| if c.is_control() || is_hidden(c) { '\u{fffd}' } else { c }).collect()
}

/// An id, for later use: unchanged, or as a JSON string if a character cannot be printed or would be ambiguous.
pub(crate) fn id(text: &str) -> String {
    let is_odd = |c: char| c.is_control() || is_hidden(c) || matches!(c, '"' | '\\');
    if !text.contains(is_odd) {
        return text.to_owned();
    }
    let quoted = serde_json::Value::from(text).to_string();
    // JSON escapes line breaks and tabs, but not all other control characters.
    escape(&quoted).into_owned()
}

/// Maximum number of ids in a note. A response can have hundreds of thousands.
const MOST_IDS: usize = 20;

/// Ids for a note, separated by commas. If there are many, their number follows the first ones.
pub(crate) fn ids<'a>(all: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = all.len().saturating_sub(MOST_IDS);
    let mut shown = all.take(MOST_IDS).map(id).collect::<Vec<_>>().join(", ");
    if more > 0 {
        // Writing to a string does not fail.
        let _ = write!(shown, " and {more} more");
    }
    shown
}

/// Escapes control characters except line breaks and tabs, and characters that are invisible or change the direction of
/// the text, as JSON does (`\u001b`). JSON stays valid, with the same values.
///
/// All output passes through this function, so it covers texts of vendors, certificates, files and command lines.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if is_ascii(text, |byte| matches!(byte, b'\n' | b'\t' | b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let is_escaped = |c: char| is_hidden(c) || (c.is_control() && !matches!(c, '\n' | '\t'));
    if !text.contains(is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_escaped(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string does not fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

/// Whether a text consists of ASCII characters of a kind in which nothing is replaced. Most texts do, and a result can have
/// megabytes: bytes are read faster than characters.
fn is_ascii(text: &str, is_kept: fn(u8) -> bool) -> bool {
    text.bytes().all(is_kept)
}

/// Whether a character has no width or changes the direction of the text: Unicode's `Default_Ignorable_Code_Point`,
/// `Bidi_Control`, and the separators of lines and paragraphs.
fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One character of each kind: C0, DEL, C1, soft hyphen, zero width, direction, separator, mark, tag.
    const HOSTILE: &str = "\u{0}\u{7}\u{8}\r\u{1b}\u{7f}\u{85}\u{9b}\u{ad}\u{61c}\u{200b}\u{200d}\u{200e}\u{202e}\
                           \u{2028}\u{2060}\u{2066}\u{2069}\u{feff}\u{fff9}\u{e0041}";

    #[test]
    fn hostile_characters_are_escaped_and_others_are_not() {
        for c in HOSTILE.chars() {
            let text = format!("a{c}b");
            assert_eq!(plain(&text), "a\u{fffd}b", "{c:?}");
            let escaped = escape(&text);
            assert!(escaped.is_ascii() && escaped.len() >= 8 && !escaped.contains(c), "{c:?}: {escaped}");
            let json: String = serde_json::from_str(&format!("\"{escaped}\"")).unwrap();
            assert_eq!(json, text, "JSON has the same value");
        }
        for harmless in ["", "Müller, Ørsted, 北京, e\u{301}, 👍, \u{fffd}", "a\n\tb", "\\u001b"] {
            assert_eq!(escape(harmless), harmless);
        }
        assert_eq!(plain("a\n\tb"), "a\u{fffd}\u{fffd}b");
    }

    #[test]
    fn an_id_has_one_form_that_is_read_back() {
        for plain in ["99921269855041", "a/b c", "ä", ""] {
            assert_eq!(id(plain), plain);
        }
        for c in HOSTILE.chars().chain(['"', '\\', '\n', '\t']) {
            let text = format!("99{c}1");
            let shown = id(&text);
            assert!(!shown.contains('\u{fffd}') && shown.lines().count() == 1, "{shown}");
            assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
        }
        assert_ne!(id("\u{1b}"), id("\\u001b"));
    }

    #[test]
    fn json_stays_valid_with_its_values() {
        let value = serde_json::json!({ HOSTILE: [HOSTILE, "\"\\"] });
        for text in [value.to_string(), format!("{value:#}")] {
            let escaped = escape(&text);
            assert!(escaped.chars().all(|c| c == '\n' || !(c.is_control() || is_hidden(c))), "{escaped}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap(), value);
        }
    }

    #[test]
    fn a_note_has_a_limited_number_of_ids() {
        let all: Vec<String> = (0..400_000).map(|id| format!("9992{id}")).collect();
        let shown = |count: usize| ids(all.get(..count).unwrap().iter().map(String::as_str));
        assert_eq!((shown(0).as_str(), shown(2).as_str()), ("", "99920, 99921"));
        assert!(shown(20).ends_with("999219"), "{}", shown(20));
        assert!(shown(400_000).ends_with("999219 and 399980 more"), "{}", shown(400_000));
    }

    /// Each function that writes to a stream of the process is in one of these files, which escape what they write.
    #[test]
    fn only_the_output_module_writes_to_a_stream() {
        fn search(folder: &std::path::Path, found: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    search(&path, found);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
                let writes = ["stdout().lock", "stderr().lock", ".println(", "println!", "print!(", ".exit()"];
                if writes.iter().any(|writes| code.contains(writes)) {
                    found.push(path.file_name().unwrap().to_string_lossy().into_owned());
                }
            }
        }
        let mut found = Vec::new();
        search(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        found.sort();
        assert_eq!(found, ["output.rs", "streams.rs"]);
    }
}
