//! Finds the traps (and rows of the sandbox's chapter, e.g. M-01) that have a test named after them in `crates/`.

use std::collections::BTreeMap;

/// Returns the traps in the names of tests, e.g. AT-38 for `at_38_placeholder_…`, each with the first file.
pub(super) fn find(sources: &[(String, String)]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (path, text) in sources {
        for name in tests(text) {
            for trap in traps_of(name) {
                found.entry(trap).or_insert_with(|| path.clone());
            }
        }
    }
    found
}

/// Returns the names of functions with a test attribute. Other attributes and comments can be between the two.
fn tests(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        }
        let mut rest = line;
        // An attribute and its function can be in one line.
        while let Some((_, after)) = rest.strip_prefix("#[").and_then(|inside| inside.split_once(']')) {
            rest = after.trim_start();
        }
        if rest.is_empty() || rest.starts_with("//") {
            continue;
        }
        let function = rest.strip_prefix("async ").unwrap_or(rest).strip_prefix("fn ");
        if let Some(name) = function.and_then(|rest| rest.split(['(', '<']).next()).filter(|_| is_test) {
            names.push(name.trim());
        }
        is_test = false;
    }
    names
}

/// Returns the traps at the start of a name: `at_07_and_at_08_…`, `ai_22_ai_23_…`.
fn traps_of(name: &str) -> Vec<String> {
    let mut traps = Vec::new();
    let mut parts = name.split('_').filter(|part| *part != "and").peekable();
    while let Some(prefix) = parts.next_if(|part| matches!(*part, "ai" | "at" | "m")) {
        let Some(number) = parts.next_if(|part| part.len() == 2 && part.chars().all(|c| c.is_ascii_digit())) else {
            break;
        };
        traps.push(format!("{}-{number}", prefix.to_ascii_uppercase()));
    }
    traps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        find(&[("crates/x/tests/a.rs".to_owned(), text.to_owned())]).into_keys().collect()
    }

    #[test]
    fn traps_are_read_from_the_names_of_tests() {
        let text =
            "#[test]\nfn at_01_one() {}\n\n    #[tokio::test(flavor = \"multi_thread\")]\n    async fn ai_02_two() {\n";
        assert_eq!(found(text), ["AI-02", "AT-01"]);
        assert_eq!(found("#[test]\n// why\n#[cfg(unix)]\nfn at_03_and_at_04_and_more(x: u8) {}"), ["AT-03", "AT-04"]);
        assert_eq!(found("#[test] fn m_08_strict() {}"), ["M-08"]);
        assert_eq!(found("#[test] fn ai_09_ai_16_ai_26_x() {}"), ["AI-09", "AI-16", "AI-26"]);
    }

    #[test]
    fn other_functions_and_other_names_do_not_count() {
        for text in [
            "fn at_01_helper() {}",
            "#[test]\nfn other() {}\nfn at_01_helper() {}",
            "// #[test]\n// fn at_01_one() {}",
            "#[test]\nfn what_at_01_says() {}",
            "#[test]\nfn at_1_one() {}",
            "#[test]\nfn at_011_one() {}",
            "#[test]\nfn attention() {}",
            "#[test]\nconst X: u8 = 1;\nfn at_01_helper() {}",
        ] {
            assert_eq!(found(text), Vec::<String>::new(), "{text}");
        }
    }
}
