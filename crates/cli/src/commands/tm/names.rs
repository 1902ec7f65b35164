//! Safe file names from names that the vendor chose.

/// Maximum length of a name in bytes. File systems allow 255, and a number may be appended.
const MAX_LENGTH: usize = 160;

/// A single file name without characters that a file system, a shell or a reader could misread. If nothing is left of
/// the name, it is `recording-{number}`.
pub(super) fn safe(name: &str, number: usize) -> String {
    let clean: String = name.chars().map(|c| if is_odd(c) { '_' } else { c }).collect();
    // A leading dot hides a file, a leading hyphen makes it an option; Windows drops trailing dots and spaces.
    let clean = clean.trim_start_matches(['.', '-', ' ']).trim_end_matches(['.', ' ']);
    let (stem, extension) = split(clean);
    let room = MAX_LENGTH.saturating_sub(extension.len());
    let cut = stem.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= room).last().unwrap_or(0);
    let stem = stem.get(..cut).unwrap_or_default();
    if stem.trim_matches('_').is_empty() {
        return format!("recording-{number}{extension}");
    }
    if is_device(stem) { format!("_{stem}{extension}") } else { format!("{stem}{extension}") }
}

/// The name, then the name with numbers: `a.mp3`, `a-2.mp3`, `a-3.mp3`.
pub(super) fn numbered(name: &str) -> impl Iterator<Item = String> {
    let (stem, extension) = split(name);
    let more = (2..=9999).map(move |number| format!("{stem}-{number}{extension}"));
    std::iter::once(name.to_owned()).chain(more)
}

/// Splits `a.b.mp3` into `a.b` and `.mp3`. A suffix of more than 12 bytes is not an extension.
fn split(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if dot > 0 && name.len() - dot <= 12 => name.split_at(dot),
        _ => (name, ""),
    }
}

/// Whether a character is a separator, a wildcard, a quote or a control character, or changes how text is shown.
fn is_odd(c: char) -> bool {
    matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | '$' | '`' | '\'')
        || c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{feff}' | '\u{fff0}'..='\u{ffff}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether Windows reserves the name for a device, with any extension.
fn is_device(stem: &str) -> bool {
    let first = stem.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    if matches!(first.as_str(), "CON" | "PRN" | "AUX" | "NUL") {
        return true;
    }
    let number = first.strip_prefix("COM").or_else(|| first.strip_prefix("LPT"));
    number.is_some_and(|number| {
        let mut digits = number.chars();
        matches!((digits.next(), digits.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::{Component, Path};

    #[test]
    fn at_40_a_vendors_file_name_never_leaves_its_directory() {
        for (vendor_name, expected) in [
            ("call.mp3", "call.mp3"),
            ("Gespräch 1.mp3", "Gespräch 1.mp3"),
            ("../../etc/passwd", "_.._etc_passwd"),
            ("..\\..\\boot.ini", "_.._boot.ini"),
            ("/etc/passwd", "_etc_passwd"),
            ("C:\\a.mp3", "C__a.mp3"),
            ("a.mp3:stream", "a.mp3_stream"),
            (".bashrc", "bashrc"),
            ("-rf", "rf"),
            ("a\0b\n.mp3", "a_b_.mp3"),
            ("gpj.\u{202e}3pm", "gpj._3pm"),
            ("nul", "_nul"),
            ("NUL.mp3", "_NUL.mp3"),
            ("con.a.mp3", "_con.a.mp3"),
            ("com1.mp3", "_com1.mp3"),
            ("lpt³", "_lpt³"),
            ("com10.mp3", "com10.mp3"),
            ("console.mp3", "console.mp3"),
            ("a. . ", "a"),
            ("", "recording-7"),
            (".", "recording-7"),
            ("..", "recording-7"),
            ("///", "recording-7"),
            (".mp3", "mp3"),
            ("/.mp3", "recording-7.mp3"),
        ] {
            let name = safe(vendor_name, 7);
            assert_eq!(name, expected, "{vendor_name:?}");
            let parts: Vec<_> = Path::new(&name).components().collect();
            assert!(
                matches!(parts.as_slice(), [Component::Normal(only)] if *only == name.as_str()),
                "{vendor_name:?}: {name}"
            );
        }
    }

    #[test]
    fn a_long_name_is_cut_and_keeps_its_extension() {
        for letter in ["a", "ä", "語", "😀"] {
            let name = safe(&format!("{}.mp3", letter.repeat(300)), 1);
            assert!(name.len() <= MAX_LENGTH && name.len() > MAX_LENGTH - 4 && name.ends_with(".mp3"), "{name}");
        }
        assert!(safe(&format!("a.{}", "b".repeat(300)), 1).len() <= MAX_LENGTH);
    }

    #[test]
    fn a_name_that_is_taken_gets_a_number_before_its_extension() {
        let of = |name: &str| numbered(name).take(3).collect::<Vec<_>>();
        assert_eq!(of("a.b.mp3"), ["a.b.mp3", "a.b-2.mp3", "a.b-3.mp3"]);
        assert_eq!(of("a"), ["a", "a-2", "a-3"]);
    }
}
