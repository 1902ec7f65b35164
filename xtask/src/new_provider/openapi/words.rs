//! Names and texts of a document as Rust names and documentation.

use serde_json::Value;

/// Words that cannot be the name of a field.
const KEYWORDS: [&str; 39] = [
    "as", "async", "await", "box", "break", "const", "continue", "crate", "default", "dyn", "else", "enum", "extern",
    "extra", "false", "fn", "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "type", "use", "where", "while",
];

/// The description of a part, as one sentence.
pub(super) fn about(of: &Value) -> Option<String> {
    let text = plain(of.get("description").or_else(|| of.get("summary"))?.as_str()?);
    let text = text.trim_end_matches('.');
    let mut letters = text.chars();
    let first = letters.next()?.to_uppercase();
    Some(format!("{first}{}.", letters.as_str()))
}

/// Returns a text as one line without characters that have a meaning in documentation.
pub(super) fn plain(text: &str) -> String {
    let cleaned: String = text
        .chars()
        .map(|c| if matches!(c, '[' | ']' | '<' | '>' | '`' | '\\' | '"' | '*') || c.is_control() { ' ' } else { c })
        .collect();
    cleaned.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The words of a name in any style.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = ' ';
    for letter in name.chars() {
        if !letter.is_ascii_alphanumeric() {
            before = ' ';
            continue;
        }
        let begins = before == ' ' || (letter.is_ascii_uppercase() && !before.is_ascii_uppercase());
        match words.last_mut() {
            Some(word) if !begins => word.push(letter.to_ascii_lowercase()),
            _ => words.push(letter.to_ascii_lowercase().to_string()),
        }
        before = letter;
    }
    words
}

/// The name of a type.
pub(super) fn camel(name: &str) -> String {
    let capital = |word: String| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    };
    let name: String = words(name).into_iter().map(capital).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("N{name}") } else { name }
}

/// The name of a field.
pub(super) fn snake(name: &str) -> String {
    let name = words(name).join("_");
    let odd = name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit());
    match name.as_str() {
        _ if odd => format!("n{name}"),
        "body" => "body_element".to_owned(),
        word if KEYWORDS.contains(&word) => format!("{word}_"),
        _ => name,
    }
}
